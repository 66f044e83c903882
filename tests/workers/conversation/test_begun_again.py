"""What becomes of a run when somebody cancels it or has it checked again."""

from __future__ import annotations

import pytest

from tests.workers.gitrepos import commit, git
from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, REPOSITORY


@pytest.fixture
def spoken(heard: Heard) -> Heard:
    """A pull request that is checked, and a person who may write."""
    heard.house.open(BAD)
    heard.settle()
    heard.simulator.set_permission(REPOSITORY, "writer", "write")
    return heard


def head_of(heard: Heard) -> str:
    return heard.simulator.pull(REPOSITORY, heard.house.number).head_sha


def test_a_check_under_way_is_cancelled(heard: Heard) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    heard.simulator.comment(REPOSITORY, heard.house.number, AUTHOR, "/cancel")
    heard.hear()
    heard.house.queue.rotate(1)
    heard.settle()
    ((status, conclusion, title),) = heard.house.checks(sha)
    assert (status, conclusion) == ("completed", "cancelled")
    assert "Cancelled" in title
    assert heard.house.comments() == ["/cancel"]
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha) == ["cancelled", "failure"]


def test_a_permission_is_asked_for_once_in_some_minutes(spoken: Heard) -> None:
    for _ in range(3):
        spoken.say("writer", "/recheck")
    assert spoken.house.calls("GET", "/collaborators/writer/permission") == 1
    assert len(spoken.house.checks(head_of(spoken))) == 4


def test_a_recheck_obeys_settings_that_landed_meanwhile(spoken: Heard) -> None:
    settings = "rules:\n  page-covers-os-page: {severity: warning, reason: We have no such kernels.}\n"
    house = spoken.house

    git(house.source, "checkout", "--quiet", "main")
    commit(house.source, {".github/pagewarden.yml": settings})
    spoken.simulator.push(REPOSITORY, "main", "main")
    spoken.settle()
    spoken.say(AUTHOR, "/recheck")
    assert house.conclusions(head_of(spoken)) == ["failure", "success"]
