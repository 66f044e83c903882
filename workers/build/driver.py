"""What all drivers have in common: a build is submitted, and then looked at until it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from workers.build.order import Order


class State(StrEnum):
    """How far a build is, or how it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"
    GONE = "gone"
    """Where it ran nobody knows of it (any more)."""


UNDER_WAY = frozenset({State.QUEUED, State.RUNNING})


@dataclass(frozen=True)
class Seen:
    """What a look at a build tells. `url` leads people to it, "" where nothing does; `reason` is for people; `log` is
    the end of its log, where it failed. All three may be a stranger's text."""

    state: State
    url: str = ""
    reason: str = ""
    log: str = ""


class BuildError(Exception):
    """A build that came to nothing. The text says why, to people, without paths of this machine.

    `state` is FAILED where the head is at fault, GONE where nobody can tell, TIMED_OUT or CANCELLED; `None` where
    pagewarden, or the machine, could not do its part. `log` is the end of the build's log.
    """

    def __init__(self, reason: str, state: State | None = None, log: str = "") -> None:
        super().__init__(reason)
        self.state = state
        self.log = log


class Driver(Protocol):
    """Builds. All of it may be called again after an answer that was lost. Each raises `BuildError`, and
    `GitHubError` where GitHub is asked."""

    def submit(self, order: Order) -> str:
        """Has it built; an id by which the driver knows it. What was submitted before is found, not doubled."""
        ...

    def poll(self, order: Order, external_id: str) -> Seen:
        """How far it is."""
        ...

    def cancel(self, order: Order, external_id: str) -> None:
        """Ends it; what is over or gone is left alone."""
        ...

    def artifacts(self, order: Order, external_id: str, directory: Path) -> None:
        """Writes what was built, once it succeeded, into an empty directory: regular files with plain names."""
        ...

    def log(self, order: Order, external_id: str, file: Path) -> None:
        """Writes what was said while it was built into a new file; none where nobody knows (any more)."""
        ...


@dataclass(frozen=True)
class Workshop:
    """Where one build is made on this host. `directory` is empty and its own; everything that is said goes into `log`.

    `require` raises when the build is to stop; it is to be called about once a second. `seconds` of wall time are left.
    """

    directory: Path
    log: BinaryIO
    require: Callable[[], None]
    seconds: float


class Maker(Protocol):
    """Builds on this host, from a checkout of the head."""

    def make(self, order: Order, source: Path, workshop: Workshop) -> Path:
        """Builds what is in `source`; the folder that holds what was built, which may be a stranger's in every way.

        Raises `BuildError`, and what `workshop.require` raises.
        """
        ...
