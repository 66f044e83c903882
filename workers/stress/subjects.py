"""A subject: what is under stress, prepared so that any machine can run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workers.stress.processes import Ended, Process
from workers.stress.verdicts import Crash, Verdict

DEFAULT_SEEDS = (1,)


class SubjectError(Exception):
    """A subject that cannot be had or built. The text says which, why, and what to do.

    `own`: the subject's own fault (it does not compile), not this machine's.
    """

    def __init__(self, text: str, *, own: bool = False) -> None:
        super().__init__(text)
        self.own = own


@dataclass(frozen=True)
class Phase:
    """One phase that a subject offers; where `unavailable` says why, it does not."""

    name: str
    unavailable: str = ""


@dataclass(frozen=True)
class Reading:
    """What a process that was started says of its phase. Timeouts and kills are judged elsewhere.

    `checksum` is the same for equal seeds on every page size, where the subject has one.
    """

    verdict: Verdict
    reason: str = ""
    signal: str | None = None
    progress: str = ""
    crash: Crash | None = None
    checksum: str | None = None


class Subject(Protocol):
    """What the runner wants of a subject."""

    @property
    def name(self) -> str:
        """For people: `libpas 359179baaf70`, `bun 1.3.12`."""
        ...

    @property
    def phases(self) -> tuple[Phase, ...]:
        """In the order in which they are run."""
        ...

    @property
    def files(self) -> Mapping[str, Path]:
        """What it needs below `/subject`; two subjects of one session have no path in common but equal files."""
        ...

    def process(self, phase: str, seed: int, process_id: str, seconds: float | None = None) -> Process:
        """The process that runs a phase; `seconds` takes the place of its own limit."""
        ...

    def read(self, phase: str, seed: int, ended: Ended) -> Reading:
        """What an ended process says. Not asked of one that timed out, was killed for memory or never started."""
        ...
