"""The page of a run: verdict, matrix, and each record with its evidence. Readable without JavaScript.

Whatever comes from a pull request or from a machine is escaped by the template, and what cannot be seen is spelled out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from workers.report import stress_cells, stress_words
from workers.report.digest import grouped
from workers.report.stress_cells import Mark, mark
from workers.report.stress_progress import current, machines, state, under_way
from workers.report.voice import PLAIN
from workers.report.words import about, cut, page, plain, verbatim
from workers.stress.anchors import cell_anchor, record_anchor
from workers.stress.evidence import FILES, evidence_files
from workers.stress.progress import Progress
from workers.stress.result import Control, Result
from workers.stress.verdicts import Evidence, Record, Role

MOST_SHOWN = 25
"""Records whose streams are on the page itself, the worst first."""
MOST_LINES = 400
"""Of one stream, the last ones; the whole of what was kept is a file."""
LONGEST_LINE = 500
TITLES = {
    "stderr.txt": "Standard error",
    "stdout.txt": "Standard output",
    "kernel.txt": "Kernel log",
    "maps.txt": "Maps and thread states at the timeout",
    "console.txt": "The machine's console",
    "core.gz": "Core",
}


@dataclass(frozen=True)
class Sign:
    """A glyph that every font has, and the colour of what it means: `good`, `bad`, `doubt` or `muted`."""

    glyph: str
    look: str


GOOD, BAD, DOUBT = Sign("✔", "good"), Sign("✘", "bad"), Sign("?", "doubt")
ERROR, ABSENT = Sign("!", "doubt"), Sign("–", "muted")
SIGNS = {
    Mark.REGRESSION: BAD,
    Mark.FAILS: BAD,
    Mark.UNDECIDED: BAD,
    Mark.STANDING: Sign("✘", "doubt"),
    Mark.ERROR: ERROR,
    Mark.INCONCLUSIVE: DOUBT,
    Mark.LOST: DOUBT,
    Mark.FIXED: GOOD,
    Mark.PASSES: GOOD,
    Mark.UNAVAILABLE: ABSENT,
}


@dataclass(frozen=True)
class RunView:
    """What the page shows. Records carry their evidence where it is to be shown.

    `repository` is `owner/name`; `head` and `base` are commit ids; `web_url` the root of GitHub's pages, without a
    slash at its end. `static_report` is the address of the static check. Below `evidence_url`, without a slash at its
    end, lies `<record's anchor>/<file>`, see `workers.stress.evidence.FILES`; None where no evidence is handed out.
    """

    repository: str
    number: int | None
    head: str
    base: str
    profiles: tuple[str, ...]
    seen: Result | Progress | None
    static_report: str | None = None
    evidence_url: str | None = None
    web_url: str = "https://github.com"


@dataclass(frozen=True)
class Tail:
    """One piece of evidence. `address` of the whole file; no `lines` where it is not shown; `size` in words."""

    title: str
    lines: tuple[str, ...]
    address: str | None
    size: str


@dataclass(frozen=True)
class Entry:
    """One record as the page shows it."""

    anchor: str
    title: str
    sign: Sign
    word: str
    open: bool
    left_out: bool
    facts: tuple[tuple[str, str], ...]
    tails: tuple[Tail, ...]


@dataclass(frozen=True)
class Group:
    """All records of one role on pages of one size, or the controls'."""

    anchor: str
    title: str
    entries: tuple[Entry, ...]


def render_run(view: RunView) -> str:
    """The page as HTML."""
    result = view.seen if isinstance(view.seen, Result) else None
    now = view.seen if isinstance(view.seen, Progress) else None
    return _ENVIRONMENT.get_template("run.html").render(
        view=view,
        result=result,
        now=now,
        heading=_heading(view),
        verdict=stress_words.verdict(result, PLAIN) if result is not None else "",
        what_ran=stress_words.what_ran(result, PLAIN) if result is not None else "",
        steps=stress_words.next_steps(result, PLAIN) if result is not None else (),
        obstacles=_obstacles(result) if result is not None else (),
        rows=_rows(result) if result is not None else (),
        controls=_controls(result) if result is not None else (),
        groups=_groups(result, view) if result is not None else (),
        legend=_legend(result) if result is not None else (),
        ordering=stress_words.ORDERING if view.seen is not None and view.seen.machine != "native" else "",
        pull=_pull(view),
    )


def _heading(view: RunView) -> str:
    if isinstance(view.seen, Result):
        return stress_words.title(view.seen)
    return under_way(view.seen) if view.seen is not None else "Not stressed yet"


def _pull(view: RunView) -> str | None:
    if view.number is None or not view.repository:
        return None
    return f"{view.web_url}/{quote(view.repository)}/pull/{view.number}"


def _obstacles(result: Result) -> tuple[str, ...]:
    own = (stress_words.troubled(each, PLAIN) for each in result.troubles if each.own)
    return (*own, *stress_words.obstacles(result))


@dataclass(frozen=True)
class Shown:
    """A piece of a matrix's cell: sign, words with the anchors that they link to, and words after them."""

    sign: Sign
    links: tuple[tuple[str, str | None], ...]
    after: str = ""


def _rows(result: Result) -> tuple[tuple[str, tuple[tuple[Shown, ...], ...]], ...]:
    """(subject, cells) for head, base and controls."""
    found = [
        (f"{row.role}: {plain(row.subject)}", tuple(_cell(cell, row.role) for cell in row.cells))
        for row in stress_cells.rows(result)
    ]
    found += [
        (f"control: {plain(row.subject)}", tuple(tuple(map(_control, cell)) for cell in row.cells))
        for row in stress_cells.control_rows(result)
    ]
    return tuple(found)


def _cell(cell: stress_cells.Cell, role: Role) -> tuple[Shown, ...]:
    if not cell.shares:
        return (Shown(ERROR, (("not run", None),)),)
    return tuple(_share(share, cell, role) for share in cell.shares)


def _share(share: stress_cells.Share, cell: stress_cells.Cell, role: Role) -> Shown:
    if share.mark in {Mark.PASSES, Mark.UNAVAILABLE}:
        of = f" of {cell.offered}" if share.mark is Mark.PASSES else ""
        return Shown(SIGNS[share.mark], ((f"{len(share.phases)}{of}", cell_anchor(role, cell.page_size)),))
    named = grouped(share.records, lambda record: record.phase)
    return Shown(SIGNS[share.mark], tuple((plain(phase), record_anchor(its[0])) for phase, its in named.items()))


def _control(control: Control) -> Shown:
    must, did = stress_words.controlled(control, PLAIN)
    anchor = record_anchor(control.seen) if control.seen is not None else None
    after = f"{must}, {did}" if not control.behaved else f"{did}, as it must"
    return Shown(_control_sign(control), ((plain(control.expected.phase), anchor),), after)


def _control_sign(control: Control) -> Sign:
    return GOOD if control.behaved else BAD if control.contradicts else ERROR


def _controls(result: Result) -> tuple[tuple[Sign | str, ...], ...]:
    """Sign, subject, pages, phase, what it must do, what it did; those that misbehaved first."""
    ordered = sorted(result.controls, key=lambda control: (control.behaved, not control.contradicts))
    return tuple(
        (
            _control_sign(control),
            plain(control.expected.subject),
            page(control.expected.page_size),
            plain(control.expected.phase),
            must,
            did,
        )
        for control in ordered
        for must, did in (stress_words.controlled(control, PLAIN),)
    )


def _legend(result: Result) -> tuple[tuple[Sign, str], ...]:
    used = {share.mark for row in stress_cells.rows(result) for cell in row.cells for share in cell.shares}
    return tuple((SIGNS[each], str(each)) for each in Mark if each in used)


def _groups(result: Result, view: RunView) -> tuple[Group, ...]:
    controls = {record_anchor(each.seen): each.seen for each in result.controls if each.seen is not None}
    order = list(Mark)
    every = sorted((*result.records, *controls.values()), key=lambda each: order.index(mark(each, result)))
    kept = [record for record in every if record.evidence != Evidence()]
    shown = {record_anchor(record) for record in kept[:MOST_SHOWN]}

    def entries(records: Iterable[Record]) -> tuple[Entry, ...]:
        """The worst first."""
        ordered = sorted(records, key=lambda each: order.index(mark(each, result)))
        return tuple(_entry(record, result, view, record_anchor(record) in shown) for record in ordered)

    groups = [
        Group(cell_anchor(role, size), f"{role} with {page(size)} pages", entries(records))
        for role in (Role.HEAD, Role.BASE)
        for size, records in grouped(result.of(role), lambda record: record.page_size).items()
    ]
    return (*groups, *([Group("controls", "Controls", entries(controls.values()))] if controls else []))


def _entry(record: Record, result: Result, view: RunView, shown: bool) -> Entry:
    its = mark(record, result)
    of = f"{plain(record.subject)}: " if record.role is Role.CONTROL else ""
    at = f", {page(record.page_size)} pages" if record.role is Role.CONTROL else ""
    return Entry(
        anchor=record_anchor(record),
        title=f"{of}{plain(record.phase)}, seed {record.seed}{at}",
        sign=SIGNS[its],
        word=str(its),
        open=its in {Mark.REGRESSION, Mark.FAILS, Mark.UNDECIDED} and record.role is Role.HEAD,
        left_out=record.evidence != Evidence() and not shown,
        facts=_facts(record),
        tails=_tails(record, view, shown),
    )


def _facts(record: Record) -> tuple[tuple[str, str], ...]:
    crash = record.crash
    where = (
        f"{crash.file}:{crash.line}" if crash is not None and crash.line else crash.file if crash is not None else ""
    )
    found = (
        ("Seen", record.reason),
        ("Signal", record.signal),
        ("Function", crash.function if crash is not None else ""),
        ("Place", where),
        ("Rules", ", ".join(crash.rules) if crash is not None else ""),
        ("Last word", record.progress),
        ("Checksum", record.checksum),
        ("Wall time", f"{record.seconds:.2f} s" if record.seconds else ""),
        ("Attempts", str(record.attempts) if record.attempts > 1 else ""),
    )
    return tuple((name, plain(value, 1000)) for name, value in found if value)


def _tails(record: Record, view: RunView, shown: bool) -> tuple[Tail, ...]:
    files = evidence_files(record.evidence)
    root = f"{view.evidence_url}/{record_anchor(record)}" if view.evidence_url else None
    return tuple(
        Tail(
            title=title,
            lines=_lines(files[name].decode(errors="replace")) if shown and name != FILES["core"] else (),
            address=f"{root}/{name}" if root else None,
            size=about(len(files[name])),
        )
        for name, title in TITLES.items()
        if name in files
    )


def _lines(text: str) -> tuple[str, ...]:
    lines = (cut(line, LONGEST_LINE) for line in text.rstrip().splitlines()[-MOST_LINES:])
    return tuple(line if line.isprintable() else verbatim(line, LONGEST_LINE) for line in lines)


def _web(address: str | None) -> str | None:
    """An address of the web or of this host; None for anything else."""
    local = address is not None and address.startswith("/") and not address.startswith("//")
    return address if address is not None and (local or address.startswith(("http://", "https://"))) else None


_ENVIRONMENT = Environment(
    loader=PackageLoader("bot.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters |= {
    "plain": plain,
    "page": page,
    "web": _web,
    "state": state,
    "current": current,
    "machines": machines,
}
