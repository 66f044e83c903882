"""What is known of the preview builds of runs, in Redis, of rows that nothing else tells, and of what is to be removed.

What GitHub shows is the last truth: releases are found there again when all of this is lost.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from redis import Redis

from workers.build.driver import Seen, State
from workers.build.order import Order
from workers.build.result import Made, Row
from workers.parts import OpenRuns, Part, Parts, part_of
from workers.runs import place_of
from workers.store import KEEP_SECONDS

WORK = "work"
"""The part of a build that a process of ours does: to build it, where it is built here; to fetch, inspect, release."""

_OPEN = "pagewarden:builds"
_CLEANINGS = "pagewarden:cleanings"


@dataclass(frozen=True)
class Build:
    """The preview build of one run, the last attempt of it.

    Times are epoch seconds: `since` it is wanted; `begun` it is under way, and `ended` it is over, 0 before.
    `external_id` is the driver's, `None` until it was submitted. `over`: nothing more is to come. Why there is no
    `made` then: `refused`, see `workers.build.job.refuse`; `cancelled_by`, a login; `closed`, the pull request was;
    `timed_out`; `superseded_by` a commit.
    """

    order: Order
    since: float
    begun: float = 0.0
    ended: float = 0.0
    external_id: str | None = None
    seen: Seen = field(default_factory=lambda: Seen(State.QUEUED))
    work: Part = field(default_factory=Part)
    over: bool = False
    refused: str | None = None
    cancelled_by: str | None = None
    closed: bool = False
    timed_out: bool = False
    superseded_by: str | None = None
    asked_by: str = ""

    @property
    def attempt(self) -> int:
        """Counts from 1."""
        return self.order.attempt

    @property
    def made(self) -> Made | None:
        """What came of it."""
        return Made.from_json(json.loads(self.work.result)) if self.work.result is not None else None


class BuildStore(OpenRuns):
    """`redis` must decode responses."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        super().__init__(redis, _OPEN, clock)
        self.parts = Parts(redis, clock)

    def want(self, run_id: str, order: Order, cause: str = "", asked_by: str = "") -> Order | None:
        """Notes that a run is to be built, from the beginning; as a new attempt, once for each `cause`. The order with
        its attempt, `None` where the cause has had its attempt."""
        before = _fields(self._redis.hgetall(key_of(run_id)))
        causes = json.loads(before.get("causes", "[]"))
        if cause in causes:
            return None
        now = self._clock()
        # What was never submitted was no attempt: it waited for leave, or for a host.
        is_new = bool(cause) or "external_id" in before or "attempt" not in before
        attempt = int(before.get("attempt", 0)) + (1 if is_new else 0)
        order = Order.from_json({**order.to_json(), "attempt": attempt})
        fields = {
            "since": str(now),
            "order": json.dumps(order.to_json()),
            "attempt": str(attempt),
            "asked_by": asked_by,
            "causes": json.dumps([*causes, cause] if cause else causes),
        }
        place = place_of(run_id)
        with self._redis.pipeline() as pipe:
            pipe.delete(key_of(run_id))
            pipe.hset(key_of(run_id), items=[part for pair in fields.items() for part in pair])
            pipe.expire(key_of(run_id), KEEP_SECONDS)
            pipe.zadd(_OPEN, {run_id: now})
            pipe.zadd(_place(place), {run_id: now})
            pipe.expire(_place(place), KEEP_SECONDS)
            pipe.sadd(_commit(order.repository, order.head), run_id)
            pipe.expire(_commit(order.repository, order.head), KEEP_SECONDS)
            pipe.set(_submitted(order.repository, order.correlation), run_id, ex=KEEP_SECONDS)
            pipe.execute()
        return order

    def has_attempt(self, run_id: str, cause: str) -> bool:
        """Whether an attempt was begun for this cause."""
        causes = self._redis.hget(key_of(run_id), "causes")
        return causes is not None and cause in json.loads(str(causes))

    def get(self, run_id: str) -> Build | None:
        """What is known, `None` when the run is not, or no longer, to be built."""
        fields = _fields(self._redis.hgetall(key_of(run_id)))
        if "order" not in fields:
            return None
        seen = json.loads(fields["seen"]) if "seen" in fields else {"state": State.QUEUED}
        return Build(
            order=Order.from_json(json.loads(fields["order"])),
            since=float(fields["since"]),
            begun=float(fields.get("begun", 0)),
            ended=float(fields.get("ended", 0)),
            external_id=fields.get("external_id"),
            seen=Seen(**{**seen, "state": State(seen["state"])}),
            work=part_of(fields, WORK),
            over="over" in fields,
            refused=fields.get("refused"),
            cancelled_by=fields.get("cancelled_by"),
            closed="closed" in fields,
            timed_out="timed_out" in fields,
            superseded_by=fields.get("superseded_by"),
            asked_by=fields["asked_by"],
        )

    def submitted(self, run_id: str, correlation: str, external_id: str) -> bool:
        """Keeps the driver's id. False where that attempt is over, or another one has begun."""
        state = self.get(run_id)
        if state is None or state.over or state.order.correlation != correlation:
            return False
        self._redis.hset(key_of(run_id), "external_id", external_id)
        return True

    def run_of(self, repository: str, correlation: str) -> str | None:
        """The run that an order was about."""
        found = self._redis.get(_submitted(repository, correlation))
        return str(found) if found is not None else None

    def saw(self, run_id: str, seen: Seen) -> bool:
        """Keeps what a look told; whether that is news to people."""
        before = self.get(run_id)
        told = json.dumps({"state": seen.state, "url": seen.url, "reason": seen.reason, "log": ""})
        self._redis.hset(key_of(run_id), "seen", told)
        return before is None or (before.seen.state, before.seen.url) != (seen.state, seen.url)

    def begin(self, run_id: str) -> None:
        """It is under way from now on, unless it was before."""
        self._redis.hsetnx(key_of(run_id), "begun", str(self._clock()))

    def look_in(self, run_id: str, seconds: float) -> bool:
        """Whether somebody is to look again in so many seconds: not where another look is to come anyway, or each
        message would begin a chain of looks of its own."""
        now = self._clock()
        due = self._redis.get(_look(run_id))
        if due is not None and float(str(due)) > now + 1:
            return False
        self._redis.set(_look(run_id), str(now + seconds), ex=KEEP_SECONDS)
        return True

    def conclude(self, run_id: str, made: Made) -> None:
        """What came of it, where no process of ours had any part in that."""
        self._redis.hset(key_of(run_id), f"result:{WORK}", json.dumps(made.to_json()))

    def end(self, run_id: str, **why: str) -> None:
        """Nothing more is to come; who still works stops at the next beat of his heart. `why`: fields of `Build`."""
        with self._redis.pipeline() as pipe:
            pipe.hset(key_of(run_id), items=[part for pair in {**why, "over": "1"}.items() for part in pair])
            pipe.hsetnx(key_of(run_id), "ended", str(self._clock()))
            pipe.zrem(_OPEN, run_id)
            pipe.execute()

    def forget(self, run_id: str) -> None:
        """As if the run had never been to be built; who still works stops."""
        with self._redis.pipeline() as pipe:
            pipe.delete(key_of(run_id))
            pipe.zrem(_OPEN, run_id)
            pipe.zrem(_place(place_of(run_id)), run_id)
            pipe.execute()

    def runs_of_place(self, place: str) -> list[str]:
        """Runs of one pull request that were to be built, those wanted first, first."""
        return [str(run_id) for run_id in self._redis.zrange(_place(place), 0, -1)]

    def runs_of_commit(self, repository: str, sha: str) -> list[str]:
        """Runs with that head that were to be built."""
        found = self._redis.smembers(_commit(repository, sha))
        assert isinstance(found, set)
        return sorted(map(str, found))

    def keep_row(self, place: str, row: Row) -> None:
        """Keeps a row that no build here tells: a release that was found, or one that is removed."""
        self._redis.hset(_rows(place), row.sha, json.dumps(row.to_json()))
        self._redis.expire(_rows(place), KEEP_SECONDS)

    def drop_row(self, place: str, sha: str) -> None:
        """What is kept of a commit is true no more."""
        self._redis.hdel(_rows(place), sha)

    def rows(self, place: str) -> tuple[Row, ...]:
        """The rows that were kept."""
        answer = _fields(self._redis.hgetall(_rows(place)))
        return tuple(Row.from_json(json.loads(row)) for row in answer.values())

    def is_first_of(self, place: str) -> bool:
        """Whether nobody has looked before for releases that a pull request has already."""
        return bool(self._redis.set(f"{_rows(place)}:looked", "1", nx=True, ex=KEEP_SECONDS))

    def look_again_for(self, place: str) -> None:
        """The look for releases came to nothing."""
        self._redis.delete(f"{_rows(place)}:looked")

    def clean_at(self, repository: str, installation_id: int, days: int, at: float) -> None:
        """Has the releases of a repository looked through at an epoch second, or before; `days` is how long those of a
        closed pull request stay."""
        member = json.dumps([installation_id, repository])
        self._redis.zadd(_CLEANINGS, {member: at}, lt=True)
        self._redis.hset(f"{_CLEANINGS}:days", member, str(days))

    def cleanings(self) -> list[str]:
        """Keys of what is due to be looked through."""
        return [str(key) for key in self._redis.zrangebyscore(_CLEANINGS, "-inf", self._clock())]

    def cleaning(self, key: str) -> tuple[int, str, int]:
        """Installation, repository and days of a cleaning."""
        installation_id, repository = json.loads(key)
        return int(installation_id), str(repository), int(str(self._redis.hget(f"{_CLEANINGS}:days", key) or 0))

    def is_to_clean(self, key: str) -> bool:
        """Whether that is (still) to be looked through."""
        return self._redis.zscore(_CLEANINGS, key) is not None

    def put_off_cleaning(self, key: str, seconds: float) -> None:
        """It is due again in so many seconds, unless nothing is left to be removed."""
        self._redis.zadd(_CLEANINGS, {key: self._clock() + seconds}, xx=True)

    def end_cleaning(self, key: str) -> None:
        """Nothing is left to be removed."""
        self._redis.zrem(_CLEANINGS, key)
        self._redis.hdel(f"{_CLEANINGS}:days", key)


def key_of(run_id: str) -> str:
    """The hash of a run's build, for its parts."""
    return f"pagewarden:build:{run_id}"


def _fields(answer: object) -> Mapping[str, str]:
    assert isinstance(answer, dict)
    return {str(name): str(value) for name, value in answer.items()}


def _place(place: str) -> str:
    return f"pagewarden:builds-of:{place}"


def _commit(repository: str, sha: str) -> str:
    return f"pagewarden:builds-at:{repository}:{sha}"


def _submitted(repository: str, correlation: str) -> str:
    return f"pagewarden:submitted:{repository}:{correlation}"


def _look(run_id: str) -> str:
    return f"pagewarden:look-at-build:{run_id}"


def _rows(place: str) -> str:
    return f"pagewarden:previews:{place}"
