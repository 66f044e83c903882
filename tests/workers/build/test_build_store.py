"""What is known of builds, in a real Valkey."""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis import Redis

from tests.workers.build.ordered import BASE, HEAD, ordered
from workers.build.driver import Seen, State
from workers.build.order import Order
from workers.build.result import Artifact, Binary, Ending, Inspection, Made, Release, Row, RowState
from workers.build.store import WORK, Build, BuildStore, key_of

REPOSITORY = "o/r"
PLACE = f"{REPOSITORY}#7"
RUN = f"{PLACE}/{BASE[:12]}..{HEAD}"
ORDER = ordered(command={"run": ["make"], "output": "out"}, minutes=5, keep=3)
LOG = "https://github.com/o/r/actions/runs/2"
MADE = Made(
    Ending.RELEASED,
    url=LOG,
    inspection=Inspection(
        (Artifact("bun", 4, "0" * 64),), (Binary("bun", "", "executable", 65536, "ab", 1, 2, 3, 4),), more=1
    ),
    release=Release("autobuild-preview-pr-7-aaaaaaaa", "https://github.com/o/r/releases/1", 5.0),
    base=(Binary("bun", "", "executable", 65536, "cd", 1, 1, 1, 3),),
    base_tag="nightly",
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(redis: Redis, clock: Clock) -> BuildStore:
    return BuildStore(redis, clock)


def known(store: BuildStore, run_id: str = RUN) -> Build:
    found = store.get(run_id)
    assert found is not None
    return found


def want(store: BuildStore, cause: str = "", by: str = "") -> Order:
    order = store.want(RUN, ORDER, cause, by)
    assert order is not None
    return order


def test_what_is_wanted_is_known_with_its_settings(store: BuildStore) -> None:
    assert store.get(RUN) is None
    assert want(store) == ORDER
    assert known(store) == Build(ORDER, since=1000.0)
    assert known(store).order.settings == ORDER.settings
    assert known(store).seen == Seen(State.QUEUED)


def test_what_was_submitted_is_an_attempt_and_what_was_not_is_none(store: BuildStore, clock: Clock) -> None:
    assert want(store).attempt == 1
    store.end(RUN, refused="fork")
    clock.now += 5
    again = want(store)
    assert (again.attempt, known(store).refused, known(store).over, known(store).since) == (1, None, False, 1005.0)
    assert store.submitted(RUN, again.correlation, "17")
    store.end(RUN)
    third = want(store)
    assert (third.attempt, known(store).external_id) == (2, None)
    assert third.correlation != again.correlation


def test_each_cause_makes_one_attempt(store: BuildStore) -> None:
    want(store)
    assert not store.has_attempt(RUN, "comment 7")
    assert want(store, "comment 7", "wendy").attempt == 2
    assert (known(store).attempt, known(store).asked_by) == (2, "wendy")
    assert store.want(RUN, ORDER, "comment 7", "wendy") is None
    assert want(store, "comment 8", "octocat").attempt == 3
    assert store.want(RUN, ORDER, "comment 7", "wendy") is None, "a cause stays known after the next one"
    assert [store.has_attempt(RUN, cause) for cause in ("comment 7", "comment 8", "comment 9")] == [True, True, False]
    assert (known(store).attempt, known(store).asked_by) == (3, "octocat")


def test_causes_stay_known_when_it_is_wanted_without_one(store: BuildStore) -> None:
    want(store, "comment 7", "wendy")
    store.end(RUN)
    assert want(store).attempt == 1, "it was never submitted"
    assert known(store).asked_by == ""
    assert store.has_attempt(RUN, "comment 7")


def test_a_new_attempt_begins_from_nothing(store: BuildStore, clock: Clock) -> None:
    order = want(store)
    store.submitted(RUN, order.correlation, "17")
    store.begin(RUN)
    store.saw(RUN, Seen(State.RUNNING, LOG))
    store.parts.claim(key_of(RUN), WORK, "first")
    store.conclude(RUN, MADE)
    store.end(RUN)
    clock.now += 7
    again = want(store, "comment 7")
    assert known(store) == Build(again, since=1007.0)
    assert not store.parts.finish(key_of(RUN), WORK, "first", "late")


def test_an_id_of_an_attempt_that_is_over_is_not_kept(store: BuildStore) -> None:
    first = want(store)
    second = want(store, "comment 7")
    assert not store.submitted(RUN, first.correlation, "17"), "another attempt has begun"
    assert store.submitted(RUN, second.correlation, "18")
    assert known(store).external_id == "18"
    store.end(RUN, cancelled_by="wendy")
    assert not store.submitted(RUN, second.correlation, "19")
    assert not store.submitted("another", second.correlation, "19")
    assert known(store).external_id == "18"


def test_a_run_is_found_by_each_of_its_attempts(store: BuildStore) -> None:
    orders = [want(store), want(store, "comment 7")]
    assert [store.run_of(REPOSITORY, order.correlation) for order in orders] == [RUN, RUN]
    assert store.run_of("another/repository", orders[0].correlation) is None
    assert store.run_of(REPOSITORY, "unknown") is None


def test_what_a_look_told_is_kept_and_is_news_once(store: BuildStore) -> None:
    want(store)
    assert not store.saw(RUN, Seen(State.QUEUED)), "nobody expected anything else"
    assert store.saw(RUN, Seen(State.QUEUED, LOG))
    assert store.saw(RUN, Seen(State.RUNNING, LOG))
    assert not store.saw(RUN, Seen(State.RUNNING, LOG, "step 2 of 3"))
    assert known(store).seen == Seen(State.RUNNING, LOG, "step 2 of 3")


def test_it_is_under_way_since_it_first_was(store: BuildStore, clock: Clock) -> None:
    want(store)
    clock.now += 3
    store.begin(RUN)
    clock.now += 3
    store.begin(RUN)
    assert known(store).begun == 1003.0


def test_only_one_chain_of_looks_is_under_way(store: BuildStore, clock: Clock) -> None:
    want(store)
    assert store.look_in(RUN, 30.0)
    assert not store.look_in(RUN, 30.0), "a look is to come"
    clock.now += 15
    assert not store.look_in(RUN, 3.0)
    clock.now += 15
    assert store.look_in(RUN, 30.0), "it has come"
    assert not store.look_in(RUN, 30.0)
    clock.now += 3600
    assert store.look_in(RUN, 30.0), "it was lost"


def test_what_came_of_it_goes_there_and_back(store: BuildStore, clock: Clock) -> None:
    want(store)
    store.conclude(RUN, MADE)
    assert known(store).made == MADE
    assert not store.parts.claim(key_of(RUN), WORK, "late"), "there is a result"


@pytest.mark.parametrize(
    "why",
    [{"refused": "fork"}, {"cancelled_by": "wendy"}, {"closed": "1"}, {"timed_out": "1"}, {"superseded_by": "c" * 40}],
    ids=lambda why: next(iter(why)),
)
def test_why_nothing_came_of_it_is_kept(store: BuildStore, clock: Clock, why: dict[str, str]) -> None:
    want(store)
    assert store.parts.claim(key_of(RUN), WORK, "first")
    clock.now += 9
    store.end(RUN, **why)
    clock.now += 9
    store.end(RUN)
    ((name, value),) = why.items()
    assert getattr(known(store), name) == (True if value == "1" else value)
    assert (known(store).over, known(store).ended) == (True, 1009.0)
    assert not store.parts.beat(key_of(RUN), WORK, "first"), "who works on it stops"
    assert store.open_runs(-1) == []


def test_open_runs_are_those_that_the_queue_was_not_told_of_lately(store: BuildStore, clock: Clock) -> None:
    want(store)
    assert store.open_runs(60) == []
    clock.now += 61
    assert store.open_runs(60) == [RUN]
    store.told(RUN, 100)
    assert store.open_runs(60) == []
    assert store.open_runs_of(PLACE) == [RUN]
    assert store.open_runs_of(f"{REPOSITORY}#77") == []
    store.end(RUN)
    store.told(RUN, 100)
    assert store.open_runs_of(PLACE) == [], "to tell the queue of it opens nothing"


def test_runs_are_found_by_pull_request_in_order_and_by_commit(store: BuildStore, clock: Clock) -> None:
    other = f"{PLACE}/{BASE[:12]}..{'c' * 40}"
    want(store)
    clock.now += 1
    store.want(other, replace(ORDER, head="c" * 40))
    assert store.runs_of_place(PLACE) == [RUN, other]
    clock.now += 1
    want(store, "comment 7")
    assert store.runs_of_place(PLACE) == [other, RUN], "it is wanted anew"
    assert store.runs_of_commit(REPOSITORY, HEAD) == [RUN]
    assert store.runs_of_commit("another/repository", HEAD) == []
    assert store.runs_of_place(f"{REPOSITORY}#77") == []


def test_what_is_forgotten_was_never_wanted(store: BuildStore) -> None:
    want(store)
    store.parts.claim(key_of(RUN), WORK, "first")
    store.forget(RUN)
    assert store.get(RUN) is None
    assert (store.open_runs(-1), store.runs_of_place(PLACE)) == ([], [])
    assert not store.parts.beat(key_of(RUN), WORK, "first")
    store.saw(RUN, Seen(State.RUNNING))
    assert store.get(RUN) is None, "a late look makes nothing of it"


def test_rows_are_kept_one_for_each_commit(store: BuildStore) -> None:
    released = Row(HEAD, RowState.RELEASED, "tag", "url", 5.0)
    removed = Row(HEAD, RowState.REMOVED, "tag", at=9.0)
    other = Row("c" * 40, RowState.RELEASED, "other", "url", 6.0)
    for row in (released, other, removed):
        store.keep_row(PLACE, row)
    assert {*store.rows(PLACE)} == {removed, other}
    assert store.rows(f"{REPOSITORY}#77") == ()
    store.drop_row(PLACE, HEAD)
    assert store.rows(PLACE) == (other,)


def test_releases_are_looked_for_once_or_until_that_worked(store: BuildStore) -> None:
    assert [store.is_first_of(PLACE), store.is_first_of(PLACE)] == [True, False]
    store.look_again_for(PLACE)
    assert [store.is_first_of(PLACE), store.is_first_of(PLACE)] == [True, False]
    assert store.is_first_of(f"{REPOSITORY}#77")


def test_a_cleaning_is_due_at_the_earliest_time_that_was_asked_for(store: BuildStore, clock: Clock) -> None:
    store.clean_at(REPOSITORY, 3, 7, 5000.0)
    store.clean_at(REPOSITORY, 3, 7, 2000.0)
    store.clean_at(REPOSITORY, 3, 5, 9000.0)
    assert store.cleanings() == []
    clock.now = 2000.0
    (key,) = store.cleanings()
    assert store.cleaning(key) == (3, REPOSITORY, 5), "what the settings said last"


def test_a_cleaning_comes_back_until_nothing_is_left(store: BuildStore, clock: Clock) -> None:
    store.clean_at(REPOSITORY, 3, 7, 1000.0)
    store.clean_at("another/repository", 3, 7, 1000.0)
    first, second = store.cleanings()
    store.put_off_cleaning(first, 60.0)
    assert store.cleanings() == [second]
    clock.now += 60
    assert {*store.cleanings()} == {first, second}
    for key in (first, second):
        store.end_cleaning(key)
    assert store.cleanings() == []
    assert store.cleaning(first)[2] == 0
