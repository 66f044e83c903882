"""The verdict matrix: rules × heap configs × OS page sizes, one for all targets that agree.

Only rules that have something to say have a row: those that hold wherever they apply are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from checker.profile import Profile
from checker.report import Finding, NotApplicable, Report, State, TargetReport
from workers.report.digest import base_unknown, cells, grouped, standing_of, unique


class Mark(StrEnum):
    """What one cell says at head."""

    HOLDS = "holds"
    CLOSE = "close"
    BROKEN = "broken"
    WARNED = "dormant"
    UNDECIDED = "undecided"
    STANDING = "standing"
    DORMANT = "standing and dormant"
    FIXED = "fixed"
    GONE = "gone"
    IGNORED = "ignored"
    NOT_APPLICABLE = "not applicable"
    UNKNOWN = "not evaluated"


QUIET = frozenset({Mark.HOLDS, Mark.NOT_APPLICABLE})


@dataclass(frozen=True)
class Answer:
    """One mark and the OS page sizes, in bytes, that have it; none where one answer stands for all."""

    mark: Mark
    reason: str | None
    os_pages: tuple[int, ...]


Cell = tuple[Answer, ...]
"""Empty where the rule has nothing to do with the column."""


def is_loud(cell: Cell) -> bool:
    """Whether it says more than that the rule holds or does not apply."""
    return any(answer.mark not in QUIET for answer in cell)


@dataclass(frozen=True)
class Row:
    """One rule, with a cell for each of the matrix's heap configs; the last cell is that of the whole tree."""

    rule: str
    cells: tuple[Cell, ...]

    @property
    def loud(self) -> bool:
        """Whether some cell is."""
        return any(map(is_loud, self.cells))


@dataclass(frozen=True)
class Matrix:
    """`rows` are the rules that say something, `others` how many hold wherever they apply.

    `remarks` say which OS page sizes are left out, because no cell is about them.
    """

    targets: tuple[str, ...]
    heaps: tuple[str, ...]
    rows: tuple[Row, ...]
    others: int
    remarks: tuple[str, ...]


def matrices(report: Report, profile: Profile) -> tuple[Matrix, ...]:
    """One matrix for each group of targets whose telling rows are the same. Targets without any value are left out."""
    rules = rules_of(report)
    expected = _expected(report, profile)
    troubled = {error.target for error in report.errors}
    silenced = grouped(report.ignored, lambda each: each.target)
    blind = {error.target for error in report.errors if error.name == "*"}
    base_missing = base_unknown(report)
    groups: dict[tuple[tuple[str, ...], tuple[Row, ...], int, tuple[str, ...]], list[str]] = {}
    for target in report.targets:
        name = target.target
        if name in blind and not cells(target):
            continue
        ignored = tuple(each.finding for each in silenced.get(name, ()))
        known = _Known(name not in base_missing, expected if name in troubled else frozenset(), ignored)
        groups.setdefault(_table(target, rules, known), []).append(name)
    return tuple(Matrix(tuple(names), *table) for table, names in groups.items())


def rules_of(report: Report) -> tuple[str, ...]:
    """Rule ids in the profile's order."""
    told = (cell.rule for target in report.targets for cell in cells(target))
    return unique([*(text.id for text in report.rules), *told])


def _expected(report: Report, profile: Profile) -> frozenset[tuple[str, str | None]]:
    """The cells, (rule, heap config), that ought to say something on every target that can be evaluated."""
    ids = {text.id for text in report.rules}
    rules = [rule for rule in profile.rules if rule.id in ids]
    every = tuple(heap.name for heap in profile.heaps)
    return frozenset(
        (rule.id, heap) for rule in rules for heap in ((None,) if rule.scope == "tree" else rule.heaps or every)
    )


@dataclass(frozen=True)
class _Known:
    """What is known of a target beside its report: whether its base is, which cells ought to say something, and which
    findings the repository's settings ignore."""

    base: bool
    expected: frozenset[tuple[str, str | None]]
    ignored: tuple[Finding, ...]


def _table(
    target: TargetReport, rules: Sequence[str], known: _Known
) -> tuple[tuple[str, ...], tuple[Row, ...], int, tuple[str, ...]]:
    """Heap configs, telling rows, how many other rules there are, and remarks."""
    absent = _absent_pages(target, known.ignored)
    spoken = [each for each in (*known.ignored, *cells(target)) if each.os_page not in absent]
    found = grouped(spoken, lambda each: (each.rule, each.heap))
    heaps = unique([*(heap.name for heap in target.heaps), *(heap for _, heap in found if heap is not None)])
    rows = [Row(rule, tuple(_cell(rule, heap, found, known) for heap in (*heaps, None))) for rule in rules]
    loud = tuple(row for row in rows if row.loud)
    return heaps, loud, len(rows) - len(loud), unique(absent.values()) if loud else ()


def _absent_pages(target: TargetReport, ignored: Sequence[Finding]) -> dict[int | None, str]:
    """OS page sizes for which each and every cell gives the same reason not to apply, and that reason."""
    reasons: dict[int | None, set[str]] = {}
    for each in target.not_applicable:
        if each.os_page is not None:
            reasons.setdefault(each.os_page, set()).add(each.reason)
    spoken_of = {finding.os_page for finding in (*target.findings, *ignored)}
    return {
        os_page: next(iter(given)) for os_page, given in reasons.items() if os_page not in spoken_of and len(given) == 1
    }


def _cell(
    rule: str,
    heap: str | None,
    found: Mapping[tuple[str, str | None], Iterable[Finding | NotApplicable]],
    known: _Known,
) -> Cell:
    marks: dict[int | None, tuple[Mark, str | None]] = {}
    for entry in found.get((rule, heap), ()):
        # A finding goes first: where head has no such cell any more, it tells that there was one.
        marks.setdefault(entry.os_page, _mark(entry, known))
    if not marks:
        return (Answer(Mark.UNKNOWN, None, ()),) if (rule, heap) in known.expected else ()
    by_mark: dict[tuple[Mark, str | None], list[int]] = {}
    for os_page, mark in marks.items():
        by_mark.setdefault(mark, []).extend([] if os_page is None else [os_page])
    if len(by_mark) == 1:
        return tuple(Answer(*mark, os_pages=()) for mark in by_mark)
    return tuple(Answer(*mark, os_pages=tuple(sizes)) for mark, sizes in by_mark.items())


def _mark(entry: Finding | NotApplicable, known: _Known) -> tuple[Mark, str | None]:
    if isinstance(entry, NotApplicable):
        return Mark.NOT_APPLICABLE, entry.reason
    if entry in known.ignored:
        return Mark.IGNORED, None
    if entry.close and entry.state is State.HOLDS:
        return Mark.CLOSE, None
    reason = entry.explanation if entry.state is State.GONE else None
    return Mark(standing_of(entry, known.base)), reason
