"""The demo's eyes and mouth: what the simulated GitHub shows of a check, told as it changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from simulator.server import Simulator

_POLL_SECONDS = 0.2


def say(console: Console, text: str) -> None:
    """One line, however long."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def followed(
    github: Simulator,
    repository: str,
    sha: str,
    name: str,
    *,
    tell: Callable[[str], None],
    seconds: float,
    require_server: Callable[[], None],
) -> Mapping[str, Any] | None:
    """The newest check run of a name on a commit once it is completed, `None` where it is not within so many seconds.

    Each title that it has meanwhile is told. `require_server` raises when nobody is there to wait for.
    """
    deadline, told = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        check = _newest(github, repository, sha, name)
        if check is not None and check["status"] == "completed":
            return check
        title = check["output"]["title"] if check is not None else ""
        if title and title != told:
            tell(title)
            told = title
        require_server()
        time.sleep(_POLL_SECONDS)
    return None


def _newest(github: Simulator, repository: str, sha: str, name: str) -> Mapping[str, Any] | None:
    runs: list[Mapping[str, Any]] = github.check_runs(repository, sha)
    return next((run for run in reversed(runs) if run["name"] == name), None)
