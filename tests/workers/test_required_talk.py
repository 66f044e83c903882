"""What is shown beside the check: commit statuses in its place, the comment, labels, suggestions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.server import PERMISSIONS, Simulator
from tests.complaints.quiet import is_quiet
from tests.workers.heard import AUTHOR, Heard, hearing
from tests.workers.house import BAD, GOOD, REPOSITORY
from workers.shown import NO_CHECKS_SECONDS
from workers.tools import Job

SETTINGS = ".github/pagewarden.yml"
UNTOUCHED = {"README.md": "Another engine.\n"}
WITHOUT_EFFECT = {"Source/page.h": "/* 16 KB */\n#define PAGE 16384\n"}


@pytest.fixture
def unchecked(tmp_path: Path, redis_url: str) -> Iterator[Heard]:
    """Like `heard`, but the App may not write checks."""
    less = {name: level for name, level in PERMISSIONS.items() if name != "checks"}
    with Simulator(tmp_path / "github") as simulator:
        with hearing(tmp_path, simulator, redis_url, permissions=less) as built:
            yield built
        assert simulator.violations == []


def statuses(heard: Heard, sha: str) -> list[tuple[str, str]]:
    """State and description of each status of a commit, oldest first."""
    shown = heard.simulator.statuses(REPOSITORY, sha)[::-1]
    assert {(status["context"], status["target_url"] is not None) for status in shown} <= {("pagewarden", True)}
    return [(status["state"], status["description"]) for status in shown]


@pytest.mark.parametrize(
    ("files", "states"),
    [
        pytest.param(BAD, ["pending", "failure"], id="bad"),
        pytest.param(GOOD, ["pending", "success"], id="good"),
        pytest.param({"Source/page.h": "#define PAGE (1 / 0)\n"}, ["pending", "failure"], id="unclear"),
        pytest.param(UNTOUCHED, ["success"], id="untouched"),
    ],
)
def test_where_checks_may_not_be_written_a_status_tells(
    unchecked: Heard, files: dict[str, str], states: list[str]
) -> None:
    sha = unchecked.open(files)
    assert [state for state, _ in statuses(unchecked, sha)] == states
    assert unchecked.house.checks(sha) == []
    assert all(0 < len(description) <= 140 for _, description in statuses(unchecked, sha))
    assert len(unchecked.house.comments()) == (0 if files == UNTOUCHED else 1)


def test_a_status_leads_to_the_pull_request_or_to_the_commit(unchecked: Heard) -> None:
    sha = unchecked.open(BAD)
    url = f"{unchecked.simulator.url}/{REPOSITORY}"
    number = unchecked.house.number
    assert {one["target_url"] for one in unchecked.simulator.statuses(REPOSITORY, sha)} == {f"{url}/pull/{number}"}
    group = unchecked.simulator.queue(REPOSITORY, number)
    unchecked.settle()
    (first, last) = unchecked.simulator.statuses(REPOSITORY, group.head_sha)
    assert (last["state"], first["state"]) == ("pending", "failure")
    assert first["target_url"] == f"{url}/commit/{group.head_sha}"


def test_statuses_of_a_head_that_is_replaced_are_concluded(unchecked: Heard) -> None:
    first = unchecked.house.open(BAD)
    unchecked.hear()
    unchecked.house.step()
    last = unchecked.push(GOOD)
    assert [state for state, _ in statuses(unchecked, first)] == ["pending", "error"]
    assert [state for state, _ in statuses(unchecked, last)] == ["pending", "success"]
    (comment,) = unchecked.house.comments()
    assert last[:12] in comment


def test_what_is_looked_at_again_goes_by_pending(unchecked: Heard) -> None:
    sha = unchecked.open(BAD)
    unchecked.say(AUTHOR, "/recheck")
    assert [state for state, _ in statuses(unchecked, sha)] == ["pending", "failure", "pending", "failure"]
    assert "attempt 2" in statuses(unchecked, sha)[-1][1]


def test_where_checks_are_forbidden_it_is_tried_once_an_hour_only(unchecked: Heard) -> None:
    unchecked.open(BAD)
    unchecked.push(GOOD)
    unchecked.push(BAD)
    assert unchecked.house.calls("POST", "/check-runs") == 1
    assert NO_CHECKS_SECONDS == 3600


def test_the_same_status_is_not_written_twice(unchecked: Heard) -> None:
    unchecked.open(BAD)
    writes = unchecked.house.calls("POST")
    run_id = unchecked.house.tools.store.current(f"{REPOSITORY}#{unchecked.house.number}")
    assert run_id is not None
    unchecked.house.tools.store.open(run_id)
    unchecked.house.tools.send(Job.PUBLISH, run_id)
    unchecked.settle()
    assert unchecked.house.calls("POST") == writes
    assert is_quiet(unchecked)


@pytest.mark.parametrize("removed", [["page-size"], ["page-size", "allocator"]], ids=["one", "both"])
def test_a_label_that_a_person_took_off_is_not_put_on_again(heard: Heard, removed: Sequence[str]) -> None:
    heard.land({SETTINGS: "labels: [page-size, allocator]\n"})
    heard.open(BAD)
    assert heard.simulator.labels(REPOSITORY, heard.house.number) == ["page-size", "allocator"]
    kept = take_off(heard, removed)
    heard.push(GOOD)
    heard.push({"Source/page.h": "#define PAGE 2048\n"})
    heard.say(AUTHOR, "/recheck")
    assert heard.simulator.labels(REPOSITORY, heard.house.number) == kept
    assert heard.house.calls("POST", "/labels") == 1


def take_off(heard: Heard, labels: Sequence[str]) -> list[str]:
    """A person takes labels off the pull request; those that are left."""
    pull = heard.simulator.pull(REPOSITORY, heard.house.number)
    left = tuple(label for label in pull.labels if label not in labels)
    heard.simulator._state.put_pull(replace(pull, labels=left))
    return list(left)


@pytest.mark.parametrize("files", [UNTOUCHED, WITHOUT_EFFECT], ids=["untouched", "without effect"])
def test_no_label_without_anything_to_say(heard: Heard, files: dict[str, str]) -> None:
    heard.land({SETTINGS: "labels: [page-size]\n"})
    heard.open(files)
    assert heard.simulator.labels(REPOSITORY, heard.house.number) == []
    heard.push(BAD)
    assert heard.simulator.labels(REPOSITORY, heard.house.number) == ["page-size"]


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_label_that_is_refused_is_in_nobody_s_way(heard: Heard, status: int) -> None:
    heard.land({SETTINGS: "labels: [page-size]\n"})
    heard.simulator.fail_next("POST", "/labels$", status)
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(heard.house.comments()) == 1
    assert heard.house.tools.store.open_runs(-1) == []


@pytest.mark.parametrize("performed", [True, False])
def test_a_label_whose_answer_is_lost_is_there_in_the_end(heard: Heard, performed: bool) -> None:
    heard.land({SETTINGS: "labels: [page-size]\n"})
    heard.simulator.fail_next("POST", "/labels$", 502, performed=performed)
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == ["failure"]
    assert heard.simulator.labels(REPOSITORY, heard.house.number) == ["page-size"]


def test_where_success_is_not_commented_on_a_failure_is(heard: Heard) -> None:
    heard.land({SETTINGS: "comment:\n  on_success: false\n"})
    good = heard.open(GOOD)
    assert heard.house.conclusions(good) == ["success"]
    assert heard.house.comments() == []
    bad = heard.push(BAD)
    (comment,) = heard.house.comments()
    assert bad[:12] in comment
    mended = heard.push(GOOD)
    (comment,) = heard.house.comments()
    assert mended[:12] in comment


def test_repairs_are_suggested_unless_the_settings_say_no(heard: Heard) -> None:
    heard.open(BAD)
    assert [(path, line) for path, line, _ in heard.house.suggestions()] == [("Source/page.h", 1)]
    heard.land({SETTINGS: "suggestions: false\n"})
    heard.say(AUTHOR, "/recheck")
    assert heard.house.suggestions() == []


def test_without_suggestions_the_comment_has_the_repair_all_the_same(heard: Heard) -> None:
    heard.land({SETTINGS: "suggestions: false\n"})
    heard.open(BAD)
    assert heard.house.suggestions() == []
    (comment,) = heard.house.comments()
    assert "65536" in comment


@pytest.mark.parametrize("author", ["renovate[bot]", "a-very-long-name-of-39-characters-x-yz-12", "ada_corp"])
def test_who_opens_a_pull_request_makes_no_difference_to_its_check(heard: Heard, author: str) -> None:
    sha = heard.house.change(BAD, start="main")
    heard.simulator.push(REPOSITORY, "change", sha)
    heard.simulator.set_association(author, "NONE")
    heard.house.number = heard.simulator.open_pull(REPOSITORY, "change", "main", "A change", author).number
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
