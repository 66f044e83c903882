"""What `pagewarden profile check` prints: the values that a profile finds, and how its rules come out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from rich.console import Console

from checker.rules import Status
from checker.survey import Probed, RuleCount, Survey, TargetSurvey
from workers.report.digest import grouped, unique
from workers.report.headroom import WHOLE_TREE
from workers.report.terminal import Page
from workers.report.voice import FEW, PLAIN, SHORT_SHA, cells_in_words
from workers.report.words import listed, place, plain, plural

T = TypeVar("T", bound=Hashable)

COUNTED = {
    Status.HOLDS: "holds",
    Status.FAILS: "fails",
    Status.NOT_APPLICABLE: "does not apply",
    Status.UNKNOWN: "has no value",
    Status.IMPOSSIBLE: "makes no arithmetic",
}


def render(found: Survey, console: Console) -> None:
    """Prints it for a terminal: each thing once for all targets that agree on it."""
    out = Page(console)
    targets = plural(len(found.targets), "target")
    out.exact(f"{plain(found.profile)} at {plain(found.sha)[:SHORT_SHA]}, {targets}", indent=0, style="bold")
    _values(out, "Constants", {target.target: target.constants for target in found.targets})
    _values(out, "Named limits", {target.target: target.limits for target in found.targets})
    for heap in unique(heap.name for target in found.targets for heap in target.heaps):
        title = f"Heap config {plain(heap)}{_unused(heap, found)}"
        _values(out, title, {target.target: _fields(target, heap) for target in found.targets})
    _rules(out, found.targets)
    _costs(out, found.targets)
    _errors(out, found)


def _fields(target: TargetSurvey, name: str) -> tuple[Probed, ...]:
    return next(heap.fields for heap in target.heaps if heap.name == name)


def _unused(name: str, found: Survey) -> str:
    off = [target.target for target in found.targets for heap in target.heaps if heap.name == name and not heap.enabled]
    on = "any target" if len(off) == len(found.targets) else listed(off)
    return f" (not in use on {on})" if off else ""


def _values(out: Page, title: str, found: Mapping[str, tuple[Probed, ...]]) -> None:
    names = unique(each.name for probed in found.values() for each in probed)
    if names:
        out.heading(title)
    for name in names:
        its = [(next(each for each in probed if each.name == name), target) for target, probed in found.items()]
        for probed, on in _by_targets(its, len(found)):
            out.paragraph(f"{plain(name)} = {_value(probed)}{f' on {on}' if on else ''}")
            if probed.path is not None:
                out.exact(place(probed.path, probed.line), indent=6, style="dim")


def _by_targets(found: Sequence[tuple[T, str]], every: int) -> list[tuple[T, str]]:
    """Each answer once, with the targets that have it: none where all have, the others where most have."""
    groups = sorted(grouped(found, lambda each: each[0]).items(), key=lambda group: len(group[1]))
    told = []
    for answer, its in groups:
        most = len(its) > max(every / 2, FEW)
        on = f"the {len(its)} other targets" if most else listed([target for _, target in its])
        told.append((answer, on if len(groups) > 1 else ""))
    return told


def _value(probed: Probed) -> str:
    if probed.value is not None:
        return str(probed.value)
    return f"none: {probed.absent}" if probed.absent else "could not be evaluated"


def _rules(out: Page, targets: Sequence[TargetSurvey]) -> None:
    rules = unique(rule.rule for target in targets for rule in target.rules)
    if rules:
        out.heading("Rules")
    for name in rules:
        its = [(next(rule for rule in target.rules if rule.rule == name), target.target) for target in targets]
        out.paragraph(plain(name))
        for counts, on in _by_targets([(rule.counts, target) for rule, target in its], len(targets)):
            told = listed([f"{COUNTED[status]} in {count}" for status, count in counts]) or "no cell"
            out.paragraph(f"{told}{f', on {on}' if on else ''}", indent=6)
        _failing(out, [rule for rule, _ in its])


def _failing(out: Page, rules: Iterable[RuleCount]) -> None:
    for cells, group in grouped(rules, lambda rule: tuple((cell.heap, cell.os_page) for cell in rule.failing)).items():
        if cells:
            on = listed(
                [target for rule in group for target in unique(t for cell in rule.failing for t in cell.targets)]
            )
            words = cells_in_words(group[0].failing, PLAIN)
            what = words.removeprefix(plain(group[0].rule)).strip() or WHOLE_TREE
            out.paragraph(f"fails {what}, {on}", indent=6, style="yellow")


def _costs(out: Page, targets: Sequence[TargetSurvey]) -> None:
    names = unique(cost.cost for target in targets for cost in target.costs)
    if names:
        out.heading("Costs")
    for name in names:
        its = [(cost.values, target.target) for target in targets for cost in target.costs if cost.cost == name]
        told = [f"{plural(count, 'value')}{f' on {on}' if on else ''}" for count, on in _by_targets(its, len(targets))]
        out.paragraph(f"{plain(name)}: {'; '.join(told)}")


def _errors(out: Page, found: Survey) -> None:
    out.heading(
        "Could not be evaluated" if found.errors else "Everything could be evaluated.",
        "red" if found.errors else "green",
    )
    same = grouped(found.errors, lambda error: (error.name, error.path, error.line, error.message))
    for (name, path, line, message), group in same.items():
        targets = unique(error.target for error in group)
        on = f"all {len(targets)} targets" if len(targets) == len(found.targets) > 2 else listed(targets)
        out.paragraph(f"{'every value' if name == '*' else plain(name)}, {on}")
        if path is not None:
            out.exact(place(path, line), indent=6)
        out.paragraph(plain(message), indent=6)
