"""The report for a terminal: what broke, where, why, how to repair it; then what changed.

Readable at 80 columns and without colour.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from checker.profile import Profile
from checker.report import Change, Heap, HeapShape, Report, RuleText, Side, Verdict
from workers.report import costs, history, repairs
from workers.report.arithmetic import ONE_STEP, before, counted, excess, parts, share
from workers.report.digest import Digest, Item, Trouble, alike, digest, grouped, same_but_heap
from workers.report.headroom import tightest, unbounded
from workers.report.sentences import headline, walkthrough
from workers.report.spread import UNKNOWN, Spread, spread
from workers.report.steps import next_steps
from workers.report.steps import remedy as remedy_of
from workers.report.tables import WHOLE_TREE, page_list
from workers.report.terminal import Page
from workers.report.voice import FEW, PLAIN, cells_in_words
from workers.report.words import listed, page, place, plain, plural, size

STYLES = {
    Verdict.PASS: ("PASS", "bold green"),
    Verdict.FAIL: ("FAIL", "bold red"),
    Verdict.ERROR: ("ERROR", "bold magenta"),
    Verdict.NOT_APPLICABLE: ("NOT APPLICABLE", "bold"),
}


def render(report: Report, profile: Profile, console: Console, *, headroom: bool = False) -> None:
    """Prints the whole report; how far each limit is, on request."""
    told, out = digest(report), Page(console)
    label, style = STYLES[report.verdict]
    line = headline(report, told).removeprefix("Not applicable: ")
    out.headline(label, style, line)
    out.gap()
    out.paragraph(" ".join(walkthrough(report, told, PLAIN)), indent=0)
    if report.verdict is not Verdict.NOT_APPLICABLE:
        _details(out, report, told, profile)
        if headroom:
            _rooms(out, report)
    out.gap()
    base, head = (plain(sha)[:12] for sha in (report.base.sha, report.head.sha))
    out.paragraph(f"{head} against {base}, profile {profile.name}, {page_list(report.page_sizes)}", indent=0)


def _details(out: Page, report: Report, told: Digest, profile: Profile) -> None:
    _findings(out, "Newly broken", "red", told.broken, told, report)
    _findings(out, "Newly broken, but dormant", "yellow", told.warned, told, report)
    _troubles(out, told.troubles)
    _findings(out, "Broken, and perhaps before, too", "magenta", told.undecided, told)
    _gone(out, told.gone)
    _next(out, next_steps(report, told, PLAIN))
    _close(out, told.close)
    _fixed(out, told.fixed)
    _old(out, "Broken before, and still", told.standing, told)
    _old(out, "Dormant limits, broken before, and still", told.dormant, told)
    _alternatives(out, report)
    _changes(out, report.changes)
    _constants(out, spread(report, profile), told)
    for heaps, targets in told.reshaped.items():
        _heaps(out, heaps, targets)
    _commits(out, report)
    _costs(out, report, profile)


def _next(out: Page, steps: Sequence[str]) -> None:
    if steps:
        out.heading("What to do next")
    for step in steps:
        out.paragraph(step)


def _troubles(out: Page, troubles: Sequence[Trouble]) -> None:
    if not troubles:
        return
    out.heading("Could not be evaluated", "magenta")
    for trouble in troubles:
        what = "every value" if trouble.whole else listed([plain(name) for name in trouble.names], most=5)
        side = "the base" if trouble.side is Side.BASE else "the head"
        out.paragraph(f"{what} of {side}, {listed(trouble.targets)}")
        if trouble.path is not None:
            out.exact(place(trouble.path, trouble.line), indent=4)
        out.paragraph(plain(trouble.message), indent=4)


def _changes(out: Page, changes: Sequence[Change]) -> None:
    if not changes:
        return
    out.heading("Changes")
    for change in changes:
        names = listed([plain(name) for name in change.constants], most=5)
        out.paragraph(f"{plain(change.cohort)}: {names or 'no constant defined here changes'}")
        for path in change.files:
            out.exact(plain(path), indent=4, style="dim")


def _constants(out: Page, found: Spread, told: Digest) -> None:
    """Constants under the targets on which they change alike."""
    for targets, moves in found.by_targets().items():
        out.heading(f"Constants on {_targets(targets, told)}")
        if {move for _, move in moves} == {UNKNOWN}:
            out.paragraph("Not evaluated.")
            continue
        for name, move in moves:
            out.exact(f"{plain(name)}: {move}")
            for where in found.places.get(name, ()) if move != UNKNOWN else ():
                side = " at base" if where.at_base else ""
                out.exact(f"{place(where.path, where.line)}{side}", indent=4, style="dim")


def _targets(targets: Sequence[str], told: Digest) -> str:
    return f"all {len(targets)} targets" if len(targets) == len(told.targets) > 1 else listed(targets)


def _heaps(out: Page, heaps: Sequence[Heap], targets: Sequence[str]) -> None:
    out.heading(f"{plural(len(heaps), 'heap config')} changed on {listed(targets)}")
    for heap in heaps:
        out.paragraph(f"{plain(heap.name)}: {_reshaped(heap)}")


def _reshaped(heap: Heap) -> str:
    if heap.base is None or heap.head is None:
        shape = heap.base or heap.head
        return f"{'now' if heap.base is None else 'no longer'} in use" + (f" ({_shape(shape)})" if shape else "")
    before_, after = heap.base, heap.head
    parts = [
        f"{word} {size(old)} → {size(new)}"
        for word, old, new in (
            ("page", before_.page_size, after.page_size),
            ("granule", before_.granule_size, after.granule_size),
            ("min align", 1 << before_.min_align_shift, 1 << after.min_align_shift),
        )
        if old != new
    ]
    return ", ".join(parts)


def _shape(shape: HeapShape) -> str:
    return f"page {size(shape.page_size)}, granule {size(shape.granule_size)}"


def _findings(
    out: Page, title: str, style: str, items: Sequence[Item], told: Digest, report: Report | None = None
) -> None:
    """Rule by rule; with `report` also what to do, and the repair that was found."""
    if not items:
        return
    out.heading(counted(title, items), style)
    for rule, group in grouped(items, lambda item: item.finding.rule).items():
        text = told.texts.get(rule)
        out.paragraph(f"{plain(rule)}: {plain(text.title)}" if text else plain(rule), style="bold")
        for cells in grouped(same_but_heap(group), _origin).values():
            _items(out, cells)
        if text is not None:
            _reasons(out, text)
        if report is not None:
            _mended(out, rule, group, told, report)


def _origin(same: Sequence[Item]) -> tuple[object, ...]:
    """What decides a finding; the same for many, it is told once."""
    finding = same[0].finding
    return finding.path, finding.line, finding.chain


def _items(out: Page, cells: Sequence[Sequence[Item]]) -> None:
    for same in cells:
        finding = same[0].finding
        out.paragraph(f"{_cells(same)}, {listed(same[0].targets)}", indent=4)
        out.paragraph(f"{plain(finding.explanation)}{excess(finding)}{before(finding)}", indent=6)
    finding = cells[0][0].finding
    out.exact(place(finding.path, finding.line), indent=6, style="dim")
    if finding.chain:
        out.items(parts(finding.chain, PLAIN), indent=6)


def _reasons(out: Page, text: RuleText) -> None:
    out.paragraph(f"Why: {plain(text.why, 1000)}", indent=4)
    if text.bites:
        out.paragraph(f"When it bites: {plain(text.bites, 1000)}", indent=4)
    for path in (text.relied_on_in, *text.also_in):
        out.exact(f"Relied on in {plain(path)}", indent=4)


def _mended(out: Page, rule: str, items: Sequence[Item], told: Digest, report: Report) -> None:
    """What to do about a rule: its author's advice, and the cheapest repair with its lines as they would be."""
    if remedy := remedy_of(rule, items, told, report, PLAIN):
        out.paragraph(f"What to do: {remedy}", indent=4)
    every = repairs.of_rule(report, rule)
    for advice in every:
        whose = f" of {repairs.subject(advice, PLAIN)}" if len(every) > 1 else ""
        if not advice.repairs:
            out.paragraph(f"Repair{whose}: {repairs.effort(advice, PLAIN)}", indent=4)
            continue
        repair = advice.repairs[0]
        out.paragraph(f"Repair{whose}, which {repairs.vouched(report)}:", indent=4, style="green")
        for edit in repair.edits:
            out.exact(place(edit.path, edit.line), indent=6)
            for line in repairs.difference(edit):
                out.exact(line, indent=8)
        out.paragraph(repairs.effect(repair, advice, report, PLAIN), indent=6)


def _gone(out: Page, items: Sequence[Item]) -> None:
    if not items:
        return
    out.heading(counted("No longer judged", items), "magenta")
    groups = grouped(items, lambda item: (item.finding.rule, item.targets, item.finding.explanation))
    for (_, targets, why), group in groups.items():
        out.paragraph(f"{cells_in_words([item.cell for item in group], PLAIN)}, {listed(targets)}")
        out.paragraph(plain(why), indent=4)


def _old(out: Page, title: str, items: Sequence[Item], told: Digest) -> None:
    """What is not new is told in short: `pagewarden explain` has the rest."""
    if not items:
        return
    out.heading(counted(title, items), "yellow")
    for rule, group in grouped(items, lambda item: item.finding.rule).items():
        text = told.texts.get(rule)
        out.paragraph(f"{plain(rule)}: {plain(text.title)}" if text else plain(rule), style="bold")
        for same in same_but_heap(group):
            finding = same[0].finding
            out.paragraph(f"{_cells(same)}, {listed(same[0].targets)}", indent=4)
            out.paragraph(f"{plain(finding.explanation)}{excess(finding)}{before(finding)}", indent=6)
            out.exact(place(finding.path, finding.line), indent=6, style="dim")


def _cells(same: Sequence[Item]) -> str:
    os_page = same[0].finding.os_page
    heaps = listed([plain(item.finding.heap or WHOLE_TREE) for item in same], most=20)
    return heaps + (f", {page(os_page)} pages" if os_page is not None else "")


def _close(out: Page, items: Sequence[Item]) -> None:
    if not items:
        return
    out.heading(counted("Close", items), "yellow")
    out.paragraph(ONE_STEP)
    for same in same_but_heap(items):
        finding = same[0].finding
        how = share(finding.head) if finding.head is not None else plain(finding.explanation)
        out.paragraph(f"{plain(finding.rule)} on {_cells(same)}, {listed(same[0].targets)}")
        out.paragraph(f"{how}{before(finding)}", indent=4)
        out.exact(place(finding.path, finding.line), indent=4, style="dim")


def _fixed(out: Page, items: Sequence[Item]) -> None:
    if not items:
        return
    out.heading(counted("Fixed", items), "green")
    for (rule, os_page, targets), group in alike(items).items():
        at = f", {page(os_page)} pages" if os_page is not None else ""
        out.paragraph(f"{plain(rule)}{at}, {listed(targets)}")
        out.paragraph(listed([plain(item.finding.heap or WHOLE_TREE) for item in group], most=20), indent=4)


def _commits(out: Page, report: Report) -> None:
    only = history.only_one(report.blame)
    if not only and not history.is_told(report.blame):
        return
    out.heading("Commit by commit")
    if only:
        out.paragraph(only)
        return
    for row in history.rows(report.blame, PLAIN):
        out.paragraph(row.commit)
        told = (("introduced", row.introduced), ("fixed", row.fixed), ("still broken", row.left))
        for what, cells in told:
            if cells != history.NOTHING:
                out.paragraph(f"{what}: {cells}", indent=4)
        if all(cells == history.NOTHING for _, cells in told):
            out.paragraph("breaks nothing, fixes nothing", indent=4)
    if counted := history.untouched(report.blame):
        out.paragraph(counted)


def _costs(out: Page, report: Report, profile: Profile) -> None:
    figures = costs.figures(report)
    if not figures:
        return
    shared = costs.shared_targets(figures)
    every = shared or tuple(target.target for target in report.targets)
    out.heading(f"Cost on {listed(shared, most=FEW)}" if shared else "Cost")
    for group in grouped(figures, lambda figure: figure.id).values():
        out.paragraph(plain(group[0].title))
        for figure in group:
            where = figure.where(every, PLAIN)
            by = f" ({figure.factor})" if figure.factor else ""
            out.paragraph(f"{f'{where}: ' if where else ''}{figure.change}{by}", indent=4)
        if note := costs.note(group[0], profile):
            out.paragraph(plain(note, 1000), indent=4, style="dim")


def _alternatives(out: Page, report: Report) -> None:
    """The repairs that are not the cheapest."""
    others = [(advice, repair) for advice in report.advice for repair in advice.repairs[1:]]
    if others:
        out.heading("Other repairs", "green")
    for advice, repair in others:
        out.paragraph(repairs.subject(advice, PLAIN))
        effect = repairs.effect(repair, advice, report, PLAIN)
        out.paragraph(f"{repairs.placed(repair.edits, PLAIN)}. {effect}", indent=4)


def _rooms(out: Page, report: Report) -> None:
    every = tuple(target.target for target in report.targets)
    out.heading("Headroom, where each limit is tightest")
    for each in tightest(report):
        out.paragraph(f"{plain(each.rule)}: {share(each.measure)}")
        out.paragraph(each.where(every, PLAIN), indent=4, style="dim")
    if count := unbounded(report):
        out.paragraph(f"{plural(count, 'limit')} without a bound, such as a divisibility.")
