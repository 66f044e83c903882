"""Buttons and re-runs where no pull request is named: of forks, merge groups and branches, of what was replaced, closed
or forgotten, and of several pull requests with one head."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.workers.gitrepos import commit, git
from tests.workers.heard import AUTHOR
from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import FORK, MAIN, STRANGER, STRESS, WRITER, Stressing
from workers.stress.verdicts import Verdict

HOWS = ("press", "rerun", "suite")
NOBODY = "reader"


def runs(stressing: Stressing, sha: str, name: str = MAIN) -> list[tuple[str | None, str]]:
    """Conclusion and title of each check of a name, oldest first."""
    every = stressing.simulator.check_runs(REPOSITORY, sha)
    return [(run["conclusion"], run["output"]["title"]) for run in every if run["name"] == name]


def conclusions(stressing: Stressing, sha: str, name: str = MAIN) -> list[str | None]:
    return [conclusion for conclusion, _ in runs(stressing, sha, name)]


def again(stressing: Stressing, sha: str, how: str, person: str) -> None:
    """The newest main check of a commit is asked for again."""
    check = stressing.check(sha, MAIN)["id"]
    if how == "press":
        stressing.simulator.press(check, "recheck", person)
    elif how == "rerun":
        stressing.simulator.rerun(check, person)
    else:
        stressing.simulator.rerun_suite(REPOSITORY, sha, person)
    stressing.settle()


def is_quiet(stressing: Stressing) -> bool:
    """Whether nothing is left to be done."""
    tools = stressing.house.tools
    return tools.inbox.pending(-1) == [] and tools.store.open_runs(-1) == []


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("person", "is_allowed"), [(WRITER, True), (STRANGER, True), (NOBODY, False)])
def test_the_check_of_a_fork_is_found_by_what_we_called_it(
    stressing: Stressing, how: str, person: str, is_allowed: bool
) -> None:
    sha = stressing.open_fork(BAD)
    stressing.simulator.set_permission(REPOSITORY, NOBODY, "read")
    assert stressing.check(sha, MAIN)["pull_requests"] == []
    again(stressing, sha, how, person)
    assert conclusions(stressing, sha) == ["failure"] * (2 if is_allowed else 1)
    stresses = conclusions(stressing, sha, STRESS)
    assert stresses == ["neutral"] * (2 if is_allowed and how == "suite" else 1)
    assert is_quiet(stressing)
    assert len([body for body in stressing.house.comments() if "<!-- pagewarden -->" in body]) == 1


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("person", [WRITER, AUTHOR])
def test_a_merge_group_is_checked_again_for_who_may_write(stressing: Stressing, how: str, person: str) -> None:
    stressing.open(BAD)
    group = stressing.simulator.queue(REPOSITORY, stressing.house.number)
    stressing.settle()
    assert conclusions(stressing, group.head_sha) == ["failure"]
    again(stressing, group.head_sha, how, person)
    assert conclusions(stressing, group.head_sha) == ["failure"] * (2 if person == WRITER else 1)


@pytest.mark.parametrize("how", HOWS)
def test_the_check_of_a_push_is_run_again_for_who_may_write(stressing: Stressing, how: str) -> None:
    git(stressing.house.source, "checkout", "--quiet", "main")
    sha = commit(stressing.house.source, BAD)
    stressing.simulator.push(REPOSITORY, "main", sha)
    stressing.settle()
    assert conclusions(stressing, sha) == ["failure"]
    again(stressing, sha, how, NOBODY)
    assert conclusions(stressing, sha) == ["failure"]
    again(stressing, sha, how, WRITER)
    assert conclusions(stressing, sha) == ["failure", "failure"]
    assert is_quiet(stressing)


def test_the_suite_begins_both_checks_again(stressing: Stressing) -> None:
    sha = stressing.open(GOOD)
    stressing.find(Verdict.PASS)
    again(stressing, sha, "suite", WRITER)
    assert conclusions(stressing, sha) == ["success", "success"]
    assert conclusions(stressing, sha, STRESS) == ["success", None]
    assert (stressing.state().attempt, stressing.state().asked_by) == (2, WRITER)
    stressing.find(Verdict.FAIL)
    assert conclusions(stressing, sha, STRESS) == ["success", "failure"]


@pytest.mark.parametrize("how", ["rerun", "recheck", "stress"])
def test_on_the_check_of_stress_each_begins_stress_again_and_leaves_the_other(stressing: Stressing, how: str) -> None:
    sha = stressing.open(GOOD)
    stressing.find(Verdict.FAIL)
    check = stressing.check(sha)["id"]
    if how == "rerun":
        stressing.simulator.rerun(check, WRITER)
    else:
        stressing.simulator.press(check, how, WRITER)
    stressing.settle()
    assert conclusions(stressing, sha) == ["success"]
    assert conclusions(stressing, sha, STRESS) == ["failure", None]
    stressing.find(Verdict.PASS)
    assert runs(stressing, sha, STRESS)[-1][0] == "success"
    assert runs(stressing, sha, STRESS)[-1][1].endswith(" (attempt 2)")


def test_a_button_of_an_attempt_that_is_not_the_last_begins_the_next_one(stressing: Stressing) -> None:
    sha = stressing.open(BAD)
    first = stressing.check(sha, MAIN)["id"]
    for _ in range(3):
        stressing.simulator.press(first, "recheck", WRITER)
        stressing.settle()
    assert [title.rpartition(" (")[2] for _, title in runs(stressing, sha)[1:]] == [
        "attempt 2)",
        "attempt 3)",
        "attempt 4)",
    ]
    assert set(conclusions(stressing, sha)) == {"failure"}


def test_of_two_presses_at_once_the_second_ends_what_the_first_began(stressing: Stressing) -> None:
    sha = stressing.open(BAD)
    check = stressing.check(sha, MAIN)["id"]
    for _ in range(2):
        stressing.simulator.press(check, "recheck", WRITER)
    stressing.settle()
    assert conclusions(stressing, sha) == ["failure", "cancelled", "failure"]


@pytest.mark.parametrize("button", ["recheck", "stress", "cancel"])
@pytest.mark.parametrize("name", [MAIN, STRESS])
def test_a_button_does_nothing_for_somebody_without_write_access(stressing: Stressing, name: str, button: str) -> None:
    sha = stressing.open(GOOD)
    stressing.find(Verdict.PASS)
    stressing.say(AUTHOR, "/stress")
    before = stressing.simulator.check_runs(REPOSITORY, sha)
    check = next(run["id"] for run in before if run["name"] == name)
    for person in (STRANGER, NOBODY):
        stressing.simulator.press(check, button, person)
        stressing.settle()
    assert stressing.simulator.check_runs(REPOSITORY, sha) == before
    assert stressing.is_waiting()


@pytest.mark.parametrize("button", ["recheck", "stress", "cancel"])
@pytest.mark.parametrize("name", [MAIN, STRESS])
def test_a_button_of_a_head_that_was_replaced_does_nothing(stressing: Stressing, name: str, button: str) -> None:
    old = stressing.open(GOOD)
    stressing.find(Verdict.PASS)
    check = stressing.check(old, name)["id"]
    new = stressing.push({"Source/page.h": "#define PAGE 131072\n"})
    stressing.settle()
    before = [stressing.simulator.check_runs(REPOSITORY, sha) for sha in (old, new)]
    stressing.simulator.press(check, button, WRITER)
    stressing.settle()
    assert [stressing.simulator.check_runs(REPOSITORY, sha) for sha in (old, new)] == before
    assert stressing.is_waiting()


@pytest.mark.parametrize("button", ["recheck", "stress", "cancel"])
def test_a_button_of_a_head_that_was_replaced_before_anybody_heard_of_it_reports_nothing_on_it(
    stressing: Stressing, button: str
) -> None:
    old = stressing.open(BAD)
    stressing.find(Verdict.PASS)
    check = stressing.check(old, MAIN)["id"]
    new = stressing.push(GOOD)
    stressing.simulator.press(check, button, WRITER)
    stressing.heard.hear()
    stressing.house.queue.reverse()
    stressing.settle()
    assert None not in conclusions(stressing, old)
    assert None not in conclusions(stressing, old, STRESS)
    assert conclusions(stressing, new) == ["success"]
    assert stressing.is_waiting()


def test_cancel_where_nothing_is_under_way_changes_nothing(stressing: Stressing) -> None:
    sha = stressing.open(GOOD)
    stressing.find(Verdict.PASS)
    before = stressing.simulator.check_runs(REPOSITORY, sha)
    for name in (MAIN, STRESS):
        stressing.simulator.press(stressing.check(sha, name)["id"], "cancel", WRITER)
        stressing.settle()
    assert stressing.simulator.check_runs(REPOSITORY, sha) == before
    assert stressing.heard.replies() == []


@pytest.mark.parametrize("how", HOWS)
def test_on_a_closed_pull_request_the_check_is_concluded_and_nothing_is_said(stressing: Stressing, how: str) -> None:
    sha = stressing.open(BAD)
    stressing.find(Verdict.PASS)
    comments = stressing.house.comments()
    stressing.simulator.close_pull(REPOSITORY, stressing.house.number)
    again(stressing, sha, how, WRITER)
    assert conclusions(stressing, sha) == ["failure", "failure"]
    assert stressing.house.comments() == comments


@pytest.mark.parametrize(
    "steps", [["press recheck"], ["press stress"], ["press cancel"], ["rerun"], ["suite"], ["rerun", "suite", "rerun"]]
)
def test_what_the_store_forgot_is_left_as_it_is_until_the_next_event(
    stressing: Stressing, steps: Sequence[str]
) -> None:
    sha = stressing.open(BAD)
    stressing.find(Verdict.PASS)
    before = stressing.simulator.check_runs(REPOSITORY, sha)
    check = stressing.check(sha, MAIN)["id"]
    stressing.house.tools.store._redis.flushdb()
    for step in steps:
        if step.startswith("press"):
            stressing.simulator.press(check, step.partition(" ")[2], WRITER)
        elif step == "rerun":
            stressing.simulator.rerun(check, WRITER)
        else:
            stressing.simulator.rerun_suite(REPOSITORY, sha, WRITER)
        stressing.settle()
    assert stressing.simulator.check_runs(REPOSITORY, sha) == before
    assert is_quiet(stressing)
    stressing.say(AUTHOR, "/recheck")
    assert stressing.conclusion(sha, MAIN) == "failure"


def test_of_two_pull_requests_with_one_head_a_button_is_about_its_own(stressing: Stressing) -> None:
    stressing.simulator.push(REPOSITORY, "stable", "main")
    sha = stressing.open(BAD)
    stressing.simulator.create_repository(FORK, stressing.house.source)
    stressing.simulator.push(FORK, "change", sha)
    stressing.simulator.open_pull(REPOSITORY, "change", "stable", "Again", STRANGER, head_repository=FORK)
    stressing.settle()
    mains = [run for run in stressing.simulator.check_runs(REPOSITORY, sha) if run["name"] == MAIN]
    assert len(mains) == 2
    # The stranger is the author of the second one only.
    for check in mains:
        stressing.simulator.press(check["id"], "recheck", STRANGER)
        stressing.settle()
    ids = [run["external_id"] for run in stressing.simulator.check_runs(REPOSITORY, sha) if run["name"] == MAIN]
    assert ids == [*(check["external_id"] for check in mains), f"{mains[1]['external_id']}~2"]
    stressing.simulator.rerun_suite(REPOSITORY, sha, WRITER)
    stressing.settle()
    ids = [run["external_id"] for run in stressing.simulator.check_runs(REPOSITORY, sha) if run["name"] == MAIN]
    assert sorted(ids[3:]) == [f"{mains[0]['external_id']}~2", f"{mains[1]['external_id']}~3"]
    assert set(conclusions(stressing, sha)) == {"failure"}
