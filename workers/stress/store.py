"""What is known of the stress of a run, in Redis: its parts, who works on them, and what they found.

A part is what one process of one host does: the build, then the machine of each page size. Who works on one holds it
for as long as his heart beats, and nobody else's result for it is taken.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from redis import Redis

from workers.runs import place_of
from workers.store import KEEP_SECONDS
from workers.stress.processes import page_name

BUILD = "build"
STALE_SECONDS = 30.0
"""Whose heart has not beaten for so long is taken for dead."""

_OPEN = "pagewarden:stresses"

# Each is one step: two hosts may ask at once.
_CLAIM = """
if redis.call("HEXISTS", KEYS[1], "since") == 0 or redis.call("HEXISTS", KEYS[1], "over") == 1 then return 0 end
if redis.call("HEXISTS", KEYS[1], "result:" .. ARGV[1]) == 1 then return 0 end
local beat = redis.call("HGET", KEYS[1], "beat:" .. ARGV[1])
if beat and tonumber(beat) > tonumber(ARGV[3]) - tonumber(ARGV[4]) then return 0 end
redis.call("HSET", KEYS[1], "owner:" .. ARGV[1], ARGV[2], "beat:" .. ARGV[1], ARGV[3])
redis.call("HINCRBY", KEYS[1], "starts:" .. ARGV[1], 1)
return 1
"""
_BEAT = """
if redis.call("HGET", KEYS[1], "owner:" .. ARGV[1]) ~= ARGV[2] then return 0 end
if redis.call("HEXISTS", KEYS[1], "over") == 1 then return 0 end
redis.call("HSET", KEYS[1], "beat:" .. ARGV[1], ARGV[3])
if ARGV[4] ~= "" then redis.call("HSET", KEYS[1], "progress:" .. ARGV[1], ARGV[4]) end
return 1
"""
_FINISH = """
if redis.call("HGET", KEYS[1], "owner:" .. ARGV[1]) ~= ARGV[2] then return 0 end
if redis.call("HEXISTS", KEYS[1], "over") == 1 then return 0 end
redis.call("HSET", KEYS[1], "result:" .. ARGV[1], ARGV[3])
redis.call("HDEL", KEYS[1], "beat:" .. ARGV[1])
return 1
"""


@dataclass(frozen=True)
class Plan:
    """How a run is to be stressed. `page_sizes` in bytes; `machine` as in the settings."""

    page_sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    machine: Literal["vm", "native", "user"]


@dataclass(frozen=True)
class Part:
    """One part. `result` and `progress` are JSON, `beat` epoch seconds; `starts` counts who took it on."""

    result: str | None = None
    progress: str | None = None
    beat: float | None = None
    starts: int = 0

    def is_alive(self, now: float) -> bool:
        """Whether somebody works on it."""
        return self.result is None and self.beat is not None and now - self.beat < STALE_SECONDS


@dataclass(frozen=True)
class Stress:
    """The stress of one run. `since` in epoch seconds; `over`: nothing more is to come. `attempt` counts from 1, and
    `asked_by` is the login of who asked for it.

    `refused` says why nothing was run at all, see `workers.stress.job.refuse`; `cancelled_by` and `timed_out` why it
    has no result.
    """

    plan: Plan
    since: float
    parts: Mapping[str, Part] = field(default_factory=dict)
    over: bool = False
    refused: str | None = None
    cancelled_by: str | None = None
    timed_out: bool = False
    attempt: int = 1
    asked_by: str = ""

    @property
    def page_sizes(self) -> tuple[int, ...]:
        """In bytes."""
        return self.plan.page_sizes

    @property
    def names(self) -> tuple[str, ...]:
        """The parts, in the order of work."""
        return BUILD, *(page_name(size) for size in self.page_sizes)

    def part(self, name: str) -> Part:
        """What is known of a part."""
        return self.parts.get(name, Part())


class StressStore:
    """`redis` must decode responses."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._claim = redis.register_script(_CLAIM)
        self._beat = redis.register_script(_BEAT)
        self._finish = redis.register_script(_FINISH)

    def want(self, run_id: str, plan: Plan, cause: str = "", asked_by: str = "") -> None:
        """Notes that a run is to be stressed, from the beginning; as a new attempt, once for each `cause`."""
        before = _fields(self._redis.hgetall(_key(run_id)))
        causes = json.loads(before.get("causes", "[]"))
        if cause in causes:
            return
        now = self._clock()
        attempt = int(before.get("attempt", 0)) + (1 if cause or "attempt" not in before else 0)
        fields = {
            "since": str(now),
            "plan": json.dumps(asdict(plan)),
            "attempt": str(attempt),
            "asked_by": asked_by,
            "causes": json.dumps([*causes, cause] if cause else causes),
        }
        with self._redis.pipeline() as pipe:
            pipe.delete(_key(run_id), _evidence(run_id))
            pipe.hset(_key(run_id), items=[part for pair in fields.items() for part in pair])
            pipe.expire(_key(run_id), KEEP_SECONDS)
            pipe.zadd(_OPEN, {run_id: now})
            pipe.execute()

    def has_attempt(self, run_id: str, cause: str) -> bool:
        """Whether an attempt was begun for this cause."""
        causes = self._redis.hget(_key(run_id), "causes")
        return causes is not None and cause in json.loads(str(causes))

    def get(self, run_id: str) -> Stress | None:
        """What is known, `None` when the run is not, or no longer, to be stressed."""
        fields = _fields(self._redis.hgetall(_key(run_id)))
        if "plan" not in fields:
            return None
        plan = Plan(**{name: _tupled(value) for name, value in json.loads(fields["plan"]).items()})
        known = Stress(
            plan,
            float(fields["since"]),
            over="over" in fields,
            refused=fields.get("refused"),
            cancelled_by=fields.get("cancelled_by"),
            timed_out="timed_out" in fields,
            attempt=int(fields["attempt"]),
            asked_by=fields["asked_by"],
        )
        return replace(known, parts={name: _part(fields, name) for name in known.names})

    def claim(self, run_id: str, part: str, owner: str) -> bool:
        """Takes a part on that nobody works on. False when somebody does, or there is nothing to do."""
        return bool(self._claim(keys=[_key(run_id)], args=[part, owner, self._clock(), STALE_SECONDS]))

    def beat(self, run_id: str, part: str, owner: str, progress: str = "") -> bool:
        """Shows that `owner` is alive, and how far he is. False when he is to stop: it is not his any more."""
        return bool(self._beat(keys=[_key(run_id)], args=[part, owner, self._clock(), progress]))

    def release(self, run_id: str, part: str, owner: str) -> None:
        """Gives a part back that was not begun; that does not count as a start."""
        if self._redis.hget(_key(run_id), f"owner:{part}") == owner:
            with self._redis.pipeline() as pipe:
                pipe.hdel(_key(run_id), f"owner:{part}", f"beat:{part}")
                pipe.hincrby(_key(run_id), f"starts:{part}", -1)
                pipe.execute()

    def finish(
        self, run_id: str, part: str, owner: str, result: str, evidence: Mapping[str, str] | None = None
    ) -> bool:
        """Keeps what a part found. False, and nothing is kept, when it is not his any more."""
        done = bool(self._finish(keys=[_key(run_id)], args=[part, owner, result]))
        if done and evidence:
            for anchor, kept in evidence.items():
                self._redis.hset(_evidence(run_id), anchor, kept)
            self._redis.expire(_evidence(run_id), KEEP_SECONDS)
        return done

    def is_first_look(self, run_id: str) -> bool:
        """Whether nobody has looked at a run before to begin with it."""
        return bool(self._redis.hsetnx(_key(run_id), "looked", "1"))

    def follow(self, run_id: str, part: str) -> bool:
        """Whether nobody has seen before to what follows from the end of a part."""
        return bool(self._redis.hsetnx(_key(run_id), f"followed:{part}", "1"))

    def give_up(self, run_id: str, part: str, result: str) -> None:
        """Ends a part that nobody could end."""
        self._redis.hset(_key(run_id), f"result:{part}", result)

    def refuse(self, run_id: str, reason: str) -> None:
        """Nothing is run, for this reason."""
        self._redis.hset(_key(run_id), "refused", reason)
        self.end(run_id)

    def cancel(self, run_id: str, by: str) -> None:
        """A person ends it."""
        self._redis.hset(_key(run_id), "cancelled_by", by)
        self.end(run_id)

    def time_out(self, run_id: str) -> None:
        """It took too long."""
        self._redis.hset(_key(run_id), "timed_out", "1")
        self.end(run_id)

    def end(self, run_id: str) -> None:
        """Nothing more is to come; who still works stops at the next beat of his heart."""
        with self._redis.pipeline() as pipe:
            pipe.hset(_key(run_id), "over", "1")
            pipe.zrem(_OPEN, run_id)
            pipe.execute()

    def forget(self, run_id: str) -> None:
        """As if the run had never been to be stressed; who still works stops."""
        with self._redis.pipeline() as pipe:
            pipe.delete(_key(run_id), _evidence(run_id))
            pipe.zrem(_OPEN, run_id)
            pipe.execute()

    def keep_page(self, key: str, run_id: str) -> None:
        """Notes which run the page of that name is about."""
        self._redis.set(_page(key), run_id, ex=KEEP_SECONDS)

    def run_of_page(self, key: str) -> str | None:
        """The run that a page is about, `None` where there is no such page (any more)."""
        run_id = self._redis.get(_page(key))
        return str(run_id) if run_id is not None else None

    def evidence(self, run_id: str) -> dict[str, str]:
        """All that was kept, JSON by the record's anchor."""
        answer = self._redis.hgetall(_evidence(run_id))
        assert isinstance(answer, dict)
        return {str(name): str(value) for name, value in answer.items()}

    def open_runs(self, older_than: float) -> list[str]:
        """Runs under stress that the queue was told of more than so many seconds ago."""
        found = self._redis.zrangebyscore(_OPEN, "-inf", self._clock() - older_than)
        return [str(run_id) for run_id in found]

    def open_runs_of(self, place: str) -> list[str]:
        """Runs of one pull request or branch under stress."""
        return [str(run_id) for run_id in self._redis.zrange(_OPEN, 0, -1) if place_of(str(run_id)) == place]

    def told(self, run_id: str, seconds: float) -> None:
        """Notes that the queue was told, and that nothing is to be expected for so many seconds."""
        self._redis.zadd(_OPEN, {run_id: self._clock() + seconds}, xx=True)


def _fields(answer: object) -> dict[str, str]:
    assert isinstance(answer, dict)
    return {str(name): str(value) for name, value in answer.items()}


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _part(fields: Mapping[str, str], name: str) -> Part:
    beat = fields.get(f"beat:{name}")
    return Part(
        result=fields.get(f"result:{name}"),
        progress=fields.get(f"progress:{name}"),
        beat=float(beat) if beat is not None else None,
        starts=int(fields.get(f"starts:{name}", 0)),
    )


def _key(run_id: str) -> str:
    return f"pagewarden:stress:{run_id}"


def _evidence(run_id: str) -> str:
    return f"pagewarden:stress-evidence:{run_id}"


def _page(key: str) -> str:
    return f"pagewarden:page:{key}"
