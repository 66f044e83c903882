"""The report for a terminal: what changed, what broke, where, why. Readable at 80 columns and without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from checker.profile import Profile
from checker.report import Change, Heap, HeapShape, Report, Side, Verdict
from workers.report.digest import Changed, Digest, Item, Trouble, alike, digest
from workers.report.sentences import Voice, before, by_rule, headline, next_steps, rule_of, walkthrough
from workers.report.tables import WHOLE_TREE, page_list
from workers.report.words import listed, page, place, plain, plural, quantity, size

STYLES = {
    Verdict.PASS: ("PASS", "bold green"),
    Verdict.FAIL: ("FAIL", "bold red"),
    Verdict.ERROR: ("ERROR", "bold magenta"),
    Verdict.NOT_APPLICABLE: ("NOT APPLICABLE", "bold"),
}
VOICE = Voice(subject="this change", again=(), name=plain, prose=lambda text: plain(text, 1000), place=place)


def render(report: Report, profile: Profile, console: Console) -> None:
    """Prints the whole report."""
    told, out = digest(report), _Page(console)
    label, style = STYLES[report.verdict]
    line = headline(report, told).removeprefix("Not applicable: ")
    out.exact(Text.assemble((label, style), "  ", (line, "bold")), indent=0)
    out.gap()
    out.paragraph(" ".join(walkthrough(report, told, VOICE)), indent=0)
    if report.verdict is not Verdict.NOT_APPLICABLE:
        _details(out, report, told, profile)
    out.gap()
    base, head = (plain(sha)[:12] for sha in (report.base.sha, report.head.sha))
    out.paragraph(f"{head} against {base}, profile {profile.name}, {page_list(report.page_sizes)}", indent=0)


def _details(out: _Page, report: Report, told: Digest, profile: Profile) -> None:
    _troubles(out, told.troubles)
    _changes(out, report.changes)
    for group in told.changed:
        _constants(out, group, profile)
    _findings(out, "Newly broken", "red", told.broken, profile)
    _findings(out, "Newly broken, but dormant", "yellow", told.warned, profile)
    _findings(out, "Broken, and perhaps before, too", "magenta", told.undecided, profile)
    _fixed(out, told.fixed)
    _findings(out, "Broken before, and still", "yellow", told.standing, profile)
    out.heading("What to do next")
    for step in next_steps(report, told, profile, VOICE):
        out.paragraph(step)


@dataclass(frozen=True)
class _Page:
    """Where the lines go. Nothing is read as rich's markup."""

    console: Console

    def gap(self) -> None:
        self.console.print()

    def heading(self, title: str, style: str = "") -> None:
        self.gap()
        self.console.print(Text(title, style=f"bold {style}".strip()))

    def paragraph(self, text: str, *, indent: int = 2, style: str = "") -> None:
        """Wrapped at the console's width."""
        width = max(self.console.width - indent, 20)
        for line in wrap(text, width, break_long_words=False, break_on_hyphens=False):
            self.exact(line, indent=indent, style=style)

    def exact(self, text: str | Text, *, indent: int = 2, style: str = "") -> None:
        """Never wrapped: a place must stay in one piece to be copied."""
        line = text if isinstance(text, Text) else Text(text, style=style)
        self.console.print(Text.assemble(" " * indent, line), soft_wrap=True)


def _troubles(out: _Page, troubles: Sequence[Trouble]) -> None:
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


def _changes(out: _Page, changes: Sequence[Change]) -> None:
    if not changes:
        return
    out.heading("Changes")
    for change in changes:
        names = listed([plain(name) for name in change.constants], most=5)
        out.paragraph(f"{plain(change.cohort)}: {names or 'no constant defined here changes'}")
        for path in change.files:
            out.exact(plain(path), indent=4, style="dim")


def _constants(out: _Page, group: Changed, profile: Profile) -> None:
    units = {probe.name: probe.unit for probe in profile.constants}
    on = listed(group.targets)
    if group.constants:
        out.heading(f"Constants on {on}")
    for constant in group.constants:
        unit = units.get(constant.name, "count")
        out.exact(f"{plain(constant.name)}: {quantity(constant.base, unit)} → {quantity(constant.head, unit)}")
        if constant.path is not None:
            side = " at base" if constant.head is None else ""
            out.exact(f"{place(constant.path, constant.line)}{side}", indent=4, style="dim")
    if group.heaps:
        out.heading(f"{plural(len(group.heaps), 'heap config')} changed on {on}")
    for heap in group.heaps:
        out.paragraph(f"{plain(heap.name)}: {_reshaped(heap)}")


def _reshaped(heap: Heap) -> str:
    if heap.base is None or heap.head is None:
        shape = heap.base or heap.head
        return f"{'now' if heap.base is None else 'no longer'} in use" + (f" ({_shape(shape)})" if shape else "")
    before, after = heap.base, heap.head
    parts = [
        f"{word} {size(old)} → {size(new)}"
        for word, old, new in (
            ("page", before.page_size, after.page_size),
            ("granule", before.granule_size, after.granule_size),
            ("min align", 1 << before.min_align_shift, 1 << after.min_align_shift),
        )
        if old != new
    ]
    return ", ".join(parts)


def _shape(shape: HeapShape) -> str:
    return f"page {size(shape.page_size)}, granule {size(shape.granule_size)}"


def _findings(out: _Page, title: str, style: str, items: Sequence[Item], profile: Profile) -> None:
    if not items:
        return
    out.heading(f"{title} ({len(items)})", style)
    for rule_id, group in by_rule(items).items():
        rule = rule_of(profile, rule_id)
        out.paragraph(f"{plain(rule_id)}: {plain(rule.title)}" if rule else plain(rule_id), style="bold")
        for item in group:
            finding = item.finding
            at = f", {page(finding.os_page)} pages" if finding.os_page is not None else ""
            out.paragraph(f"{plain(finding.heap or WHOLE_TREE)}{at}, {listed(item.targets)}", indent=4)
            out.paragraph(f"{plain(finding.explanation)}{before(finding)}", indent=6)
            out.exact(place(finding.path, finding.line), indent=6, style="dim")
        out.paragraph(f"Why: {plain(group[0].finding.why, 1000)}", indent=4)
        out.exact(f"Relied on in {plain(group[0].finding.relied_on_in)}", indent=4)


def _fixed(out: _Page, items: Sequence[Item]) -> None:
    if not items:
        return
    out.heading(f"Fixed ({len(items)})", "green")
    for (rule, os_page, targets), group in alike(items).items():
        at = f", {page(os_page)} pages" if os_page is not None else ""
        out.paragraph(f"{plain(rule)}{at}, {listed(targets)}")
        out.paragraph(listed([plain(item.finding.heap or WHOLE_TREE) for item in group], most=20), indent=4)
