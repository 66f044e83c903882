from __future__ import annotations

from dataclasses import replace

import pytest
from redis import Redis

from tests.workers.test_publish import report
from tests.workers.test_runs import RUN
from workers.runs import Ending, Outcome
from workers.shown import KeptComment, Shown
from workers.store import Busy, Store
from workers.stress.store import Plan, StressStore
from workers.tokens import Tokens
from workers.trust import Approval, Trust


def test_a_run_and_what_becomes_of_it(redis: Redis) -> None:
    store = Store(redis)
    assert store.record(RUN.id) is None
    record = store.want(RUN)
    assert (record.run, record.outcome, record.shown, record.attempt) == (RUN, None, False, 1)
    assert store.current(RUN.place) == RUN.id
    store.open(RUN.id)
    store.end(RUN.id, Outcome(Ending.REPORT), [report(2)])
    assert store.reports(RUN.id) == (report(2),)
    assert store.open_runs_of(RUN.place) == [RUN.id]
    assert store.open_runs_of("acme/engine#77") == []
    store.close(RUN.id, shown=True)
    record = store.want(RUN)
    assert (record.outcome, record.shown) == (Outcome(Ending.REPORT), True)
    assert not store.is_open(RUN.id)


def test_a_study_is_kept_beside_the_report(redis: Redis) -> None:
    now = [1000.0]
    store = Store(redis, lambda: now[0])
    store.want(RUN)
    assert store.study_since(RUN.id) is None
    store.end(RUN.id, Outcome(Ending.REPORT), [report(1)], study=True)
    store.close(RUN.id, shown=True)
    assert store.is_study_wanted(RUN.id)
    assert (store.study_since(RUN.id), store.wanted_studies(60)) == (1000.0, [])
    now[0] = 1060.0
    assert store.wanted_studies(60) == [RUN.id]
    store.told_study(RUN.id, 5)
    assert store.wanted_studies(0) == []
    store.studied(RUN.id, [report(2)], "[]", is_news=True)
    assert not store.is_study_wanted(RUN.id)
    assert store.is_studied(RUN.id)
    assert store.reports(RUN.id) == (report(2),)
    record = store.record(RUN.id)
    assert record is not None and not record.shown and store.is_open(RUN.id)
    store.told_study(RUN.id, 5)
    assert store.wanted_studies(-100) == []
    assert [store.drop_study(RUN.id), store.drop_study(RUN.id)] == [True, False]
    assert store.reports(RUN.id) == (report(1),)


def test_a_new_check_makes_the_study_of_the_one_before_worthless(redis: Redis) -> None:
    store = Store(redis)
    store.want(RUN)
    store.end(RUN.id, Outcome(Ending.REPORT), [report(1)], study=True)
    store.studied(RUN.id, [report(2)], "[]", is_news=True)
    store.end(RUN.id, Outcome(Ending.REPORT), [report(1)])
    assert store.reports(RUN.id) == (report(1),)
    store.want_study(RUN.id)
    store.end_study(RUN.id)
    assert not store.is_study_wanted(RUN.id)


def test_a_superseded_run_keeps_its_report_and_is_shown_anew(redis: Redis) -> None:
    store = Store(redis)
    store.want(RUN)
    store.end(RUN.id, Outcome(Ending.REPORT), [report(1)])
    store.close(RUN.id, shown=False)
    record = store.want(RUN)
    assert (record.outcome, record.shown) == (Outcome(Ending.REPORT), False)
    assert store.reports(RUN.id) == (report(1),)


def test_a_run_that_comes_back_is_to_be_shown_anew(redis: Redis) -> None:
    store = Store(redis)
    store.want(RUN)
    store.end(RUN.id, Outcome(Ending.REPORT), [report(1)])
    store.close(RUN.id, shown=True)
    assert store.want(RUN).shown
    store.want(replace(RUN, head="e" * 40))
    assert not store.want(RUN).shown
    assert not store.want(RUN).shown


def test_a_run_is_as_old_as_its_present_life(redis: Redis) -> None:
    now = [1000.0]
    store = Store(redis, lambda: now[0])
    store.want(RUN)
    store.open(RUN.id)
    now[0] = 2000.0
    store.open(RUN.id)
    record = store.record(RUN.id)
    assert record is not None
    assert record.opened_at == 1000.0
    store.close(RUN.id, shown=True)
    now[0] = 9000.0
    store.open(RUN.id)
    record = store.record(RUN.id)
    assert record is not None
    assert record.opened_at == 9000.0


def test_a_lock_is_held_by_one_and_lost_when_it_runs_out(redis: Redis) -> None:
    store = Store(redis)
    with store.lock("x") as held:
        held.extend()
        with pytest.raises(Busy), store.lock("x", wait=0):
            pass
        redis.delete("pagewarden:lock:x")
        with pytest.raises(Busy):
            held.extend()
        with store.lock("x", wait=0) as other:
            other.extend()
    with store.lock("x", wait=0):
        pass


def test_a_lock_outlives_a_dead_holder_by_its_time_only(redis: Redis) -> None:
    with Store(redis).lock("x"):
        assert 80_000 < redis.pttl("pagewarden:lock:x") <= 90_000


def test_a_token_is_given_out_until_its_time(redis: Redis) -> None:
    now = [1000.0]
    tokens = Tokens(redis, lambda: now[0])
    tokens.keep_token(1, "ghs_secret", until=4300.0)
    assert tokens.token(1) == "ghs_secret"
    assert tokens.token(2) is None
    now[0] = 4300.0
    assert tokens.token(1) is None


def test_attempts_are_counted_and_taken_back(redis: Redis) -> None:
    store = Store(redis)
    assert [store.begin_attempt("check", "x") for _ in range(2)] == [1, 2]
    store.take_back_attempt("check", "x")
    assert store.begin_attempt("check", "x") == 2
    assert store.begin_attempt("check", "y") == 1
    store.forget_attempts("check", "x")
    assert store.begin_attempt("check", "x") == 1


def test_everything_but_what_is_open_expires(redis: Redis) -> None:
    store = Store(redis)
    store.want(RUN)
    store.open(RUN.id)
    store.end(RUN.id, Outcome(Ending.REPORT), [report(1)])
    store.new_attempt(RUN.id, "comment 1:0", "octocat")
    store.open(RUN.id)
    shown = Shown(redis)
    shown.keep_comment(RUN.place, KeptComment(1))
    shown.keep_reply(RUN.place, "help", "IC_1")
    shown.begin_reply(RUN.place, "help", 1)
    shown.label_once(RUN.place, "page-size")
    shown.forbid_checks(RUN.repository)
    shown.unsure_of_check("pagewarden:x")
    Trust(redis).approve(RUN.place, Approval("c" * 40, "octocat"))
    StressStore(redis).want(RUN.id, Plan((4096,), (1,), "user"))
    store.begin_attempt("check", RUN.id)
    store.take_back_attempt("check", "forgotten meanwhile")
    Tokens(redis).keep_token(1, "t", 9e9)
    Tokens(redis).limit(1, 60)
    store.first_in(30, "sweep")
    endless = [key for key in redis.keys("*") if redis.ttl(key) == -1]
    assert sorted(endless) == ["pagewarden:runs", "pagewarden:stresses"]


def test_an_attempt_begins_a_run_anew_once_for_each_cause(redis: Redis) -> None:
    store = Store(redis)
    store.want(RUN)
    store.open(RUN.id)
    store.end(RUN.id, Outcome(Ending.REPORT), [report(1)], study=True)
    store.close(RUN.id, shown=True)
    assert not store.has_attempt(RUN.id, "comment 1:0")
    for _ in range(2):
        store.new_attempt(RUN.id, "comment 1:0", "octocat")
    record = store.record(RUN.id)
    assert record is not None
    assert (record.attempt, record.asked_by, record.outcome, record.shown) == (2, "octocat", None, False)
    assert store.has_attempt(RUN.id, "comment 1:0")
    assert store.reports(RUN.id) == ()
    assert not store.is_study_wanted(RUN.id)
    store.new_attempt(RUN.id, "comment 2:0", "hubot")
    record = store.record(RUN.id)
    assert record is not None
    assert (record.attempt, record.asked_by) == (3, "hubot")


def test_runs_are_found_by_their_head(redis: Redis) -> None:
    store = Store(redis)
    other = replace(RUN, number=8)
    store.want(RUN)
    store.want(other)
    assert store.runs_of(RUN.repository, RUN.head) == sorted([RUN.id, other.id])
    assert store.runs_of(RUN.repository, "f" * 40) == []


def test_branches_whose_names_begin_alike_are_places_of_their_own(redis: Redis) -> None:
    store = Store(redis)
    one, other = (replace(RUN, number=None, ref=ref) for ref in ("main", "main/two"))
    for run in (one, other):
        store.want(run)
        store.open(run.id)
    assert store.open_runs_of(one.place) == [one.id]
    assert store.open_runs_of(other.place) == [other.id]
