"""Which rows the comment's table has: pure."""

from __future__ import annotations

from collections.abc import Iterable

from workers.build.driver import State
from workers.build.result import GOOD, Ending, Row, RowState
from workers.build.store import Build
from workers.trust import Distrust

UNTRUSTED = frozenset(Distrust)


def row_of(build: Build, check_url: str) -> Row | None:
    """What there is to tell of a commit's build; `None` for one that nobody here can build. `check_url` leads to its
    check, "" where that is not known."""
    order, made = build.order, build.made
    url = build.seen.url or check_url
    since = build.ended or build.begun or build.since
    if made is not None and made.release is not None and made.ending is Ending.RELEASED:
        # What was found released keeps its own date.
        at = since if build.work.starts else made.release.at
        return Row(order.head, RowState.RELEASED, made.release.tag, made.release.url, at)
    if made is not None:
        return Row(order.head, _ended(made.ending), order.tag, made.url or url, since)
    if not build.over:
        is_begun = build.seen.state is not State.QUEUED or build.work.starts > 0
        return Row(order.head, RowState.BUILDING if is_begun else RowState.QUEUED, order.tag, url, since)
    if build.refused is not None:
        is_waiting = build.refused in UNTRUSTED
        return Row(order.head, RowState.WAITING, order.tag, check_url, since) if is_waiting else None
    return Row(order.head, RowState.FAILED if build.timed_out else RowState.CANCELLED, order.tag, url, since)


def _ended(ending: Ending) -> RowState:
    if ending in GOOD:
        return RowState.BUILT
    return RowState.CANCELLED if ending is Ending.CANCELLED else RowState.FAILED


def table(told: Iterable[Row], kept: Iterable[Row]) -> tuple[Row, ...]:
    """One row for each commit, the newest first; `told` begins with what was wanted first.

    What is `kept` counts where nothing is told of the commit, or its release was removed since; of two builds of one
    commit, for two bases, the later tells.
    """
    rows: dict[str, Row] = {}
    for row in sorted(told, key=lambda row: int(row.at)):
        rows.pop(row.sha, None)
        rows[row.sha] = row
    for row in kept:
        mine = rows.get(row.sha)
        is_removed = row.state == RowState.REMOVED and mine is not None and mine.state == RowState.RELEASED
        if mine is None or (is_removed and mine.at <= row.at):
            rows[row.sha] = row
    # GitHub tells whole seconds; within one, what is wanted later comes first.
    later_first = reversed(list(rows.values()))
    return tuple(sorted(later_first, key=lambda row: -int(row.at)))
