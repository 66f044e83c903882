"""A stress result as Markdown: matrix, events, controls, phases, evidence. Blocks are empty where there is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workers.report.context import Context
from workers.report.digest import grouped, unique
from workers.report.markdown import voice_for
from workers.report.sections import folded
from workers.report.stress_cells import (
    SYMBOLS,
    Cell,
    Mark,
    Share,
    control_rows,
    events,
    mark,
    rows,
)
from workers.report.stress_words import controlled, described
from workers.report.tables import table
from workers.report.words import LONGEST_LINE, code, cut, fenced, listed, page, plain, plural, verbatim
from workers.stress.anchors import cell_anchor, record_anchor
from workers.stress.result import Control, Result
from workers.stress.verdicts import Record, Role

FEW = 3
"""Up to so many phases a cell names; more are counted."""
TAIL_LINES = 15
STREAMS = (
    ("stderr", "Standard error"),
    ("stdout", "Standard output"),
    ("kernel_log", "Kernel log"),
    ("console", "Console"),
)
_QUIET = frozenset({Mark.PASSES, Mark.UNAVAILABLE})


def matrix(result: Result, context: Context, cap: int) -> list[str]:
    """Subject × page size, with what the symbols mean."""
    used: dict[Mark, None] = {}
    lines = []
    for row in rows(result):
        for each in (share.mark for cell in row.cells for share in cell.shares):
            used[each] = None
        cells = (_cell(cell, row.role, context) for cell in row.cells)
        lines.append((f"{row.role}: {code(row.subject)}", *cells))
    for control in control_rows(result)[:cap]:
        lines.append((f"control: {code(control.subject)}", *(_controls(cell, context) for cell in control.cells)))
    if not lines:
        return []
    legend = " · ".join(f"{SYMBOLS[each]} {each}" for each in Mark if each in used)
    header = ("Subject", *(f"{page(size)} pages" for size in result.page_sizes))
    return [*table(header, lines), *(["", f"<sub>{legend}</sub>"] if legend else [])]


def _cell(cell: Cell, role: Role, context: Context) -> str:
    if not cell.shares:
        return f"{SYMBOLS[Mark.ERROR]} not run"
    return "<br>".join(_share(share, cell, role, context) for share in cell.shares)


def _share(share: Share, cell: Cell, role: Role, context: Context) -> str:
    symbol, count = SYMBOLS[share.mark], len(share.phases)
    if share.mark in {Mark.PASSES, Mark.UNAVAILABLE}:
        of = f" of {cell.offered}" if share.mark is Mark.PASSES else ""
        return f"{symbol} {linked(f'{count}{of}', cell_anchor(role, cell.page_size), context)}"
    if count > FEW:
        return f"{symbol} {linked(f'{count} of {cell.offered}', cell_anchor(role, cell.page_size), context)}"
    named = grouped(share.records, lambda record: record.phase)
    return f"{symbol} {', '.join(linked(code(phase), record_anchor(its[0]), context) for phase, its in named.items())}"


def _controls(controls: Sequence[Control], context: Context) -> str:
    """Empty where nothing was asked of the control."""
    good = [control for control in controls if control.behaved]
    told = [f"✅ {len(good)} of {len(controls)} as they must"] if good else []
    for control in (each for each in controls if not each.behaved):
        symbol = "❌" if control.contradicts else SYMBOLS[Mark.ERROR]
        name = code(control.expected.phase)
        named = linked(name, record_anchor(control.seen), context) if control.seen is not None else name
        did = "survived" if control.contradicts else ("no verdict" if control.seen is not None else "not run")
        told.append(f"{symbol} {named} {_contrary(control) if control.contradicts else did}")
    return "<br>".join(told[: FEW + 1]) + (f"<br>… {len(told) - FEW - 1} more" if len(told) > FEW + 1 else "")


def _contrary(control: Control) -> str:
    return "failed, must pass" if control.expected.verdict == "pass" else "survived, must fail"


def linked(markdown: str, anchor: str, context: Context) -> str:
    """A link to the place on the run's page, where there is a page."""
    return f"[{markdown}]({context.details_url}#{anchor})" if context.details_url else markdown


def told(records: Sequence[Record], context: Context, describe: str, cap: int) -> list[str]:
    """Events as a list, each with links to its records; `describe` names them when they are counted."""
    voice, found = voice_for(context), events(records)
    lines = []
    for event in found[:cap]:
        links = _links(event.records, context)
        lines.append(f"- {described(event, voice)}{links}")
    return [*lines, *left_out(len(found) - cap, describe, context)]


def _links(records: Sequence[Record], context: Context) -> str:
    if not context.details_url:
        return ""
    many = len({record.seed for record in records}) > 1
    shown = [
        linked(f"{page(record.page_size)}{f', seed {record.seed}' if many else ''}", record_anchor(record), context)
        for record in records[:6]
    ]
    return f" <br>On the run's page: {' · '.join(shown)}"


def left_out(count: int, noun: str, context: Context) -> list[str]:
    """Where to look for what is left out."""
    if count <= 0:
        return []
    see = f"see [the run's page]({context.details_url})" if context.details_url else "see `--format json`"
    return ["", f"… {plural(count, f'more {noun}')}, {see}."]


def controls(result: Result, context: Context, cap: int) -> list[str]:
    """What was expected of each control, and what was seen; open where one misbehaved."""
    voice = voice_for(context)
    order = sorted(result.controls, key=lambda control: (control.behaved, not control.contradicts))
    lines = []
    for control in order[:cap]:
        expected = control.expected
        must, did = controlled(control, voice)
        symbol = "✅" if control.behaved else "❌" if control.contradicts else SYMBOLS[Mark.ERROR]
        lines.append((code(expected.subject), page(expected.page_size), code(expected.phase), must, f"{symbol} {did}"))
    if not lines:
        return []
    shown = [
        *table(("Control", "Pages", "Phase", "Must", "Did"), lines),
        *left_out(len(order) - cap, "control", context),
    ]
    if all(control.behaved for control in result.controls):
        return folded(f"Controls: {plural(len(order), 'expectation')}, all met", shown)
    return ["#### Controls", "", *shown]


def phases(result: Result, context: Context, cap: int) -> list[str]:
    """Phase by phase, base → head, for each page size."""
    groups = grouped(result.records, lambda record: (record.phase, record.seed))
    seeds = {seed for _, seed in groups}
    header = ("Phase", *(["Seed"] if len(seeds) > 1 else []), *(f"{page(size)} pages" for size in result.page_sizes))
    lines = []
    for (phase, seed), records in list(groups.items())[:cap]:
        cells = [
            _base_to_head([each for each in records if each.page_size == size], result, context)
            for size in result.page_sizes
        ]
        lines.append((code(phase), *([str(seed)] if len(seeds) > 1 else []), *cells))
    arrow = ", base → head" if result.has_base else ""
    title = f"Phase by phase{arrow}"
    return [f"#### {title}", "", *table(header, lines), *left_out(len(groups) - cap, "phase", context)] if lines else []


def _base_to_head(records: Sequence[Record], result: Result, context: Context) -> str:
    heads = [record for record in records if record.role is Role.HEAD]
    bases = [record for record in records if record.role is Role.BASE]
    head = _symbols(heads, result, context)
    is_alone = any(record.subject in result.alone for record in heads)
    return f"{_symbols(bases, result, context)} → {head}" if result.has_base and not is_alone else head


def _symbols(records: Sequence[Record], result: Result, context: Context) -> str:
    if not records:
        return "not run"
    return " ".join(_symbol(record, result, context) for record in records)


def _symbol(record: Record, result: Result, context: Context) -> str:
    its = mark(record, result)
    if its in _QUIET:
        return SYMBOLS[its]
    return linked(
        f"{SYMBOLS[its]} {code(record.signal) if record.signal else record.verdict}", record_anchor(record), context
    )


def evidence(records: Iterable[Record], cap: int) -> list[list[str]]:
    """The last lines of what each record left behind, folded away; records without any are left out."""
    kept = [record for record in records if any(getattr(record.evidence, field).strip() for field, _ in STREAMS)]
    blocks = [
        folded(
            plain(f"{record.role}: {record.phase} at {page(record.page_size)}, seed {record.seed}"),
            _tails(record, TAIL_LINES),
        )
        for record in kept[:cap]
    ]
    rest = [[f"… {plural(len(kept) - cap, 'more record')} with evidence."]] if len(kept) > cap else []
    return [*blocks, *rest]


def _tails(record: Record, most: int) -> list[str]:
    lines: list[str] = []
    for field, name in STREAMS:
        tail = tail_of(getattr(record.evidence, field), most)
        if tail:
            lines += ["", f"{name}:", "", *fenced(tail, "text")]
    return lines[1:]


def tail_of(text: str, most: int) -> list[str]:
    """The last lines, made fit to be shown."""
    return [verbatim(cut(line, LONGEST_LINE)) for line in text.rstrip().splitlines()[-most:]]


def unavailable(result: Result) -> list[str]:
    """Phases that a tree does not offer, each with the reason."""
    lacking = [record for record in result.records if record.verdict == "unavailable"]
    groups = grouped(lacking, lambda record: (record.role, record.phase, record.reason))
    by_reason = grouped(groups, lambda key: (key[0], key[2]))
    return [
        f"- {role}: {listed([code(each) for each in unique(phase for _, phase, _ in keys)])}: {code(reason or '?')}"
        for (role, reason), keys in by_reason.items()
    ]
