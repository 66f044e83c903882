"""A stress result for a terminal: plain lines, readable at 80 columns and without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from workers.report.stress_cells import Cell, Mark, by_mark, events, rows
from workers.report.stress_words import (
    ORDERING,
    controlled,
    described,
    next_steps,
    obstacles,
    regressions,
    title,
    troubled,
    unproven,
    verdict,
    what_ran,
)
from workers.report.voice import PLAIN
from workers.report.words import page, plain, plural
from workers.stress.result import Result
from workers.stress.verdicts import Record

WIDTH = 80
_SHORT = {
    Mark.REGRESSION: "FAIL",
    Mark.FAILS: "FAIL",
    Mark.UNDECIDED: "FAIL?",
    Mark.STANDING: "fail as base",
    Mark.ERROR: "error",
    Mark.INCONCLUSIVE: "inconclusive",
    Mark.LOST: "not offered",
    Mark.FIXED: "fixed",
    Mark.PASSES: "pass",
    Mark.UNAVAILABLE: "not offered",
}


def lines(result: Result, width: int = WIDTH) -> tuple[str, ...]:
    """The whole result; words that are longer than the width stay in one piece."""
    marked = by_mark(result)
    new = "Newly failing" if result.has_base else "Failing"
    label, line = str(result.conclusion).upper(), title(result).removeprefix("void: ")
    out = [
        *_wrapped(f"{label}  {line}", width, 0),
        "",
        *_wrapped(f"{verdict(result, PLAIN)} {what_ran(result, PLAIN)}", width, 0),
        *_matrix(result, width),
        *_events(new, regressions(result), width),
        *_events("Failing, but the controls did not behave", unproven(result), width),
        *_events("Failing, and perhaps at the base, too", marked[Mark.UNDECIDED], width),
        *_events("No verdict", marked[Mark.INCONCLUSIVE], width),
        *_events("Not offered any more", marked[Mark.LOST], width),
        *_events("Failing at the base, too", marked[Mark.STANDING], width),
        *_events("Fixed", marked[Mark.FIXED], width),
        *_events("Not offered", marked[Mark.UNAVAILABLE], width),
        *_listed("What was in the way", _in_the_way(result), width),
        *_controls(result, width),
        *_listed("What to do next", next_steps(result, PLAIN), width),
    ]
    if result.machine in {"vm", "user"}:
        out += ["", *_wrapped(ORDERING, width, 0)]
    return tuple(out)


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    pad = " " * indent
    return [pad + line for line in wrap(text, max(width - indent, 20), break_long_words=False, break_on_hyphens=False)]


def _listed(heading: str, texts: Iterable[str], width: int) -> list[str]:
    body = [line for text in texts for line in _wrapped(text, width, 2)]
    return ["", heading, *body] if body else []


def _matrix(result: Result, width: int) -> list[str]:
    """For each subject a line a page size: a table of names would not fit the width."""
    body: list[str] = []
    for row in rows(result):
        body += _wrapped(f"{plain(row.subject)} ({row.role})", width, 2)
        for cell in row.cells:
            body += _wrapped(f"{page(cell.page_size):>4}  {_cell(cell)}", width, 2)
    return ["", "By page size", *body] if body else []


def _cell(cell: Cell) -> str:
    if not cell.shares:
        return "not run"
    told = []
    for share in cell.shares:
        if share.mark is Mark.PASSES:
            told.append(f"pass {len(share.phases)} of {cell.offered}")
        else:
            told.append(f"{_SHORT[share.mark]}: {', '.join(plain(phase) for phase in share.phases)}")
    return "; ".join(told)


def _events(heading: str, records: Sequence[Record], width: int) -> list[str]:
    return _listed(heading, (described(event, PLAIN) for event in events(records)), width)


def _in_the_way(result: Result) -> list[str]:
    return [*(troubled(each, PLAIN) for each in result.troubles if each.own), *obstacles(result)]


def _controls(result: Result, width: int) -> list[str]:
    """Those that misbehaved one by one, the others counted."""
    wrong = [control for control in result.controls if not control.behaved]
    good = len(result.controls) - len(wrong)
    told = [f"{plural(good, 'expectation')} met."] if good else []
    for control in wrong:
        expected = control.expected
        must, did = controlled(control, PLAIN)
        told.append(f"{plain(expected.subject)}, {plain(expected.phase)} at {page(expected.page_size)}: {must}, {did}.")
    return _listed("Controls", told, width)
