"""What happens between any two steps of a build, and what GitHub refuses for good: nothing is pending for ever."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from tests.workers.build.previewing import FORK, MAIN, PREVIEW, WORKFLOW_FILES, Previewing
from tests.workers.build.test_preview import DAY, ENGINE, releases, settings, tag_of
from tests.workers.build.test_preview_actions import SETTINGS, begun, workflow_run
from tests.workers.heard import AUTHOR
from tests.workers.house import GOOD, REPOSITORY
from workers.attempts import perform
from workers.build import job
from workers.build.actions import ActionsDriver
from workers.build.drivers import slot
from workers.build.local import LocalDriver
from workers.build.runner import work
from workers.host import alone
from workers.tools import Job

NEXT = {"Source/page.h": "#define PAGE 32768\n"}


def in_between(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, happens: Callable[[], object], *, first: bool = False
) -> None:
    """Has something happen once, right behind (or, where `first`, before) a call of `owner.name`."""
    real = getattr(owner, name)
    left = [happens]

    @wraps(real)
    def call(*given: Any, **named: Any) -> Any:
        if first and left:
            left.pop()()
        answer = real(*given, **named)
        if left:
            left.pop()()
        return answer

    monkeypatch.setattr(owner, name, call)


def pending(house: Previewing, sha: str) -> list[str]:
    """Names of the checks on a commit that are not concluded."""
    return [run["name"] for run in house.simulator.check_runs(REPOSITORY, sha) if run["conclusion"] is None]


def test_a_look_that_began_before_a_new_attempt_does_not_end_that(
    previewing: Previewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = begun(previewing)
    previewing.simulator.cancel_workflow(workflow_run(previewing))
    previewing.house.queue.clear()
    previewing.heard.queued.update(previewing.house.tools.inbox.pending(-1))
    in_between(monkeypatch, ActionsDriver, "poll", lambda: previewing.say(AUTHOR, "/preview"))
    perform(previewing.house.tools, Job.BUILD, previewing.run_id())
    previewing.settle()
    assert previewing.build().attempt == 2
    assert not previewing.build().over
    assert previewing.conclusion(sha) is None
    previewing.look_again()
    assert len(previewing.simulator.workflow_runs(REPOSITORY)) == 2


def test_a_look_that_meets_the_end_of_the_process_keeps_what_that_found(
    previewing: Previewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    previewing.rule(settings(), {"engine.c": "#error no such engine\n"})
    previewing.is_busy = True
    sha = previewing.open()
    previewing.house.clock.ahead += 60  # its heart has not been heard for long
    in_between(
        monkeypatch, LocalDriver, "poll", lambda: work(previewing.house.tools, *previewing.started[0]), first=True
    )
    perform(previewing.house.tools, Job.BUILD, previewing.run_id())
    previewing.settle()
    assert "#error no such engine" in previewing.told(sha)


@pytest.mark.parametrize("status", [403, 500])
def test_a_workflow_run_that_github_will_not_cancel_keeps_nobody_waiting(previewing: Previewing, status: int) -> None:
    first = begun(previewing)
    previewing.simulator.fail_next("POST", r"/cancel$", status, times=1000)
    second = previewing.push(NEXT)
    assert previewing.conclusion(second, MAIN) == "success"
    for _ in range(3):
        previewing.look_again()
    assert pending(previewing, first) == []
    assert len(previewing.simulator.workflow_runs(REPOSITORY)) == 2
    assert previewing.build().order.head == second


def test_a_build_that_github_will_not_cancel_has_timed_out_all_the_same(previewing: Previewing) -> None:
    sha = begun(previewing)
    previewing.simulator.fail_next("POST", r"/cancel$", 500, times=1000)
    previewing.look_again(2 * 3600)
    for _ in range(3):
        previewing.house.sweep(1000)
        previewing.settle()
    assert previewing.conclusion(sha) == "timed_out"


@pytest.mark.parametrize("event", ["push", "close", "/preview", "/cancel"])
def test_a_check_whose_end_github_did_not_take_ends_later(previewing: Previewing, event: str) -> None:
    sha = begun(previewing)
    (check,) = (run for run in previewing.simulator.check_runs(REPOSITORY, sha) if run["name"] == PREVIEW)
    previewing.simulator.fail_next("PATCH", rf"/check-runs/{check['id']}$", 502, times=2)
    match event:
        case "push":
            previewing.push(NEXT)
        case "close":
            previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
            previewing.settle()
        case _:
            previewing.say(AUTHOR, event)
    previewing.look_again()
    shown = {run["id"]: run for run in previewing.simulator.check_runs(REPOSITORY, sha)}
    assert shown[check["id"]]["conclusion"] == "cancelled"


def test_a_build_that_is_moot_leaves_no_check_pending(previewing: Previewing) -> None:
    previewing.rule(SETTINGS, WORKFLOW_FILES)
    house = previewing.house
    first = house.change(GOOD, start="main")
    previewing.simulator.push(REPOSITORY, "change", first)
    house.number = previewing.simulator.open_pull(REPOSITORY, "change", "main", "A change").number
    previewing.heard.hear()
    while not any(message.job is Job.BUILD for message in house.queue):
        house.step()
    while any(message.job is Job.PUBLISH for message in house.queue):
        house.queue.rotate(-1) if house.queue[0].job is not Job.PUBLISH else house.step()
    assert pending(previewing, first) == [PREVIEW]
    second = house.push(NEXT)
    # The push is not heard of yet when the build would begin.
    while any(message.job is Job.BUILD for message in house.queue):
        house.step()
    previewing.settle()
    previewing.look_again()
    assert pending(previewing, first) == []
    (run,) = previewing.simulator.workflow_runs(REPOSITORY)
    assert previewing.simulator.workflow_inputs(run["id"])["sha"] == second


def test_nothing_is_begun_for_a_pull_request_that_was_closed_while_it_was_checked(previewing: Previewing) -> None:
    previewing.rule(SETTINGS, WORKFLOW_FILES)
    house = previewing.house
    sha = house.change(GOOD, start="main")
    previewing.simulator.push(REPOSITORY, "change", sha)
    house.number = previewing.simulator.open_pull(REPOSITORY, "change", "main", "A change").number
    previewing.heard.hear()
    while not any(message.job is Job.CHECK for message in house.queue):
        house.step()
    checks = list(house.queue)
    house.queue.clear()
    previewing.simulator.close_pull(REPOSITORY, house.number)
    previewing.settle()
    house.queue.extend(checks)
    previewing.settle()
    previewing.look_again()
    assert previewing.simulator.workflow_runs(REPOSITORY) == []
    assert pending(previewing, sha) == []
    previewing.simulator.reopen_pull(REPOSITORY, house.number)
    previewing.settle()
    assert len(previewing.simulator.workflow_runs(REPOSITORY)) == 1
    assert previewing.conclusion(sha) is None


def test_what_was_being_built_when_the_pull_request_closed_is_built_once_it_is_open_again(
    previewing: Previewing,
) -> None:
    sha = begun(previewing)
    previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    previewing.simulator.reopen_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    runs = previewing.simulator.workflow_runs(REPOSITORY)
    assert [run["conclusion"] for run in runs] == ["cancelled", None]
    assert previewing.conclusion(sha) is None


def test_a_draft_is_built_once_it_is_ready_where_the_settings_want_none_of_drafts(previewing: Previewing) -> None:
    previewing.rule(f"drafts: static\n{SETTINGS}", WORKFLOW_FILES)
    sha = previewing.open(draft=True)
    assert previewing.simulator.workflow_runs(REPOSITORY) == []
    previewing.simulator.mark_ready(REPOSITORY, previewing.house.number)
    previewing.settle()
    assert len(previewing.simulator.workflow_runs(REPOSITORY)) == 1
    assert previewing.conclusion(sha) is None
    previewing.simulator.convert_to_draft(REPOSITORY, previewing.house.number)
    previewing.settle()
    assert len(previewing.simulator.workflow_runs(REPOSITORY)) == 1


def test_another_base_for_the_same_head_leaves_one_release(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    house = previewing.house
    previewing.simulator.push(REPOSITORY, "other", "main")
    previewing.is_busy = True
    sha = previewing.open()
    house.land({"README.md": "Another engine.\n"})
    previewing.settle()
    previewing.is_busy = False
    previewing.simulator.edit_pull(REPOSITORY, house.number, base="other")
    previewing.settle()
    for _ in range(3):
        previewing.look_again()
    assert set(releases(previewing)) == {tag_of(previewing, sha)}
    assert pending(previewing, sha) == []
    assert len(previewing.table()) == 1


def test_a_head_that_is_pushed_away_and_back_before_it_was_built_is_built(previewing: Previewing) -> None:
    first = begun(previewing)
    second = previewing.push(NEXT)
    previewing.simulator.push(REPOSITORY, "change", first)
    previewing.settle()
    runs = previewing.simulator.workflow_runs(REPOSITORY)
    assert [run["conclusion"] for run in runs] == ["cancelled", "cancelled", None]
    assert previewing.conclusion(first) is None
    assert pending(previewing, second) == []


def test_a_release_whose_elders_cannot_be_removed_is_a_release(previewing: Previewing) -> None:
    previewing.rule(settings("keep: 1"), ENGINE)
    first = previewing.open()
    previewing.look_again()
    previewing.simulator.fail_next("DELETE", r"/git/refs/tags/", 403, times=100)
    second = previewing.push(NEXT)
    previewing.look_again()
    assert previewing.conclusion(second) == "success"
    assert set(releases(previewing)) == {tag_of(previewing, first), tag_of(previewing, second)}


def test_releases_that_cannot_be_removed_are_not_tried_again_and_again(previewing: Previewing) -> None:
    previewing.rule(settings("remove_after_days: 0"), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    previewing.simulator.fail_next("DELETE", r"/git/refs/tags/", 403, times=1000)
    before = len(previewing.simulator.calls)
    for _ in range(40):
        previewing.house.sweep(60)
        previewing.settle()
    assert len(previewing.simulator.calls) - before < 100
    assert set(releases(previewing)) == {tag_of(previewing, sha)}


def test_a_second_message_to_clean_removes_nothing_early(previewing: Previewing) -> None:
    previewing.rule(settings("remove_after_days: 3"), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    previewing.house.sweep(DAY + 1)
    cleanings = [message for message in previewing.house.queue if message.job is Job.CLEAN]
    assert cleanings
    previewing.house.tools.builds.end_cleaning(cleanings[0].key)
    previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
    perform(previewing.house.tools, Job.CLEAN, cleanings[0].key)
    assert set(releases(previewing)) == {tag_of(previewing, sha)}


def test_a_build_that_found_no_free_host_is_told_how_long_that_was(previewing: Previewing) -> None:
    previewing.rule(settings("minutes: 30"), ENGINE)
    with alone(slot(previewing.house.tools)) as is_held:
        assert is_held
        sha = previewing.open()
        previewing.look_again(job.LONGEST_WAIT_SECONDS + 60)
    assert previewing.conclusion(sha) == "failure"
    assert "24 hours" in previewing.told(sha)
    assert "30 minutes" not in previewing.told(sha)


def test_a_worker_that_dies_as_a_build_ends_leaves_its_check_to_the_sweep(
    previewing: Previewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = begun(previewing)
    previewing.simulator.finish_workflow(workflow_run(previewing), "failure")
    builds, end = previewing.house.tools.builds, previewing.house.tools.builds.end
    deaths = iter([True])

    def dying(run_id: str, **why: str) -> None:
        end(run_id, **why)
        if next(deaths, False):
            raise SystemExit

    monkeypatch.setattr(builds, "end", dying)
    with pytest.raises(SystemExit):
        previewing.settle()
    previewing.settle()
    previewing.house.sweep(200)
    previewing.settle()
    assert previewing.conclusion(sha) == "failure"


def test_heads_that_waited_for_leave_and_were_pushed_away_wait_no_more(previewing: Previewing) -> None:
    previewing.rule(SETTINGS, WORKFLOW_FILES)
    previewing.open_fork()
    last = previewing.push(NEXT, FORK)
    (row,) = [row for row in previewing.table() if "waiting" in row]
    assert last[:8] in row


def test_a_tag_that_rules_of_the_repository_forbid_is_told_with_what_github_said(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.simulator.fail_next("PATCH", r"/releases/\d+$", 422, times=100)
    sha = previewing.open()
    previewing.look_again()
    assert previewing.conclusion(sha) == "failure"
    assert "GitHub refused it, and said: 422 Ordered to fail with 422" in previewing.told(sha)


def test_an_immutable_release_stays_as_it_is_and_the_next_attempt_is_told_why(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    before = previewing.simulator.releases(REPOSITORY)
    previewing.simulator.fail_next("DELETE", r"/releases/assets/", 422, times=100)
    previewing.say(AUTHOR, "/preview")
    previewing.look_again()
    assert "GitHub refused it" in previewing.told(sha)
    assert previewing.simulator.releases(REPOSITORY) == before
