"""Tokens and rate limits that all processes share."""

from __future__ import annotations

from redis import Redis

from tests.workers.test_shown import Watch
from workers.tokens import Tokens


def test_a_token_is_given_out_until_its_time_and_to_every_process(redis: Redis) -> None:
    watch = Watch()
    tokens = Tokens(redis, watch)
    assert tokens.token(1) is None
    tokens.keep_token(1, "ghs_1", watch.now + 100)
    assert Tokens(redis, watch).token(1) == "ghs_1"
    assert tokens.token(2) is None
    watch.now += 99
    assert tokens.token(1) == "ghs_1"
    watch.now += 1
    assert tokens.token(1) is None


def test_a_token_of_any_form_comes_back_whole(redis: Redis) -> None:
    tokens = Tokens(redis, Watch())
    tokens.keep_token(1, "ghs with blanks  in it", Watch().now + 100)
    assert tokens.token(1) == "ghs with blanks  in it"


def test_a_token_that_is_over_is_not_kept(redis: Redis) -> None:
    watch = Watch()
    Tokens(redis, watch).keep_token(1, "ghs_1", watch.now)
    assert list(redis.scan_iter()) == []


def test_a_token_that_is_not_accepted_is_given_to_nobody(redis: Redis) -> None:
    watch = Watch()
    tokens = Tokens(redis, watch)
    tokens.keep_token(1, "ghs_1", watch.now + 100)
    tokens.keep_token(2, "ghs_2", watch.now + 100)
    tokens.forget_token(1)
    assert (tokens.token(1), tokens.token(2)) == (None, "ghs_2")


def test_a_limit_lasts_as_long_as_github_said(redis: Redis) -> None:
    watch = Watch()
    tokens = Tokens(redis, watch)
    assert tokens.limited(1) == 0
    tokens.limit(1, 90)
    assert (tokens.limited(1), tokens.limited(2)) == (90, 0)
    watch.now += 89.5
    assert tokens.limited(1) == 1
    watch.now += 0.5
    assert tokens.limited(1) == 0


def test_a_limit_without_length_is_none(redis: Redis) -> None:
    tokens = Tokens(redis, Watch())
    tokens.limit(1, 0)
    assert tokens.limited(1) == 0


def test_nothing_of_this_outlives_its_use(redis: Redis) -> None:
    watch = Watch()
    tokens = Tokens(redis, watch)
    tokens.keep_token(1, "ghs_1", watch.now + 99.5)
    tokens.limit(1, 90)
    assert redis.ttl("pagewarden:token:1") in range(90, 101)
    assert redis.ttl("pagewarden:limited:1") in range(80, 91)
