"""Runs a line-up of subjects on one machine, and judges how each phase ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workers.stress.processes import Ended, Machine, Process, Session
from workers.stress.subjects import Phase, Reading, Subject
from workers.stress.verdicts import Evidence, Record, Role, Verdict

TAIL = 8_000
"""Characters of each stream that are kept as evidence."""
MORE_TIME = 2.0
"""A timeout is retried once with so many times the time."""

Heard = Callable[["Place | None"], None]
"""Told what is run now, and None about once a second in between. It may raise `Cancelled`."""


@dataclass(frozen=True)
class Entrant:
    """A subject in a line-up. `phases`: only these; all that it offers when None."""

    subject: Subject
    role: Role
    phases: tuple[str, ...] | None = None

    def offered(self) -> Iterator[str]:
        """The phases to be run."""
        return (phase.name for phase in self._wanted() if not phase.unavailable)

    def missing(self) -> Iterator[tuple[str, str]]:
        """The phases that cannot be run, each with the reason."""
        for phase in self._wanted():
            if phase.unavailable:
                yield phase.name, phase.unavailable
        known = {phase.name for phase in self.subject.phases}
        for name in self.phases or ():
            if name not in known:
                yield name, "this subject has no such phase"

    def _wanted(self) -> Iterator[Phase]:
        return (phase for phase in self.subject.phases if self.phases is None or phase.name in self.phases)


@dataclass(frozen=True)
class Place:
    """One phase of one subject with one seed. `index` counts from 1 among `total` of the session."""

    entrant: Entrant
    phase: str
    seed: int
    index: int = 0
    total: int = 0

    def process(self, times: float = 1.0) -> Process:
        """What runs it, with so many times its time."""
        process = self.entrant.subject.process(self.phase, self.seed, f"p{self.index}")
        return replace(process, seconds=process.seconds * times)


def run_lineup(
    machine: Machine, entrants: Sequence[Entrant], seeds: Sequence[int], heard: Heard = lambda _place: None
) -> tuple[Record, ...]:
    """A record for each subject × phase × seed, in order. A timeout is retried once with twice the time.

    Raises `MachineError` when the machine cannot be had here, and what `heard` raises.
    """
    places = _places(entrants, seeds)
    files = _files(entrants)
    session = _session(machine, files, places, heard)
    records = {place: _record(machine, place, session, 1.0) for place in places}
    slow = [place for place in places if _timed_out(session, place)]
    if slow:
        again = _session(machine, files, slow, heard, MORE_TIME)
        records |= {place: _record(machine, place, again, MORE_TIME) for place in slow}
    return (*records.values(), *_unavailable(machine, entrants, seeds))


def _places(entrants: Sequence[Entrant], seeds: Sequence[int]) -> list[Place]:
    found = [Place(entrant, phase, seed) for entrant in entrants for phase in entrant.offered() for seed in seeds]
    return [replace(place, index=index, total=len(found)) for index, place in enumerate(found, 1)]


def _files(entrants: Iterable[Entrant]) -> Mapping[str, Path]:
    return {path: source for entrant in entrants for path, source in entrant.subject.files.items()}


def _session(
    machine: Machine, files: Mapping[str, Path], places: Sequence[Place], heard: Heard, times: float = 1.0
) -> Session:
    if not places:
        return Session(machine.page_size, ())
    by_id = {f"p{place.index}": place for place in places}
    return machine.run(files, [place.process(times) for place in places], lambda told: heard(by_id.get(told)))


def _timed_out(session: Session, place: Place) -> bool:
    ended = _ended(session, place)
    return ended is not None and ended.timed_out


def _ended(session: Session, place: Place) -> Ended | None:
    return next((ended for ended in session.ended if ended.id == f"p{place.index}"), None)


def _record(machine: Machine, place: Place, session: Session, times: float) -> Record:
    ended = _ended(session, place)
    reading = judged(ended, session, lambda: _read(place, ended))
    return Record(
        subject=place.entrant.subject.name,
        role=place.entrant.role,
        page_size=machine.page_size,
        phase=place.phase,
        seed=place.seed,
        verdict=reading.verdict,
        reason=reading.reason,
        signal=reading.signal,
        progress=reading.progress,
        crash=reading.crash,
        checksum=reading.checksum,
        seconds=ended.wall if ended is not None else 0.0,
        attempts=1 if times == 1.0 else 2,
        evidence=_evidence(ended, session) if reading.verdict is not Verdict.PASS else Evidence(),
    )


def _read(place: Place, ended: Ended | None) -> Reading:
    assert ended is not None
    return place.entrant.subject.read(place.phase, place.seed, ended)


def judged(ended: Ended | None, session: Session, read: Callable[[], Reading]) -> Reading:
    """A verdict by the table of outcomes; `read` is asked only of a process that ended by itself."""
    if ended is None:
        return Reading(Verdict.ERROR, session.trouble or "the machine told nothing of it")
    if ended.refusal is not None:
        return Reading(Verdict.ERROR, f"could not be started: {ended.refusal}")
    if ended.timed_out:
        return Reading(Verdict.INCONCLUSIVE, f"no end within {ended.wall:.0f} s", progress=_last_line(ended.stdout))
    if ended.out_of_memory:
        return Reading(Verdict.INCONCLUSIVE, "killed for its use of memory", progress=_last_line(ended.stdout))
    return read()


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def _evidence(ended: Ended | None, session: Session) -> Evidence:
    if ended is None:
        return Evidence(console=session.log[-TAIL:])
    return Evidence(
        stdout=ended.stdout[-TAIL:],
        stderr=ended.stderr[-TAIL:],
        kernel_log=ended.kernel_log[-TAIL:],
        maps=ended.maps[: 4 * TAIL],
        core=ended.core,
    )


def _unavailable(machine: Machine, entrants: Iterable[Entrant], seeds: Sequence[int]) -> Iterator[Record]:
    for entrant in entrants:
        for phase, reason in entrant.missing():
            for seed in seeds:
                yield Record(
                    subject=entrant.subject.name,
                    role=entrant.role,
                    page_size=machine.page_size,
                    phase=phase,
                    seed=seed,
                    verdict=Verdict.UNAVAILABLE,
                    reason=reason,
                )
