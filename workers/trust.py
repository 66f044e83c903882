"""Trust: whose code may be built and run, and who may say so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from redis import Redis

from workers.github import Client, PullRequest
from workers.store import KEEP_SECONDS

PERMISSION_SECONDS = 300
"""For so long GitHub is not asked again what somebody may do."""

_WRITERS = frozenset({"admin", "write"})
_STRANGERS = frozenset({"NONE", "FIRST_TIMER", "FIRST_TIME_CONTRIBUTOR", "MANNEQUIN"})


class Distrust(StrEnum):
    """Why nothing of a pull request is run without leave."""

    FORK = "fork"
    NEWCOMER = "newcomer"


@dataclass(frozen=True)
class Approval:
    """Leave to build and run one commit, and who gave it."""

    sha: str
    by: str


def distrust(pull: PullRequest, trusted_bots: Sequence[str]) -> Distrust | None:
    """Why a pull request needs leave, `None` where it needs none.

    A trusted bot is trusted with a branch of the repository, or of a fork of its own: into any other fork its owner may
    push what the bot never saw.
    """
    is_trusted_bot = pull.author_is_bot and pull.author in trusted_bots
    if pull.from_fork:
        is_its_own = bool(pull.head_owner) and pull.head_owner == pull.author
        return None if is_trusted_bot and is_its_own else Distrust.FORK
    return Distrust.NEWCOMER if pull.association in _STRANGERS and not is_trusted_bot else None


class Trust:
    """Approvals and permissions, as far as they are known. `redis` must decode responses."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock

    def approve(self, place: str, approval: Approval) -> None:
        """Gives leave; the one before it is void."""
        self._redis.set(_approval(place), json.dumps(asdict(approval)), ex=KEEP_SECONDS)

    def approval(self, place: str) -> Approval | None:
        """The leave that stands."""
        kept = self._redis.get(_approval(place))
        return Approval(**json.loads(str(kept))) if kept is not None else None

    def void(self, place: str, unless: str = "") -> None:
        """Takes leave back, unless it is for this very commit."""
        approval = self.approval(place)
        if approval is not None and approval.sha != unless:
            self._redis.delete(_approval(place))

    def may_write(self, client: Client, repository: str, login: str, *, anew: bool = False) -> bool:
        """Whether somebody has write access; with `anew` GitHub is asked in any case. Raises `GitHubError`."""
        key = f"pagewarden:permission:{repository}:{login}"
        permission = None if anew else self._kept(key)
        if permission is None:
            permission = client.permission(repository, login)
            self._redis.set(key, f"{self._clock() + PERMISSION_SECONDS} {permission}", ex=PERMISSION_SECONDS)
        return permission in _WRITERS

    def _kept(self, key: str) -> str | None:
        """What GitHub said, where that was not long ago."""
        kept = self._redis.get(key)
        if kept is None:
            return None
        until, _, permission = str(kept).partition(" ")
        return permission if self._clock() < float(until) else None


def _approval(place: str) -> str:
    return f"pagewarden:approval:{place}"
