from __future__ import annotations

from tests.workers.house import GOOD, REPOSITORY, House
from workers.reconcile import DEADLINE_SECONDS, FORGET_SECONDS
from workers.runs import Ending
from workers.tools import Job


def test_a_delivery_that_the_queue_lost_is_queued_again(house: House) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.queue.clear()
    assert house.sweep(after=50) == []
    assert [message.job for message in house.sweep(after=50)] == [Job.INTAKE]
    house.drain()
    assert house.conclusions(sha) == ["success"]
    assert house.sweep(after=10_000) == []


def test_a_run_that_the_queue_lost_is_queued_again_at_its_stage(house: House) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.step()
    house.queue.clear()
    assert [message.job for message in house.sweep(after=100)] == [Job.CHECK]
    house.step()
    house.queue.clear()
    assert [message.job for message in house.sweep(after=1000)] == [Job.PUBLISH, Job.STUDY]
    house.drain()
    assert house.conclusions(sha) == ["success"]


def test_a_long_backlog_does_not_feed_itself(house: House) -> None:
    house.open(GOOD)
    house.deliver()
    told = sum(len(house.sweep(after=30)) for _ in range(120))
    assert 4 <= told <= 10


def test_however_many_workers_ask_one_sweeps(house: House) -> None:
    house.open(GOOD)
    house.deliver()
    house.clock.ahead += -house.clock() % 30
    assert len(house.sweep(after=300)) == 1
    house.tools.inbox.told("delivery-1", -300)
    assert house.sweep(after=1) == []


def test_a_run_without_result_has_a_deadline(house: House) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.step()
    house.queue.clear()
    assert [message.job for message in house.sweep(after=DEADLINE_SECONDS + 1)] == [Job.PUBLISH]
    house.drain()
    ((_, conclusion, title),) = house.checks(sha)
    assert conclusion == "timed_out"
    assert "an hour" in title
    (run,) = house.simulator.check_runs(REPOSITORY, sha)
    assert "`/recheck`" in run["output"]["summary"]


def test_in_the_end_a_delivery_is_let_go(house: House) -> None:
    house.open(GOOD)
    house.deliver()
    house.queue.clear()
    assert house.sweep(after=FORGET_SECONDS + 1) == []
    assert house.tools.inbox.pending(-1) == []


def test_in_the_end_a_run_is_let_go(house: House) -> None:
    house.open(GOOD)
    house.deliver()
    house.step()
    house.queue.clear()
    (run_id,) = house.tools.store.open_runs(-1)
    assert house.sweep(after=FORGET_SECONDS + 1) == []
    assert house.tools.store.open_runs(-1) == []
    record = house.tools.store.record(run_id)
    assert record is not None
    assert record.outcome is None or record.outcome.ending is Ending.BROKEN
