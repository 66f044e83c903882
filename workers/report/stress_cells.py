"""A stress result put in the order in which people ask: the matrix subject × page size, and what it consists of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workers.report.digest import grouped, unique
from workers.report.words import listed, page
from workers.stress.result import Change, Control, Result
from workers.stress.verdicts import Crash, Record, Role, Verdict


class Mark(StrEnum):
    """What one record says to a reader; the first is what a person must see first."""

    REGRESSION = "newly fails"
    FAILS = "fails"
    UNDECIDED = "fails, perhaps at the base, too"
    STANDING = "fails, as the base does"
    ERROR = "could not be run"
    INCONCLUSIVE = "inconclusive"
    LOST = "not offered, unlike at the base"
    FIXED = "passes, unlike the base"
    PASSES = "passes"
    UNAVAILABLE = "not offered"


SYMBOLS = {
    Mark.REGRESSION: "❌",
    Mark.FAILS: "✖️",
    Mark.UNDECIDED: "❗",
    Mark.STANDING: "⚠️",
    Mark.ERROR: "🚫",
    Mark.INCONCLUSIVE: "❔",
    Mark.LOST: "❓",
    Mark.FIXED: "🔧",
    Mark.PASSES: "✅",
    Mark.UNAVAILABLE: "–",
}
_OF_VERDICT = {
    Verdict.PASS: Mark.PASSES,
    Verdict.FAIL: Mark.FAILS,
    Verdict.INCONCLUSIVE: Mark.INCONCLUSIVE,
    Verdict.ERROR: Mark.ERROR,
    Verdict.UNAVAILABLE: Mark.UNAVAILABLE,
}
_OF_CHANGE = {
    Change.PASSES: Mark.PASSES,
    Change.FIXED: Mark.FIXED,
    Change.REGRESSION: Mark.REGRESSION,
    Change.STANDING: Mark.STANDING,
    Change.UNAVAILABLE: Mark.UNAVAILABLE,
    Change.LOST: Mark.LOST,
}


def mark(record: Record, result: Result) -> Mark:
    """What a record of head says against the base, or one of another role by itself."""
    if record.role is not Role.HEAD:
        return _OF_VERDICT[record.verdict]
    change = result.change(record)
    if change is Change.UNKNOWN and record.verdict is Verdict.FAIL:
        return Mark.UNDECIDED
    if change is Change.REGRESSION and not result.has_base:
        return Mark.FAILS
    return _OF_CHANGE.get(change, _OF_VERDICT[record.verdict])


@dataclass(frozen=True)
class Share:
    """Those phases of a cell that say the same; of a phase whose seeds differ, the worst decides."""

    mark: Mark
    records: tuple[Record, ...]

    @property
    def phases(self) -> tuple[str, ...]:
        return unique(record.phase for record in self.records)


@dataclass(frozen=True)
class Cell:
    """What a subject did on pages of one size (bytes). No share: nothing was run."""

    page_size: int
    shares: tuple[Share, ...]

    @property
    def offered(self) -> int:
        """How many phases were to be run."""
        return sum(len(share.phases) for share in self.shares if share.mark is not Mark.UNAVAILABLE)


@dataclass(frozen=True)
class Row:
    """A subject, head or base, with a cell for each page size of the result."""

    role: Role
    subject: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ControlRow:
    """A control, with what had to be seen of it on each page size of the result."""

    subject: str
    cells: tuple[tuple[Control, ...], ...]


def rows(result: Result) -> tuple[Row, ...]:
    """Head first, then base."""
    groups = grouped((*result.of(Role.HEAD), *result.of(Role.BASE)), lambda record: (record.role, record.subject))
    return tuple(
        Row(role, subject, tuple(_cell(size, records, result) for size in result.page_sizes))
        for (role, subject), records in groups.items()
    )


def control_rows(result: Result) -> tuple[ControlRow, ...]:
    """In their order. Controls on page sizes that were not asked for are left out: see `Result.controls`."""
    groups = grouped(result.controls, lambda control: control.expected.subject)
    return tuple(
        ControlRow(
            subject,
            tuple(tuple(each for each in controls if each.expected.page_size == size) for size in result.page_sizes),
        )
        for subject, controls in groups.items()
    )


def _cell(page_size: int, records: Sequence[Record], result: Result) -> Cell:
    order = list(Mark)
    here = [record for record in records if record.page_size == page_size]
    worst: dict[Mark, list[Record]] = {}
    for group in grouped(here, lambda record: record.phase).values():
        marks = {id(record): mark(record, result) for record in group}
        first = min(marks.values(), key=order.index)
        worst.setdefault(first, []).extend(record for record in group if marks[id(record)] is first)
    return Cell(page_size, tuple(Share(each, tuple(worst[each])) for each in order if each in worst))


@dataclass(frozen=True)
class Event:
    """What happened alike on some page sizes (bytes) and with some seeds."""

    phase: str
    verdict: Verdict
    reason: str
    signal: str | None
    progress: str
    crash: Crash | None
    attempts: int
    records: tuple[Record, ...]

    @property
    def page_sizes(self) -> tuple[int, ...]:
        return unique(record.page_size for record in self.records)

    @property
    def seeds(self) -> tuple[int, ...]:
        return unique(record.seed for record in self.records)


def events(records: Iterable[Record]) -> tuple[Event, ...]:
    """Records that differ in nothing but page size and seed, told together."""
    groups = grouped(
        records,
        lambda record: (
            record.phase,
            record.verdict,
            record.reason,
            record.signal,
            record.progress,
            record.crash,
            record.attempts,
        ),
    )
    return tuple(Event(*key, records=group) for key, group in groups.items())


def by_mark(result: Result) -> dict[Mark, tuple[Record, ...]]:
    """The head's records, worst first; each mark is there."""
    groups = grouped(result.of(Role.HEAD), lambda record: mark(record, result))
    return {each: groups.get(each, ()) for each in Mark}


def places(records: Iterable[tuple[str, int]], *, most: int = 3) -> str:
    """`baseline and utility at 4K and 16K; threads at 64K` for (phase, page size) pairs. Phases as they are."""
    sizes: dict[str, tuple[int, ...]] = {
        phase: tuple(sorted({size for _, size in pairs}))
        for phase, pairs in grouped(records, lambda pair: pair[0]).items()
    }
    alike = grouped(sizes, lambda phase: sizes[phase])
    told = [f"{listed(phases, most=most)} at {listed([page(size) for size in at])}" for at, phases in alike.items()]
    rest = [f"{len(told) - most} more groups"] if len(told) > most + 1 else []
    return "; ".join([*told[:most], *(rest or told[most:])])
