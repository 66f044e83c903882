"""A preview build as Markdown: commits, files, binaries, sizes, problems, log. Empty where there is nothing to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from workers.build.order import SHORT_SHA
from workers.build.result import Artifact, Inspection, Made, Problem, Row, RowState
from workers.build.sizes import Change, compared
from workers.report.context import Context
from workers.report.preview_words import about_fault, by_fault, linked, short
from workers.report.sections import folded, section
from workers.report.stress_tables import tail_of
from workers.report.tables import table
from workers.report.words import about, code, fenced, plain, plural, prose, size

MOST_OPEN = 10
"""Commits that are seen; earlier ones are folded away."""
LOG_LINES = 60
_MEASURES = ("text", "data", "bss", "file")
_SHORT: dict[str, str] = {
    RowState.WAITING: "waiting for approval",
    RowState.QUEUED: "queued",
    RowState.BUILDING: "building",
    RowState.BUILT: "built, not released",
    RowState.FAILED: "failed",
    RowState.CANCELLED: "cancelled",
}


def commits(rows: Sequence[Row], context: Context, cap: int) -> list[str]:
    """Commit × release × date, newest first; releases that were removed come last, whenever that was."""
    order = sorted(rows, key=lambda row: (row.state == RowState.REMOVED, -int(row.at), row.sha != context.head_sha))
    most = min(cap, MOST_OPEN)
    earlier, rest = order[most:cap], len(order) - cap
    lines = [*_commits(order[:most], context)]
    if earlier:
        lines += ["", *folded(plural(len(earlier), "earlier commit"), _commits(earlier, context))]
    return [*lines, *_left_out(rest, "commit")]


def _commits(rows: Sequence[Row], context: Context) -> list[str]:
    return table(
        ("Commit", "Release", "Date"),
        [(commit(row.sha, context), _release(row), moment(row.at) if row.at else "–") for row in rows],
    )


def commit(sha: str, context: Context) -> str:
    """A commit's page, by as much of its id as is in the tags."""
    named = code(plain(sha)[:SHORT_SHA])
    return linked(named, page_of(context, f"commit/{_quoted(sha)}")) if context.repository else named


def page_of(context: Context, path: str) -> str:
    """The address of a page of the repository; `path` is quoted already."""
    return f"{context.web_url}/{quote(context.repository)}/{path}"


def _quoted(text: str) -> str:
    return quote(text, errors="replace")


def _release(row: Row) -> str:
    if row.state == RowState.RELEASED:
        return linked(code(row.tag), row.url)
    if row.state == RowState.REMOVED:
        return f"{code(row.tag)}, removed" if row.tag else "removed"
    return linked(_SHORT.get(row.state, prose(row.state)), row.url)


def moment(at: float) -> str:
    """`2026-03-20 23:04:33 UTC`, of epoch seconds."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def files(artifacts: Sequence[Artifact], cap: int, assets: Mapping[str, str] | None = None) -> list[str]:
    """What was built, file by file; `assets` has the names that they are released under."""
    names = assets or {}
    rows = [(code(names.get(each.name, each.name)), exactly(each.size), code(each.sha256)) for each in artifacts[:cap]]
    return [*table(("File", "Size", "SHA-256"), rows), *_left_out(len(artifacts) - cap, "file")] if rows else []


def binaries(found: Inspection, cap: int) -> list[str]:
    """The ELF files in what was built."""
    header = ("File", "Kind", "Segments aligned to", "Build ID", "Text", "Data", "BSS", "Size")
    rows = [
        (
            code(each.name),
            prose(each.kind),
            size(each.alignment) if each.alignment else "–",
            code(each.build_id) if each.build_id else "none",
            *(f"{getattr(each, measure):,}" for measure in _MEASURES),
        )
        for each in found.binaries[:cap]
    ]
    rest = len(found.binaries) - len(rows) + found.more
    return [*table(header, rows), *_left_out(rest, "ELF file")] if rows else []


def exactly(octets: int) -> str:
    """`98.4 MiB (103,178,240 bytes)`."""
    near, whole = about(octets), f"{octets:,} bytes"
    return near if near == whole else f"{near} ({whole})"


def difference(octets: int) -> str:
    """`+1.25 MiB (+1,310,720)`, `-12 bytes`, `±0`."""
    if octets == 0:
        return "±0"
    sign = "+" if octets > 0 else "-"
    near = f"{sign}{about(abs(octets))}"
    return near if abs(octets) < 1024 else f"{near} ({octets:+,})"


def sizes(made: Made, context: Context, cap: int) -> tuple[str, list[str]]:
    """Title and lines of the comparison with the base's build; no lines where there is none to compare with."""
    if not made.base or not made.inspection.binaries:
        return "", []
    every = compared(made.inspection.binaries, made.base)
    differing = sorted(filter(_differs, every), key=lambda each: (-abs(_moved(each)), each.name))
    title = f"Sizes against the base: {_summed(every) if differing else 'no difference'}"
    whose = f"the release {_base_release(made, context)} of the base" if made.base_tag else "the build of the base"
    lines = [f"Compared with {whose}, {short(context.base_sha)}. In bytes, where no unit is named."]
    if differing:
        rows = [(code(each.name), *(_cell(each, measure) for measure in _MEASURES)) for each in differing[:cap]]
        lines += ["", *table(("File", "Text", "Data", "BSS", "Size"), rows)]
        lines += _left_out(len(differing) - cap, "file")
    same = len(every) - len(differing)
    if same:
        lines += ["", f"{plural(same, 'other file' if differing else 'file')}: no difference."]
    return title, lines


def _summed(every: Sequence[Change]) -> str:
    """`+1.25 MiB (+1,310,720), 1 new file, 1 file gone`."""
    both = [each for each in every if each.base is not None and each.head is not None]
    new = sum(each.base is None for each in every)
    gone = sum(each.head is None for each in every)
    return ", ".join(
        [
            *([difference(sum(map(_moved, both)))] if any(map(_differs, both)) else []),
            *([plural(new, "new file")] if new else []),
            *([f"{plural(gone, 'file')} gone"] if gone else []),
        ]
    )


def _base_release(made: Made, context: Context) -> str:
    tag = code(made.base_tag)
    return linked(tag, page_of(context, f"releases/tag/{_quoted(made.base_tag)}")) if context.repository else tag


def _differs(change: Change) -> bool:
    if change.base is None or change.head is None:
        return True
    return any(getattr(change.base, measure) != getattr(change.head, measure) for measure in _MEASURES)


def _moved(change: Change) -> int:
    """By how many bytes the file has grown."""
    return (change.head.file if change.head is not None else 0) - (change.base.file if change.base is not None else 0)


def _cell(change: Change, measure: str) -> str:
    base, head = (getattr(side, measure, None) for side in (change.base, change.head))
    if head is None:
        return f"gone, was {base:,}"
    return f"{head:,}<br>{'new' if base is None else difference(head - base)}"


def problems(found: Sequence[Problem], cap: int) -> list[list[str]]:
    """A section for each kind of problem: why it is one, what to do, and the files."""
    blocks = []
    for fault, group in by_fault(found).items():
        told = about_fault(fault)
        lines = [f"- {code(each.file)} {prose(told.found(each.found))}" for each in group[:cap] if each.file]
        listed = ["", *lines, *_left_out(len(group) - cap, "file")] if lines else []
        blocks.append(section(told.heading, [f"{told.why} {told.todo}", *listed]))
    return blocks


def log(made: Made) -> list[str]:
    """The last lines of the build's log, as a block that none of them can end."""
    tail = tail_of(made.log, LOG_LINES)
    return section("The end of the log", fenced(tail, "text")) if tail else []


def _left_out(count: int, noun: str) -> list[str]:
    return ["", f"… {plural(count, f'more {noun}')}."] if count > 0 else []
