"""The settings that rule a run, read anew: those of the branch as it is now."""

from __future__ import annotations

import json
from dataclasses import replace

from workers.github import Client
from workers.ruling import Source
from workers.rulings import Remote
from workers.runs import Run
from workers.tools import Tools


def refresh(tools: Tools, client: Client, run: Run) -> None:
    """Has them rule the run. Raises `GitHubError`, `GitError`."""
    source = refreshed(tools, client, run)
    if source is not None:
        tools.store.rule(run.id, json.dumps(source.to_json()))


def refreshed(tools: Tools, client: Client, run: Run) -> Source | None:
    """The settings at the branch as it is now; what the change proposes is what it was."""
    kept = tools.store.ruling(run.id)
    remote = Remote(run.repository, run.clone_url, client.token)
    tip = tools.rulings.tip(remote, run.ref)
    if tip is None:
        return None
    proposed = Source.from_json(json.loads(kept)).proposed if kept is not None else None
    return replace(tools.rulings.at(remote, run.ref, tip), proposed=proposed)
