"""How far each limit is, in its tightest cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checker.report import Finding, Measure, Report
from workers.report.voice import Voice
from workers.report.words import listed, page, plural

WHOLE_TREE = "the whole tree"


@dataclass(frozen=True)
class Tightest:
    """One rule's cell with the least room at head. `heaps` have the same numbers on each of `targets`."""

    rule: str
    measure: Measure
    heaps: tuple[str, ...]
    os_page: int | None
    targets: tuple[str, ...]

    def where(self, every_target: Sequence[str], voice: Voice) -> str:
        """Heap config, page size and targets in words."""
        first, *others = self.heaps or (WHOLE_TREE,)
        name = voice.name(first) if self.heaps else first
        parts = [name + (f" and {plural(len(others), 'other')}" if others else "")]
        parts += [f"{page(self.os_page)} pages"] if self.os_page is not None else []
        parts += [listed(self.targets, most=2)] if set(self.targets) != set(every_target) else []
        return ", ".join(parts)


def tightest(report: Report) -> tuple[Tightest, ...]:
    """One for each rule that has a bound and applies somewhere, in the report's order."""
    found: dict[str, list[tuple[str, Finding, Measure]]] = {text.id: [] for text in report.rules}
    for target, finding, measure in _measured(report):
        found.setdefault(finding.rule, []).append((target, finding, measure))
    return tuple(_tightest(rule, cells) for rule, cells in found.items() if cells)


def _measured(report: Report) -> Iterator[tuple[str, Finding, Measure]]:
    for target in report.targets:
        for finding in target.findings:
            if finding.head is not None and finding.head.headroom is not None:
                yield target.target, finding, finding.head


def _tightest(rule: str, cells: Sequence[tuple[str, Finding, Measure]]) -> Tightest:
    _, finding, measure = min(cells, key=lambda cell: cell[2].headroom or 0)
    heaps: dict[str, tuple[str, ...]] = {}
    for target, each, its in cells:
        if (its, each.os_page) == (measure, finding.os_page):
            heaps[target] = (*heaps.get(target, ()), *([each.heap] if each.heap is not None else []))
    first = next(iter(heaps.values()))
    targets = tuple(target for target, its in heaps.items() if its == first)
    return Tightest(rule, measure, first, finding.os_page, targets)


def unbounded(report: Report) -> int:
    """How many rules have an answer and no bound, such as a divisibility."""
    bounded = {each.rule for each in tightest(report)}
    measured = {cell.rule for target in report.targets for cell in target.findings if cell.head is not None}
    return len(measured - bounded)
