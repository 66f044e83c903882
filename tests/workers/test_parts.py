"""Parts of work and who holds them, in a real Valkey."""

from __future__ import annotations

import threading

import pytest
from redis import Redis

from workers.parts import STALE_SECONDS, OpenRuns, Part, Parts, part_of

KEY, PART = "pagewarden:some", "work"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def parts(redis: Redis, clock: Clock) -> Parts:
    """Of a hash that is wanted."""
    redis.hset(KEY, "since", "1000")
    return Parts(redis, clock)


def part(redis: Redis, name: str = PART) -> Part:
    fields = redis.hgetall(KEY)
    assert isinstance(fields, dict)
    return part_of({str(field): str(value) for field, value in fields.items()}, name)


def test_a_part_is_one_owners_for_as_long_as_his_heart_beats(parts: Parts, redis: Redis, clock: Clock) -> None:
    assert parts.claim(KEY, PART, "first")
    assert not parts.claim(KEY, PART, "second")
    clock.now += STALE_SECONDS - 1
    assert parts.beat(KEY, PART, "first", "half")
    clock.now += STALE_SECONDS - 1
    assert not parts.claim(KEY, PART, "second")
    assert part(redis) == Part(None, "half", 1000.0 + STALE_SECONDS - 1, 1)
    assert part(redis).is_alive(clock())
    clock.now += 1
    assert not part(redis).is_alive(clock())
    assert parts.claim(KEY, PART, "second")
    assert not parts.beat(KEY, PART, "first")
    assert not parts.finish(KEY, PART, "first", "late")
    assert part(redis).starts == 2


def test_parts_of_a_hash_do_not_disturb_one_another(parts: Parts, redis: Redis) -> None:
    assert parts.claim(KEY, PART, "first")
    assert parts.claim(KEY, "other", "second")
    assert parts.finish(KEY, "other", "second", "done")
    assert (part(redis).result, part(redis, "other").result) == (None, "done")
    assert part(redis, "never") == Part()


def test_what_has_a_result_is_not_taken_on_again(parts: Parts, redis: Redis, clock: Clock) -> None:
    assert parts.claim(KEY, PART, "first")
    assert parts.finish(KEY, PART, "first", "done")
    assert not part(redis).is_alive(clock())
    clock.now += STALE_SECONDS + 1
    assert not parts.claim(KEY, PART, "second")
    assert part(redis) == Part("done", None, None, 1)


def test_what_is_not_wanted_or_over_is_nobodys(parts: Parts, redis: Redis) -> None:
    assert not parts.claim("pagewarden:unknown", PART, "first")
    assert parts.claim(KEY, PART, "first")
    redis.hset(KEY, "over", "1")
    assert not parts.beat(KEY, PART, "first")
    assert not parts.finish(KEY, PART, "first", "late")
    assert not parts.claim(KEY, "other", "second")
    assert part(redis).result is None


def test_what_vanished_is_nobodys_and_does_not_come_back(parts: Parts, redis: Redis) -> None:
    assert parts.claim(KEY, PART, "first")
    redis.delete(KEY)
    assert not parts.beat(KEY, PART, "first", "half")
    assert not parts.finish(KEY, PART, "first", "late")
    assert redis.exists(KEY) == 0


def test_what_is_given_back_was_no_start(parts: Parts, redis: Redis) -> None:
    assert parts.claim(KEY, PART, "first")
    parts.release(KEY, PART, "another")
    assert not parts.claim(KEY, PART, "second")
    parts.release(KEY, PART, "first")
    assert part(redis).starts == 0
    assert not parts.beat(KEY, PART, "first")
    assert parts.claim(KEY, PART, "second")
    assert part(redis).starts == 1


def test_progress_stays_until_there_is_more(parts: Parts, redis: Redis) -> None:
    assert parts.claim(KEY, PART, "first")
    assert parts.beat(KEY, PART, "first", "half")
    assert parts.beat(KEY, PART, "first")
    assert part(redis).progress == "half"


def test_of_many_at_once_one_gets_it(parts: Parts, redis_url: str, clock: Clock) -> None:
    won: list[str] = []
    ready = threading.Barrier(8)

    def ask(owner: str) -> None:
        with Redis.from_url(redis_url, decode_responses=True) as own:
            mine = Parts(own, clock)
            ready.wait()
            if mine.claim(KEY, PART, owner):
                won.append(owner)

    threads = [threading.Thread(target=ask, args=[f"owner-{number}"]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = won
    assert parts.beat(KEY, PART, winner)


def test_open_runs_are_those_that_the_queue_was_not_told_of_lately(redis: Redis, clock: Clock) -> None:
    runs = OpenRuns(redis, "pagewarden:open", clock)
    redis.zadd("pagewarden:open", {"o/r#1/a..b": 1000.0, "o/r#11/a..b": 1030.0})
    clock.now += 60
    assert runs.open_runs(60) == ["o/r#1/a..b"]
    assert runs.open_runs(30) == ["o/r#1/a..b", "o/r#11/a..b"]
    runs.told("o/r#1/a..b", 10)
    assert runs.open_runs(30) == ["o/r#11/a..b"]
    assert runs.open_runs_of("o/r#1") == ["o/r#1/a..b"]
    runs.told("o/r#2/a..b", 10)
    assert runs.open_runs_of("o/r#2") == [], "to tell of one opens none"
