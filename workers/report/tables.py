"""The report's tables as Markdown: changes, constants, heap configs, the verdict matrix.

Each function gives the lines of one block, none where there is nothing to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from checker.profile import Profile
from checker.report import Change, Constant, Heap, HeapShape
from workers.report.digest import Changed
from workers.report.matrix import Answer, Cell, Mark, Matrix
from workers.report.sentences import Voice
from workers.report.words import (
    brief,
    cell,
    code,
    listed,
    page,
    pages,
    place,
    plural,
    prose,
    quantity,
    size,
    superscript,
)

SYMBOLS = {
    Mark.HOLDS: "✅",
    Mark.BROKEN: "❌",
    Mark.WARNED: "❕",
    Mark.UNDECIDED: "❗",
    Mark.STANDING: "⚠️",
    Mark.FIXED: "🔧",
    Mark.NOT_APPLICABLE: "–",
    Mark.UNKNOWN: "❔",
}
LEGEND = {
    Mark.HOLDS: "holds",
    Mark.BROKEN: "newly broken",
    Mark.WARNED: "newly broken, but dormant",
    Mark.UNDECIDED: "broken, perhaps before, too",
    Mark.STANDING: "still broken",
    Mark.FIXED: "fixed",
    Mark.NOT_APPLICABLE: "does not apply",
    Mark.UNKNOWN: "could not be evaluated",
}
WHOLE_TREE = "the whole tree"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cell(each) for each in line)} |" for line in lines]


def changes(cohorts: Sequence[Change], groups: Sequence[Changed], profile: Profile, cap: int) -> list[str]:
    """Which files changed, and how the constants that they define; then the constants that follow elsewhere.

    At most `cap` files and names a row.
    """
    moves = _moves(groups, profile)
    rows = [
        (
            prose(change.cohort),
            "<br>".join(_some([code(path) for path in change.files], cap, "file")),
            "<br>".join(_moved(change.constants, moves, cap)) or "No constant defined here changes.",
        )
        for change in cohorts[:cap]
    ]
    told = {name for change in cohorts for name in change.constants}
    others = [name for name in moves if name not in told]
    if rows and others:
        rows.append(("elsewhere", "not touched", "<br>".join(_moved(others, moves, cap))))
    return table(("Cohort", "Files", "What changed"), rows) if rows else []


def _moves(groups: Sequence[Changed], profile: Profile) -> dict[str, str]:
    """`16 KiB → 64 KiB` for each constant that changes; where targets differ in it, which are meant."""
    units = {probe.name: probe.unit for probe in profile.constants}
    found: dict[str, dict[str, list[str]]] = {}
    for group in groups:
        for constant in group.constants:
            unit = units.get(constant.name, "count")
            move = f"{brief(constant.base, unit)} → {brief(constant.head, unit)}"
            found.setdefault(constant.name, {}).setdefault(move, []).extend(group.targets)
    return {
        name: ", ".join(f"{move} on {listed(targets)}" if len(ways) > 1 else move for move, targets in ways.items())
        for name, ways in found.items()
    }


def _moved(names: Sequence[str], moves: Mapping[str, str], cap: int) -> list[str]:
    """Constants that move alike share an entry."""
    alike: dict[str, list[str]] = {}
    for name in names[:cap]:
        alike.setdefault(moves[name], []).append(code(name))
    rest = len(names) - cap
    return [
        *(f"{move}: {', '.join(named)}" for move, named in alike.items()),
        *([f"… {plural(rest, 'more constant')}"] if rest > 0 else []),
    ]


def _some(things: Sequence[str], cap: int, noun: str) -> list[str]:
    rest = len(things) - cap
    return [*things[:cap], *([f"… {plural(rest, f'more {noun}')}"] if rest > 0 else [])]


def constants(group: Changed, profile: Profile, voice: Voice, cap: int) -> list[str]:
    """The constants that change on one group of targets."""
    units = {probe.name: probe.unit for probe in profile.constants}
    rows = [_constant(constant, units.get(constant.name, "count"), voice) for constant in group.constants[:cap]]
    return [
        *(table(("Constant", "Before", "After", "Defined at"), rows) if rows else []),
        *_left_out(len(group.constants) - cap, "constant"),
    ]


def _constant(constant: Constant, unit: str, voice: Voice) -> tuple[str, str, str, str]:
    before, after = quantity(constant.base, unit), quantity(constant.head, unit)
    if constant.head is None and constant.path is not None:
        return code(constant.name), before, after, f"{code(place(constant.path, constant.line))} at base"
    return code(constant.name), before, after, voice.place(constant.path, constant.line)


def heap_configs(group: Changed, cap: int) -> list[str]:
    """The heap configs whose sizes change on one group of targets."""
    rows = [_heap(heap) for heap in group.heaps[:cap]]
    return [
        *(table(("Heap config", "Page", "Granule", "Min align"), rows) if rows else []),
        *_left_out(len(group.heaps) - cap, "heap config"),
    ]


def _heap(heap: Heap) -> tuple[str, str, str, str]:
    def field(name: str, *, shift: bool = False) -> str:
        before, after = (_field(shape, name, shift) for shape in (heap.base, heap.head))
        return after if before == after else f"{before} → {after}"

    return code(heap.name), field("page_size"), field("granule_size"), field("min_align_shift", shift=True)


def _field(shape: HeapShape | None, name: str, shift: bool) -> str:
    if shape is None:
        return "not in use"
    value: int = getattr(shape, name)
    return f"{size(1 << value)} (1 << {value})" if shift else size(value)


def _left_out(count: int, noun: str) -> list[str]:
    return ["", f"… {plural(count, f'more {noun}')}."] if count > 0 else []


def matrix(verdicts: Matrix, cap: int) -> list[str]:
    """One matrix of at most `cap` heap configs, rules about the whole tree below it, with legend and footnotes."""
    notes: dict[str, int] = {}
    heaps = [row for row in verdicts.rows if row.heap]
    columns = [index for index in range(len(verdicts.rules)) if any(row.cells[index] for row in heaps)]
    header = ("Heap config", *(code(verdicts.rules[index]) for index in columns))
    rows = [(code(row.heap or ""), *(_cell(row.cells[index], notes) for index in columns)) for row in heaps[:cap]]
    whole = [
        f"{code(rule)} {_cell(answers, notes)}"
        for row in verdicts.rows
        if row.heap is None
        for rule, answers in zip(verdicts.rules, row.cells, strict=True)
        if answers
    ]
    legend = [f"{SYMBOLS[mark]} {LEGEND[mark]}" for mark in verdicts.marks]
    remarks = [f"{superscript(number)} {prose(reason)}." for reason, number in notes.items()]
    remarks += [f"Left out: {prose('; '.join(verdicts.remarks))}."] if verdicts.remarks else []
    return [
        *([*table(header, rows), *_left_out(len(heaps) - cap, "heap config"), ""] if rows and columns else []),
        *([f"The whole tree: {', '.join(whole)}", ""] if whole else []),
        f"<sub>{' · '.join(legend)}{''.join(f'<br>{remark}' for remark in remarks)}</sub>",
    ]


def _cell(answers: Cell, notes: dict[str, int]) -> str:
    return " · ".join(_answer(answer, notes) for answer in answers)


def _answer(answer: Answer, notes: dict[str, int]) -> str:
    text = SYMBOLS[answer.mark]
    if answer.os_pages:
        text += f" {pages(answer.os_pages)}"
    if answer.reason is not None:
        text += superscript(notes.setdefault(answer.reason, len(notes) + 1))
    return text


def page_list(sizes: Sequence[int]) -> str:
    """`4K, 16K and 64K pages`."""
    return f"{listed([page(each) for each in sizes])} pages"
