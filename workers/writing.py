"""Writing to GitHub: one job at a time about each pull request or branch.

The lock is extended before each request: a job that lost it writes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from workers.github import Client
from workers.tools import Tools


@contextmanager
def writing(tools: Tools, place: str, installation_id: int) -> Iterator[Client]:
    """A client that may write about a pull request or branch: nobody else does so meanwhile.

    Raises `Busy`, `GitHubError`.
    """
    with (
        tools.store.lock(place) as held,
        tools.github.client(installation_id, before=held.extend) as client,
    ):
        yield client
