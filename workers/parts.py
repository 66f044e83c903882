"""Parts of work that take longer than a job may, in Redis: each is done by a process of its own on some host.

Who works on a part holds it for as long as his heart beats, and nobody else's result for it is taken. A part belongs to
a hash, which has the field `since` while it is wanted, and `over` once nothing more is to come.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from redis import Redis

from workers.runs import place_of

STALE_SECONDS = 30.0
"""Whose heart has not beaten for so long is taken for dead."""

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
class Part:
    """One part. `result` and `progress` are JSON, `beat` epoch seconds; `starts` counts who took it on."""

    result: str | None = None
    progress: str | None = None
    beat: float | None = None
    starts: int = 0

    def is_alive(self, now: float) -> bool:
        """Whether somebody works on it."""
        return self.result is None and self.beat is not None and now - self.beat < STALE_SECONDS


class Parts:
    """The parts of hashes. `redis` must decode responses."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._claim = redis.register_script(_CLAIM)
        self._beat = redis.register_script(_BEAT)
        self._finish = redis.register_script(_FINISH)

    def claim(self, key: str, part: str, owner: str) -> bool:
        """Takes a part on that nobody works on. False when somebody does, or there is nothing to do."""
        return bool(self._claim(keys=[key], args=[part, owner, self._clock(), STALE_SECONDS]))

    def beat(self, key: str, part: str, owner: str, progress: str = "") -> bool:
        """Shows that `owner` is alive, and how far he is. False when he is to stop: it is not his any more."""
        return bool(self._beat(keys=[key], args=[part, owner, self._clock(), progress]))

    def release(self, key: str, part: str, owner: str) -> None:
        """Gives a part back that was not begun; that does not count as a start."""
        if self._redis.hget(key, f"owner:{part}") == owner:
            with self._redis.pipeline() as pipe:
                pipe.hdel(key, f"owner:{part}", f"beat:{part}")
                pipe.hincrby(key, f"starts:{part}", -1)
                pipe.execute()

    def finish(self, key: str, part: str, owner: str, result: str) -> bool:
        """Keeps what a part found. False, and nothing is kept, when it is not his any more."""
        return bool(self._finish(keys=[key], args=[part, owner, result]))


class OpenRuns:
    """Runs of which more is to come, in a sorted set by when the queue is to be told of them again."""

    def __init__(self, redis: Redis, key: str, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._open = key
        self._clock = clock

    def open_runs(self, older_than: float) -> list[str]:
        """Those that the queue was told of more than so many seconds ago."""
        found = self._redis.zrangebyscore(self._open, "-inf", self._clock() - older_than)
        return [str(run_id) for run_id in found]

    def open_runs_of(self, place: str) -> list[str]:
        """Those of one pull request or branch."""
        return [str(run_id) for run_id in self._redis.zrange(self._open, 0, -1) if place_of(str(run_id)) == place]

    def told(self, run_id: str, seconds: float) -> None:
        """Notes that the queue was told, and that nothing is to be expected for so many seconds."""
        self._redis.zadd(self._open, {run_id: self._clock() + seconds}, xx=True)


def part_of(fields: Mapping[str, str], name: str) -> Part:
    """What a hash's fields say of a part."""
    beat = fields.get(f"beat:{name}")
    return Part(
        result=fields.get(f"result:{name}"),
        progress=fields.get(f"progress:{name}"),
        beat=float(beat) if beat is not None else None,
        starts=int(fields.get(f"starts:{name}", 0)),
    )
