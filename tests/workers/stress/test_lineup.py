from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workers.stress.campaign import Campaign, ControlSubject, merged, run_on
from workers.stress.lineup import TAIL, Entrant, run_lineup
from workers.stress.processes import Cancelled, Ended, Process, Session, Watch, unwatched
from workers.stress.result import Conclusion, Expectation, Result
from workers.stress.subjects import Phase, Reading
from workers.stress.verdicts import Record, Role, Verdict

Answer = Callable[[Process], Ended | None]


@dataclass(frozen=True)
class Script:
    """A subject whose process is its words; its output is its verdict."""

    name: str
    phases: tuple[Phase, ...] = (Phase("one"), Phase("two"), Phase("lost", "this tree has no such heap"))

    @property
    def files(self) -> Mapping[str, Path]:
        return {self.name: Path("/nowhere")}

    def process(self, phase: str, seed: int, process_id: str, seconds: float | None = None) -> Process:
        return Process(process_id, (self.name, phase, str(seed)), seconds=seconds or 10.0)

    def read(self, phase: str, seed: int, ended: Ended) -> Reading:
        verdict = Verdict.PASS if ended.status == 0 else Verdict.FAIL
        return Reading(verdict, progress=ended.stdout, checksum=ended.stdout or None)


@dataclass
class Told:
    """A machine that answers as a test wants, and remembers what it was asked."""

    answer: Answer
    page_size: int = 4096
    name: str = "vm"
    trouble: str | None = None
    asked: list[list[Process]] = field(default_factory=list)

    def run(self, files: Mapping[str, Path], processes: Sequence[Process], watch: Watch = unwatched) -> Session:
        self.asked.append(list(processes))
        ended = []
        for process in processes:
            watch(process.id)
            if (answer := self.answer(process)) is not None:
                ended.append(answer)
            watch("")
        return Session(self.page_size, tuple(ended), self.trouble, "the console")


def well(process: Process) -> Ended:
    return Ended(process.id, status=0)


def run(machine: Told, *, seeds: Sequence[int] = (1,)) -> list[Record]:
    return list(run_lineup(machine, [Entrant(Script("head"), Role.HEAD)], seeds))


def test_each_phase_and_seed_has_a_record_and_so_has_what_is_not_offered() -> None:
    records = run(Told(well), seeds=(1, 2))
    assert [(each.phase, each.seed, each.verdict, each.reason) for each in records] == [
        ("one", 1, Verdict.PASS, ""),
        ("one", 2, Verdict.PASS, ""),
        ("two", 1, Verdict.PASS, ""),
        ("two", 2, Verdict.PASS, ""),
        ("lost", 1, Verdict.UNAVAILABLE, "this tree has no such heap"),
        ("lost", 2, Verdict.UNAVAILABLE, "this tree has no such heap"),
    ]


@pytest.mark.parametrize(
    ("ended", "verdict", "says"),
    [
        (Ended("p1", status=0), Verdict.PASS, ""),
        (Ended("p1", signal=5), Verdict.FAIL, ""),
        (Ended("p1", refusal="no such file"), Verdict.ERROR, "could not be started: no such file"),
        (Ended("p1", signal=9, out_of_memory=True), Verdict.INCONCLUSIVE, "killed for its use of memory"),
        (Ended("p1", signal=9, timed_out=True, wall=10.0), Verdict.INCONCLUSIVE, "no end within 10 s"),
        (None, Verdict.ERROR, "the machine told nothing of it"),
    ],
)
def test_the_table_of_outcomes(ended: Ended | None, verdict: Verdict, says: str) -> None:
    record = run(Told(lambda process: ended if process.id == "p1" else well(process)))[0]
    assert (record.verdict, record.reason) == (verdict, says)


def test_a_timeout_is_tried_once_more_with_twice_the_time() -> None:
    def slow(process: Process) -> Ended:
        late = process.argv[1] == "two" and process.seconds < 20
        return Ended(process.id, signal=9, timed_out=True, wall=process.seconds) if late else well(process)

    machine = Told(slow)
    records = run(machine)
    assert [[(each.argv[1], each.seconds) for each in asked] for asked in machine.asked] == [
        [("one", 10.0), ("two", 10.0)],
        [("two", 20.0)],
    ]
    assert [(each.verdict, each.attempts) for each in records[:2]] == [(Verdict.PASS, 1), (Verdict.PASS, 2)]


def test_what_times_out_twice_is_inconclusive_with_its_maps() -> None:
    def hanging(process: Process) -> Ended:
        return Ended(process.id, signal=9, timed_out=True, wall=process.seconds, stdout="a\nb\n", maps="the maps")

    machine = Told(hanging)
    record = run(machine)[0]
    assert len(machine.asked) == 2
    assert (record.verdict, record.attempts, record.reason) == (Verdict.INCONCLUSIVE, 2, "no end within 20 s")
    assert (record.progress, record.evidence.maps) == ("b", "the maps")


def test_where_the_machine_is_in_trouble_nothing_is_a_verdict() -> None:
    records = run(Told(lambda _process: None, trouble="the machine hangs"))
    assert {(each.verdict, each.reason) for each in records[:2]} == {(Verdict.ERROR, "the machine hangs")}
    assert records[0].evidence.console == "the console"


def test_evidence_is_cut_and_kept_only_of_what_did_not_pass() -> None:
    long = "x" * (TAIL + 1)
    passed, failed = run(Told(lambda process: Ended(process.id, status=int(process.id == "p2"), stdout=long)))[:2]
    assert passed.evidence.stdout == ""
    assert len(failed.evidence.stdout) == TAIL


def test_who_listens_may_stop_it() -> None:
    def heard(place: object) -> None:
        if place is None:
            raise Cancelled

    machine = Told(well)
    with pytest.raises(Cancelled):
        run_lineup(machine, [Entrant(Script("head"), Role.HEAD)], [1], heard)


def campaign(*failing: int) -> Campaign:
    """A head, and a control that must fail in phase one on these page sizes and pass in phase two on all."""
    expectations = [Expectation("bad", size, "one", Verdict.FAIL) for size in failing]
    expectations += [Expectation("bad", size, "two", Verdict.PASS) for size in (4096, 16384, 65536)]
    control = ControlSubject(Script("bad"), tuple(expectations))
    return Campaign((Entrant(Script("head"), Role.HEAD, ("one", "two")),), (control,), (1,))


def by_name(process: Process) -> Ended:
    """The control fails in phase one."""
    return Ended(process.id, status=int(process.argv[:2] == ("bad", "one")))


def whole(chosen: Campaign, asked: Sequence[int], answer: Answer = by_name) -> Result:
    parts = [run_on(Told(answer, size), chosen, asked, lambda _place: None) for size in chosen.page_sizes(asked)]
    return merged("vm", asked, parts)


def test_where_no_control_can_fail_a_page_size_is_added_for_the_controls_alone() -> None:
    chosen = campaign(65536)
    assert chosen.page_sizes((4096,)) == (4096, 65536)
    assert chosen.page_sizes((4096, 65536)) == (4096, 65536)
    assert [entrant.role for entrant in chosen.lineup(65536, (4096,))] == [Role.CONTROL]
    result = whole(chosen, (4096,))
    assert result.conclusion is Conclusion.PASS
    assert {record.page_size for record in result.records} == {4096}


def test_a_control_that_survives_voids_all_of_it() -> None:
    assert whole(campaign(4096), (4096,)).conclusion is Conclusion.PASS
    assert whole(campaign(4096), (4096,), well).conclusion is Conclusion.VOID
    assert whole(campaign(), (4096,)).conclusion is Conclusion.VOID


def test_a_checksum_that_differs_from_that_on_4k_pages_fails() -> None:
    def answer(process: Process) -> Ended:
        bad = process.argv[:2] == ("bad", "one")
        return Ended(process.id, status=int(bad), stdout=f"{process.argv[1]} {next(sizes) if not bad else ''}")

    sizes = iter(range(100))
    result = whole(campaign(4096), (4096, 16384), answer)
    failed = [(record.page_size, record.phase, record.reason) for record in result.records if record.verdict == "fail"]
    assert failed == [
        (16384, "one", "the checksum differs from that on 4K pages"),
        (16384, "two", "the checksum differs from that on 4K pages"),
    ]
