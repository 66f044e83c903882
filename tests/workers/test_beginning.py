"""How a run begins and begins again: however often it is asked for, and whatever answer is lost on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from config.repository import PATH
from tests.workers.gitrepos import git
from tests.workers.house import BAD, GOOD, REPOSITORY, House
from workers.beginning import begin, begin_again, supersede_others
from workers.github import Unavailable
from workers.ruling import Side, Source, with_proposed
from workers.runs import Ending, Outcome, Run
from workers.store import Record
from workers.tools import Job
from workers.trust import Approval
from workers.writing import writing

DRAFTS_SKIPPED = Side("drafts: skip\n")


def run_of(house: House, sha: str, **more: Any) -> Run:
    """The run that the pull request wants."""
    base = git(house.source, "merge-base", "main", sha)
    clone_url = f"{house.simulator.url}/{REPOSITORY}.git"
    run = Run(house.installation_id, REPOSITORY, house.number, base, sha, clone_url, ("Source/page.h",), "main")
    return replace(run, **more)


def source_of(house: House, rules: Side | None = None) -> Source:
    """Settings of the base branch, on the profile of the tests."""
    assert house.tools.settings.profile is not None
    return Source("main", rules or Side(), (house.tools.settings.profile,))


def begun(house: House, run: Run, source: Source | None = None, *, interesting: bool = True) -> None:
    """Begins a run as intake does."""
    with writing(house.tools, run.place, run.installation_id) as client:
        pull = client.pull(REPOSITORY, house.number)
        begin(house.tools, client, run, source or source_of(house), pull, interesting=interesting)


def begun_again(house: House, run: Run, cause: str, by: str = "octocat") -> None:
    """Begins a run again as a command does."""
    with writing(house.tools, run.place, run.installation_id) as client:
        begin_again(house.tools, client, record_of(house, run), cause, by)


def record_of(house: House, run: Run) -> Record:
    """What is known of a run."""
    record = house.tools.store.record(run.id)
    assert record is not None
    return record


def jobs(house: House) -> list[Job]:
    """What is in the queue."""
    return [message.job for message in house.queue]


def test_a_run_begins_with_its_check_in_progress(house: House) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    assert house.conclusions(run.head) == [None]
    assert jobs(house) == [Job.CHECK]
    assert house.tools.store.current(run.place) == run.id
    assert house.tools.store.open_runs(-1) == [run.id]


def test_a_run_that_begins_twice_has_one_check_run(house: House) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    begun(house, run)
    house.drain()
    begun(house, run)
    assert house.conclusions(run.head) == ["failure"]
    assert house.calls("POST", "/check-runs") == 1
    assert not house.queue


def test_what_is_not_interesting_is_told_at_once_and_checked_never(house: House) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run, interesting=False)
    assert house.conclusions(run.head) == ["success"]
    assert not house.queue
    assert house.tools.store.open_runs(-1) == []


@pytest.mark.parametrize(
    ("draft", "rules", "conclusion"),
    [(True, DRAFTS_SKIPPED, "neutral"), (False, DRAFTS_SKIPPED, None), (True, Side(), None)],
)
def test_a_draft_is_left_alone_where_the_settings_say_so(
    house: House, draft: bool, rules: Side, conclusion: str | None
) -> None:
    run = run_of(house, house.open(BAD), draft=draft)
    begun(house, run, source_of(house, rules))
    assert house.conclusions(run.head) == [conclusion]


def test_a_draft_that_becomes_ready_is_checked(house: House) -> None:
    run = run_of(house, house.open(BAD), draft=True)
    begun(house, run, source_of(house, DRAFTS_SKIPPED))
    begun(house, replace(run, draft=False), source_of(house, DRAFTS_SKIPPED))
    house.drain()
    assert house.conclusions(run.head)[-1] == "failure"


def test_the_run_of_another_head_takes_the_place_of_the_one_before(house: House) -> None:
    first = run_of(house, house.open(BAD))
    begun(house, first)
    house.queue.clear()
    second = run_of(house, house.push(GOOD))
    begun(house, second)
    assert house.conclusions(first.head) == ["cancelled"]
    assert house.conclusions(second.head) == [None]
    assert house.tools.store.open_runs(-1) == [second.id]


def test_only_the_runs_of_its_own_place_end(house: House) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    longer = replace(run, number=house.number * 10 + 1, head=run.base)
    queued = replace(run, number=None, queue="gh-readonly-queue/main/pr-1", head=run.base)
    for other in (longer, queued):
        house.tools.store.want(other)
        house.tools.store.open(other.id)
    with writing(house.tools, run.place, run.installation_id) as client:
        supersede_others(house.tools, client, run.place, "", "c" * 40)
    assert sorted(house.tools.store.open_runs(-1)) == sorted([longer.id, queued.id])
    assert house.conclusions(run.head) == ["cancelled"]


def test_the_ruling_of_a_run_is_the_one_that_it_began_with(house: House) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run, source_of(house, Side("page_sizes: [4K]\n")))
    begun(house, run, source_of(house, Side("page_sizes: [64K]\n")))
    assert house.tools.ruling(run.id).page_sizes(()) == (4096,)


def test_a_run_that_moves_to_another_branch_is_judged_by_that_ones_settings(house: House) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    house.drain()
    assert house.conclusions(run.head) == ["failure"]
    lenient = replace(source_of(house, Side("page_sizes: [4K]\n")), ref="lenient")
    begun(house, replace(run, ref="lenient"), lenient)
    house.drain()
    assert house.conclusions(run.head)[-1] == "success"
    assert house.tools.ruling(run.id).news.ref == "lenient"


@pytest.mark.parametrize("ending", [Ending.BROKEN, Ending.TIMED_OUT, Ending.COMMIT_GONE])
def test_what_failed_before_its_head_was_pushed_away_is_checked_when_it_is_back(house: House, ending: Ending) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    house.queue.clear()
    house.tools.store.end(run.id, Outcome(ending, "an hour"))
    other = run_of(house, house.push(GOOD))
    begun(house, other)
    house.queue.clear()
    house.simulator.push(REPOSITORY, "change", run.head)
    begun(house, run)
    house.drain()
    assert house.conclusions(run.head)[-1] == "failure"
    assert "page-covers-os-page" in house.told(run.head)


def test_leave_that_was_given_for_another_commit_is_void(house: House) -> None:
    first = run_of(house, house.open(BAD))
    trust = house.tools.trust
    trust.approve(first.place, Approval(first.head, "octocat"))
    begun(house, first)
    assert trust.approval(first.place) == Approval(first.head, "octocat")
    begun(house, run_of(house, house.push(GOOD)))
    assert trust.approval(first.place) is None


def test_a_new_attempt_has_a_check_run_of_its_own_and_says_who_asked(house: House) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    house.drain()
    begun_again(house, run, "comment 1", "hubot")
    assert house.conclusions(run.head) == ["failure", None]
    house.drain()
    assert house.conclusions(run.head) == ["failure", "failure"]
    assert "hubot" in house.told(run.head)
    record = record_of(house, run)
    assert (record.attempt, record.asked_by) == (2, "hubot")


def test_one_cause_makes_one_attempt_however_often_it_is_read(house: House) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    house.drain()
    begun_again(house, run, "comment 1")
    writes = house.calls("POST"), house.calls("PATCH")
    begun_again(house, run, "comment 1")
    assert (house.calls("POST"), house.calls("PATCH")) == writes
    house.drain()
    begun_again(house, run, "comment 1")
    house.drain()
    assert house.conclusions(run.head) == ["failure", "failure"]
    begun_again(house, run, "comment 2")
    assert record_of(house, run).attempt == 3


@pytest.mark.parametrize("performed", [True, False])
def test_an_attempt_whose_check_run_got_no_answer_has_one_in_the_end(house: House, performed: bool) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    house.drain()
    house.simulator.fail_next("POST", "/check-runs$", 502, performed=performed)
    with pytest.raises(Unavailable):
        begun_again(house, run, "comment 1")
    begun_again(house, run, "comment 1")
    house.drain()
    assert house.conclusions(run.head) == ["failure", "failure"]
    assert record_of(house, run).attempt == 2


@pytest.mark.parametrize("performed", [True, False])
def test_a_check_under_way_is_cancelled_by_the_next_attempt_though_the_answer_is_lost(
    house: House, performed: bool
) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    house.simulator.fail_next("PATCH", "/check-runs/", 502, performed=performed)
    with pytest.raises(Unavailable):
        begun_again(house, run, "comment 1")
    assert record_of(house, run).attempt == 1
    begun_again(house, run, "comment 1")
    house.drain()
    assert house.conclusions(run.head) == ["cancelled", "failure"]


def test_an_attempt_is_made_under_the_settings_that_rule_now(house: House) -> None:
    run = run_of(house, house.open(BAD))
    begun(house, run)
    house.drain()
    house.land({PATH: "page_sizes: [4K]\n"})
    begun_again(house, run, "comment 1")
    house.drain()
    assert house.conclusions(run.head) == ["failure", "success"]


def test_what_a_change_proposes_is_told_by_the_next_attempt_too(house: House) -> None:
    run = run_of(house, house.open(GOOD))
    begun(house, run, with_proposed(source_of(house), Side("labels: 3\n")))
    house.drain()
    begun_again(house, run, "comment 1")
    house.drain()
    assert house.conclusions(run.head) == ["failure", "failure"]
    assert house.annotated(run.head) == [(PATH, 1)]


def test_where_the_base_branch_is_gone_the_settings_stay_what_they_were(house: House) -> None:
    run = run_of(house, house.open(BAD), ref="nowhere")
    begun(house, run, source_of(house, Side("page_sizes: [4K]\n")))
    house.drain()
    begun_again(house, run, "comment 1")
    house.drain()
    assert house.conclusions(run.head) == ["success", "success"]
