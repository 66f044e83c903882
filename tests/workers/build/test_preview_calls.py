"""How many requests a preview costs."""

from __future__ import annotations

import re
from collections import Counter

from tests.workers.build.previewing import WORKFLOW, WORKFLOW_FILES, Previewing
from tests.workers.build.test_preview import ENGINE, settings
from tests.workers.house import REPOSITORY
from workers.tools import Job


def calls(house: Previewing, since: int) -> Counter[str]:
    """Requests by method and path, without numbers, tokens not counted."""
    found: Counter[str] = Counter()
    for call in house.simulator.calls[since:]:
        path = re.sub(r"autobuild-[^/]+", "TAG", re.sub(r"\b[0-9a-f]{40}\b", "SHA", call.path))
        if not path.endswith("/access_tokens"):
            found[f"{call.method} {re.sub(r'/[0-9]+', '/N', path).removeprefix(f'/repos/{REPOSITORY}')}"] += 1
    return found


def told(what: str, made: Counter[str]) -> int:
    """Prints the calls, and counts them."""
    print(f"\n{what}: {made.total()}", *(f"{count} {call}" for call, count in sorted(made.items())), sep="\n  ")
    return made.total()


def test_a_build_on_this_host(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.is_busy = True
    previewing.open()
    since = len(previewing.simulator.calls)
    previewing.is_busy = False
    previewing.look_again()
    assert told("a build here, to its release", calls(previewing, since)) <= 22


def test_a_build_by_a_workflow(previewing: Previewing) -> None:
    previewing.rule(f"preview:\n  actions:\n    workflow: {WORKFLOW}\n", WORKFLOW_FILES)
    since = len(previewing.simulator.calls)
    previewing.open()
    begun = calls(previewing, since)
    since = len(previewing.simulator.calls)
    for _ in range(10):
        previewing.look_again()
    waited = calls(previewing, since)
    assert set(waited) == {"GET /actions/runs/N"}
    assert told("ten looks at it", waited) == 10
    assert told("a push with a preview by a workflow, until that is dispatched", begun) <= 22


def test_many_webhooks_make_one_chain_of_looks(previewing: Previewing) -> None:
    previewing.rule(f"preview:\n  actions:\n    workflow: {WORKFLOW}\n", WORKFLOW_FILES)
    previewing.open()
    house = previewing.house
    for _ in range(20):
        house.tools.send(Job.BUILD, previewing.run_id())
    previewing.settle()
    assert len(previewing.waiting) == 1
