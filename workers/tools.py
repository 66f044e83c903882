"""What every job works with."""

from __future__ import annotations

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

from checker.profile import Profile, ProfileError, load_profile
from config.settings import Settings, SettingsError
from workers.git import ObjectCache
from workers.github import GitHub
from workers.inbox import Inbox
from workers.report.context import Context
from workers.runs import Run
from workers.store import Store
from workers.stress.store import StressStore


class Job(StrEnum):
    """The jobs, by the names that the queue knows."""

    INTAKE = "intake"
    CHECK = "check"
    STUDY = "study"
    PUBLISH = "publish"
    STRESS = "stress"
    SHOW_STRESS = "show-stress"
    SWEEP = "sweep"


class Send(Protocol):
    """Puts a job into the queue, to start after so many seconds."""

    def __call__(self, job: Job, key: str, seconds: float = 0) -> None: ...


@dataclass(frozen=True)
class Tools:
    """One set for each process that runs jobs."""

    settings: Settings
    profile: Profile
    store: Store
    stresses: StressStore
    inbox: Inbox
    github: GitHub
    cache: ObjectCache
    send: Send
    clock: Callable[[], float] = time.time

    @classmethod
    def of(cls, settings: Settings, redis: Redis, send: Send, clock: Callable[[], float] = time.time) -> Self:
        """What the settings ask for. Raises `SettingsError` or `ProfileError`."""
        store = Store(redis, clock)
        github = GitHub(settings.api_url, settings.app_id, settings.read_private_key(), store, clock)
        cache = ObjectCache(settings.cache_dir)
        return cls(
            settings=settings,
            profile=load_profile(settings.profile),
            store=store,
            stresses=StressStore(redis, clock),
            inbox=Inbox(redis, clock),
            github=github,
            cache=cache,
            send=send,
            clock=clock,
        )

    def context(self, run: Run) -> Context:
        """What the texts about a run need to know."""
        web = web_url(self.settings.api_url)
        return Context(run.repository, run.number, run.base, run.head, None, run.files, web)


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
        profile = load_profile(settings.profile)
    except ProfileError as error:
        raise SettingsError(f"profile: {error}") from error
    if unknown := sorted(set(settings.targets) - profile.targets.keys()):
        known = ", ".join(profile.targets)
        raise SettingsError(f"targets: {profile.name} has no {', '.join(unknown)}; it has {known}")
