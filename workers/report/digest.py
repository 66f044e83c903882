"""A report put in the order in which people ask: what changed, what broke, what was broken before, what is unknown.

Targets that agree are told once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from checker.report import (
    CellName,
    Constant,
    EvaluationError,
    Finding,
    Heap,
    NotApplicable,
    Report,
    RuleText,
    Severity,
    Side,
    State,
    TargetReport,
)

T = TypeVar("T", bound=Hashable)
V = TypeVar("V")


class Standing(StrEnum):
    """What a finding means to a reader."""

    HOLDS = "holds"
    BROKEN = "broken"
    WARNED = "dormant"
    UNDECIDED = "undecided"
    STANDING = "standing"
    DORMANT = "standing and dormant"
    FIXED = "fixed"
    GONE = "gone"


@dataclass(frozen=True)
class Item:
    """One finding and the targets that have it."""

    finding: Finding
    targets: tuple[str, ...]

    @property
    def cell(self) -> CellName:
        """Which cell it speaks of."""
        finding = self.finding
        return CellName(rule=finding.rule, heap=finding.heap, os_page=finding.os_page, targets=self.targets)


@dataclass(frozen=True)
class Ignored:
    """What is broken and counts for nothing until `expires`, an ISO date; both from the repository's settings."""

    item: Item
    reason: str
    expires: str


@dataclass(frozen=True)
class Changed:
    """What one group of targets, which agree in it, gets from the change."""

    targets: tuple[str, ...]
    constants: tuple[Constant, ...]
    heaps: tuple[Heap, ...]


@dataclass(frozen=True)
class Trouble:
    """Values that could not be had for one and the same reason."""

    side: Side
    path: str | None
    line: int | None
    message: str
    names: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether it leaves nothing of the tree."""
        return "*" in self.names


@dataclass(frozen=True)
class Digest:
    """`broken` fails the check; `warned` is introduced too, but dormant; `undecided` is broken at head while nobody
    knows about the base; `standing` and `dormant` were there before. `gone` are those of which the rule
    speaks no longer. `close` holds still. `ignored` is broken, and in none of the others. `rules` are those that apply
    somewhere. Names are in the report's order."""

    targets: tuple[str, ...]
    heaps: tuple[str, ...]
    rules: tuple[str, ...]
    changed: tuple[Changed, ...]
    broken: tuple[Item, ...]
    warned: tuple[Item, ...]
    undecided: tuple[Item, ...]
    standing: tuple[Item, ...]
    dormant: tuple[Item, ...]
    fixed: tuple[Item, ...]
    gone: tuple[Item, ...]
    close: tuple[Item, ...]
    ignored: tuple[Ignored, ...]
    troubles: tuple[Trouble, ...]
    texts: Mapping[str, RuleText]

    @property
    def reshaped(self) -> dict[tuple[Heap, ...], tuple[str, ...]]:
        """Heap configs whose sizes change, and the targets on which they do so alike."""
        found: dict[tuple[Heap, ...], tuple[str, ...]] = {}
        for group in self.changed:
            if group.heaps:
                found[group.heaps] = (*found.get(group.heaps, ()), *group.targets)
        return found

    @property
    def blind(self) -> frozenset[str]:
        """Targets of which one side has no value at all."""
        return frozenset(target for trouble in self.troubles if trouble.whole for target in trouble.targets)

    @property
    def troubled(self) -> frozenset[str]:
        """Targets of which some value could not be had."""
        return frozenset(target for trouble in self.troubles for target in trouble.targets)


def digest(report: Report) -> Digest:
    """Everything the texts tell, each thing once."""
    items = _items(report)

    def those(standing: Standing) -> tuple[Item, ...]:
        return tuple(Item(finding, tuple(targets)) for (finding, its), targets in items.items() if its is standing)

    return Digest(
        targets=tuple(target.target for target in report.targets),
        heaps=unique(heap.name for target in report.targets for heap in target.heaps),
        rules=unique(
            finding.rule for target in report.targets for finding in target.findings if finding.state is not State.GONE
        ),
        changed=_changed(report),
        broken=those(Standing.BROKEN),
        warned=those(Standing.WARNED),
        undecided=those(Standing.UNDECIDED),
        standing=those(Standing.STANDING),
        dormant=those(Standing.DORMANT),
        fixed=those(Standing.FIXED),
        gone=those(Standing.GONE),
        close=tuple(Item(finding, tuple(targets)) for (finding, _), targets in items.items() if finding.close),
        ignored=_ignored(report),
        troubles=_troubles(report.errors),
        texts={text.id: text for text in report.rules},
    )


def cells(target: TargetReport) -> tuple[Finding | NotApplicable, ...]:
    """Every cell that a target's report speaks of, findings first."""
    return (*target.findings, *target.not_applicable)


def unique(values: Iterable[T]) -> tuple[T, ...]:
    """Each value once, in the order of its first appearance."""
    return tuple(dict.fromkeys(values))


def rules(items: Iterable[Item]) -> tuple[str, ...]:
    """The rules that findings speak of."""
    return unique(item.finding.rule for item in items)


def heaps(items: Iterable[CellName]) -> tuple[str, ...]:
    """The heap configs that cells belong to; a rule about the whole tree names none."""
    return unique(cell.heap for cell in items if cell.heap is not None)


def targets(items: Iterable[Item]) -> tuple[str, ...]:
    """The targets that findings speak of."""
    return unique(target for item in items for target in item.targets)


def on_target(items: Iterable[Item], target: str) -> tuple[Item, ...]:
    """Those findings that one target has."""
    return tuple(item for item in items if target in item.targets)


def grouped(items: Iterable[V], key: Callable[[V], T]) -> dict[T, tuple[V, ...]]:
    """Things by a key, in the order of their first appearance."""
    groups: dict[T, list[V]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return {each: tuple(group) for each, group in groups.items()}


def places(items: Iterable[Item]) -> dict[tuple[str, int | None], tuple[Item, ...]]:
    """Findings by the line that decides them; those without a known file are left out."""
    known = (item for item in items if item.finding.path is not None)
    return grouped(known, lambda item: (item.finding.path or "", item.finding.line))


def alike(items: Iterable[Item]) -> dict[tuple[str, int | None, tuple[str, ...]], tuple[Item, ...]]:
    """Findings by rule, OS page size and targets."""
    return grouped(items, lambda item: (item.finding.rule, item.finding.os_page, item.targets))


def same_but_heap(items: Iterable[Item]) -> tuple[tuple[Item, ...], ...]:
    """Findings that differ in the heap config alone, arithmetic, place and chain included."""
    return tuple(grouped(items, lambda item: (item.finding.model_copy(update={"heap": None}), item.targets)).values())


def base_unknown(report: Report) -> frozenset[str]:
    """Targets on which something of the base could not be evaluated."""
    return frozenset(error.target for error in report.errors if error.side is Side.BASE)


def standing_of(finding: Finding, base_is_known: bool) -> Standing:
    """What a finding means to a reader. Without a base nobody can tell what is new."""
    match finding.state:
        case State.HOLDS:
            return Standing.HOLDS
        case State.STANDING:
            return Standing.STANDING if finding.severity is Severity.ERROR else Standing.DORMANT
        case State.FIXED:
            return Standing.FIXED
        case State.GONE:
            return Standing.GONE
        case State.INTRODUCED if finding.base is None and not base_is_known:
            return Standing.UNDECIDED
        case State.INTRODUCED:
            return Standing.BROKEN if finding.severity is Severity.ERROR else Standing.WARNED


def _items(report: Report) -> dict[tuple[Finding, Standing], list[str]]:
    shared: dict[tuple[Finding, Standing], list[str]] = {}
    unknown = base_unknown(report)
    for target in report.targets:
        for finding in target.findings:
            key = finding, standing_of(finding, target.target not in unknown)
            shared.setdefault(key, []).append(target.target)
    return shared


def _ignored(report: Report) -> tuple[Ignored, ...]:
    groups = grouped(report.ignored, lambda each: (each.finding, each.reason, each.expires))
    return tuple(
        Ignored(Item(finding, unique(each.target for each in group)), reason, expires)
        for (finding, reason, expires), group in groups.items()
    )


def _changed(report: Report) -> tuple[Changed, ...]:
    troubled = {error.target for error in report.errors}
    groups: dict[tuple[tuple[Constant, ...], tuple[Heap, ...]], list[str]] = {}
    for target in report.targets:
        constants = tuple(constant for constant in target.constants if constant.changed)
        shapes = tuple(heap for heap in target.heaps if _reshaped(heap, target.target in troubled))
        if constants or shapes:
            groups.setdefault((constants, shapes), []).append(target.target)
    return tuple(Changed(tuple(names), constants, shapes) for (constants, shapes), names in groups.items())


def _reshaped(heap: Heap, troubled: bool) -> bool:
    """A side without a shape may be one that could not be evaluated; that is no change."""
    return heap.base != heap.head and not (troubled and None in (heap.base, heap.head))


def _troubles(errors: Iterable[EvaluationError]) -> tuple[Trouble, ...]:
    groups: dict[tuple[Side, str | None, int | None, str], list[EvaluationError]] = {}
    for error in errors:
        groups.setdefault((error.side, error.path, error.line, error.message), []).append(error)
    return tuple(
        Trouble(*key, names=unique(e.name for e in group), targets=unique(e.target for e in group))
        for key, group in groups.items()
    )
