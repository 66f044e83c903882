"""Cleaning: releases of previews whose pull request was closed long enough ago are removed, with their tags."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from workers.build.releases import Mine
from workers.build.releases import clean as remove
from workers.build.result import Row, RowState
from workers.github import Client, NotThere
from workers.tools import Tools

CLEAN_SECONDS = 24 * 3600.0
"""Between two looks at the releases of a repository that has any of ours."""
AGAIN_SECONDS = 3600.0
"""Nobody begins with it anew for so long, whatever becomes of it: it takes many requests."""

log = structlog.get_logger(__name__)


def clean(tools: Tools, key: str) -> None:
    """The job, about all releases of ours in a repository: what is known here of its pull requests may be lost.

    Raises `GitHubError`.
    """
    if not tools.builds.is_to_clean(key):
        return
    installation_id, repository, days = tools.builds.cleaning(key)
    tools.builds.put_off_cleaning(key, AGAIN_SECONDS)
    with tools.github.client(installation_id) as client:
        cleaned = remove(
            client, repository, tools.github.bot(), lambda number: _is_due(tools, client, repository, number, days)
        )
    note_removed(tools, repository, cleaned.removed)
    if cleaned.left:
        tools.builds.put_off_cleaning(key, CLEAN_SECONDS)
    else:
        tools.builds.end_cleaning(key)


def note_removed(tools: Tools, repository: str, removed: Sequence[Mine]) -> None:
    """The comment's table tells which releases are there no more."""
    for each in removed:
        row = Row(each.sha, RowState.REMOVED, each.release.tag, at=tools.clock())
        tools.builds.keep_row(f"{repository}#{each.number}", row)


def _is_due(tools: Tools, client: Client, repository: str, number: int, days: int) -> bool:
    """Whether a pull request has been closed for so many days."""
    try:
        pull = client.pull(repository, number)
    except NotThere:
        return False
    return not pull.open and pull.closed_at + days * 24 * 3600 <= tools.clock()
