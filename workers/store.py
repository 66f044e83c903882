"""What the jobs know, in Redis: runs and their reports, which run is current, attempts, locks, tokens.

All of it can be had again from GitHub and git, and all of it expires.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import LockError
from redis.lock import Lock

from checker.report import Report
from workers.runs import Outcome, Run, place_of

KEEP_SECONDS = 30 * 24 * 3600
ATTEMPTS_SECONDS = 24 * 3600
LOCK_SECONDS = 90
"""A lock outlives a holder that died by no more than this. One request to GitHub, retries included, takes less."""
LOCK_WAIT_SECONDS = 5

_OPEN = "pagewarden:runs"
_STUDIES = "pagewarden:studies"
_REPORTS = TypeAdapter(tuple[Report, ...])

# One step, or a crash within it would leave an attempt that is counted and never made.
_NEW_ATTEMPT = """
if redis.call("HSETNX", KEYS[1], ARGV[1], "1") == 0 then return 0 end
redis.call("HSETNX", KEYS[1], "attempt", "1")
redis.call("HINCRBY", KEYS[1], "attempt", 1)
redis.call("HSET", KEYS[1], "asked_by", ARGV[2])
redis.call("HDEL", KEYS[1], "outcome", "shown", "opened_at", "studied", "related")
redis.call("DEL", KEYS[2], KEYS[3])
redis.call("ZREM", KEYS[4], ARGV[3])
redis.call("ZREM", KEYS[5], ARGV[3])
return 1
"""


class Busy(Exception):
    """Somebody else holds the lock."""


@dataclass(frozen=True)
class Record:
    """A run and what is known of it. `shown`: GitHub shows the outcome. `opened_at`, in epoch seconds: since when
    GitHub awaits the outcome. `attempt` counts from 1; `asked_by` is the login of who asked for it."""

    run: Run
    opened_at: float
    outcome: Outcome | None
    shown: bool
    attempt: int = 1
    asked_by: str = ""


@dataclass(frozen=True)
class Held:
    """A lock in our hands."""

    lock: Lock

    def extend(self) -> None:
        """Holds it for as long again from now. Raises `Busy` when it was lost: then nothing may be written."""
        try:
            self.lock.reacquire()
        except LockError as error:
            raise Busy(f"lost {self.lock.name}") from error


class Store:
    """`redis` must decode responses."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._new_attempt = redis.register_script(_NEW_ATTEMPT)

    def keep(self, run: Run) -> Record:
        """Makes a run known, and returns what was known of it before."""
        key = _run(run.id)
        with self._redis.pipeline() as pipe:
            pipe.hset(key, "run", json.dumps(run.to_json()))
            pipe.expire(key, KEEP_SECONDS)
            pipe.execute()
        record = self.record(run.id)
        assert record is not None
        return record

    def want(self, run: Run) -> Record:
        """Makes a run the current one of its place. Where another was that, this one is to be shown anew."""
        with self._redis.pipeline() as pipe:
            if self.current(run.place) != run.id:
                pipe.hdel(_run(run.id), "shown")
            pipe.hset(_place(run.place), "current", run.id)
            pipe.expire(_place(run.place), KEEP_SECONDS)
            pipe.sadd(_commit(run.repository, run.head), run.id)
            pipe.expire(_commit(run.repository, run.head), KEEP_SECONDS)
            pipe.execute()
        return self.keep(run)

    def runs_of(self, repository: str, sha: str) -> list[str]:
        """Runs that were wanted for a head."""
        found = self._redis.smembers(_commit(repository, sha))
        assert isinstance(found, set)
        return sorted(map(str, found))

    def record(self, run_id: str) -> Record | None:
        """What is known of a run, `None` when nothing is (any more)."""
        fields = _text(self._redis.hgetall(_run(run_id)))
        if "run" not in fields:
            return None
        outcome = Outcome.from_json(json.loads(fields["outcome"])) if "outcome" in fields else None
        run = Run.from_json(json.loads(fields["run"]))
        opened_at = float(fields.get("opened_at", self._clock()))
        attempt = int(fields.get("attempt", 1))
        return Record(run, opened_at, outcome, "shown" in fields, attempt, fields.get("asked_by", ""))

    def current(self, place: str) -> str | None:
        """The id of the run last wanted for a pull request or branch."""
        return _maybe(self._redis.hget(_place(place), "current"))

    def rule(self, run_id: str, source: str) -> None:
        """Notes which settings rule a run; `source` is JSON of `workers.ruling`."""
        self._redis.hset(_run(run_id), "ruling", source)

    def ruling(self, run_id: str) -> str | None:
        """Which settings rule a run, `None` when nobody noted it."""
        return _maybe(self._redis.hget(_run(run_id), "ruling"))

    def new_attempt(self, run_id: str, cause: str, asked_by: str) -> None:
        """Begins a run anew, once for each `cause`."""
        keys = [_run(run_id), _report(run_id), _study(run_id), _STUDIES, _OPEN]
        self._new_attempt(keys=keys, args=[f"cause:{cause}", asked_by, run_id])

    def has_attempt(self, run_id: str, cause: str) -> bool:
        """Whether an attempt was begun for this cause."""
        return bool(self._redis.hexists(_run(run_id), f"cause:{cause}"))

    def is_cancelled_for(self, run_id: str, cause: str) -> bool:
        """Whether what was under way for a run was ended for this cause."""
        return bool(self._redis.hexists(_run(run_id), f"cancelled:{cause}"))

    def note_cancelled_for(self, run_id: str, cause: str) -> None:
        """What was under way for a run is ended, for this cause."""
        self._redis.hset(_run(run_id), f"cancelled:{cause}", "1")

    def end(self, run_id: str, outcome: Outcome, reports: Sequence[Report] = (), *, study: bool = False) -> None:
        """Notes what became of a run, with a report for each profile. GitHub is yet to show it. `study`: they are to be
        studied."""
        with self._redis.pipeline() as pipe:
            if reports:
                pipe.set(_report(run_id), _dumped(reports), ex=KEEP_SECONDS)
                pipe.delete(_study(run_id))
                pipe.hdel(_run(run_id), "studied", "related")
            if study:
                self._want_study(pipe, run_id)
            pipe.hset(_run(run_id), "outcome", json.dumps(outcome.to_json()))
            pipe.hdel(_run(run_id), "shown")
            pipe.execute()

    def forget_outcome(self, run_id: str) -> None:
        """Makes a run one that is still to be checked."""
        self._redis.hdel(_run(run_id), "outcome", "shown")

    def reports(self, run_id: str) -> tuple[Report, ...]:
        """The reports of a run, one a profile, studied where they were; none also for what an older pagewarden kept."""
        studied, plain = (_maybe(self._redis.get(key)) for key in (_study(run_id), _report(run_id)))
        text = plain if studied is None else studied
        try:
            return _REPORTS.validate_json(text) if text is not None else ()
        except ValidationError:
            return ()

    def want_study(self, run_id: str) -> None:
        """Notes that a run's report is to be studied, until `studied` or `end_study`."""
        with self._redis.pipeline() as pipe:
            self._want_study(pipe, run_id)
            pipe.execute()

    def _want_study(self, pipe: Pipeline, run_id: str) -> None:
        now = self._clock()
        pipe.zadd(_STUDIES, {run_id: now})
        pipe.hset(_run(run_id), "study_since", str(now))

    def is_study_wanted(self, run_id: str) -> bool:
        """Whether a study of a run is still to come."""
        return self._redis.zscore(_STUDIES, run_id) is not None

    def study_since(self, run_id: str) -> float | None:
        """Since when, in epoch seconds, a study of a run has been wanted; `None` when nothing is known of the run."""
        since = _maybe(self._redis.hget(_run(run_id), "study_since"))
        return float(since) if since is not None else None

    def wanted_studies(self, older_than: float) -> list[str]:
        """Runs to be studied that the queue was told of more than so many seconds ago."""
        found = self._redis.zrangebyscore(_STUDIES, "-inf", self._clock() - older_than)
        return [str(run_id) for run_id in found]

    def told_study(self, run_id: str, seconds: float) -> None:
        """Notes that the queue was told of a study, and that nothing is to be expected for so many seconds."""
        self._redis.zadd(_STUDIES, {run_id: self._clock() + seconds}, xx=True)

    def studied(self, run_id: str, reports: Sequence[Report], related: str, *, is_news: bool) -> None:
        """Keeps what a study made of a run's reports, beside the plain ones, and which pull requests are related, as
        JSON. GitHub is yet to show it, where it `is_news`."""
        if is_news:
            self.open(run_id)
        with self._redis.pipeline() as pipe:
            if is_news:
                pipe.set(_study(run_id), _dumped(reports), ex=KEEP_SECONDS)
            pipe.hset(_run(run_id), items=["related", related, "studied", "1"])
            pipe.zrem(_STUDIES, run_id)
            if is_news:
                pipe.hdel(_run(run_id), "shown")
            pipe.execute()

    def related(self, run_id: str) -> str | None:
        """Which pull requests a study found to be related, as it was kept."""
        return _maybe(self._redis.hget(_run(run_id), "related"))

    def is_studied(self, run_id: str) -> bool:
        """Whether a study of a run's reports is kept."""
        return bool(self._redis.hexists(_run(run_id), "studied"))

    def end_study(self, run_id: str) -> None:
        """No study of a run is to come any more."""
        self._redis.zrem(_STUDIES, run_id)

    def drop_study(self, run_id: str) -> bool:
        """Forgets what a study found, so that the plain report counts; whether there was anything to forget."""
        self._redis.hdel(_run(run_id), "studied")
        return bool(self._redis.delete(_study(run_id)))

    def open(self, run_id: str) -> None:
        """Notes that GitHub does not yet show how the run ended; `close` takes that back."""
        now = self._clock()
        if self._redis.zadd(_OPEN, {run_id: now}, nx=True):
            self._redis.hset(_run(run_id), "opened_at", str(now))

    def close(self, run_id: str, *, shown: bool) -> None:
        """Nothing is left to tell GitHub of this run. `shown`: it shows the outcome, and not that it was superseded."""
        with self._redis.pipeline() as pipe:
            pipe.zrem(_OPEN, run_id)
            pipe.hdel(_run(run_id), "opened_at")
            if shown:
                pipe.hset(_run(run_id), "shown", "1")
            else:
                pipe.hdel(_run(run_id), "shown")
            pipe.execute()

    def open_runs(self, older_than: float = 0) -> list[str]:
        """Runs that GitHub awaits the end of and that the queue was told of more than so many seconds ago."""
        found = self._redis.zrangebyscore(_OPEN, "-inf", self._clock() - older_than)
        return [str(run_id) for run_id in found]

    def open_runs_of(self, place: str) -> list[str]:
        """Runs of one pull request or branch that GitHub awaits the end of."""
        return [str(run_id) for run_id in self._redis.zrange(_OPEN, 0, -1) if place_of(str(run_id)) == place]

    def is_open(self, run_id: str) -> bool:
        """Whether GitHub awaits the end of a run."""
        return self._redis.zscore(_OPEN, run_id) is not None

    def told(self, run_id: str, seconds: float) -> None:
        """Notes that the queue was told, and that nothing is to be expected for so many seconds."""
        self._redis.zadd(_OPEN, {run_id: self._clock() + seconds}, xx=True)

    def begin_attempt(self, job: str, key: str) -> int:
        """Counts an attempt before it is made, so that one that kills its process counts too. The first is 1."""
        name = _attempts(job, key)
        with self._redis.pipeline() as pipe:
            pipe.incr(name)
            pipe.expire(name, ATTEMPTS_SECONDS)
            return int(pipe.execute()[0])

    def take_back_attempt(self, job: str, key: str) -> None:
        """The attempt was no failure: it only came at a bad time."""
        name = _attempts(job, key)
        with self._redis.pipeline() as pipe:
            pipe.decr(name)
            pipe.expire(name, ATTEMPTS_SECONDS)
            pipe.execute()

    def forget_attempts(self, job: str, key: str) -> None:
        """The next attempt is the first one again."""
        self._redis.delete(_attempts(job, key))

    @contextmanager
    def lock(self, name: str, wait: float | None = None) -> Iterator[Held]:
        """Holds a lock for as long as the block lasts, if that ends or is extended within `LOCK_SECONDS`.

        Raises `Busy` when somebody else holds it for `wait` seconds more (`LOCK_WAIT_SECONDS` unless told).
        """
        wait = LOCK_WAIT_SECONDS if wait is None else wait
        lock = self._redis.lock(f"pagewarden:lock:{name}", timeout=LOCK_SECONDS, sleep=0.05)
        if not lock.acquire(blocking=wait > 0, blocking_timeout=wait or None):
            raise Busy(f"{name} is held")
        try:
            yield Held(lock)
        finally:
            if lock.owned():
                lock.release()

    def first_in(self, seconds: int, what: str) -> bool:
        """Whether nobody asked the same before in the current period of so many seconds."""
        period = int(self._clock() // seconds)
        return bool(self._redis.set(f"pagewarden:period:{what}:{period}", "1", nx=True, ex=2 * seconds))


def _run(run_id: str) -> str:
    return f"pagewarden:run:{run_id}"


def _report(run_id: str) -> str:
    return f"pagewarden:report:{run_id}"


def _study(run_id: str) -> str:
    return f"pagewarden:study:{run_id}"


def _place(place: str) -> str:
    return f"pagewarden:pull:{place}"


def _commit(repository: str, sha: str) -> str:
    return f"pagewarden:commit:{repository}:{sha}"


def _attempts(job: str, key: str) -> str:
    return f"pagewarden:attempts:{job}:{key}"


def _dumped(reports: Sequence[Report]) -> bytes:
    return _REPORTS.dump_json(tuple(reports), by_alias=True)


def _maybe(value: object) -> str | None:
    return None if value is None else str(value)


def _text(values: object) -> dict[str, str]:
    assert isinstance(values, dict)
    return {str(key): str(value) for key, value in values.items()}
