"""Branches without a pull request of their own: groups in a merge queue, and pushes to the default branch."""

from __future__ import annotations

import pytest

from simulator.records import MergeGroup
from tests.workers.gitrepos import commit, git
from tests.workers.heard import Heard
from tests.workers.house import BAD, GOOD, REPOSITORY
from workers.tools import Job

SETTINGS = ".github/pagewarden.yml"
INVALID = {SETTINGS: "labels: [page-size]\nseverity: error\n"}
WARNING = {SETTINGS: "rules:\n  page-covers-os-page:\n    severity: warning\n    reason: We know.\n"}
UNTOUCHED = {"README.md": "Another engine.\n"}
WATCHED = {"Source/watched.c": "/* new */\n"}


def queued(heard: Heard) -> MergeGroup:
    """The pull request in the merge queue, and what was done for that."""
    group = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.settle()
    return group


@pytest.mark.parametrize(
    ("files", "conclusion"),
    [
        pytest.param(GOOD, "success", id="good"),
        pytest.param(BAD, "failure", id="bad"),
        pytest.param(UNTOUCHED, "success", id="untouched"),
    ],
)
def test_a_merge_group_is_answered_on_its_own_head(heard: Heard, files: dict[str, str], conclusion: str) -> None:
    sha = heard.open(files)
    comments = heard.house.comments()
    group = queued(heard)
    assert group.head_sha != sha
    (run,) = heard.simulator.check_runs(REPOSITORY, group.head_sha)
    assert (run["name"], run["status"], run["conclusion"]) == ("pagewarden", "completed", conclusion)
    assert heard.house.conclusions(sha) == [conclusion]
    assert heard.house.comments() == comments


def test_a_merge_group_that_touches_nothing_watched_is_answered_by_the_first_job(heard: Heard) -> None:
    heard.open(UNTOUCHED)
    group = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.hear()
    assert heard.house.step().job is Job.INTAKE
    assert not heard.house.queue
    ((status, conclusion, title),) = heard.house.checks(group.head_sha)
    assert (status, conclusion) == ("completed", "success")
    assert "Not applicable" in title


def test_what_breaks_only_together_with_what_landed_meanwhile_fails_the_group_alone(heard: Heard) -> None:
    heard.house.land(
        {"Source/unit.h": "#define UNIT 262144\n", "Source/page.h": '#include "unit.h"\n#define PAGE UNIT\n'}
    )
    sha = heard.house.open({"Source/page.h": '#include "unit.h"\n#define PAGE (UNIT / 4)\n'})
    landed = heard.land({"Source/unit.h": "#define UNIT 65536\n"})
    group = queued(heard)
    assert heard.house.conclusions(sha) == ["success"]
    assert heard.house.conclusions(landed) == ["success"]
    assert heard.house.conclusions(group.head_sha) == ["failure"]
    assert "16384" in heard.house.told(group.head_sha)


def test_what_the_base_of_a_group_has_broken_before_is_not_blamed_on_the_group(heard: Heard) -> None:
    heard.house.open(WATCHED)
    heard.land(BAD)
    group = queued(heard)
    assert heard.house.conclusions(group.head_sha) == ["success"]
    assert "page-covers-os-page" in heard.house.told(group.head_sha)


def test_a_group_goes_on_being_compared_with_the_base_that_it_was_made_for(heard: Heard) -> None:
    heard.open(BAD)
    group = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.land(BAD)
    assert heard.house.conclusions(group.head_sha) == ["failure"]


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_group_that_is_destroyed_at_any_stage_leaves_nothing_pending(heard: Heard, steps: int) -> None:
    heard.open(BAD)
    group = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.hear()
    for _ in range(steps):
        heard.house.step()
    heard.simulator.dequeue(REPOSITORY, group, "invalidated")
    heard.settle()
    assert heard.house.conclusions(group.head_sha) == [["cancelled"], ["cancelled"], ["failure"], ["failure"]][steps]
    assert heard.house.tools.store.open_runs(-1) == []
    assert heard.house.tools.inbox.pending(-1) == []


def test_the_group_that_takes_the_place_of_another_is_answered(heard: Heard) -> None:
    heard.open(BAD)
    first = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.hear()
    heard.house.step()
    heard.simulator.dequeue(REPOSITORY, first, "invalidated")
    heard.house.land(UNTOUCHED)
    second = queued(heard)
    assert heard.house.conclusions(first.head_sha) == ["cancelled"]
    assert heard.house.conclusions(second.head_sha) == ["failure"]


def test_a_group_is_checked_under_the_settings_of_its_base(heard: Heard) -> None:
    heard.open(BAD)
    heard.house.land(WARNING)
    group = queued(heard)
    assert heard.house.conclusions(group.head_sha) == ["success"]
    assert "page-covers-os-page" in heard.house.told(group.head_sha)


def test_a_group_that_brings_broken_settings_fails_with_annotations_on_their_lines(heard: Heard) -> None:
    heard.open({**GOOD, **INVALID})
    group = queued(heard)
    assert heard.house.conclusions(group.head_sha) == ["failure"]
    assert heard.house.annotated(group.head_sha) == [(SETTINGS, 2)]


def test_where_the_settings_of_the_base_are_broken_a_group_is_held_to_the_last_valid_ones(heard: Heard) -> None:
    heard.land(WARNING)
    heard.house.land(INVALID)
    heard.open(BAD)
    group = queued(heard)
    assert heard.house.conclusions(group.head_sha) == ["success"]
    assert "settings of the base are invalid" in heard.house.told(group.head_sha)
    assert heard.house.annotated(group.head_sha) == [("Source/page.h", 1)]


def test_what_was_merged_by_the_queue_is_checked_as_a_push_too(heard: Heard) -> None:
    heard.open(BAD)
    group = queued(heard)
    heard.simulator.dequeue(REPOSITORY, group, "merged")
    heard.settle()
    assert heard.house.conclusions(group.head_sha) == ["failure", "failure"]
    assert heard.house.tools.store.open_runs(-1) == []


def test_a_push_to_the_default_branch_with_findings_fails_the_check_of_that_commit(heard: Heard) -> None:
    sha = heard.land(BAD)
    (run,) = heard.simulator.check_runs(REPOSITORY, sha)
    assert (run["name"], run["conclusion"]) == ("pagewarden", "failure")
    assert heard.house.annotated(sha) == [("Source/page.h", 1)]


def test_a_push_that_touches_nothing_watched_gets_no_check(heard: Heard) -> None:
    sha = heard.land(UNTOUCHED)
    assert heard.house.checks(sha) == []
    assert heard.house.calls("POST", "/check-runs") == 0


def test_what_the_default_branch_has_broken_is_told_where_it_stands(heard: Heard) -> None:
    heard.land(BAD)
    after = heard.house.land(WATCHED)
    sha = heard.open({"Source/other.h": "/* new */\n"})
    for commit_sha in (after, sha):
        assert heard.house.conclusions(commit_sha) == ["success"]
        assert "page-covers-os-page" in heard.house.told(commit_sha)
    assert heard.house.comments() == []


def test_a_push_that_brings_broken_settings_fails_with_annotations_on_their_lines(heard: Heard) -> None:
    sha = heard.land({**INVALID, **UNTOUCHED})
    assert heard.house.conclusions(sha) == ["failure"]
    assert "Settings are invalid: 1 problem" in heard.house.checks(sha)[0][2]
    assert heard.house.annotated(sha) == [(SETTINGS, 2)]


def test_a_push_that_brings_valid_settings_passes_and_is_held_to_them_at_once(heard: Heard) -> None:
    sha = heard.land({**WARNING, **BAD})
    assert heard.house.conclusions(sha) == ["success"]
    assert "valid" in heard.house.told(sha)


def test_a_forced_push_to_the_default_branch_is_compared_with_what_it_replaced(heard: Heard) -> None:
    start = git(heard.house.source, "rev-parse", "main")
    bad = heard.land(BAD)
    git(heard.house.source, "checkout", "--quiet", "-B", "main", start)
    forced = heard.simulator.push(REPOSITORY, "main", commit(heard.house.source, GOOD))
    heard.settle()
    assert heard.house.conclusions(bad) == ["failure"]
    assert heard.house.conclusions(forced) == ["success"]
    assert "fixes" in heard.house.told(forced)


def test_a_forced_push_whose_past_is_gone_ends_quietly(heard: Heard) -> None:
    start = git(heard.house.source, "rev-parse", "main")
    heard.house.land(BAD)
    git(heard.house.source, "checkout", "--quiet", "-B", "main", start)
    forced = heard.simulator.push(REPOSITORY, "main", commit(heard.house.source, {**BAD, **UNTOUCHED}))
    heard.simulator.forget_unreachable(REPOSITORY)
    heard.settle()
    assert heard.house.checks(forced) == []
    assert heard.house.tools.store.open_runs(-1) == []
    assert heard.house.tools.inbox.pending(-1) == []


def test_pushes_to_other_branches_and_their_end_are_none_of_our_business(heard: Heard) -> None:
    sha = heard.house.change(BAD, start="main")
    heard.simulator.push(REPOSITORY, "topic", sha)
    heard.simulator.delete_branch(REPOSITORY, "topic")
    assert heard.settle() == []
    assert heard.house.checks(sha) == []
    assert {status for status, _ in heard.answers()} <= {200, 202, 204}


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize(
    ("files", "conclusions"), [(UNTOUCHED, []), (WATCHED, ["success"])], ids=["untouched", "watched"]
)
def test_what_a_push_broke_is_told_though_another_one_follows_it_at_once(
    heard: Heard, steps: int, files: dict[str, str], conclusions: list[str]
) -> None:
    bad = heard.house.land(BAD)
    heard.hear()
    for _ in range(steps):
        heard.house.step()
    after = heard.land(files)
    assert heard.house.conclusions(bad) == ["failure"]
    assert heard.house.conclusions(after) == conclusions
