"""Complaints about what never comes: a delivery, a conclusion, the check that is required, the queue's answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.complaints.quiet import is_quiet, pass_time
from tests.workers.gitrepos import git
from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY, SECRET
from workers.reconcile import DEADLINE_SECONDS
from workers.tools import Job

UNTOUCHED = {"README.md": "Another engine.\n"}


def while_away(heard: Heard, act: Callable[[], str]) -> str:
    """Does something on GitHub while our web server cannot be reached; what `act` gave."""
    assert heard.simulator.wait_for_deliveries()
    address, app_id = heard.simulator.deliveries[0].url, heard.house.tools.settings.app_id
    heard.simulator.set_webhook(app_id, "http://127.0.0.1:9/webhook", SECRET)
    done = act()
    assert heard.simulator.wait_for_deliveries()
    heard.simulator.set_webhook(app_id, address, SECRET)
    return done


def test_a_webhook_that_found_nobody_is_lost_for_good(heard: Heard) -> None:
    """GitHub delivers nothing again by itself. To find what failed at `/app/hook/deliveries` belongs to another issue;
    here a person has it delivered again, and it is done like any other."""
    sha = while_away(heard, lambda: heard.house.open(BAD))
    assert heard.settle() == []
    (lost,) = [one for one in heard.simulator.deliveries if (one.event, one.action) == ("pull_request", "opened")]
    assert lost.status_code not in range(200, 300)
    heard.simulator.redeliver(lost.guid)
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(heard.house.comments()) == 1


def test_a_push_whose_webhook_was_lost_is_never_looked_at(heard: Heard) -> None:
    first = heard.open(BAD)
    last = while_away(heard, lambda: heard.house.push(GOOD))
    heard.simulator.close_pull(REPOSITORY, heard.house.number)
    heard.simulator.reopen_pull(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(first) == ["failure"]
    assert heard.house.conclusions(last) == ["success"]
    (comment,) = heard.house.comments()
    assert last[:12] in comment


@pytest.mark.parametrize("steps", [1, 2])
def test_a_check_is_pending_for_ever_since_its_job_was_lost(heard: Heard, steps: int) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    for _ in range(steps):
        heard.house.step()
    heard.house.queue.clear()
    assert heard.house.conclusions(sha) == [None]
    pass_time(heard)
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(heard.house.comments()) == 1


def test_a_check_is_pending_for_ever_since_its_job_is_lost_each_time(heard: Heard) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    waited = 0
    while not any(message.job is Job.PUBLISH for message in heard.house.queue):
        heard.house.queue.clear()
        heard.house.sweep(after=60)
        waited += 60
        assert waited < DEADLINE_SECONDS + 300, "no deadline"
    assert waited >= DEADLINE_SECONDS
    heard.settle()
    ((status, conclusion, title),) = heard.house.checks(sha)
    assert (status, conclusion) == ("completed", "timed_out")
    assert "an hour" in title
    assert "`/recheck`" in heard.house.told(sha)
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha) == ["timed_out", "failure"]
    assert is_quiet(heard)


def test_a_check_is_pending_for_ever_since_github_did_not_take_its_conclusion(heard: Heard) -> None:
    sha = heard.house.open(BAD)
    heard.simulator.fail_next("PATCH", "/check-runs/", 502, times=40)
    heard.settle(most=1000)
    assert heard.house.conclusions(sha) == [None]
    pass_time(heard)
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(heard.house.comments()) == 1


def test_a_check_is_pending_for_ever_since_its_evaluation_never_works(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("never")

    monkeypatch.setattr("workers.checks.compare", broken)
    sha = heard.open(GOOD)
    ((_, conclusion, title),) = heard.house.checks(sha)
    assert conclusion == "failure"
    assert "could not evaluate" in title
    assert "`/recheck`" in heard.house.told(sha)
    monkeypatch.undo()
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha) == ["failure", "success"]


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(UNTOUCHED, id="nothing watched"),
        pytest.param({}, id="nothing at all"),
        pytest.param({"logo.png": "\0\1\2"}, id="binary"),
        pytest.param({"README.md": None}, id="deletion"),
    ],
)
def test_a_required_check_comes_late_or_never_on_what_touches_nothing(
    heard: Heard, files: dict[str, str | None]
) -> None:
    sha = heard.house.open(files)
    heard.hear()
    heard.house.step()
    (run,) = heard.simulator.check_runs(REPOSITORY, sha)
    assert (run["name"], run["status"], run["conclusion"]) == ("pagewarden", "completed", "success")


def test_a_required_check_never_comes_on_a_submodule_alone(heard: Heard) -> None:
    source = heard.house.source
    git(source, "checkout", "--quiet", "change")
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{git(source, 'rev-parse', 'main')},vendor")
    git(source, "commit", "--quiet", "--message=vendor")
    sha = heard.simulator.push(REPOSITORY, "change", "change")
    heard.house.number = heard.simulator.open_pull(REPOSITORY, "change", "main", "A submodule").number
    heard.settle()
    assert heard.house.conclusions(sha) == ["success"]


def test_a_merge_queue_stalls_since_its_group_was_destroyed_and_made_again(heard: Heard) -> None:
    heard.open(GOOD)
    first = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.hear()
    heard.house.step()
    heard.simulator.dequeue(REPOSITORY, first, "invalidated")
    heard.house.land(UNTOUCHED)
    second = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(first.head_sha) == ["cancelled"]
    assert heard.house.conclusions(second.head_sha) == ["success"]
    assert is_quiet(heard)


def test_a_merge_queue_stalls_since_its_job_was_lost(heard: Heard) -> None:
    heard.open(GOOD)
    group = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.hear()
    heard.house.step()
    heard.house.queue.clear()
    heard.house.clock.ahead += DEADLINE_SECONDS
    pass_time(heard)
    assert heard.house.conclusions(group.head_sha) == ["timed_out"]
    assert "Re-run the check" in heard.house.told(group.head_sha)
    (run,) = heard.simulator.check_runs(REPOSITORY, group.head_sha)
    heard.simulator.set_permission(REPOSITORY, "wendy", "write")
    heard.simulator.rerun(run["id"], "wendy")
    heard.settle()
    assert heard.house.conclusions(group.head_sha)[-1] == "success"
