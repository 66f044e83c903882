"""The jobs as Celery tasks. A message holds an id and nothing else; what it stands for is in the inbox or the store.

A task that has to be made again sends a new message rather than retrying: how often that happens is counted in the
store, where a killed process cannot lose the count.
"""

from __future__ import annotations

from functools import cache

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis

from config.settings import Settings
from workers.attempts import WORK, perform
from workers.reconcile import SWEEP_SECONDS, sweep
from workers.tools import Job, Send, Tools

FAST = "fast"
"""The queue of jobs that take seconds. Builds and stress runs get queues of their own."""
BUILD = "build"
"""The queue of jobs that look after preview builds: who takes them has a sandbox, and what the builds need."""
STRESS = "stress"
"""The queue of jobs that look after stress runs: who takes them has compilers, kernels and QEMU."""
QUEUES = {Job.STRESS: STRESS, Job.BUILD: BUILD}
"""Of the jobs that have another one than `FAST`."""
LOST_WORKER_RETRIES = 2

log = structlog.get_logger(__name__)


def register(app: Celery, settings: Settings) -> None:
    """Adds the tasks to an app."""

    @cache
    def tools() -> Tools:
        # Made where the first job runs: connections must not be shared across a fork.
        return Tools.of(settings, connect(settings), sender(app))

    def add(job: Job) -> None:
        def task(key: str) -> None:
            perform(tools(), job, key)

        app.task(name=str(job), max_retries=LOST_WORKER_RETRIES, shared=False)(task)

    for job in WORK:
        add(job)

    def sweeping() -> None:
        sweep(tools())

    app.task(name=str(Job.SWEEP), max_retries=0, shared=False)(sweeping)


def sender(app: Celery) -> Send:
    """Puts jobs into the queues that they belong to."""

    def send(job: Job, key: str, seconds: float = 0) -> None:
        app.send_task(job, args=[key], countdown=seconds or None, queue=QUEUES.get(job, FAST))

    return send


def connect(settings: Settings) -> Redis:
    """A connection that decodes responses. Raises `ValueError` when the settings name no server."""
    if settings.redis_url is None:
        raise ValueError("redis_url is not set")
    return Redis.from_url(settings.redis_url, decode_responses=True)


def enqueue_intake(app: Celery, delivery_id: str) -> bool:
    """Tells the queue of a delivery in the inbox. False when it could not be told: a sweep will."""
    try:
        app.send_task(Job.INTAKE, args=[delivery_id], queue=FAST)
    except OperationalError as error:
        log.warning("the queue could not be told", delivery=delivery_id, error=str(error))
        return False
    return True


def send_sweep(app: Celery) -> bool:
    """Tells the queue to sweep; the message is worthless once the next one is due."""
    try:
        app.send_task(Job.SWEEP, queue=FAST, expires=SWEEP_SECONDS)
    except OperationalError as error:
        log.warning("the queue could not be told to sweep", error=str(error))
        return False
    return True
