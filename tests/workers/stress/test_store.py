from __future__ import annotations

import pytest
from redis import Redis

from workers.parts import STALE_SECONDS
from workers.stress.store import BUILD, Plan, StressStore

RUN = "acme/engine#1/000000000000..1111"
PLAN = Plan(page_sizes=(4096, 65536), seeds=(1, 2), machine="vm")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(redis: Redis, clock: Clock) -> StressStore:
    made = StressStore(redis, clock)
    made.want(RUN, PLAN)
    return made


def test_a_run_has_a_build_and_a_part_for_each_page_size(store: StressStore) -> None:
    state = store.get(RUN)
    assert state is not None
    assert state.names == (BUILD, "4K", "64K")
    assert state.since == 1000.0
    assert store.get("another") is None


def test_a_part_is_one_owners_for_as_long_as_his_heart_beats(store: StressStore, clock: Clock) -> None:
    assert store.claim(RUN, "4K", "first")
    assert not store.claim(RUN, "4K", "second")
    assert store.claim(RUN, "64K", "second")
    clock.now += STALE_SECONDS - 1
    assert store.beat(RUN, "4K", "first", '{"done": 1}')
    clock.now += STALE_SECONDS - 1
    assert not store.claim(RUN, "4K", "second")
    clock.now += 2
    assert store.claim(RUN, "4K", "second"), "the first has not been heard of for too long"
    assert not store.beat(RUN, "4K", "first")
    state = store.get(RUN)
    assert state is not None
    assert state.part("4K").starts == 2
    assert state.part("4K").progress == '{"done": 1}'


def test_only_the_owners_result_counts(store: StressStore, clock: Clock) -> None:
    assert store.claim(RUN, "4K", "first")
    clock.now += STALE_SECONDS + 1
    assert store.claim(RUN, "4K", "second")
    assert not store.finish(RUN, "4K", "first", "late")
    assert store.finish(RUN, "4K", "second", "right", {"head-4k": "{}"})
    assert not store.claim(RUN, "4K", "third"), "it is done"
    state = store.get(RUN)
    assert state is not None
    assert state.part("4K").result == "right"
    assert store.evidence(RUN) == {"head-4k": "{}"}


def test_what_is_given_back_was_no_start(store: StressStore) -> None:
    assert store.claim(RUN, "4K", "first")
    store.release(RUN, "4K", "another")
    assert not store.claim(RUN, "4K", "second")
    store.release(RUN, "4K", "first")
    assert store.claim(RUN, "4K", "second")
    state = store.get(RUN)
    assert state is not None
    assert state.part("4K").starts == 1


def test_who_works_on_what_is_over_stops(store: StressStore) -> None:
    assert store.claim(RUN, "4K", "first")
    store.end(RUN)
    assert not store.beat(RUN, "4K", "first")
    assert not store.finish(RUN, "4K", "first", "late")
    assert not store.claim(RUN, "64K", "second")
    assert store.open_runs(0) == []


def test_wanted_again_it_begins_anew_as_the_same_attempt(store: StressStore, clock: Clock) -> None:
    assert store.claim(RUN, "4K", "first")
    assert store.finish(RUN, "4K", "first", "old", {"head-4k": "{}"})
    store.end(RUN)
    clock.now += 5
    store.want(RUN, PLAN)
    state = store.get(RUN)
    assert state is not None
    assert (state.since, state.over, state.attempt, state.asked_by) == (1005.0, False, 1, "")
    assert state.part("4K").result is None
    assert store.evidence(RUN) == {}
    assert not store.finish(RUN, "4K", "first", "of the life before")


def test_each_cause_makes_one_attempt(store: StressStore, clock: Clock) -> None:
    other = Plan(page_sizes=(65536,), seeds=(1, 2, 3), machine="user")
    store.want(RUN, other, "comment 7:0", "wendy")
    asked = store.get(RUN)
    assert asked is not None
    assert (asked.plan, asked.attempt, asked.asked_by) == (other, 2, "wendy")
    assert store.claim(RUN, BUILD, "first")
    clock.now += 5
    store.want(RUN, PLAN, "comment 7:0", "wendy")
    again = store.get(RUN)
    assert again is not None
    assert (again.plan, again.attempt, again.since, again.part(BUILD).starts) == (other, 2, 1000.0, 1)
    store.want(RUN, PLAN, "comment 8:0", "octocat")
    third = store.get(RUN)
    assert third is not None
    assert (third.plan, third.attempt, third.asked_by, third.part(BUILD).starts) == (PLAN, 3, "octocat", 0)
    store.want(RUN, other, "comment 7:0", "wendy")
    assert store.get(RUN) == third, "a cause stays known after the next one"


def test_after_an_attempt_that_somebody_asked_for_one_without_a_cause_is_none_of_its_own(store: StressStore) -> None:
    store.want(RUN, PLAN, "comment 7:0", "wendy")
    store.end(RUN)
    store.want(RUN, PLAN)
    state = store.get(RUN)
    assert state is not None
    assert (state.attempt, state.over) == (2, False)
    store.want(RUN, PLAN, "comment 7:0", "wendy")
    assert store.get(RUN) == state


def test_the_first_is_attempt_1_whatever_asked_for_it(redis: Redis, clock: Clock) -> None:
    store = StressStore(redis, clock)
    store.want(RUN, PLAN, "comment 7:0", "wendy")
    state = store.get(RUN)
    assert state is not None
    assert (state.attempt, state.asked_by) == (1, "wendy")


def test_why_there_is_no_result_is_kept_until_it_is_wanted_again(store: StressStore) -> None:
    store.refuse(RUN, "fork")
    store.want(RUN, PLAN)
    store.cancel(RUN, "wendy")
    cancelled = store.get(RUN)
    assert cancelled is not None
    assert (cancelled.over, cancelled.refused, cancelled.cancelled_by) == (True, None, "wendy")
    store.want(RUN, PLAN)
    store.time_out(RUN)
    late = store.get(RUN)
    assert late is not None
    assert (late.over, late.timed_out, late.cancelled_by) == (True, True, None)
    assert store.open_runs(0) == []


def test_open_runs_are_those_that_the_queue_was_not_told_of_lately(store: StressStore, clock: Clock) -> None:
    assert store.open_runs(60) == []
    clock.now += 61
    assert store.open_runs(60) == [RUN]
    store.told(RUN, 100)
    assert store.open_runs(60) == []
    assert store.open_runs_of("acme/engine#1") == [RUN]
    assert store.open_runs_of("acme/engine#11") == []
    store.forget(RUN)
    assert store.open_runs_of("acme/engine#1") == []
    assert store.get(RUN) is None


def test_a_page_is_found_by_its_key_only(store: StressStore) -> None:
    store.keep_page("k" * 32, RUN)
    assert store.run_of_page("k" * 32) == RUN
    assert store.run_of_page("x" * 32) is None
