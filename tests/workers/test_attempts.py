"""Failures of all kinds: what is tried again, what counts, and how it ends."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.workers.house import BAD, GOOD, REPOSITORY, House
from workers import attempts
from workers.attempts import PAUSES
from workers.inbox import Delivery
from workers.tools import Job, Tools

AFTER_7 = {"Retry-After": "7"}
USED_UP = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "in 90 seconds"}


@pytest.mark.parametrize(
    ("method", "path", "status", "headers"),
    [
        ("POST", "/access_tokens$", 429, AFTER_7),
        ("GET", "/pulls/", 429, {}),
        ("GET", "/compare/", 403, USED_UP),
        ("POST", "/check-runs$", 403, AFTER_7),
        ("PATCH", "/check-runs/", 429, AFTER_7),
        ("POST", "/comments$", 403, USED_UP),
    ],
)
def test_a_rate_limit_is_waited_out_in_the_queue(
    house: House, method: str, path: str, status: int, headers: dict[str, str]
) -> None:
    if "X-RateLimit-Reset" in headers:
        headers = {**headers, "X-RateLimit-Reset": str(int(house.clock()) + 90)}
    sha = house.open(GOOD)
    house.simulator.fail_next(method, path, status, headers)
    house.deliver()
    done = house.drain()
    assert house.conclusions(sha) == ["success"]
    assert len(house.comments()) == 1
    waited = sum(message.seconds for message in done)
    expected = 7 if "Retry-After" in headers else 60
    # Where the study waits for the same limit, it counts as well.
    assert expected <= waited <= 160
    longest = house.tools.settings.visibility_timeout - house.tools.settings.task_time_limit
    assert all(message.seconds < longest for message in done)
    assert house.calls(method, path.strip("$")) <= 4


def test_nobody_calls_while_a_limit_lasts(house: House) -> None:
    house.open(GOOD)
    house.simulator.fail_next("GET", "/pulls/", 403, {"Retry-After": "500"})
    house.deliver()
    house.step()
    house.deliver()
    calls = len(house.simulator.calls)
    for _ in range(6):
        house.step()
    assert len(house.simulator.calls) == calls
    house.drain()
    assert len(house.comments()) == 1


def test_a_lock_held_by_another_is_waited_for_in_the_queue(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = house.open(GOOD)
    house.deliver()
    monkeypatch.setattr("workers.store.LOCK_WAIT_SECONDS", 0.1)
    with house.tools.store.lock(f"{REPOSITORY}#{house.number}"):
        house.step()
        assert [(message.job, message.seconds) for message in house.queue] == [(Job.INTAKE, attempts.BUSY_SECONDS)]
    house.drain()
    assert house.conclusions(sha) == ["success"]


def test_nothing_is_written_once_the_lock_is_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.step()
    house.step()
    writes = house.calls("PATCH")
    store, lock = house.tools.store, f"pagewarden:lock:{REPOSITORY}#{house.number}"
    current = store.current

    def stolen_meanwhile(pull: str) -> str | None:
        store._redis.set(lock, "another")
        return current(pull)

    monkeypatch.setattr(store, "current", stolen_meanwhile)
    house.step()
    assert house.calls("PATCH") == writes
    assert [message.job for message in house.queue] == [Job.STUDY, Job.PUBLISH]
    monkeypatch.undo()
    store._redis.delete(lock)
    house.drain()
    assert house.conclusions(sha) == ["success"]


@pytest.mark.parametrize("job", [Job.CHECK, Job.PUBLISH, Job.INTAKE])
def test_a_fault_of_ours_ends_as_a_failed_check(house: House, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = house.open(GOOD)

    def faulty(tools: Tools, key: str) -> None:
        raise ZeroDivisionError("with a secret in it")

    real = attempts.WORK[job]
    monkeypatch.setitem(attempts.WORK, job, faulty)
    house.deliver()
    tries = 0
    while tries <= len(PAUSES):
        tries += house.step().job is job
    monkeypatch.setitem(attempts.WORK, job, real)
    done = house.drain()
    assert [message.job for message in done] == [Job.PUBLISH]
    ((status, conclusion, title),) = house.checks(sha)
    assert (status, conclusion) == ("completed", "failure")
    assert "ZeroDivisionError" in title
    assert "secret" not in title
    assert house.tools.inbox.pending(-1) == []
    assert house.tools.store.open_runs(-1) == []


def test_an_attempt_that_ends_its_process_counts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.step()

    def deadly(tools: Tools, key: str) -> None:
        raise SystemExit

    real = attempts.WORK[Job.CHECK]
    monkeypatch.setitem(attempts.WORK, Job.CHECK, deadly)
    (message,) = house.queue
    for _ in range(len(PAUSES) + 1):
        with pytest.raises(SystemExit):
            attempts.perform(house.tools, Job.CHECK, message.key)
    monkeypatch.setitem(attempts.WORK, Job.CHECK, real)
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert "ended the process" in house.checks(sha)[0][2]


def test_what_is_being_done_already_is_put_off_and_does_not_count(house: House) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.step()
    key = house.queue[0].key
    with house.tools.store.lock(f"{Job.CHECK}:{key}"):
        for _ in range(len(PAUSES) + 1):
            house.tools.store.begin_attempt(Job.CHECK, key)
        assert house.step().job is Job.CHECK
        assert [(message.job, message.seconds) for message in house.queue] == [(Job.CHECK, attempts.BUSY_SECONDS)]
        house.tools.store.forget_attempts(Job.CHECK, key)
    house.drain()
    assert house.conclusions(sha) == ["success"]


def test_a_pull_request_is_looked_at_once_github_answers_again(house: House) -> None:
    sha = house.open(BAD)
    house.simulator.fail_next("GET", "/pulls/", 503, times=4 * (len(PAUSES) + 1))
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == []
    assert [message.job for message in house.sweep(after=3600)] == [Job.INTAKE]
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert "could not evaluate" not in house.checks(sha)[0][2]


def test_a_passing_failure_of_git_is_made_up_for(house: House) -> None:
    sha = house.open(GOOD)
    house.simulator.fail_next("GET", r"/info/refs", 503, times=2)
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["success"]


def test_a_lasting_failure_of_git_is_told(house: House) -> None:
    sha = house.open(GOOD)
    house.simulator.fail_next("GET", r"/info/refs", 503, times=100)
    house.deliver()
    house.drain()
    ((_, conclusion, title),) = house.checks(sha)
    assert conclusion == "failure"
    assert "commits could not be fetched" in title


def test_a_cache_that_cannot_be_used_is_told_without_its_place(house: House) -> None:
    sha = house.open(GOOD)
    cache = house.tools.settings.cache_dir
    cache.write_text("a file where a directory should be")
    house.deliver()
    house.drain()
    ((_, conclusion, title),) = house.checks(sha)
    assert conclusion == "failure"
    assert "Not a directory" in title
    (run,) = house.simulator.check_runs(REPOSITORY, sha)
    assert str(cache) not in json.dumps(run)


def test_what_broke_is_checked_again_when_somebody_asks(house: House) -> None:
    """Closing and reopening is what the failed check tells people to do."""
    sha = house.open(GOOD)
    house.simulator.fail_next("GET", r"/info/refs", 503, times=len(PAUSES) + 1)
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    house.deliver(house.event("reopened"))
    house.drain()
    assert house.conclusions(sha) == ["success"]
    assert len(house.comments()) == 1


def test_a_revoked_token_is_replaced(house: House) -> None:
    sha = house.open(GOOD)
    house.tools.tokens.keep_token(house.installation_id, "ghs_revoked", house.clock() + 1000)
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["success"]
    assert house.calls("POST", "/access_tokens") == 1


def test_what_could_not_be_published_is_left_to_the_sweep_as_it_is(house: House) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.step()
    house.step()
    house.simulator.fail_next("PATCH", "/check-runs/", 503, times=len(PAUSES) + 1)
    house.drain()
    assert house.conclusions(sha) == [None]
    assert [message.job for message in house.sweep(after=3600)] == [Job.PUBLISH]
    house.drain()
    assert house.conclusions(sha) == ["success"]
    assert "could not evaluate" not in house.checks(sha)[0][2]


def test_a_delivery_that_cannot_be_read_is_let_go(house: House) -> None:
    assert house.tools.inbox.put(Delivery("odd", "pull_request", {"of": "another version"}, house.clock()))
    house.tools.send(Job.INTAKE, "odd")
    assert len(house.drain()) == len(PAUSES) + 1
    assert house.tools.inbox.pending(-1) == []


def test_a_faulty_intake_for_a_newer_push_does_not_disturb_the_run_before_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = house.open(BAD)
    stale = house.event()
    house.deliver()
    house.drain()
    key = house.deliver(replace(stale, base_sha="c" * 40))
    house.queue.clear()
    attempts.give_up(house.tools, Job.INTAKE, key, "of a test")
    house.drain()
    assert house.conclusions(first)[0] == "failure"
    assert json.dumps(house.checks(first)).count("of a test") == 1
