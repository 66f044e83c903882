"""The inbox: each delivery stays here until it is done. The queue is only a hint of what lies in it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from redis import Redis

REMEMBER_SECONDS = 7 * 24 * 3600
"""How long a delivery that is done is remembered, so that the same one is not done again. GitHub offers
redelivery for three days."""

_PENDING = "pagewarden:inbox"

# One step, or a crash between the two writes would leave a delivery that is known but never done.
_PUT = """
if redis.call("SET", KEYS[1], ARGV[1], "NX") then
    redis.call("ZADD", KEYS[2], ARGV[2], ARGV[3])
    return 1
end
return 0
"""


@dataclass(frozen=True)
class Delivery:
    """One webhook delivery. `id` is GitHub's guid, `request` what was read from it, JSON-able; times are epoch
    seconds."""

    id: str
    event: str
    request: dict[str, Any]
    received_at: float


class Inbox:
    """Deliveries in Redis. `redis` must decode responses."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._put = redis.register_script(_PUT)

    def put(self, delivery: Delivery) -> bool:
        """Keeps a delivery until `done`. False when one with that id is or was here already."""
        keys = [_key(delivery.id), _PENDING]
        return bool(self._put(keys=keys, args=[json.dumps(asdict(delivery)), delivery.received_at, delivery.id]))

    def get(self, delivery_id: str) -> Delivery | None:
        """The delivery, `None` when it is not (or no longer) known."""
        text = self._redis.get(_key(delivery_id))
        return Delivery(**json.loads(str(text))) if text is not None else None

    def is_pending(self, delivery_id: str) -> bool:
        """Whether it is here and not done."""
        return self._redis.zscore(_PENDING, delivery_id) is not None

    def done(self, delivery_id: str) -> None:
        """Never to be done again; its id is remembered for a while."""
        with self._redis.pipeline() as pipe:
            pipe.zrem(_PENDING, delivery_id)
            pipe.expire(_key(delivery_id), REMEMBER_SECONDS)
            pipe.execute()

    def pending(self, older_than: float) -> list[str]:
        """Deliveries that the queue was last told of more than so many seconds ago, the oldest first."""
        found = self._redis.zrangebyscore(_PENDING, "-inf", self._clock() - older_than)
        return [str(delivery_id) for delivery_id in found]

    def told(self, delivery_id: str, seconds: float) -> None:
        """Notes that the queue was told, and that nothing is to be expected for so many seconds."""
        self._redis.zadd(_PENDING, {delivery_id: self._clock() + seconds}, xx=True)


def _key(delivery_id: str) -> str:
    return f"pagewarden:delivery:{delivery_id}"
