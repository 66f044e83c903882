"""The Celery app, and a worker that runs it.

The settings are those that lost nothing, or the least, when processes and servers were killed under load.
"""

from __future__ import annotations

import signal
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging

from config.settings import Settings
from workers import logs
from workers.reconcile import SWEEP_SECONDS
from workers.tasks import FAST, register, send_sweep

SOFT_SECONDS = 15
"""How long before the hard time limit a job is told to end, so that it can still conclude its check."""
SHUTDOWN_SECONDS = 5
STOP_SIGNAL = signal.SIGQUIT
"""Ends a worker within `SHUTDOWN_SECONDS`; what it was doing goes back to the queue. SIGTERM lets jobs finish first."""


def create_app(settings: Settings) -> Celery:
    """An app that sends jobs, and runs them in a worker. `settings.redis_url` must be set."""
    app = Celery("pagewarden", broker=settings.redis_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=FAST,
        task_acks_late=True,
        task_retry_on_worker_lost=True,
        task_ignore_result=True,
        task_time_limit=settings.task_time_limit,
        task_soft_time_limit=max(1, settings.task_time_limit - SOFT_SECONDS),
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.worker_concurrency,
        worker_max_tasks_per_child=1000,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_soft_shutdown_timeout=SHUTDOWN_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=4,
        broker_transport_options={
            "visibility_timeout": settings.visibility_timeout,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 4,
        },
        # Who sends has the inbox to fall back on, and GitHub waiting.
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1, "interval_max": 0.1},
    )
    register(app, settings)
    app.steps["consumer"].add(SweepTimer)
    setup_logging.connect(lambda **_: logs.configure(settings), weak=False, dispatch_uid="pagewarden")
    return app


class SweepTimer(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery is not typed
    """Sends a sweep at a worker's start and then on a timer. This takes the place of a `beat` process."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._entries: list[Any] = []

    def start(self, consumer: Any) -> None:
        """Called whenever the worker has (again) found the broker."""
        self.stop(consumer)
        self._entries = [
            consumer.timer.call_after(1, send_sweep, (consumer.app,)),
            consumer.timer.call_repeatedly(SWEEP_SECONDS, send_sweep, (consumer.app,)),
        ]

    def stop(self, _consumer: Any) -> None:
        """Called when the worker stops or has lost the broker."""
        for entry in self._entries:
            entry.cancel()
        self._entries = []


def run_worker(settings: Settings) -> None:
    """Runs a worker in this process, with child processes for the jobs, until a signal ends it."""

    arguments = [
        "worker",
        "--pool=prefork",
        f"--queues={','.join(settings.queues)}",
        "--without-gossip",
        "--without-mingle",
    ]
    create_app(settings).worker_main([*arguments, "--without-heartbeat", "--loglevel=INFO"])
