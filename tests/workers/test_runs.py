from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest

from checker.report import Finding, Severity, State
from tests.workers.test_publish import report
from workers.requests import PullRequestEvent
from workers.runs import (
    Ending,
    Next,
    Outcome,
    Run,
    Standing,
    batches,
    next_step,
    standing,
    watched,
    worth_a_comment,
    worth_a_study,
)

RUN = Run(1, "acme/engine", 7, "b" * 40, "a" * 40, "https://github.com/acme/engine.git", ("Source/a.h",))
EVENT = PullRequestEvent("opened", 1, "acme/engine", 7, "a" * 40, "main", "b" * 40, "https://x/y.git")


@dataclass(frozen=True)
class Pull:
    head_sha: str
    open: bool = True


def test_what_is_stored_comes_back_equal() -> None:
    assert Run.from_json(json.loads(json.dumps(RUN.to_json()))) == RUN
    assert PullRequestEvent.from_json(json.loads(json.dumps(EVENT.to_json()))) == EVENT
    for outcome in (Outcome(Ending.REPORT), Outcome(Ending.BROKEN, "why")):
        assert Outcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


def test_what_a_newer_version_stored_can_be_read_but_nothing_may_be_missing() -> None:
    assert Run.from_json({**RUN.to_json(), "added_later": 1}) == RUN
    with pytest.raises(KeyError):
        Run.from_json({"repository": "acme/engine"})


def test_a_run_is_named_by_its_pull_request_base_and_head() -> None:
    assert RUN.id == f"acme/engine#7/{'b' * 12}..{'a' * 40}"
    same = replace(RUN, installation_id=9, files=())
    others = [replace(RUN, number=8), replace(RUN, head="c" * 40), replace(RUN, base="c" * 40)]
    assert same.id == RUN.id
    assert len({RUN.id, *(other.id for other in others)}) == 4


@pytest.mark.parametrize(
    ("pull", "current", "expected"),
    [
        (Pull("a" * 40), RUN.id, Standing.CURRENT),
        (Pull("a" * 40), None, Standing.CURRENT),
        (Pull("a" * 40, open=False), RUN.id, Standing.CLOSED),
        (Pull("c" * 40), RUN.id, Standing.SUPERSEDED),
        (Pull("c" * 40, open=False), RUN.id, Standing.SUPERSEDED),
        (Pull("a" * 40), replace(RUN, base="d" * 40).id, Standing.SUPERSEDED),
        # Known from an older push only: GitHub's own head decides.
        (Pull("a" * 40), replace(RUN, head="d" * 40).id, Standing.CURRENT),
    ],
)
def test_standing(pull: Pull, current: str | None, expected: Standing) -> None:
    assert standing(RUN, pull, current) is expected


def test_next_step() -> None:
    assert next_step(None, shown=False) is Next.CHECK
    assert next_step(Outcome(Ending.REPORT), shown=False) is Next.PUBLISH
    assert next_step(Outcome(Ending.REPORT), shown=True) is Next.NOTHING
    assert next_step(Outcome(Ending.BROKEN, "why"), shown=False) is Next.PUBLISH
    assert next_step(Outcome(Ending.BROKEN, "why"), shown=True) is Next.CHECK


@pytest.mark.parametrize(
    ("files", "complete", "expected"),
    [
        ([], True, (False, ())),
        ([], False, (True, ())),
        ([("a.c",)], True, (False, ())),
        ([("a.c",)], False, (True, ())),
        ([("a.c",), ("b.h",)], True, (True, ("b.h",))),
        ([("a.c", "b.h")], True, (True, ("b.h",))),
        ([("a.h", "b.h"), ("a.h",)], False, (True, ("a.h", "b.h"))),
    ],
)
def test_watched(files: list[tuple[str, ...]], complete: bool, expected: tuple[bool, tuple[str, ...]]) -> None:
    assert watched(files, complete, lambda path: path.endswith(".h")) == expected


@pytest.mark.parametrize(
    ("total", "sent", "expected"),
    [(0, 0, []), (50, 0, [(0, 50)]), (51, 0, [(0, 50), (50, 51)]), (51, 50, [(50, 51)]), (51, 51, []), (51, 60, [])],
)
def test_batches(total: int, sent: int, expected: list[tuple[int, int]]) -> None:
    assert [(part.start, part.stop) for part in batches(total, sent, 50)] == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.INTRODUCED, True),
        (State.FIXED, True),
        (State.GONE, True),
        (State.STANDING, False),
        (State.HOLDS, False),
    ],
)
def test_a_finding_that_came_or_went_is_worth_a_comment(state: State, expected: bool) -> None:
    broken = report(1)
    finding: Finding = broken.targets[0].findings[0].model_copy(update={"state": state})
    target = broken.targets[0].model_copy(update={"findings": (finding,)})
    assert worth_a_comment(broken.model_copy(update={"targets": (target,)})) is expected


@pytest.mark.parametrize(
    ("state", "severity", "expected"),
    [
        (State.INTRODUCED, Severity.ERROR, True),
        (State.INTRODUCED, Severity.WARNING, True),
        (State.STANDING, Severity.ERROR, False),
        (State.FIXED, Severity.ERROR, False),
    ],
)
def test_only_what_is_new_is_worth_a_study(state: State, severity: Severity, expected: bool) -> None:
    broken = report(1)
    finding: Finding = broken.targets[0].findings[0].model_copy(update={"state": state, "severity": severity})
    target = broken.targets[0].model_copy(update={"findings": (finding,)})
    assert worth_a_study(broken.model_copy(update={"targets": (target,)})) is expected
    assert not worth_a_study(report(0))
