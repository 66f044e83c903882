"""Failures on order, what one GitHub has and another has not, and the counting behind the rate limit headers."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

RATE_LIMIT = 5000
RATE_WINDOW = 3600


@dataclass
class Fault:
    """`times` requests still fail with `status`; where `performed`, they do what they ask for first."""

    method: str
    path: re.Pattern[str]
    status: int
    headers: Mapping[str, str]
    times: int
    performed: bool


class Faults:
    """Answers that were ordered to be failures."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []
        self._lock = threading.Lock()

    def order(
        self, method: str, path: str, status: int, *, headers: Mapping[str, str], times: int, performed: bool
    ) -> None:
        """Fail the next requests of that method to a path that the regular expression `path` is found in."""
        with self._lock:
            self._ordered.append(Fault(method.upper(), re.compile(path), status, headers, times, performed))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request is to meet, if any; it is then used up."""
        with self._lock:
            for fault in self._ordered:
                if fault.times > 0 and fault.method == method and fault.path.search(path):
                    fault.times -= 1
                    return fault
        return None


@dataclass
class Switches:
    """How this GitHub is not like github.com on a good day.

    `broken_uploads` uploads still break off, and leave an asset that is none. Without `run_details` a dispatch does not
    tell of its run, as on older servers. With `hidden_runs` a new run is listed only later.
    """

    broken_uploads: int = 0
    run_details: bool = True
    hidden_runs: bool = False


class Rates:
    """Calls counted for each caller and hour. The limit is told, not enforced: order a fault for that."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def headers(self, who: str, now: float, *, count: bool = True) -> dict[str, str]:
        """The rate limit headers of an answer to `who`; `now` in seconds since the epoch."""
        window = int(now) // RATE_WINDOW
        with self._lock:
            used = self._used.get((who, window), 0) + count
            self._used[who, window] = used
        return {
            "X-RateLimit-Limit": str(RATE_LIMIT),
            "X-RateLimit-Remaining": str(max(0, RATE_LIMIT - used)),
            "X-RateLimit-Used": str(used),
            "X-RateLimit-Reset": str((window + 1) * RATE_WINDOW),
            "X-RateLimit-Resource": "core",
        }
