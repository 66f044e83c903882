"""A run, the unit of everything, and the decisions about it: pure functions over plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Protocol, Self

from checker.report import Report, State


class PullRequest(Protocol):
    """What the decisions want to know of a pull request, as GitHub shows it now."""

    @property
    def head_sha(self) -> str: ...
    @property
    def open(self) -> bool: ...


@dataclass(frozen=True)
class _Plain:
    """Frozen data that goes to JSON and back."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `KeyError` when a field is missing; unknown ones are passed over."""
        values = {field.name: data[field.name] for field in fields(cls)}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


@dataclass(frozen=True)
class PullRequestEvent(_Plain):
    """A webhook's news of a pull request. It may be old when it is read: GitHub's own answer counts, not this.

    `action` is GitHub's word: opened, synchronize, reopened, ready_for_review, edited or closed. `repository` is
    `owner/name`, shas are full.
    """

    action: str
    installation_id: int
    repository: str
    number: int
    head_sha: str
    base_ref: str
    base_sha: str
    clone_url: str

    @property
    def pull(self) -> str:
        """Names the pull request."""
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True)
class Run(_Plain):
    """One head of a pull request against its merge base. `files` are the watched ones that it touches."""

    installation_id: int
    repository: str
    number: int
    base: str
    head: str
    clone_url: str
    files: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same work, so that what is repeated finds what was done. Also the check's external id."""
        return f"{self.pull}/{self.base[:12]}..{self.head}"

    @property
    def pull(self) -> str:
        """Names the pull request."""
        return f"{self.repository}#{self.number}"


class Ending(StrEnum):
    """How a run can end."""

    REPORT = "report"
    NOT_APPLICABLE = "not-applicable"
    COMMIT_GONE = "commit-gone"
    BROKEN = "broken"


@dataclass(frozen=True)
class Outcome(_Plain):
    """What became of a run. `reason`, for people, is there when it is broken."""

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


def standing(run: Run, pull: PullRequest, current: str | None) -> Standing:
    """`current` is the id of the run last wanted for the pull request, if any is known.

    A current run with another head is itself out of date, as GitHub says; one with this head has another base.
    """
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
    if outcome is None or (outcome.ending is Ending.BROKEN and shown):
        return Next.CHECK
    return Next.NOTHING if shown else Next.PUBLISH


def watched(files: Sequence[tuple[str, ...]], changed_files: int, watches: WatchesPath) -> tuple[bool, tuple[str, ...]]:
    """Whether a pull request is of interest, and which of its files are watched.

    `files` holds each changed file's names: one, or after a rename the new and the old one. GitHub lists at most
    3,000: where their number is not `changed_files`, anything may be among the rest, so it is of interest.
    """
    names = tuple(dict.fromkeys(name for names in files for name in names if watches(name)))
    return bool(names) or len(files) != changed_files, names


class WatchesPath(Protocol):
    """Says whether a path is watched, as `Profile.watches`."""

    def __call__(self, path: str, /) -> bool: ...


def worth_a_comment(report: Report) -> bool:
    """Whether there is anything to say: a constant changed, a finding appeared or went, or something is unknown.

    A rule that no longer speaks of a cell it spoke of is a finding that went.
    """
    changed = any(constant.changed for target in report.targets for constant in target.constants)
    states = {finding.state for target in report.targets for finding in target.findings}
    return changed or bool(states & {State.INTRODUCED, State.FIXED, State.GONE}) or bool(report.errors)


def worth_a_study(report: Report) -> bool:
    """Whether there is anything to repair: a finding, be it only a warning, that was not there before."""
    return any(finding.state is State.INTRODUCED for target in report.targets for finding in target.findings)


def batches(total: int, sent: int, size: int) -> Iterable[slice]:
    """Slices of what is left to send after the first `sent` of `total`; none when nothing is left."""
    return [slice(start, min(start + size, total)) for start in range(sent, total, size)]
