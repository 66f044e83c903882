"""The buttons of our checks, and GitHub's own re-run, over HTTP."""

from __future__ import annotations

import pytest

from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import MAIN, STRESS, WRITER, Stressing
from workers.stress.verdicts import Verdict

READER = "reader"


@pytest.fixture
def checked(heard: Heard) -> Heard:
    """A pull request that is checked, a person who may write, and one who may read."""
    heard.house.open(BAD)
    heard.settle()
    heard.simulator.set_permission(REPOSITORY, WRITER, "write")
    heard.simulator.set_permission(REPOSITORY, READER, "read")
    return heard


def checks(heard: Heard) -> list[tuple[int, str | None, str]]:
    """Id, conclusion and title of the check runs of the head, oldest first."""
    sha = heard.simulator.pull(REPOSITORY, heard.house.number).head_sha
    runs = heard.simulator.check_runs(REPOSITORY, sha)
    return [(run["id"], run["conclusion"], run["output"]["title"]) for run in runs]


def test_a_concluded_check_has_three_buttons(checked: Heard) -> None:
    ((check, _, _),) = checks(checked)
    assert [button["identifier"] for button in checked.simulator.buttons(check)] == ["recheck", "stress", "cancel"]


@pytest.mark.parametrize("person", [WRITER, AUTHOR])
@pytest.mark.parametrize("how", ["press", "rerun", "suite"])
def test_a_check_is_run_again_for_those_who_may(checked: Heard, person: str, how: str) -> None:
    ((check, _, _),) = checks(checked)
    _do(checked, check, how, person)
    assert [title for _, _, title in checks(checked)] == [
        "1 limit broken on linux-arm64",
        "1 limit broken on linux-arm64 (attempt 2)",
    ]
    assert len(checked.house.comments()) == 1


@pytest.mark.parametrize("how", ["press", "rerun", "suite"])
def test_for_others_nothing_happens(checked: Heard, how: str) -> None:
    ((check, _, _),) = checks(checked)
    _do(checked, check, how, READER)
    assert len(checks(checked)) == 1


def test_the_same_press_delivered_twice_is_one_attempt(checked: Heard) -> None:
    ((check, _, _),) = checks(checked)
    checked.simulator.rerun(check, WRITER)
    checked.settle()
    for delivery in checked.simulator.deliveries:
        if delivery.event == "check_run":
            checked.simulator.redeliver(delivery.guid)
    checked.settle()
    assert len(checks(checked)) == 2


def test_the_check_of_a_superseded_run_is_not_run_again(checked: Heard) -> None:
    ((check, _, _),) = checks(checked)
    checked.house.push(GOOD)
    checked.settle()
    checked.simulator.rerun(check, WRITER)
    checked.settle()
    assert [conclusion for _, conclusion, _ in checks(checked)] == ["success"]


def test_a_check_that_the_store_forgot_is_passed_over(checked: Heard) -> None:
    ((check, _, _),) = checks(checked)
    checked.house.tools.store._redis.flushdb()
    checked.simulator.rerun(check, WRITER)
    checked.settle()
    assert len(checks(checked)) == 1
    assert checked.house.tools.inbox.pending(-1) == []


def test_stress_and_cancel_begin_and_end_a_stress(stressing: Stressing) -> None:
    sha = stressing.open(GOOD)
    stressing.settle()
    stressing.simulator.set_permission(REPOSITORY, WRITER, "write")
    stressing.find(Verdict.PASS)
    stressing.settle()
    assert (stressing.conclusion(sha, MAIN), stressing.conclusion(sha)) == ("success", "success")
    main = stressing.check(sha, MAIN)["id"]
    stressing.simulator.press(main, "stress", WRITER)
    stressing.settle()
    assert stressing.state().attempt == 2
    assert stressing.is_waiting()
    stressing.simulator.press(main, "cancel", WRITER)
    stressing.settle()
    shown = [run for run in stressing.simulator.check_runs(REPOSITORY, sha) if run["name"] == STRESS]
    assert [run["conclusion"] for run in shown] == ["success", "cancelled"]
    assert "(attempt 2)" in shown[1]["output"]["title"]
    stressing.simulator.rerun(shown[1]["id"], WRITER)
    stressing.settle()
    assert stressing.state().attempt == 3
    assert stressing.conclusion(sha, MAIN) == "success"


def _do(heard: Heard, check: int, how: str, person: str) -> None:
    if how == "press":
        heard.simulator.press(check, "recheck", person)
    elif how == "rerun":
        heard.simulator.rerun(check, person)
    else:
        sha = heard.simulator.pull(REPOSITORY, heard.house.number).head_sha
        heard.simulator.rerun_suite(REPOSITORY, sha, person)
    heard.settle()
