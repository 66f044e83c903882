"""What every job works with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from redis import Redis

from checker.profile import ProfileError, load_profile
from config.settings import Settings, SettingsError
from workers.build.store import BuildStore
from workers.git import ObjectCache
from workers.github import GitHub
from workers.inbox import Inbox
from workers.report.context import Context
from workers.ruling import Ruling, Side, Source, rule
from workers.rulings import Rulings
from workers.runs import Run
from workers.shown import Shown
from workers.store import Record, Store
from workers.stress.store import StressStore
from workers.tokens import Tokens
from workers.trust import Trust


class Job(StrEnum):
    """The jobs, by the names that the queue knows."""

    INTAKE = "intake"
    CHECK = "check"
    STUDY = "study"
    PUBLISH = "publish"
    BUILD = "build"
    STRESS = "stress"
    SHOW_STRESS = "show-stress"
    CLEAN = "clean"
    SWEEP = "sweep"


class Send(Protocol):
    """Puts a job into the queue, to start after so many seconds."""

    def __call__(self, job: Job, key: str, seconds: float = 0) -> None: ...


@dataclass(frozen=True)
class Tools:
    """One set for each process that runs jobs."""

    settings: Settings
    store: Store
    shown: Shown
    trust: Trust
    rulings: Rulings
    builds: BuildStore
    stresses: StressStore
    inbox: Inbox
    tokens: Tokens
    github: GitHub
    cache: ObjectCache
    send: Send
    clock: Callable[[], float] = time.time

    @classmethod
    def of(cls, settings: Settings, redis: Redis, send: Send, clock: Callable[[], float] = time.time) -> Self:
        """What the settings ask for. Raises `SettingsError` or `ProfileError`."""
        tokens = Tokens(redis, clock)
        github = GitHub(settings.api_url, settings.app_id, settings.read_private_key(), tokens, clock)
        cache = ObjectCache(settings.cache_dir)
        return cls(
            settings=settings,
            store=Store(redis, clock),
            shown=Shown(redis, clock),
            trust=Trust(redis, clock),
            rulings=Rulings(redis, cache, settings),
            builds=BuildStore(redis, clock),
            stresses=StressStore(redis, clock),
            inbox=Inbox(redis, clock),
            tokens=tokens,
            github=github,
            cache=cache,
            send=send,
            clock=clock,
        )

    def context(self, record: Record) -> Context:
        """What the texts about a run need to know."""
        run = record.run
        return Context(
            run.repository,
            run.number,
            run.base,
            run.head,
            None,
            run.files,
            web_url(self.settings.api_url),
            attempt=record.attempt,
            asked_by=record.asked_by,
            ref=run.branch,
        )

    def link(self, run: Run) -> str:
        """GitHub's page of what a run is about."""
        page = f"{web_url(self.settings.api_url)}/{run.repository}"
        return f"{page}/pull/{run.number}" if run.number is not None else f"{page}/commit/{run.head}"

    def ruling(self, run_id: str) -> Ruling:
        """What rules a run; the defaults where nobody noted it."""
        kept = self.store.ruling(run_id)
        if kept is not None:
            return rule(Source.from_json(json.loads(kept)))
        return rule(Source("", Side(), self.settings.profiles))


def web_url(api_url: str) -> str:
    """The root of GitHub's pages, without a slash at its end."""
    api = urlsplit(api_url)
    return f"{api.scheme}://{api.netloc.removeprefix('api.')}"


def require(settings: Settings) -> None:
    """Raises `SettingsError` for settings with which every job would fail."""
    try:
        key = load_pem_private_key(settings.read_private_key().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError("private_key: not the RSA key, PEM and without a passphrase, that GitHub made for the App")
    try:
        profiles = [load_profile(name) for name in settings.profiles]
    except ProfileError as error:
        raise SettingsError(f"profile: {error}") from error
    known = sorted({target for profile in profiles for target in profile.targets})
    if unknown := sorted(set(settings.targets) - set(known)):
        names = ", ".join(profile.name for profile in profiles)
        raise SettingsError(f"targets: no {', '.join(unknown)} in {names}; there is {', '.join(known)}")
