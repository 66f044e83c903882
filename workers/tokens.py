"""Installation tokens and rate limits, which all processes share through Redis."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from redis import Redis


class Tokens:
    """`redis` must decode responses."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock

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


def _token(installation_id: int) -> str:
    return f"pagewarden:token:{installation_id}"


def _limited(installation_id: int) -> str:
    return f"pagewarden:limited:{installation_id}"


def _maybe(value: object) -> str | None:
    return None if value is None else str(value)
