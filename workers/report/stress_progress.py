"""How far a stress run has come, in words."""

from __future__ import annotations

from datetime import UTC, datetime

from workers.report.stress_words import MACHINES
from workers.report.tables import table
from workers.report.words import code, page, plain, plural
from workers.stress.progress import PageProgress, Progress, Stage


def under_way(now: Progress) -> str:
    """One plain line: `Stress: 4K: done · 16K: phase 3 of 12 · 64K: waiting`."""
    every = now.pages + now.preview
    if only_awaits_a_build(now):
        return "Waiting for the preview build"
    if all(each.stage in {Stage.WAITING, Stage.UNBUILT} for each in every):
        return "Waiting for a machine"
    told = [f"{page(each.page_size)}: {state(each)}" for each in now.pages]
    if now.pages and all(each.stage is Stage.BUILDING for each in now.pages):
        most = max(now.pages, key=lambda each: each.done)
        if not now.preview:
            return f"Building: {most.done:,} of {plural(most.of, 'file')}"
        told = [f"building {most.done:,} of {plural(most.of, 'file')}"]
    return "Stress: " + " · ".join([*told, *_preview(now)])


def only_awaits_a_build(now: Progress) -> bool:
    """Whether there is nothing to do before the preview is built."""
    return not now.pages and bool(now.preview) and all(each.stage is Stage.UNBUILT for each in now.preview)


def _preview(now: Progress) -> list[str]:
    if now.preview and all(each.stage is Stage.UNBUILT for each in now.preview):
        return [f"preview: {Stage.UNBUILT}"]
    return [f"preview at {page(each.page_size)}: {state(each)}" for each in now.preview]


def state(each: PageProgress) -> str:
    """`phase 3 of 12`."""
    match each.stage:
        case Stage.WAITING | Stage.DONE | Stage.UNBUILT | Stage.LEFT_OUT:
            return str(each.stage)
        case Stage.BUILDING:
            return f"building {each.done:,} of {each.of:,}"
        case Stage.RUNNING:
            return f"phase {min(each.done + 1, each.of):,} of {each.of:,}"


def pages_table(now: Progress) -> list[str]:
    """A row for each page size, then the machine and when it began."""
    rows = [(name, state(each), ", ".join(code(name) for name in current(each))) for name, each in machines(now)]
    since = f", since {datetime.fromtimestamp(now.started, UTC):%Y-%m-%d %H:%M} UTC" if now.started is not None else ""
    return [
        *table(("Pages", "State", "Now"), rows),
        "",
        f"On {MACHINES.get(now.machine, plain(now.machine))}{since}.",
    ]


def machines(now: Progress) -> tuple[tuple[str, PageProgress], ...]:
    """Each with its name: `4K`, or `4K, preview` where that is run."""
    return (
        *((page(each.page_size), each) for each in now.pages),
        *((f"{page(each.page_size)}, preview", each) for each in now.preview),
    )


def current(each: PageProgress) -> tuple[str, ...]:
    """The subject and the phase under way, plain."""
    busy = each.stage in {Stage.BUILDING, Stage.RUNNING}
    return tuple(plain(name) for name in (each.subject, each.phase) if name and busy)
