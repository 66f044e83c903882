"""What `pagewarden explain` prints: a definition in effect, what it is made of, its rules and their headroom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from checker.explain import ExplainedCell, Explanation
from checker.report import EvaluationError, HeapShape, Link, RuleText
from checker.rules import Status
from workers.report.arithmetic import room
from workers.report.digest import grouped, unique
from workers.report.headroom import WHOLE_TREE
from workers.report.links import nested
from workers.report.sections import section
from workers.report.terminal import Page
from workers.report.voice import SHORT_SHA
from workers.report.words import code, listed, page, place, plain, prose, size

MANY = 20
STYLES = {Status.FAILS: "red", Status.UNKNOWN: "magenta", Status.IMPOSSIBLE: "magenta"}


@dataclass(frozen=True)
class Line:
    """Cells of a rule that say the same: which, what, and whether that is bad."""

    heaps: tuple[str | None, ...]
    os_pages: tuple[int, ...]
    status: Status
    text: str


def lines(cells: Sequence[ExplainedCell]) -> tuple[Line, ...]:
    """The cells of one rule, those alike together; broken ones first, those that do not apply last."""
    per_heap = grouped(cells, lambda cell: (cell.heap, cell.status, _text(cell)))
    alike: dict[tuple[tuple[int, ...], Status, str], list[str | None]] = {}
    for (heap, status, text), its in per_heap.items():
        os_pages = tuple(cell.os_page for cell in its if cell.os_page is not None)
        alike.setdefault((os_pages, status, text), []).append(heap)
    found = [Line(tuple(heaps), *key) for key, heaps in alike.items()]
    order = {Status.FAILS: 0, Status.NOT_APPLICABLE: 2}
    return tuple(sorted(found, key=lambda line: order.get(line.status, 1)))


def _text(cell: ExplainedCell) -> str:
    left = room(cell.measure) if cell.measure is not None else ""
    return f"{cell.text}, {left}" if left else cell.text


def applying(found: Explanation) -> tuple[RuleText, ...]:
    """The rules that say something here; and one that was asked for, whatever it says."""
    spoken = {cell.rule for cell in found.cells if cell.status is not Status.NOT_APPLICABLE}
    return tuple(text for text in found.rules if text.id in spoken or text.id == found.name)


def not_applying(found: Explanation) -> tuple[tuple[str, str], ...]:
    """The other rules, each with its reasons."""
    told = {text.id for text in applying(found)}
    silent = grouped([cell for cell in found.cells if cell.rule not in told], lambda cell: cell.rule)
    return tuple((rule, "; ".join(unique(cell.text for cell in cells))) for rule, cells in silent.items())


def _subject(found: Explanation) -> str:
    return f"{plain(found.name)} on {found.target}, at {plain(found.commit.sha)[:SHORT_SHA]}"


def _is_rule(found: Explanation) -> bool:
    return any(text.id == found.name for text in found.rules)


def _chain_title(found: Explanation, shape: HeapShape | None) -> str:
    """A rule and a heap config are made of definitions; a name is one, and may be made of others."""
    if _is_rule(found) or shape is not None:
        return "What it is made of"
    return "Definition" if len(found.chain) == 1 else "Definition, and what it is made of"


def _sizes(shape: HeapShape) -> str:
    align = f"{size(1 << shape.min_align_shift)} (1 << {shape.min_align_shift})"
    return f"Page {size(shape.page_size)}, granule {size(shape.granule_size)}, min align {align}."


def render(found: Explanation, console: Console, shape: HeapShape | None = None) -> None:
    """Prints it for a terminal: what a rule says before what it is made of, a definition before its rules.

    `shape` has the sizes of the heap config that was asked for.
    """
    out = Page(console)
    out.exact(_subject(found), indent=0, style="bold")
    if shape is not None:
        out.paragraph(_sizes(shape))
    blocks = [_chain, _rules]
    for block in reversed(blocks) if _is_rule(found) else blocks:
        block(out, found, shape)
    if silent := not_applying(found):
        out.heading("Rules that do not apply")
        for rule, why in silent:
            out.paragraph(f"{plain(rule)}: {plain(why)}")
    if not found.rules:
        out.gap()
        out.paragraph("No rule depends on it.", indent=0)
    _errors(out, found.errors)


def _chain(out: Page, found: Explanation, shape: HeapShape | None) -> None:
    if found.chain:
        out.heading(_chain_title(found, shape))
    for depth, link in nested(found.chain):
        _link(out, link, 2 + 2 * depth)


def _rules(out: Page, found: Explanation, _shape: HeapShape | None) -> None:
    for text in applying(found):
        out.heading(f"{plain(text.id)}: {plain(text.title)}")
        for line in lines([cell for cell in found.cells if cell.rule == text.id]):
            out.paragraph(f"{_cells(line)}: {plain(line.text)}", style=STYLES.get(line.status, ""))
        if text.id == found.name:
            _reasons(out, text)


def _link(out: Page, link: Link, indent: int) -> None:
    value = f" = {link.value}" if link.value is not None else ""
    out.exact(f"{plain(link.name)}{value}", indent=indent)
    if link.body and link.body != str(link.value):
        out.paragraph(plain(link.body), indent=indent + 4, style="dim")
    out.exact(place(link.path, link.line), indent=indent + 4, style="dim")


def _reasons(out: Page, text: RuleText) -> None:
    out.paragraph(plain(text.why, 1000))
    if text.bites:
        out.paragraph(f"When it bites: {plain(text.bites, 1000)}")
    for path in (text.relied_on_in, *text.also_in):
        out.exact(f"Relied on in {plain(path)}")
    out.paragraph(f"What to do: {plain(text.advice, 1000)}")


def _errors(out: Page, errors: Sequence[EvaluationError]) -> None:
    if errors:
        out.heading("Could not be evaluated", "magenta")
    for error in errors:
        at = f" at {place(error.path, error.line)}" if error.path is not None else ""
        out.paragraph(f"{plain(error.name)}{at}: {plain(error.message)}")


def _cells(line: Line) -> str:
    """Which heap configs and page sizes; whether it is broken there, or does not apply."""
    heaps = [plain(heap) if heap is not None else WHOLE_TREE for heap in line.heaps]
    at = f", {listed([page(each) for each in line.os_pages])} pages" if line.os_pages else ""
    where = f"{listed(heaps, most=MANY)}{at}"
    return {Status.NOT_APPLICABLE: "does not apply to ", Status.FAILS: "BROKEN on "}.get(line.status, "") + where


def markdown(found: Explanation, shape: HeapShape | None = None) -> str:
    """The same as Markdown."""
    chain = [
        f"{'  ' * depth}- {code(link.name)}{f' = {link.value}' if link.value is not None else ''}: "
        f"{code(link.body) if link.body else 'empty'} at {code(place(link.path, link.line))}"
        for depth, link in nested(found.chain)
    ]
    errors = [
        f"- {code(error.name)} at {code(place(error.path, error.line))}: {code(error.message)}"
        for error in found.errors
    ]
    title = _chain_title(found, shape)
    blocks = [section(title, chain), *(_rule(text, found) for text in applying(found))]
    every = [
        [f"### {prose(_subject(found))}"],
        [_sizes(shape)] if shape is not None else [],
        *(reversed(blocks) if _is_rule(found) else blocks),
        section("Rules that do not apply", [f"- {code(rule)}: {prose(why)}" for rule, why in not_applying(found)]),
        *([] if found.rules else [["No rule depends on it."]]),
        section("Could not be evaluated", errors),
    ]
    return "\n\n".join("\n".join(block) for block in every if block) + "\n"


def _rule(text: RuleText, found: Explanation) -> list[str]:
    files = listed([code(path) for path in (text.relied_on_in, *text.also_in)])
    bites = f" When it bites: {prose(text.bites)}" if text.bites else ""
    about = ["", f"{prose(text.why)}{bites} Relied on in {files}."] if text.id == found.name else []
    told = [_told(line) for line in lines([cell for cell in found.cells if cell.rule == text.id])]
    return [f"#### {code(text.id)}: {prose(text.title)}", "", *told, *about]


def _told(line: Line) -> str:
    return f"- {prose(_cells(line))}: {code(line.text)}"
