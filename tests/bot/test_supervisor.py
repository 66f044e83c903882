"""The supervisor: its decisions as functions, and real processes that die, linger and leave children behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.supervisor import FORGIVEN_AFTER, LONGEST_PAUSE, Kept, Program, how_it_ended, pause_before_restart

DEADLINE = 15.0


@pytest.mark.parametrize(
    ("deaths", "pause"),
    [
        ([], 0.0),
        ([100.0], 0.5),
        ([99.0, 100.0], 1.0),
        ([98.0, 99.0, 100.0], 2.0),
        ([100.0] * 50, LONGEST_PAUSE),
        ([100.0 - FORGIVEN_AFTER], 0.0),
        ([100.0 - FORGIVEN_AFTER, 100.0], 0.5),
    ],
)
def test_each_recent_death_doubles_the_pause(deaths: list[float], pause: float) -> None:
    assert pause_before_restart(deaths, now=100.0) == pause


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with status 0"),
        (3, "ended with status 3"),
        (-9, "was killed by SIGKILL"),
        (-250, "was killed by signal 250"),
    ],
)
def test_an_exit_status_in_words(status: int, words: str) -> None:
    assert how_it_ended(status) == words


def test_a_program_does_not_show_its_secrets() -> None:
    program = Program("x", ("true",), {"PASSWORD": "hunter2"}, stdin=b"hunter2")
    assert "hunter2" not in repr(program)


class Tale:
    """What a supervised program was said to do."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @property
    def starts(self) -> list[int]:
        return [int(found[1]) for line in self.lines if (found := re.search(r"started \(process (\d+)\)", line))]


def _supervised(program: Program, act: Callable[[Kept, Tale], Awaitable[None]]) -> Tale:
    tale = Tale()

    async def main() -> None:
        kept = Kept(program, tale.lines.append)
        kept.start()
        try:
            await act(kept, tale)
        finally:
            await kept.stop()

    asyncio.run(main())
    return tale


async def _until(question: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not question():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.02)


def _shell(script: str, **options: object) -> Program:
    return Program("thing", ("sh", "-c", script), dict(os.environ), **options)  # type: ignore[arg-type]  # any field


def _gone(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def test_what_is_killed_starts_again(tmp_path: Path) -> None:
    async def act(kept: Kept, tale: Tale) -> None:
        await _until(lambda: tale.starts)
        os.kill(tale.starts[0], signal.SIGKILL)
        await _until(lambda: len(tale.starts) == 2)

    tale = _supervised(_shell("exec sleep 1000"), act)
    assert tale.lines[1] == "thing was killed by SIGKILL; starting it again in 0.5 s"
    assert tale.lines[-1] == "thing stopped"
    assert all(_gone(pid) for pid in tale.starts)


def test_what_cannot_start_is_tried_again_and_can_be_stopped() -> None:
    async def act(kept: Kept, tale: Tale) -> None:
        await _until(lambda: len(tale.starts) == 2)

    tale = _supervised(Program("thing", ("no-such-program-at-all",), dict(os.environ)), act)
    assert "thing ended with status 1; starting it again in 0.5 s" in tale.lines


def test_what_ignores_the_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    ready = tmp_path / "ready"

    async def act(kept: Kept, tale: Tale) -> None:
        await _until(ready.exists)

    tale = _supervised(_shell(f"trap '' TERM; touch {ready}; while :; do sleep 0.1; done", grace=0.2), act)
    assert tale.lines[1:] == ["thing did not end within 0.2 s and is killed", "thing stopped"]
    assert _gone(tale.starts[0])


def test_children_left_behind_are_killed_before_a_new_start(tmp_path: Path) -> None:
    child = tmp_path / "child"

    async def act(kept: Kept, tale: Tale) -> None:
        await _until(lambda: child.exists() and child.read_text().endswith("\n"))
        left = int(child.read_text())
        os.kill(tale.starts[0], signal.SIGKILL)
        await _until(lambda: len(tale.starts) == 2)
        assert _gone(left)

    _supervised(_shell(f"sleep 1000 & echo $! > {child}; wait"), act)


def test_the_stop_signal_and_the_input_reach_the_program(tmp_path: Path) -> None:
    # Who starts the tests in the background of a shell has them ignore it, and a shell cannot trap what it ignores.
    before = signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    told, stopped = tmp_path / "told", tmp_path / "stopped"
    script = f"cat > {told}; trap 'touch {stopped}; exit 0' QUIT; touch {told}.ready; while :; do sleep 0.05; done"

    async def act(kept: Kept, tale: Tale) -> None:
        await _until(Path(f"{told}.ready").exists)

    _supervised(_shell(script, stop_signal=signal.SIGQUIT, stdin=b"requirepass x\n"), act)
    signal.signal(signal.SIGQUIT, before)
    assert told.read_bytes() == b"requirepass x\n"
    assert stopped.exists()


def test_kill_does_not_wait() -> None:
    async def act(kept: Kept, tale: Tale) -> None:
        await _until(lambda: tale.starts)
        kept.kill()
        await kept.stop()

    tale = _supervised(_shell("trap '' TERM; while :; do sleep 0.1; done", grace=1000), act)
    assert tale.lines[-1] == "thing stopped"
