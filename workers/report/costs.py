"""What a change costs, base → head: each figure once for the heap configs, page sizes and targets that share it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checker.profile import Profile
from checker.report import Cost, Memory, Report
from workers.report.digest import grouped, unique
from workers.report.voice import Voice, some_heaps
from workers.report.words import about, listed, page

MEANT = {Memory.RESIDENT: " of resident memory", Memory.ADDRESS_SPACE: " of address space, not resident"}
SMALL_FACTOR = 1.5
"""A smaller change is told as a difference."""


@dataclass(frozen=True)
class Figure:
    """One cost that changes. `os_pages` (bytes) are named only where the page size makes a difference."""

    id: str
    title: str
    change: str
    factor: str
    heaps: tuple[str, ...]
    os_pages: tuple[int, ...]
    targets: tuple[str, ...]

    def where(self, every_target: Sequence[str], voice: Voice) -> str:
        """Heap configs, page sizes and targets in words; empty where it is so everywhere."""
        parts = [some_heaps(self.heaps, voice)] if self.heaps else []
        parts += [f"{listed([page(each) for each in sorted(self.os_pages)])} pages"] if self.os_pages else []
        parts += [listed(self.targets)] if set(self.targets) != set(every_target) else []
        return ", ".join(parts)


def figures(report: Report) -> tuple[Figure, ...]:
    """The costs that change, in the profile's order."""
    return merged((target.target, cost) for target in report.targets for cost in target.costs)


def shared_targets(shown: Sequence[Figure]) -> tuple[str, ...]:
    """The targets, where all figures are of the same; then they need not be told with each."""
    sets = unique(figure.targets for figure in shown)
    return sets[0] if len(sets) == 1 else ()


def merged(costs: Iterable[tuple[str, Cost]]) -> tuple[Figure, ...]:
    """Costs, each with its target, that differ between base and head."""
    found = tuple(costs)
    by_page = grouped(found, lambda each: (each[0], each[1].id, each[1].heap))
    heaps: dict[tuple[str, Cost, tuple[int, ...]], list[str | None]] = {}
    for (target, _, _), group in by_page.items():
        every = tuple(cost for _, cost in group)
        for os_pages, cost in _per_page(every):
            heaps.setdefault((target, cost.model_copy(update={"heap": None}), os_pages), []).append(cost.heap)
    targets: dict[tuple[Cost, tuple[int, ...], tuple[str, ...]], list[str]] = {}
    for (target, cost, os_pages), names in heaps.items():
        named = tuple(name for name in names if name is not None)
        targets.setdefault((cost, os_pages, named), []).append(target)
    order = unique(cost.id for _, cost in found)
    return tuple(
        Figure(cost.id, cost.title, change(cost), factor(cost), named, os_pages, tuple(its))
        for (cost, os_pages, named), its in sorted(targets.items(), key=lambda item: order.index(item[0][0].id))
    )


def _per_page(costs: Sequence[Cost]) -> list[tuple[tuple[int, ...], Cost]]:
    """What changes, without its page size, and the page sizes that have it where not all do."""
    same = grouped(costs, lambda cost: cost.model_copy(update={"os_page": None}))
    return [
        (() if len(same) == 1 else tuple(cost.os_page for cost in group if cost.os_page is not None), shared)
        for shared, group in same.items()
        if shared.base != shared.head
    ]


def change(cost: Cost) -> str:
    """`32 MiB → 512 MiB of address space, not resident`."""
    meant = MEANT[cost.memory] if cost.memory is not None else ""
    return f"{_amount(cost.base, cost)} → {_amount(cost.head, cost)}{meant}"


def _amount(value: int | None, cost: Cost) -> str:
    if value is None:
        return "none"
    if cost.unit == "bytes":
        return about(value) if value >= 0 else f"-{about(-value)}"
    return f"{value}%" if cost.unit == "percent" else f"{value:,}"


def factor(cost: Cost) -> str:
    """`×4`, `÷2`, or the difference where that says more: `+32 KiB`. Empty where one side has none."""
    base, head = cost.base, cost.head
    if base is None or head is None:
        return ""
    if cost.unit == "percent":
        return f"{head - base:+d} points"
    if min(base, head) > 0 and max(base, head) / min(base, head) >= SMALL_FACTOR:
        return f"×{head / base:.3g}" if head > base else f"÷{base / head:.3g}"
    more = head - base
    return f"{'+' if more > 0 else '-'}{_amount(abs(more), cost)}"


def note(figure: Figure, profile: Profile) -> str | None:
    """What the profile says of a cost, such as what is not counted."""
    return next((entry.note for entry in profile.costs if entry.id == figure.id), None)
