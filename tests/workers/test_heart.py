"""The heart: who works on a part learns when to stop, and stops."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from redis.exceptions import ConnectionError as NoStore
from redis.exceptions import TimeoutError as TimedOut

from workers import heart
from workers.heart import BEAT_SECONDS, GRACE_SECONDS, UNHEARD_SECONDS, Heart, Stopped
from workers.parts import STALE_SECONDS

PATIENCE = 60.0
"""Seconds for a thread or a process on a machine that has other work to do."""
LOSING = """
import sys, time
from workers import heart
heart.BEAT_SECONDS, heart.GRACE_SECONDS = 0.01, {grace}
beats = iter([True, True])
its = heart.Heart(lambda progress: next(beats, False))
with its.beating():
    print("working", flush=True)
    {work}
print("at its end")
"""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a beat, and nobody ends the tests' own process."""
    monkeypatch.setattr(heart, "BEAT_SECONDS", 0.001)
    monkeypatch.setattr(heart, "GRACE_SECONDS", PATIENCE)


@dataclass
class Store:
    """Answers as told, one after another: whether the part is still ours, or an error. Each takes so many seconds."""

    answers: Sequence[bool | Exception]
    seconds: float = 1.0
    now: float = 0.0
    asked: int = 0

    def beat(self, _progress: str) -> bool:
        """The next answer."""
        answer = self.answers[self.asked]
        self.asked += 1
        self.now += self.seconds
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ends(self) -> bool:
        """Works until it is told to stop; whether that was after the last answer."""
        its = Heart(self.beat, clock=lambda: self.now)
        with its.beating():
            assert its.stopping.wait(PATIENCE)
            with pytest.raises(Stopped):
                its.require()
        return self.asked == len(self.answers)


def test_it_beats_for_as_long_as_the_work_lasts_and_tells_how_far_it_is() -> None:
    told: list[str] = []
    enough = threading.Event()

    def beat(progress: str) -> bool:
        told.append(progress)
        if len(told) > 3:
            enough.set()
        return True

    its = Heart(beat, progress="half")
    with its.beating():
        assert enough.wait(PATIENCE)
        its.require()
    assert {*told} == {"half"}
    assert not its.stopping.is_set()


def test_who_is_told_that_it_is_not_his_any_more_stops() -> None:
    assert Store([True, True, False]).ends()


def test_who_asks_learns_it_before_the_next_beat() -> None:
    answers: list[bool | Exception] = [True, NoStore(), False]
    store = Store(answers)
    its = Heart(store.beat)
    its.ask()
    its.ask()
    its.require()
    with pytest.raises(Stopped):
        its.ask()
    with pytest.raises(Stopped):
        its.require()


def test_what_is_raised_then_may_be_ones_own() -> None:
    class Lost(Exception):
        pass

    its = Heart(lambda progress: True, stopped=Lost)
    its.require()
    its.stopping.set()
    with pytest.raises(Lost):
        its.require()


@pytest.mark.parametrize("error", [NoStore(), TimedOut(), ConnectionResetError()], ids=["gone", "hangs", "os"])
@pytest.mark.parametrize(("seconds", "most"), [(1.0, 10), (4.0, 3), (60.0, 1)])
def test_who_hears_nothing_of_the_store_for_long_stops(error: Exception, seconds: float, most: int) -> None:
    assert seconds * (most - 1) < UNHEARD_SECONDS <= seconds * most
    assert Store([True, *[error] * most], seconds).ends()


def test_a_store_that_is_back_in_time_stops_nobody() -> None:
    away = [NoStore()] * 9
    assert Store([*away, True, *away, True, *away, NoStore()]).ends()


def test_the_work_s_own_error_is_not_lost_and_ends_the_beating() -> None:
    its = Heart(lambda progress: True)
    with pytest.raises(ZeroDivisionError), its.beating():
        raise ZeroDivisionError
    assert its.finished.is_set()


def ended(work: str, grace: float) -> subprocess.CompletedProcess[str]:
    """A process whose part is not its any more after two beats."""
    script = LOSING.format(work=work, grace=grace)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=PATIENCE)


def test_a_process_that_does_not_stop_ends_itself() -> None:
    done = ended("time.sleep(3600)", grace=0.1)
    assert (done.returncode, done.stdout) == (1, "working\n")


def test_a_process_that_stops_in_time_ends_as_it_wants() -> None:
    done = ended("its.stopping.wait()", grace=PATIENCE)
    assert (done.returncode, done.stdout) == (0, "working\nat its end\n")


def test_nobody_is_taken_for_dead_before_he_has_had_his_chance() -> None:
    assert BEAT_SECONDS < UNHEARD_SECONDS
    assert UNHEARD_SECONDS + GRACE_SECONDS <= STALE_SECONDS
