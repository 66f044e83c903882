"""A run, the unit of everything, and the decisions about it: pure functions over plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

from checker.report import Report, State
from workers.plain import Plain


class PullRequest(Protocol):
    """What the decisions want to know of a pull request, as GitHub shows it now."""

    @property
    def head_sha(self) -> str: ...
    @property
    def open(self) -> bool: ...


@dataclass(frozen=True)
class Run(Plain):
    """One head against its base: of a pull request, of a merge group, or of a push to a branch.

    `number` is the pull request's, `None` for the others. `ref` is the branch whose settings rule: the one that the
    head is to get into, or that was pushed to; `queue` the merge group's own. `files` are the watched ones that it
    touches; `draft` says that its pull request is one.
    """

    installation_id: int
    repository: str
    number: int | None
    base: str
    head: str
    clone_url: str
    files: tuple[str, ...] = ()
    ref: str = ""
    queue: str = ""
    draft: bool = False

    @property
    def id(self) -> str:
        """The same for the same work, so that what is repeated finds what was done."""
        return f"{self.place}/{self.base[:12]}..{self.head}"

    @property
    def place(self) -> str:
        """Names the pull request, group or push: of its runs one is current, and one job at a time writes about it.

        A push is not superseded by the next one: what it brought would never be told.
        """
        if self.number is not None:
            return f"{self.repository}#{self.number}"
        return f"{self.repository}@{self.queue or f'{self.ref}:{self.head}'}"

    @property
    def branch(self) -> str:
        """The branch that a run without a pull request is about."""
        return self.queue or self.ref


def place_of(run_id: str) -> str:
    """The place of the run with that id."""
    return run_id.rpartition("/")[0]


class Ending(StrEnum):
    """How a run can end."""

    REPORT = "report"
    NOT_APPLICABLE = "not-applicable"
    COMMIT_GONE = "commit-gone"
    BROKEN = "broken"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"
    DRAFT = "draft"


FAILED = frozenset({Ending.BROKEN, Ending.TIMED_OUT, Ending.COMMIT_GONE})
"""Ends after which nothing is known of a head: what failed then may work by now."""


@dataclass(frozen=True)
class Outcome(Plain):
    """What became of a run. `reason`, for people: why it is broken, after how long it timed out, who cancelled it."""

    ending: Ending
    reason: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `KeyError` or `ValueError`."""
        return cls(Ending(data["ending"]), data["reason"])


class Standing(StrEnum):
    """What a run means to its pull request now."""

    SUPERSEDED = "superseded"
    CLOSED = "closed"
    CURRENT = "current"


def standing(run: Run, pull: PullRequest | None, current: str | None) -> Standing:
    """`current` is the id of the run last wanted for the place, if any is known; `pull` is `None` for a branch.

    A current run with another head is itself out of date, as GitHub says; one with this head has another base.
    """
    if pull is None:
        return Standing.CURRENT if current in {None, run.id} else Standing.SUPERSEDED
    replaced = current is not None and current != run.id and current.endswith(f"..{run.head}")
    if pull.head_sha != run.head or replaced:
        return Standing.SUPERSEDED
    return Standing.CURRENT if pull.open else Standing.CLOSED


class Next(StrEnum):
    """What to do about a run that is wanted."""

    CHECK = "check"
    PUBLISH = "publish"
    NOTHING = "nothing"


def next_step(outcome: Outcome | None, shown: bool) -> Next:
    """`shown`: GitHub shows the outcome, and that of no other run since.

    What broke may work by now: whoever sends another event for it wants to know.
    """
    if outcome is None or (outcome.ending in FAILED and shown):
        return Next.CHECK
    return Next.NOTHING if shown else Next.PUBLISH


def watched(files: Sequence[tuple[str, ...]], complete: bool, watches: WatchesPath) -> tuple[bool, tuple[str, ...]]:
    """Whether a pull request is of interest, and which of its files are watched.

    `files` holds each changed file's names: one, or after a rename the new and the old one. Where they are not
    `complete`, anything may be among the rest, so the pull request is of interest.
    """
    names = tuple(dict.fromkeys(name for names in files for name in names if watches(name)))
    return bool(names) or not complete, names


class WatchesPath(Protocol):
    """Says whether a path is watched, as `Profile.watches`."""

    def __call__(self, path: str, /) -> bool: ...


def worth_a_comment(report: Report, *, on_success: bool = True) -> bool:
    """Whether there is anything to say: a constant changed, a finding appeared or went, or something is unknown.

    A rule that no longer speaks of a cell it spoke of is a finding that went. Unless `on_success`, only what is wrong
    is worth it.
    """
    states = {finding.state for target in report.targets for finding in target.findings}
    if report.errors or report.ignored or states & {State.INTRODUCED, State.GONE}:
        return True
    return on_success and (changes_constants(report) or State.FIXED in states)


def changes_constants(report: Report) -> bool:
    """Whether any constant has another value at head."""
    return any(constant.changed for target in report.targets for constant in target.constants)


def worth_a_study(report: Report) -> bool:
    """Whether there is anything to find out: about a finding, be it only a warning, that was not there before, or about
    those who changed the same constants before."""
    return changes_constants(report) or worth_advice(report)


def worth_advice(report: Report) -> bool:
    """Whether there is anything to repair."""
    return any(finding.state is State.INTRODUCED for target in report.targets for finding in target.findings)


def batches(total: int, sent: int, size: int) -> Iterable[slice]:
    """Slices of what is left to send after the first `sent` of `total`; none when nothing is left."""
    return [slice(start, min(start + size, total)) for start in range(sent, total, size)]
