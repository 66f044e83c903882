"""The one check to require: never in the way, never stale, whatever becomes of a pull request."""

from __future__ import annotations

import pytest

from tests.workers.gitrepos import commit, git
from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY
from workers.tools import Job

SETTINGS = ".github/pagewarden.yml"
UNTOUCHED = {"README.md": "Another engine.\n"}
WARNING = {SETTINGS: "rules:\n  page-covers-os-page:\n    severity: warning\n    reason: We know.\n"}


def open_draft(heard: Heard, files: dict[str, str]) -> str:
    """A draft, and all that follows from it; its head."""
    sha = heard.house.change(files, start="main")
    heard.simulator.push(REPOSITORY, "change", sha)
    heard.house.number = heard.simulator.open_pull(REPOSITORY, "change", "main", "A draft", draft=True).number
    heard.settle()
    return sha


def branch(heard: Heard, name: str, files: dict[str, str]) -> str:
    """A branch that is `main` and one commit more; its tip."""
    git(heard.house.source, "checkout", "--quiet", "-B", name, "main")
    return heard.simulator.push(REPOSITORY, name, commit(heard.house.source, files))


def nothing_is_left(heard: Heard) -> bool:
    """Whether there is nothing that is still to be done."""
    return not (heard.house.tools.store.open_runs(-1) or heard.house.tools.inbox.pending(-1) or heard.house.queue)


def test_what_touches_nothing_watched_passes_within_the_first_job(heard: Heard) -> None:
    sha = heard.house.open(UNTOUCHED)
    heard.hear()
    assert heard.house.step().job is Job.INTAKE
    assert not heard.house.queue
    (run,) = heard.simulator.check_runs(REPOSITORY, sha)
    assert (run["name"], run["conclusion"]) == ("pagewarden", "success")
    assert heard.house.comments() == []


@pytest.mark.parametrize("drafts", ["check", "static"])
def test_a_draft_is_checked_like_others(heard: Heard, drafts: str) -> None:
    heard.land({SETTINGS: f"drafts: {drafts}\n"})
    sha = open_draft(heard, BAD)
    assert heard.house.conclusions(sha) == ["failure"]
    writes = heard.house.calls("POST"), heard.house.calls("PATCH")
    heard.simulator.mark_ready(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert (heard.house.calls("POST"), heard.house.calls("PATCH")) == writes


def test_a_draft_that_is_left_alone_is_checked_once_it_is_ready(heard: Heard) -> None:
    heard.land({SETTINGS: "drafts: skip\n"})
    sha = open_draft(heard, BAD)
    assert heard.house.conclusions(sha) == ["neutral"]
    assert "ready for review" in heard.house.told(sha)
    assert heard.house.comments() == []
    heard.simulator.mark_ready(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(sha)[-1] == "failure"
    assert len(heard.house.comments()) == 1
    assert nothing_is_left(heard)


def test_a_draft_that_is_left_alone_is_checked_when_somebody_asks(heard: Heard) -> None:
    heard.land({SETTINGS: "drafts: skip\n"})
    sha = open_draft(heard, BAD)
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha) == ["neutral", "failure"]


def test_each_push_to_a_draft_that_is_left_alone_gets_its_check(heard: Heard) -> None:
    heard.land({SETTINGS: "drafts: skip\n"})
    first = open_draft(heard, BAD)
    second = heard.push(UNTOUCHED)
    third = heard.push(UNTOUCHED, start="main")
    assert heard.house.conclusions(first) == ["neutral"]
    assert heard.house.conclusions(second) == ["neutral"]
    assert heard.house.conclusions(third) == ["success"]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_what_becomes_a_draft_while_it_is_checked_is_not_left_pending(heard: Heard, steps: int) -> None:
    heard.land({SETTINGS: "drafts: skip\n"})
    sha = heard.house.open(BAD)
    heard.hear()
    for _ in range(steps):
        heard.house.step()
    heard.simulator.convert_to_draft(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(sha)[-1] in {"neutral", "failure"}
    assert nothing_is_left(heard)
    heard.simulator.mark_ready(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(sha)[-1] == "failure"
    assert len(heard.house.comments()) == 1
    assert nothing_is_left(heard)


def test_a_verdict_stays_when_its_pull_request_becomes_a_draft(heard: Heard) -> None:
    heard.land({SETTINGS: "drafts: skip\n"})
    sha = heard.open(BAD)
    heard.simulator.convert_to_draft(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]


def test_what_is_reopened_with_another_head_is_checked(heard: Heard) -> None:
    first = heard.open(BAD)
    heard.simulator.close_pull(REPOSITORY, heard.house.number)
    last = heard.push(GOOD)
    assert heard.house.conclusions(last) == []
    heard.simulator.reopen_pull(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(first) == ["failure"]
    assert heard.house.conclusions(last) == ["success"]
    (comment,) = heard.house.comments()
    assert last[:12] in comment


def test_another_base_brings_its_own_settings(heard: Heard) -> None:
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == ["failure"]
    branch(heard, "lenient", WARNING)
    heard.simulator.edit_pull(REPOSITORY, heard.house.number, base="lenient")
    heard.settle()
    assert heard.house.conclusions(sha)[-1] == "success"
    assert "We know." in heard.house.comments()[0]
    heard.simulator.edit_pull(REPOSITORY, heard.house.number, base="main")
    heard.settle()
    assert heard.house.conclusions(sha)[-1] == "failure"
    (comment,) = heard.house.comments()
    assert "We know." not in comment
    assert nothing_is_left(heard)


@pytest.mark.parametrize("steps", range(6))
def test_another_base_at_any_stage_counts_in_the_end(heard: Heard, steps: int) -> None:
    branch(heard, "broken", BAD)
    sha = heard.house.change({"Source/watched.c": "/* new */\n"}, start="broken")
    heard.simulator.push(REPOSITORY, "change", sha)
    heard.house.number = heard.simulator.open_pull(REPOSITORY, "change", "main", "A change").number
    heard.hear()
    for _ in range(steps):
        heard.house.step()
    heard.simulator.edit_pull(REPOSITORY, heard.house.number, base="broken")
    heard.settle()
    assert heard.house.conclusions(sha)[-1] == "success"
    assert None not in heard.house.conclusions(sha)
    assert len(heard.house.comments()) <= 1
    assert nothing_is_left(heard)


STAGES = range(7)
"""How many jobs of a first head were done: none, to all of intake, check, publish, study and what study tells."""


@pytest.mark.parametrize("steps", STAGES)
@pytest.mark.parametrize("is_heard", [True, False], ids=["heard at once", "heard late"])
def test_a_force_push_at_any_stage_leaves_only_the_new_head(heard: Heard, steps: int, is_heard: bool) -> None:
    first = heard.house.open(BAD)
    heard.hear()
    for _ in range(steps):
        if heard.house.queue:
            heard.house.step()
    told = heard.house.comments()
    last = heard.house.push(GOOD, start="main")
    if not is_heard:
        heard.simulator.forget_unreachable(REPOSITORY)
        heard.house.drain()
        assert not any(first[:12] in comment for comment in heard.house.comments() if comment not in told)
    heard.settle()
    assert heard.house.conclusions(last) == ["success"]
    assert set(heard.house.conclusions(first)) <= {"cancelled", "failure"}
    (comment,) = heard.house.comments()
    assert last[:12] in comment
    assert "→ 4 KiB" not in comment
    assert nothing_is_left(heard)


@pytest.mark.parametrize("steps", STAGES)
def test_a_force_push_to_what_touches_nothing_leaves_no_word_of_the_old_head(heard: Heard, steps: int) -> None:
    first = heard.house.open(BAD)
    heard.hear()
    for _ in range(steps):
        if heard.house.queue:
            heard.house.step()
    last = heard.house.push(UNTOUCHED, start="main")
    heard.settle()
    assert heard.house.conclusions(last) == ["success"]
    assert set(heard.house.conclusions(first)) <= {"cancelled", "failure"}
    assert not any("→ 4 KiB" in comment for comment in heard.house.comments())
    assert heard.house.suggestions() == []
    assert nothing_is_left(heard)


@pytest.mark.parametrize("steps", STAGES)
def test_a_force_push_back_and_forth_at_any_stage_ends_with_a_verdict(heard: Heard, steps: int) -> None:
    first = heard.house.open(BAD)
    heard.hear()
    for _ in range(steps):
        if heard.house.queue:
            heard.house.step()
    middle = heard.house.push(GOOD, start="main")
    heard.hear()
    heard.house.step()
    heard.simulator.push(REPOSITORY, "change", first)
    heard.settle()
    assert heard.house.conclusions(first)[-1] == "failure"
    assert None not in heard.house.conclusions(middle)
    (comment,) = heard.house.comments()
    assert first[:12] in comment
    assert "→ 4 KiB" in comment
    assert nothing_is_left(heard)
