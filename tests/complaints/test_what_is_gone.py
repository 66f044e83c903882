"""Complaints about what is not there any more, or not what it was: each must be a normal state."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from tests.complaints.quiet import is_quiet, pass_time
from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import FORK, WRITER, Stressing

STAGES = range(6)
"""How many jobs were done when it vanished."""


def begun(heard: Heard, steps: int) -> str:
    """A pull request of which so many jobs were done; its head."""
    sha = heard.house.open(BAD)
    heard.hear()
    for _ in range(steps):
        if heard.house.queue:
            heard.house.step()
    return sha


def forget_pull(heard: Heard) -> None:
    """As GitHub's support does."""
    del heard.simulator._state.pulls[REPOSITORY, heard.house.number]


def forget_check_runs(heard: Heard) -> None:
    """All of them."""
    heard.simulator._state.check_runs.clear()


def forget_comments(heard: Heard) -> None:
    """Somebody deletes all of them."""
    for comment in heard.simulator.comments(REPOSITORY, heard.house.number):
        heard.simulator.delete_comment(comment["id"])


def forget_branch(heard: Heard) -> None:
    """The branch of the pull request."""
    heard.simulator.delete_branch(REPOSITORY, "change")


@pytest.mark.parametrize("steps", STAGES)
@pytest.mark.parametrize("status", [404, 422], ids=["404", "422"])
def test_after_a_force_push_the_bot_fails_on_the_old_commit_for_ever(heard: Heard, steps: int, status: int) -> None:
    first = begun(heard, steps)
    heard.simulator.fail_next("PATCH", "/check-runs/", status)
    last = heard.house.push(GOOD, start="main")
    heard.simulator.forget_unreachable(REPOSITORY)
    heard.settle()
    pass_time(heard)
    assert heard.house.conclusions(last) == ["success"]
    assert set(heard.house.conclusions(first)) <= {None, "cancelled", "failure"}
    (comment,) = heard.house.comments()
    assert last[:12] in comment


@pytest.mark.parametrize("steps", STAGES)
def test_a_pull_request_that_vanished_crashes_the_bot(heard: Heard, steps: int) -> None:
    begun(heard, steps)
    forget_pull(heard)
    heard.settle()
    assert is_quiet(heard)


@pytest.mark.parametrize("steps", STAGES)
def test_a_repository_that_vanished_crashes_the_bot(heard: Heard, steps: int) -> None:
    begun(heard, steps)
    for method in ("GET", "POST", "PATCH"):
        heard.simulator.fail_next(method, f"/{REPOSITORY}(/|.git|$)", 404, times=10_000)
    heard.settle(most=200)
    assert len(heard.simulator.calls) < 60
    heard.house.clock.ahead += 24 * 3600
    pass_time(heard)
    assert is_quiet(heard)


@pytest.mark.parametrize("steps", STAGES)
def test_check_runs_that_vanished_never_come_back(heard: Heard, steps: int) -> None:
    sha = begun(heard, steps)
    forget_check_runs(heard)
    told_anew = bool(heard.house.queue)
    heard.settle()
    assert heard.house.conclusions(sha) == (["failure"] if told_anew else [])
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha)[-1] == "failure"
    assert is_quiet(heard)


@pytest.mark.parametrize("vanish", [forget_comments, forget_branch])
@pytest.mark.parametrize("steps", STAGES)
def test_what_people_delete_crashes_the_bot(heard: Heard, steps: int, vanish: Callable[[Heard], None]) -> None:
    sha = begun(heard, steps)
    vanish(heard)
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert is_quiet(heard)


def test_a_comment_that_was_deleted_never_comes_back(heard: Heard) -> None:
    heard.open(BAD)
    forget_comments(heard)
    last = heard.push({"Source/page.h": "#define PAGE 2048\n"})
    (comment,) = heard.house.comments()
    assert last[:12] in comment


@pytest.mark.parametrize("steps", STAGES)
def test_a_memory_that_was_lost_doubles_everything(heard: Heard, redis: Redis, steps: int) -> None:
    sha = begun(heard, steps)
    redis.flushall()
    heard.settle()
    heard.simulator.close_pull(REPOSITORY, heard.house.number)
    heard.simulator.reopen_pull(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(heard.house.comments()) == 1
    assert len(heard.house.suggestions()) == 1
    assert is_quiet(heard)


def test_a_fork_that_vanished_crashes_the_bot(stressing: Stressing) -> None:
    sha = stressing.open_fork(BAD)
    stressing.simulator.delete_repository(FORK)
    stressing.say(WRITER, "/recheck")
    assert stressing.conclusion(sha, "pagewarden") == "failure"
    assert stressing.check(sha, "pagewarden")["output"]["title"].endswith("(attempt 2)")


def test_a_push_that_is_taken_back_is_run_on_the_leave_that_it_had(stressing: Stressing) -> None:
    approved = stressing.open_fork(GOOD)
    stressing.say(WRITER, f"/ok-to-test {approved}")
    assert stressing.is_waiting()
    malicious = stressing.push({"Source/page.h": "#define PAGE 131072\n"}, FORK)
    stressing.settle()
    stressing.look_again()
    assert stressing.conclusion(malicious) == "neutral"
    stressing.simulator.push(FORK, "change", approved)
    stressing.settle()
    stressing.look_again()
    assert stressing.conclusion(approved) == "neutral"
    assert stressing.house.tools.trust.approval(f"{REPOSITORY}#{stressing.house.number}") is None
