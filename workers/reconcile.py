"""Reconcile: what the queue lost is queued again.

The queue is a hint. Each delivery stays in the inbox until it is done and each run stays open until GitHub shows
how it ended; a sweep, sent on a timer by every worker and done by the first, looks for those that nobody seems to
work on. Telling the queue once too often does no harm, as jobs find what was done. The pause between two sweeps of
the same thing doubles, so that a long backlog does not feed itself.
"""

from __future__ import annotations

import structlog

from workers.build import job as build_job
from workers.runs import Ending, Outcome
from workers.stress.job import begin
from workers.tools import Job, Tools

SWEEP_SECONDS = 30
OLD_SECONDS = 60
"""What the queue was told of less than this ago is left alone."""
DEADLINE_SECONDS = 3600
"""A run without an outcome after this long gets one: it has timed out."""
LONGEST_PAUSE_SECONDS = 600
"""Between two sweeps of a build, which has deadlines of its own to be held to."""
FORGET_SECONDS = 24 * 3600
"""After this long nobody tries to ask or to tell GitHub any more."""

log = structlog.get_logger(__name__)


def sweep(tools: Tools) -> None:
    """The job, done once in `SWEEP_SECONDS` however many workers ask for it."""
    if not tools.store.first_in(SWEEP_SECONDS, "sweep"):
        return
    for delivery_id in tools.inbox.pending(OLD_SECONDS):
        _sweep_delivery(tools, delivery_id)
    for run_id in tools.store.open_runs(OLD_SECONDS):
        _sweep_run(tools, run_id)
    for run_id in tools.store.wanted_studies(OLD_SECONDS):
        _sweep_study(tools, run_id)
    for run_id in tools.builds.open_runs(OLD_SECONDS):
        _sweep_build(tools, run_id)
    for run_id in tools.stresses.open_runs(OLD_SECONDS):
        _sweep_stress(tools, run_id)
    for key in tools.builds.cleanings():
        tools.send(Job.CLEAN, key)


def _sweep_delivery(tools: Tools, delivery_id: str) -> None:
    delivery = tools.inbox.get(delivery_id)
    age = tools.clock() - delivery.received_at if delivery is not None else 0
    if delivery is None or age > FORGET_SECONDS:
        log.error("a delivery never got through to GitHub", delivery=delivery_id)
        tools.inbox.done(delivery_id)
        return
    log.info("queued again", delivery=delivery_id)
    tools.inbox.told(delivery_id, age)
    tools.send(Job.INTAKE, delivery_id)


def _sweep_run(tools: Tools, run_id: str) -> None:
    record = tools.store.record(run_id)
    age = tools.clock() - record.opened_at if record is not None else 0
    if record is None or age > FORGET_SECONDS:
        log.error("a run never got through to GitHub", run=run_id)
        tools.store.close(run_id, shown=False)
        return
    if record.outcome is None and age > DEADLINE_SECONDS:
        tools.store.end(run_id, Outcome(Ending.TIMED_OUT, "an hour"))
    log.info("queued again", run=run_id)
    unchecked = record.outcome is None and age <= DEADLINE_SECONDS
    # However long the pauses have become, none goes past the deadline.
    tools.store.told(run_id, min(age, DEADLINE_SECONDS - age) if unchecked else age)
    tools.send(Job.CHECK if unchecked else Job.PUBLISH, run_id)


def _sweep_study(tools: Tools, run_id: str) -> None:
    since = tools.store.study_since(run_id)
    age = tools.clock() - since if since is not None else 0
    if since is None or age > FORGET_SECONDS:
        log.error("a run was never studied", run=run_id)
        tools.store.end_study(run_id)
        return
    log.info("queued again", study=run_id)
    tools.store.told_study(run_id, age)
    tools.send(Job.STUDY, run_id)


def _sweep_build(tools: Tools, run_id: str) -> None:
    state = tools.builds.get(run_id)
    if state is None:
        log.error("the build of a run is forgotten", run=run_id)
        tools.builds.forget(run_id)
        return
    log.info("queued again", build=run_id)
    tools.builds.told(run_id, min(tools.clock() - state.since, LONGEST_PAUSE_SECONDS))
    build_job.begin(tools, run_id)


def _sweep_stress(tools: Tools, run_id: str) -> None:
    state = tools.stresses.get(run_id)
    if state is None:
        log.error("the stress of a run is forgotten", run=run_id)
        tools.stresses.forget(run_id)
        return
    log.info("queued again", stress=run_id)
    tools.stresses.told(run_id, tools.clock() - state.since)
    begin(tools, run_id)
