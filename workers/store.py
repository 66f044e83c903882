"""What the jobs know, in Redis: runs and their reports, which run is current, attempts, locks, tokens.

All of it can be had again from GitHub and git, and all of it expires.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import ValidationError
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import LockError
from redis.lock import Lock

from checker.report import Report
from workers.runs import Outcome, Run

KEEP_SECONDS = 30 * 24 * 3600
ATTEMPTS_SECONDS = 24 * 3600
LOCK_SECONDS = 90
"""A lock outlives a holder that died by no more than this. One request to GitHub, retries included, takes less."""
LOCK_WAIT_SECONDS = 5

_OPEN = "pagewarden:runs"
_STUDIES = "pagewarden:studies"


class Busy(Exception):
    """Somebody else holds the lock."""


@dataclass(frozen=True)
class Record:
    """A run and what is known of it. `shown`: GitHub shows the outcome. `opened_at`, in epoch seconds: since when
    GitHub awaits the outcome."""

    run: Run
    opened_at: float
    outcome: Outcome | None
    check_id: int | None
    shown: bool


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
        """Makes a run the current one of its pull request. Where another was that, this one is to be shown anew.

        Which check run stands for it is then to be found out again: the other may have one on the same head.
        """
        with self._redis.pipeline() as pipe:
            if self.current(run.pull) != run.id:
                pipe.hdel(_run(run.id), "shown", "check_id")
            pipe.hset(_pull(run.pull), "current", run.id)
            pipe.expire(_pull(run.pull), KEEP_SECONDS)
            pipe.execute()
        return self.keep(run)

    def record(self, run_id: str) -> Record | None:
        """What is known of a run, `None` when nothing is (any more)."""
        fields = _text(self._redis.hgetall(_run(run_id)))
        if "run" not in fields:
            return None
        outcome = Outcome.from_json(json.loads(fields["outcome"])) if "outcome" in fields else None
        check_id = int(fields["check_id"]) if "check_id" in fields else None
        run = Run.from_json(json.loads(fields["run"]))
        opened_at = float(fields.get("opened_at", self._clock()))
        return Record(run, opened_at, outcome, check_id, "shown" in fields)

    def current(self, pull: str) -> str | None:
        """The id of the run last wanted for a pull request."""
        return _maybe(self._redis.hget(_pull(pull), "current"))

    def end(self, run_id: str, outcome: Outcome, report: Report | None = None, *, study: bool = False) -> None:
        """Notes what became of a run. GitHub is yet to show it. `study`: the report is to be studied."""
        with self._redis.pipeline() as pipe:
            if report is not None:
                pipe.set(_report(run_id), report.model_dump_json(by_alias=True), ex=KEEP_SECONDS)
                pipe.delete(_study(run_id))
            if study:
                self._want_study(pipe, run_id)
            pipe.hset(_run(run_id), "outcome", json.dumps(outcome.to_json()))
            pipe.hdel(_run(run_id), "shown")
            pipe.execute()

    def forget_outcome(self, run_id: str) -> None:
        """Makes a run one that is still to be checked."""
        self._redis.hdel(_run(run_id), "outcome", "shown")

    def report(self, run_id: str) -> Report | None:
        """The report of a run, studied where it was; `None` also for one that an older pagewarden kept."""
        studied, plain = (_maybe(self._redis.get(key)) for key in (_study(run_id), _report(run_id)))
        text = plain if studied is None else studied
        try:
            return Report.from_json(text) if text is not None else None
        except ValidationError:
            return None

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

    def studied(self, run_id: str, report: Report) -> None:
        """Keeps what a study made of a run's report, beside the plain one. GitHub is yet to show it."""
        self.open(run_id)
        with self._redis.pipeline() as pipe:
            pipe.set(_study(run_id), report.model_dump_json(by_alias=True), ex=KEEP_SECONDS)
            pipe.zrem(_STUDIES, run_id)
            pipe.hdel(_run(run_id), "shown")
            pipe.execute()

    def is_studied(self, run_id: str) -> bool:
        """Whether a study of a run's report is kept."""
        return bool(self._redis.exists(_study(run_id)))

    def end_study(self, run_id: str) -> None:
        """No study of a run is to come any more."""
        self._redis.zrem(_STUDIES, run_id)

    def drop_study(self, run_id: str) -> bool:
        """Forgets what a study found, so that the plain report counts; whether there was anything to forget."""
        return bool(self._redis.delete(_study(run_id)))

    def checked_by(self, run_id: str, check_id: int) -> None:
        """Notes which check run on GitHub stands for a run."""
        self._redis.hset(_run(run_id), "check_id", str(check_id))

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
                pipe.hdel(_run(run_id), "shown", "check_id")
            pipe.execute()

    def open_runs(self, older_than: float = 0) -> list[str]:
        """Runs that GitHub awaits the end of and that the queue was told of more than so many seconds ago."""
        found = self._redis.zrangebyscore(_OPEN, "-inf", self._clock() - older_than)
        return [str(run_id) for run_id in found]

    def open_runs_of(self, pull: str) -> list[str]:
        """Runs of one pull request that GitHub awaits the end of."""
        return [str(run_id) for run_id in self._redis.zrange(_OPEN, 0, -1) if str(run_id).startswith(f"{pull}/")]

    def is_open(self, run_id: str) -> bool:
        """Whether GitHub awaits the end of a run."""
        return self._redis.zscore(_OPEN, run_id) is not None

    def told(self, run_id: str, seconds: float) -> None:
        """Notes that the queue was told, and that nothing is to be expected for so many seconds."""
        self._redis.zadd(_OPEN, {run_id: self._clock() + seconds}, xx=True)

    def comment_id(self, pull: str) -> int | None:
        """The sticky comment of a pull request, as far as is known."""
        found = _maybe(self._redis.hget(_pull(pull), "comment_id"))
        return int(found) if found is not None else None

    def commented(self, pull: str, comment_id: int | None) -> None:
        """Notes the sticky comment's id, or that there is none."""
        if comment_id is None:
            self._redis.hdel(_pull(pull), "comment_id")
            return
        self._redis.hset(_pull(pull), "comment_id", str(comment_id))
        self._redis.expire(_pull(pull), KEEP_SECONDS)

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

    def token(self, installation_id: int) -> str | None:
        """An installation token that is still to be used."""
        kept = _maybe(self._redis.get(_token(installation_id)))
        if kept is None:
            return None
        until, token = kept.split(" ", 1)
        return token if float(until) > self._clock() else None

    def keep_token(self, installation_id: int, token: str, until: float) -> None:
        """Keeps a token until an epoch second."""
        seconds = math.ceil(until - self._clock())
        if seconds > 0:
            self._redis.set(_token(installation_id), f"{until} {token}", ex=seconds)

    def forget_token(self, installation_id: int) -> None:
        """The token is not accepted any more."""
        self._redis.delete(_token(installation_id))

    def limit(self, installation_id: int, seconds: int) -> None:
        """Notes that GitHub wants no calls for an installation for so many seconds."""
        self._redis.set(_limited(installation_id), str(self._clock() + seconds), ex=max(1, seconds))

    def limited(self, installation_id: int) -> int:
        """Seconds for which GitHub wants no calls for an installation; 0 when it takes them."""
        until = _maybe(self._redis.get(_limited(installation_id)))
        return max(0, math.ceil(float(until) - self._clock())) if until is not None else 0


def _run(run_id: str) -> str:
    return f"pagewarden:run:{run_id}"


def _report(run_id: str) -> str:
    return f"pagewarden:report:{run_id}"


def _study(run_id: str) -> str:
    return f"pagewarden:study:{run_id}"


def _pull(pull: str) -> str:
    return f"pagewarden:pull:{pull}"


def _attempts(job: str, key: str) -> str:
    return f"pagewarden:attempts:{job}:{key}"


def _token(installation_id: int) -> str:
    return f"pagewarden:token:{installation_id}"


def _limited(installation_id: int) -> str:
    return f"pagewarden:limited:{installation_id}"


def _maybe(value: object) -> str | None:
    return None if value is None else str(value)


def _text(values: object) -> dict[str, str]:
    assert isinstance(values, dict)
    return {str(key): str(value) for key, value in values.items()}
