"""Which artifacts of a run are the build, and why some cannot be."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from workers.build.driver import BuildError, State
from workers.build.workflow_artifacts import MOST_ARTIFACTS, MOST_BYTES, choose
from workers.github.workflow_calls import WorkflowArtifact


def artifact(number: int, name: str, size: int = 10, *, expired: bool = False) -> WorkflowArtifact:
    return WorkflowArtifact(number, name, size, expired, "")


def names(*named: str, there: list[WorkflowArtifact]) -> list[tuple[int, str]]:
    return [(each.id, each.name) for each in choose(named, there)]


def refused(*named: str, there: list[WorkflowArtifact]) -> tuple[str, State | None]:
    with pytest.raises(BuildError) as raised:
        choose(named, there)
    return str(raised.value), raised.value.state


def test_all_are_the_build_where_none_is_named() -> None:
    assert names(there=[artifact(2, "b"), artifact(1, "a")]) == [(1, "a"), (2, "b")]
    assert names(there=[]) == []


def test_those_that_are_named_are_the_build() -> None:
    there = [artifact(1, "a"), artifact(2, "b"), artifact(3, "logs", expired=True), artifact(4, "c", MOST_BYTES)]
    assert names("b", "a", there=there) == [(2, "b"), (1, "a")]


def test_of_a_run_that_was_run_again_the_last_counts() -> None:
    assert names(there=[artifact(3, "a"), artifact(2, "a", expired=True)]) == [(3, "a")]


def test_one_that_is_named_and_missing_is_told() -> None:
    assert refused("c", "d", there=[artifact(1, "a"), artifact(2, "b")]) == snapshot(
        ("the workflow run left no artifact c, which artifacts in the settings names. It left: a, b", State.FAILED)
    )
    assert refused("c", there=[])[0].endswith("It left: none")


def test_one_whose_time_is_over_is_told() -> None:
    assert refused(there=[artifact(1, "a"), artifact(2, "b", expired=True)]) == snapshot(
        ("GitHub keeps the artifact b no longer: its time is over", State.GONE)
    )


def test_more_than_is_taken_is_told() -> None:
    half = MOST_BYTES // 2
    assert names(there=[artifact(1, "a", half), artifact(2, "b", half)]) == [(1, "a"), (2, "b")]
    assert refused(there=[artifact(1, "a", half), artifact(2, "b", half + 1)]) == snapshot(
        ("the workflow run left 2,147,483,649 bytes; at most 2,147,483,648 are taken", State.FAILED)
    )
    assert refused(there=[artifact(n, f"a{n}") for n in range(MOST_ARTIFACTS + 1)]) == (
        "the workflow run left 51 artifacts; at most 50 are taken. Name those that are the build under artifacts in "
        "the settings",
        State.FAILED,
    )
