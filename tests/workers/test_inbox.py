from __future__ import annotations

import threading

from redis import Redis

from workers.inbox import Delivery, Inbox

DELIVERY = Delivery("guid", "pull_request", {"number": 7, "files": ["a"]}, received_at=1000.0)


def test_a_delivery_is_kept_until_it_is_done(redis: Redis) -> None:
    inbox = Inbox(redis, lambda: 1100.0)
    assert inbox.put(DELIVERY)
    assert inbox.get("guid") == DELIVERY
    assert inbox.is_pending("guid")
    assert inbox.pending(older_than=60) == ["guid"]
    inbox.done("guid")
    assert not inbox.is_pending("guid")
    assert inbox.pending(older_than=0) == []


def test_the_same_delivery_is_taken_once_even_after_it_is_done(redis: Redis) -> None:
    inbox = Inbox(redis)
    assert inbox.put(DELIVERY)
    assert not inbox.put(DELIVERY)
    inbox.done("guid")
    assert not inbox.put(DELIVERY)
    assert inbox.pending(older_than=0) == []


def test_of_many_at_once_one_is_taken(redis: Redis) -> None:
    inbox = Inbox(redis)
    taken: list[bool] = []
    threads = [threading.Thread(target=lambda: taken.append(inbox.put(DELIVERY))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 15 + [True]


def test_what_the_queue_was_just_told_of_is_not_old(redis: Redis) -> None:
    now = [1100.0]
    inbox = Inbox(redis, lambda: now[0])
    inbox.put(DELIVERY)
    inbox.told("guid", seconds=30)
    now[0] += 80
    assert inbox.pending(older_than=60) == []
    now[0] += 10
    assert inbox.pending(older_than=60) == ["guid"]


def test_telling_of_what_is_done_does_not_bring_it_back(redis: Redis) -> None:
    inbox = Inbox(redis)
    inbox.put(DELIVERY)
    inbox.done("guid")
    inbox.told("guid", seconds=0)
    assert inbox.pending(older_than=-10) == []


def test_what_is_pending_never_expires_and_what_is_done_does(redis: Redis) -> None:
    inbox = Inbox(redis)
    inbox.put(DELIVERY)
    assert redis.ttl("pagewarden:delivery:guid") == -1
    inbox.done("guid")
    assert redis.ttl("pagewarden:delivery:guid") > 3 * 24 * 3600
