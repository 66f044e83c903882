"""What was checked and what came of it, in counts taken from the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from checker.report import Finding, Report, Side, State
from workers.report.digest import Digest, Standing, base_unknown, standing_of
from workers.report.words import listed, page, plural

_BROKEN = {
    Standing.BROKEN: "newly broken",
    Standing.WARNED: "newly broken, but dormant",
    Standing.UNDECIDED: "broken, and perhaps before, too",
    Standing.STANDING: "broken before, and still",
    Standing.DORMANT: "dormant, broken before, and still",
}


def verified(report: Report, told: Digest) -> list[str]:
    """What was held against what, how many cells apply and hold, and how the others stand.

    A cell is a rule on a heap config or the whole tree, an OS page size where the rule depends on it, and a target.
    """
    sentences = [_scope(report, told), *_cells(report)]
    sides = [str(side) for side in (Side.HEAD, Side.BASE) if any(each.side is side for each in told.troubles)]
    sentences += [f"What could not be evaluated at {listed(sides)} is in no count."] if sides else []
    return [" ".join(sentences)]


def _scope(report: Report, told: Digest) -> str:
    limits, were = plural(len(report.rules), "limit"), "was" if len(report.rules) == 1 else "were"
    heaps = f"{plural(len(told.heaps), 'heap config')} and the whole tree" if told.heaps else "the whole tree"
    sizes = f"{plural(len(report.page_sizes), 'page size')} ({listed([page(each) for each in report.page_sizes])})"
    return f"{limits} {were} held against {heaps}, for {sizes}, on {plural(len(told.targets), 'target')}."


def _cells(report: Report) -> list[str]:
    """How many there are and apply, then what became of these; counts of nothing are left out."""
    applying = [*_present(report), *(each.finding for each in report.ignored)]
    silent = _silent(report)
    if not applying:
        return [f"None of {plural(silent, 'cell')} applies." if silent else "No cell could be decided."]
    verb = "applies" if len(applying) == 1 else "apply"
    return [f"Of {plural(len(applying) + silent, 'cell')} {len(applying):,} {verb}: {listed(_standings(report))}."]


def _present(report: Report) -> Iterable[Finding]:
    """What has an answer at head."""
    return (each for target in report.targets for each in target.findings if each.state is not State.GONE)


def _silent(report: Report) -> int:
    """How many cells do not apply at head, those included that did at base."""
    count = 0
    for target in report.targets:
        absent = {(each.rule, each.heap, each.os_page) for each in target.not_applicable}
        gone = (each for each in target.findings if each.state is State.GONE)
        count += len(absent.union((each.rule, each.heap, each.os_page) for each in gone))
    return count


def _standings(report: Report) -> list[str]:
    """`94 hold (10 of these fixed, 1 close to breaking)`, `4 newly broken`."""
    unknown = base_unknown(report)
    counts = Counter(
        standing_of(finding, target.target not in unknown) for target in report.targets for finding in target.findings
    )
    holding, close = counts[Standing.HOLDS] + counts[Standing.FIXED], sum(each.close for each in _present(report))
    asides = [f"{counts[Standing.FIXED]:,} of these fixed"] if counts[Standing.FIXED] else []
    asides += [f"{close:,} close to breaking"] if close else []
    aside = f" ({', '.join(asides)})" if asides else ""
    return [
        f"{holding:,} {'holds' if holding == 1 else 'hold'}{aside}",
        *(f"{counts[standing]:,} {words}" for standing, words in _BROKEN.items() if counts[standing]),
        *([f"{len(report.ignored):,} ignored by this repository's settings"] if report.ignored else []),
    ]
