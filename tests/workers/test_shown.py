"""What is kept of what GitHub shows: nothing where that is not certain."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from workers.github import CheckRun
from workers.shown import CHECK_SECONDS, NO_CHECKS_SECONDS, SKEW_SECONDS, KeptComment, Shown
from workers.store import KEEP_SECONDS

CHECK = CheckRun(7, 1, "acme/engine#1/x", "failure", "Title", "Summary", "Text\n", 3, "pagewarden[bot]")
KEY = "pagewarden:acme/engine#1/x"
PLACE = "acme/engine#1"


@dataclass
class Watch:
    """A clock that a test sets, in epoch seconds."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_check_run_is_given_back_as_github_answered(redis: Redis) -> None:
    shown = Shown(redis)
    assert shown.check(KEY) is None
    assert not shown.is_check_begun(KEY)
    shown.keep_check(KEY, CHECK)
    assert Shown(redis).check(KEY) == CHECK
    assert shown.check(f"{KEY}~2") is None


def test_of_a_check_that_is_being_written_it_is_only_known_that_it_was_begun(redis: Redis) -> None:
    shown = Shown(redis)
    shown.unsure_of_check(KEY)
    assert shown.check(KEY) is None
    assert shown.is_check_begun(KEY)
    shown.keep_check(KEY, CHECK)
    shown.unsure_of_check(KEY)
    assert shown.check(KEY) is None
    assert shown.is_check_begun(KEY)


def test_everything_is_remembered_that_came_after_the_first_question(redis: Redis) -> None:
    watch = Watch()
    shown = Shown(redis, watch)
    born = watch.now
    assert not shown.remembers(born - 1)
    watch.now += 10_000
    assert not shown.remembers(born - 1)
    assert not shown.remembers(born + SKEW_SECONDS)
    assert shown.remembers(born + SKEW_SECONDS + 1)
    assert Shown(redis, watch).remembers(born + SKEW_SECONDS + 1)


def test_a_memory_that_was_lost_begins_anew(redis: Redis) -> None:
    watch = Watch()
    shown = Shown(redis, watch)
    assert not shown.remembers(watch.now)
    since = watch.now + 1000
    assert shown.remembers(since)
    redis.flushdb()
    watch.now = since + 500
    assert not shown.remembers(since)
    assert shown.remembers(since + 500 + SKEW_SECONDS + 1)


def test_checks_are_forbidden_in_one_repository_only(redis: Redis) -> None:
    shown = Shown(redis)
    shown.forbid_checks("acme/engine")
    assert not shown.may_check("acme/engine")
    assert shown.may_check("acme/engine2")
    assert 0 < redis.ttl("pagewarden:no-checks:acme/engine") <= NO_CHECKS_SECONDS


def test_a_comment_that_is_known_to_be_missing_is_not_one_of_which_nothing_is_known(redis: Redis) -> None:
    shown = Shown(redis)
    assert shown.comment(PLACE) is None
    shown.keep_comment(PLACE, KeptComment(0))
    assert shown.comment(PLACE) == KeptComment(0)
    shown.keep_comment(PLACE, KeptComment(5, "acme/engine#1/x", "abc"))
    assert shown.comment(PLACE) == KeptComment(5, "acme/engine#1/x", "abc")
    assert shown.comment("acme/engine#11") is None
    shown.keep_comment(PLACE, None)
    assert shown.comment(PLACE) is None


def test_the_last_reply_of_each_kind_is_known_for_each_pull_request(redis: Redis) -> None:
    shown = Shown(redis)
    shown.keep_reply(PLACE, "help", "IC_1")
    shown.keep_reply(PLACE, "explain", "IC_2")
    shown.keep_reply(PLACE, "help", "IC_3")
    assert shown.reply(PLACE, "help") == "IC_3"
    assert shown.reply(PLACE, "explain") == "IC_2"
    assert shown.reply(PLACE, "trouble") is None
    assert shown.reply("acme/engine#2", "help") is None


def test_a_comment_is_replied_to_once_in_each_way(redis: Redis) -> None:
    shown = Shown(redis)
    assert shown.begin_reply(PLACE, "help", 1)
    assert not shown.begin_reply(PLACE, "help", 1)
    assert shown.begin_reply(PLACE, "explain", 1)
    assert shown.begin_reply(PLACE, "help", 2)
    assert shown.begin_reply("acme/engine#2", "help", 1)


def test_a_label_is_put_on_once_unless_that_failed(redis: Redis) -> None:
    shown = Shown(redis)
    assert shown.label_once(PLACE, "page-size")
    assert not shown.label_once(PLACE, "page-size")
    assert shown.label_once(PLACE, "needs care")
    assert shown.label_once("acme/engine#2", "page-size")
    shown.unlabel(PLACE, "page-size")
    assert shown.label_once(PLACE, "page-size")


def test_all_but_the_day_of_birth_expires(redis: Redis) -> None:
    shown = Shown(redis)
    shown.remembers(0)
    shown.keep_check(KEY, CHECK)
    shown.unsure_of_check(f"{KEY}~2")
    shown.forbid_checks("acme/engine")
    shown.keep_comment("acme/engine#1", KeptComment(1))
    shown.keep_reply("acme/engine#2", "help", "IC_1")
    shown.begin_reply("acme/engine#3", "help", 1)
    shown.label_once("acme/engine#4", "page-size")
    lives = {str(key): redis.ttl(key) for key in redis.scan_iter()}
    assert len(lives) == 8
    assert lives.pop("pagewarden:born") == -1
    assert all(0 < seconds <= KEEP_SECONDS for seconds in lives.values()), lives
    assert CHECK_SECONDS <= KEEP_SECONDS
