"""GitHub's published examples of webhooks, as npm packages them (MIT): fetched once, then from the cache."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from workers.scenario.progress import silent
from workers.scenario.source import default_cache_dir
from workers.stress.javascript.npm import npm_package

PACKAGE, VERSION = "@octokit/webhooks-examples", "7.6.1"
OUR_APP = 7


@dataclass(frozen=True)
class Example:
    """One payload. `number` counts those of an event from 0."""

    event: str
    number: int
    payload: dict[str, Any]

    @property
    def case(self) -> str:
        """What it is an example of: the event and its action, for a push what was pushed, for a workflow why it ran."""
        said = self.payload.get("action", "")
        if self.event == "push":
            said = f"{'deletes' if self.payload['deleted'] else 'to'} {self.payload['ref']}"
        if self.event == "workflow_run":
            said = f"{said} for {self.payload['workflow_run']['event']}"
        return f"{self.event} {said}".strip()

    @property
    def app_id(self) -> int:
        """The App that it was recorded for, where it says so."""
        check = self.payload.get(self.event)
        app = check.get("app") if isinstance(check, dict) else None
        return int(app["id"]) if app else OUR_APP


@cache
def examples() -> tuple[Example, ...]:
    """All of github.com's, each once. Raises `SubjectError` where npm or its registry is out of reach."""
    tree = npm_package(PACKAGE, VERSION, default_cache_dir() / "webhooks", silent).tree
    index = json.loads((tree / "package/api.github.com/index.json").read_bytes())
    return tuple(example for event in index for example in _different(event["name"], event["examples"]))


def _different(event: str, payloads: list[dict[str, Any]]) -> Iterator[Example]:
    seen = set()
    for number, payload in enumerate(payloads):
        text = json.dumps(payload, sort_keys=True)
        if text not in seen:
            seen.add(text)
            yield Example(event, number, payload)
