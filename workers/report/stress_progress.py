"""How far a stress run has come, in words."""

from __future__ import annotations

from datetime import UTC, datetime

from workers.report.stress_words import MACHINES
from workers.report.tables import table
from workers.report.words import code, page, plain, plural
from workers.stress.progress import PageProgress, Progress, Stage


def under_way(now: Progress) -> str:
    """One plain line: `4K: done · 16K: phase 3 of 12 · 64K: waiting`."""
    if all(each.stage is Stage.WAITING for each in now.pages):
        return "Waiting for a machine"
    if all(each.stage is Stage.BUILDING for each in now.pages):
        most = max(now.pages, key=lambda each: each.done)
        return f"Building: {most.done:,} of {plural(most.of, 'file')}"
    return "Stress: " + " · ".join(f"{page(each.page_size)}: {state(each)}" for each in now.pages)


def state(each: PageProgress) -> str:
    """`phase 3 of 12`."""
    match each.stage:
        case Stage.WAITING | Stage.DONE:
            return str(each.stage)
        case Stage.BUILDING:
            return f"building {each.done:,} of {each.of:,}"
        case Stage.RUNNING:
            return f"phase {min(each.done + 1, each.of):,} of {each.of:,}"


def pages_table(now: Progress) -> list[str]:
    """A row for each page size, then the machine and when it began."""
    rows = [(page(each.page_size), state(each), ", ".join(code(name) for name in current(each))) for each in now.pages]
    since = f", since {datetime.fromtimestamp(now.started, UTC):%Y-%m-%d %H:%M} UTC" if now.started is not None else ""
    return [
        *table(("Pages", "State", "Now"), rows),
        "",
        f"On {MACHINES.get(now.machine, plain(now.machine))}{since}.",
    ]


def current(each: PageProgress) -> tuple[str, ...]:
    """The subject and the phase under way, plain."""
    busy = each.stage in {Stage.BUILDING, Stage.RUNNING}
    return tuple(plain(name) for name in (each.subject, each.phase) if name and busy)
