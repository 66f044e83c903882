"""What GitHub shows of us, as it last answered, so that jobs need not ask again before they write.

A write takes what is kept back before it is sent, and keeps the answer: after a lost answer nothing is kept, and who
comes next asks GitHub.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from redis import Redis

from workers.github.resources import CheckRun
from workers.store import KEEP_SECONDS

CHECK_SECONDS = 7 * 24 * 3600
"""For so long a check run is remembered as it was written; after that GitHub is asked."""
NO_CHECKS_SECONDS = 3600
"""For so long nobody tries again to write checks where that was forbidden."""
SKEW_SECONDS = 60
"""By so much GitHub's clock and ours may differ."""

_BORN = "pagewarden:born"


@dataclass(frozen=True)
class KeptComment:
    """Our comment on a pull request: which run it is about, and the digest of its text, empty where it may differ.

    The id is 0 where it is known that there is none.
    """

    id: int
    run_id: str = ""
    digest: str = ""


class Shown:
    """`redis` must decode responses."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock

    def remembers(self, since: float) -> bool:
        """Whether everything that was written to GitHub since an epoch second is known here."""
        self._redis.set(_BORN, str(self._clock()), nx=True)
        return float(str(self._redis.get(_BORN))) + SKEW_SECONDS < since

    def check(self, key: str) -> CheckRun | None:
        """The check run that was last written under this key."""
        kept = self._redis.get(_check(key))
        return CheckRun(**json.loads(str(kept))) if kept else None

    def is_check_begun(self, key: str) -> bool:
        """Whether one was to be written ever."""
        return bool(self._redis.exists(_check(key)))

    def unsure_of_check(self, key: str) -> None:
        """One is about to be written: GitHub alone knows what it shows."""
        self._redis.set(_check(key), "", ex=CHECK_SECONDS)

    def keep_check(self, key: str, shown: CheckRun) -> None:
        """GitHub shows this."""
        self._redis.set(_check(key), json.dumps(asdict(shown)), ex=CHECK_SECONDS)

    def forbid_checks(self, repository: str) -> None:
        """Notes that we may not write checks there."""
        self._redis.set(f"pagewarden:no-checks:{repository}", "1", ex=NO_CHECKS_SECONDS)

    def may_check(self, repository: str) -> bool:
        """Whether we may write checks, as far as is known."""
        return not self._redis.exists(f"pagewarden:no-checks:{repository}")

    def comment(self, place: str) -> KeptComment | None:
        """Our comment on a pull request, as far as is known."""
        kept = self._redis.hget(_pull(place), "comment")
        return KeptComment(**json.loads(str(kept))) if kept is not None else None

    def keep_comment(self, place: str, comment: KeptComment | None) -> None:
        """Notes our comment, or that there is none."""
        if comment is None:
            self._redis.hdel(_pull(place), "comment")
            return
        self._redis.hset(_pull(place), "comment", json.dumps(asdict(comment)))
        self._redis.expire(_pull(place), KEEP_SECONDS)

    def reply(self, place: str, kind: str) -> str | None:
        """The node id of our last reply of a kind."""
        kept = self._redis.hget(_pull(place), f"reply:{kind}")
        return str(kept) if kept is not None else None

    def keep_reply(self, place: str, kind: str, node_id: str) -> None:
        """Notes our last reply of a kind."""
        self._redis.hset(_pull(place), f"reply:{kind}", node_id)
        self._redis.expire(_pull(place), KEEP_SECONDS)

    def begin_reply(self, place: str, kind: str, comment_id: int) -> bool:
        """Whether nobody has begun to reply to a comment in this way: else the reply may be there."""
        key = f"pagewarden:replying:{place}:{kind}:{comment_id}"
        return bool(self._redis.set(key, "1", nx=True, ex=CHECK_SECONDS))

    def label_once(self, place: str, label: str) -> bool:
        """Whether nobody asked the same before: a label that a person took off is not put on again."""
        first = bool(self._redis.hsetnx(_pull(place), f"label:{label}", "1"))
        self._redis.expire(_pull(place), KEEP_SECONDS)
        return first

    def unlabel(self, place: str, label: str) -> None:
        """The label could not be put on."""
        self._redis.hdel(_pull(place), f"label:{label}")


def _check(key: str) -> str:
    return f"pagewarden:check:{key}"


def _pull(place: str) -> str:
    return f"pagewarden:shown:{place}"
