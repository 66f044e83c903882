"""The verdict matrix: heap configs × rules × OS page sizes, one for all targets that agree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from checker.report import Finding, NotApplicable, Report, TargetReport
from workers.report.digest import base_unknown, cells, rules_of, standing_of, unique


class Mark(StrEnum):
    """What one cell says at head."""

    HOLDS = "holds"
    BROKEN = "broken"
    WARNED = "dormant"
    UNDECIDED = "undecided"
    STANDING = "standing"
    FIXED = "fixed"
    NOT_APPLICABLE = "not applicable"
    UNKNOWN = "not evaluated"


@dataclass(frozen=True)
class Answer:
    """One mark and the OS page sizes, in bytes, that have it; none where one answer stands for all."""

    mark: Mark
    reason: str | None
    os_pages: tuple[int, ...]


Cell = tuple[Answer, ...]
"""Empty where the rule has nothing to do with the row."""


@dataclass(frozen=True)
class Row:
    """One heap config, or the whole tree when `heap` is `None`, with a cell for each of the matrix's rules."""

    heap: str | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """`remarks` say which OS page sizes are left out, because no cell is about them."""

    targets: tuple[str, ...]
    rules: tuple[str, ...]
    rows: tuple[Row, ...]
    remarks: tuple[str, ...]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every answer, row by row."""
        return tuple(answer for row in self.rows for cell in row.cells for answer in cell)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The marks in use, in their declared order."""
        used = {answer.mark for answer in self.answers}
        return tuple(mark for mark in Mark if mark in used)

    @property
    def quiet(self) -> bool:
        """Whether every cell holds or does not apply."""
        return {Mark.HOLDS, Mark.NOT_APPLICABLE}.issuperset(self.marks)


def matrices(report: Report) -> tuple[Matrix, ...]:
    """One matrix for each group of targets whose cells are all the same."""
    rules = rules_of(report)
    per_tree = {each.rule for target in report.targets for each in cells(target) if each.heap is None}
    troubled = {error.target for error in report.errors}
    base_missing = base_unknown(report)
    groups: dict[tuple[tuple[Row, ...], tuple[str, ...]], list[str]] = {}
    for target in report.targets:
        name = target.target
        known = _Known(name not in base_missing, frozenset(rules if name in troubled else ()), frozenset(per_tree))
        groups.setdefault(_table(target, rules, known), []).append(name)
    return tuple(Matrix(tuple(names), rules, *table) for table, names in groups.items())


@dataclass(frozen=True)
class _Known:
    """What is known of a target beside its report. A cell of an `expected` rule that says nothing is one that could
    not be evaluated."""

    base: bool
    expected: frozenset[str]
    per_tree: frozenset[str]

    def expects(self, rule: str, heap: str | None) -> bool:
        """Whether the cell ought to say something."""
        return rule in self.expected and (rule in self.per_tree) == (heap is None)


def _table(target: TargetReport, rules: tuple[str, ...], known: _Known) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Rows and remarks."""
    absent = _absent_pages(target)
    found: dict[tuple[str | None, str], list[Finding | NotApplicable]] = {}
    for each in cells(target):
        if each.os_page not in absent:
            found.setdefault((each.heap, each.rule), []).append(each)
    heaps: list[str | None] = [*unique([*(heap.name for heap in target.heaps), *(heap for heap, _ in found if heap)])]
    if known.per_tree & known.expected or any(heap is None for heap, _ in found):
        heaps.append(None)
    rows = tuple(
        Row(heap, tuple(_cell(found.get((heap, rule), []), known, known.expects(rule, heap)) for rule in rules))
        for heap in heaps
    )
    return rows, unique(absent.values())


def _absent_pages(target: TargetReport) -> dict[int | None, str]:
    """OS page sizes for which each and every cell gives the same reason not to apply, and that reason."""
    reasons: dict[int | None, set[str]] = {}
    for each in target.not_applicable:
        if each.os_page is not None:
            reasons.setdefault(each.os_page, set()).add(each.reason)
    spoken_of = {finding.os_page for finding in target.findings}
    return {
        os_page: next(iter(given)) for os_page, given in reasons.items() if os_page not in spoken_of and len(given) == 1
    }


def _cell(entries: list[Finding | NotApplicable], known: _Known, expected: bool) -> Cell:
    if not entries:
        return (Answer(Mark.UNKNOWN, None, ()),) if expected else ()
    marks: dict[int | None, tuple[Mark, str | None]] = {}
    for entry in entries:
        # A finding goes first: where head has no such cell any more, it tells that the limit was broken.
        marks.setdefault(entry.os_page, _mark(entry, known))
    pages_by_mark: dict[tuple[Mark, str | None], list[int]] = {}
    for os_page, mark in marks.items():
        pages_by_mark.setdefault(mark, []).extend([] if os_page is None else [os_page])
    if len(pages_by_mark) == 1:
        return tuple(Answer(*mark, os_pages=()) for mark in pages_by_mark)
    return tuple(Answer(*mark, os_pages=tuple(sizes)) for mark, sizes in pages_by_mark.items())


def _mark(entry: Finding | NotApplicable, known: _Known) -> tuple[Mark, str | None]:
    if isinstance(entry, NotApplicable):
        return Mark.NOT_APPLICABLE, entry.reason
    return Mark(standing_of(entry, known.base)), None
