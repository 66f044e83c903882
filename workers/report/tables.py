"""The report's tables as Markdown: changes, constants, heap configs, the verdict matrix.

Each function gives the lines of one block, none where there is nothing to show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from checker.profile import Profile
from checker.report import Change, Heap, HeapShape
from workers.report.digest import Changed
from workers.report.matrix import Answer, Cell, Mark, Matrix, is_loud
from workers.report.spread import Column, Place, Spread
from workers.report.voice import Voice
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
    size,
    superscript,
)

SYMBOLS = {
    Mark.HOLDS: "✅",
    Mark.CLOSE: "🔸",
    Mark.BROKEN: "❌",
    Mark.WARNED: "❕",
    Mark.UNDECIDED: "❗",
    Mark.STANDING: "⚠️",
    Mark.DORMANT: "💤",
    Mark.FIXED: "🔧",
    Mark.GONE: "🚫",
    Mark.IGNORED: "🔕",
    Mark.NOT_APPLICABLE: "–",
    Mark.UNKNOWN: "❔",
}
LEGEND = {
    Mark.HOLDS: "holds",
    Mark.CLOSE: "holds, but close",
    Mark.BROKEN: "newly broken",
    Mark.WARNED: "newly broken, but dormant",
    Mark.UNDECIDED: "broken, perhaps before, too",
    Mark.STANDING: "still broken",
    Mark.DORMANT: "still broken, but dormant",
    Mark.FIXED: "fixed",
    Mark.GONE: "no longer judged",
    Mark.IGNORED: "broken, but ignored here",
    Mark.NOT_APPLICABLE: "does not apply",
    Mark.UNKNOWN: "could not be evaluated",
}
WHOLE_TREE = "the whole tree"
MOST_COLUMNS = 12
"""A wider matrix is not read."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cell(each) for each in line)} |" for line in lines]


def changes(cohorts: Sequence[Change], groups: Sequence[Changed], profile: Profile, cap: int) -> list[str]:
    """Which files changed, and the constants that they define, old → new; then the constants that follow elsewhere.

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
    return table(("Cohort", "Files", "Summary"), rows) if rows else []


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
        *(f"{', '.join(named)}: {move}" for move, named in alike.items()),
        *([f"… {plural(rest, 'more constant')}"] if rest > 0 else []),
    ]


def _some(things: Sequence[str], cap: int, noun: str) -> list[str]:
    rest = len(things) - cap
    return [*things[:cap], *([f"… {plural(rest, f'more {noun}')}"] if rest > 0 else [])]


def constants(found: Spread, every_target: Sequence[str], voice: Voice, cap: int) -> list[str]:
    """Changed constants × targets; targets that agree share a column, those without a change have none."""
    header = ("Constant", "Defined at", *(_column(column, every_target) for column in found.columns))
    rows = [
        (
            code(name),
            "<br>".join(_some([_defined(place, voice) for place in found.places.get(name, ())], 2, "place")),
            *(column.cells[index] for column in found.columns),
        )
        for index, name in enumerate(found.names[:cap])
    ]
    return [*(table(header, rows) if rows else []), *_left_out(len(found.names) - cap, "constant")]


def _column(column: Column, every_target: Sequence[str]) -> str:
    if len(column.targets) == len(every_target) > 1:
        return f"all {len(every_target)} targets"
    return "<br>".join(column.targets)


def _defined(where: Place, voice: Voice) -> str:
    if where.at_base:
        return f"{code(place(where.path, where.line))} at base"
    return voice.place(where.path, where.line)


def heap_configs(heaps: Sequence[Heap], cap: int) -> list[str]:
    """The heap configs whose sizes change."""
    rows = [_heap(heap) for heap in heaps[:cap]]
    return [
        *(table(("Heap config", "Page", "Granule", "Min align"), rows) if rows else []),
        *_left_out(len(heaps) - cap, "heap config"),
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


@dataclass
class _Legend:
    """What the symbols and footnotes in use mean."""

    marks: set[Mark] = field(default_factory=set)
    notes: dict[str, int] = field(default_factory=dict)

    def cell(self, answers: Cell) -> str:
        """A cell in symbols."""
        return " · ".join(map(self._answer, answers))

    def _answer(self, answer: Answer) -> str:
        self.marks.add(answer.mark)
        text = SYMBOLS[answer.mark]
        if answer.os_pages:
            text += f" {pages(answer.os_pages)}"
        if answer.reason is not None:
            text += superscript(self.notes.setdefault(answer.reason, len(self.notes) + 1))
        return text

    def lines(self, remarks: Sequence[str]) -> list[str]:
        """Everything that was used, explained."""
        told = [f"{SYMBOLS[mark]} {LEGEND[mark]}" for mark in Mark if mark in self.marks]
        notes = [f"{superscript(number)} {prose(reason)}." for reason, number in self.notes.items()]
        notes += [f"Left out: {prose('; '.join(remarks))}."] if remarks else []
        return [f"<sub>{' · '.join(told)}{''.join(f'<br>{note}' for note in notes)}</sub>"]


def matrix(verdicts: Matrix, cap: int) -> list[str]:
    """At most `cap` rules × the heap configs that they have something to say of, with legend and footnotes.

    Rules about the whole tree stand below it.
    """
    legend = _Legend()
    per_heap = [row for row in verdicts.rows if any(map(is_loud, row.cells[:-1]))]
    heaps = [index for index in range(len(verdicts.heaps)) if any(is_loud(row.cells[index]) for row in per_heap)]
    columns = heaps[: min(cap, MOST_COLUMNS)]
    header = ("Limit", *(_narrow(verdicts.heaps[index]) for index in columns))
    rows = [(code(row.rule), *(legend.cell(row.cells[index]) for index in columns)) for row in per_heap[:cap]]
    whole = [f"{code(row.rule)} {legend.cell(row.cells[-1])}" for row in verdicts.rows if is_loud(row.cells[-1])]
    return [
        *([*table(header, rows), *_left_out(len(per_heap) - cap, "limit"), ""] if rows else []),
        *_other_heaps(len(heaps) - len(columns), len(verdicts.heaps) - len(heaps) if rows else 0),
        *([f"The whole tree: {', '.join(whole)}", ""] if whole else []),
        *([_other_limits(verdicts.others), ""] if verdicts.others else []),
        *legend.lines(verdicts.remarks),
    ]


def _narrow(heap: str) -> str:
    """A column's head, broken where the name has its joints."""
    return "<br>".join(code(part) for part in re.split(r"(?<=_)", heap))


def _other_heaps(cut: int, quiet: int) -> list[str]:
    lines = [f"… {plural(cut, 'more heap config')}."] if cut else []
    if quiet:
        lines.append(f"On the other {plural(quiet, 'heap config')} these limits hold or do not apply.")
    return [" ".join(lines), ""] if lines else []


def _other_limits(count: int) -> str:
    hold = "holds wherever it applies" if count == 1 else "hold wherever they apply"
    return f"{plural(count, 'other limit')} {hold}."


def page_list(sizes: Sequence[int]) -> str:
    """`4K, 16K and 64K pages`."""
    return f"{listed([page(each) for each in sizes])} pages"
