"""Where checks may not be written, commit statuses of the same names tell the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.server import PERMISSIONS, Simulator
from tests.workers.heard import Heard, hearing
from tests.workers.house import BAD, GOOD, REPOSITORY


@pytest.fixture
def bare(tmp_path: Path, redis_url: str) -> Iterator[Heard]:
    """A house whose App may write statuses and no checks."""
    permissions = {**PERMISSIONS, "checks": "read"}
    with (
        Simulator(tmp_path / "github") as simulator,
        hearing(tmp_path, simulator, redis_url, permissions=permissions) as built,
    ):
        yield built
        assert simulator.violations == []


def statuses(heard: Heard, sha: str) -> list[tuple[str, str]]:
    """State and description, oldest first."""
    return [(one["state"], one["description"]) for one in reversed(heard.simulator.statuses(REPOSITORY, sha))]


@pytest.mark.parametrize(("files", "state"), [(GOOD, "success"), (BAD, "failure")])
def test_a_verdict_is_told_as_a_status(bare: Heard, files: dict[str, str | None], state: str) -> None:
    sha = bare.house.open(files)
    bare.settle()
    assert [each for each, _ in statuses(bare, sha)] == ["pending", state]
    (_, last) = statuses(bare, sha)
    assert 0 < len(last[1]) <= 140
    (status, *_) = bare.simulator.statuses(REPOSITORY, sha)
    assert status["context"] == "pagewarden"
    assert status["target_url"] == f"{bare.simulator.url}/{REPOSITORY}/pull/{bare.house.number}"
    assert bare.simulator.check_runs(REPOSITORY, sha) == []
    assert len(bare.house.comments()) == 1


def test_what_touches_nothing_watched_passes_at_once(bare: Heard) -> None:
    sha = bare.house.open({"README.md": "Another engine.\n"})
    bare.settle()
    assert [state for state, _ in statuses(bare, sha)] == ["success"]


def test_checks_are_tried_once_in_a_while_only(bare: Heard) -> None:
    bare.house.open(GOOD)
    bare.settle()
    bare.house.push(BAD)
    bare.settle()
    assert bare.house.calls("POST", "/check-runs") == 1


def test_an_attempt_tells_its_status_anew(bare: Heard) -> None:
    sha = bare.house.open(BAD)
    bare.settle()
    bare.say("octocat", "/recheck")
    assert [state for state, _ in statuses(bare, sha)] == ["pending", "failure", "pending", "failure"]


def test_nothing_is_told_twice(bare: Heard) -> None:
    sha = bare.house.open(BAD)
    bare.settle()
    bare.house.deliver()
    bare.settle()
    assert len(statuses(bare, sha)) == 2
