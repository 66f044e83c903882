"""How often a job is tried, and what becomes of its run when it never works out.

An attempt that only came at a bad time (a rate limit, a lock held by another job) is made again and does not
count. Anything else counts, and after the last one the check is concluded all the same: none is pending for ever,
and nothing that failed is a pass.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from celery.exceptions import SoftTimeLimitExceeded

from workers.branches import run_of_group
from workers.build import job as build_job
from workers.build.cleaning import CLEAN_SECONDS, clean
from workers.checks import check
from workers.git import GitError
from workers.github import GitHubError, RateLimited, Rejected
from workers.github.failures import Uninstalled
from workers.intake import intake
from workers.plain import Plain
from workers.publish import publish
from workers.requests import KINDS, MergeGroupEvent, PullRequestEvent
from workers.runs import Ending, Outcome, Run
from workers.store import Busy
from workers.stress import job as stress_job
from workers.stress.show import show_progress
from workers.study import study
from workers.tools import Job, Tools

PAUSES = (1, 5, 20, 60)
"""Seconds before the second attempt, the third, …; there is one attempt more than pauses."""
BUSY_SECONDS = 2
STUDY_TIMEOUTS = 2
"""A study that ran out of time at this attempt or a later one is given up: more of the same takes as long."""

WORK: dict[Job, Callable[[Tools, str], None]] = {
    Job.INTAKE: intake,
    Job.CHECK: check,
    Job.PUBLISH: publish,
    Job.STUDY: study,
    Job.BUILD: build_job.build,
    Job.CLEAN: clean,
    Job.STRESS: stress_job.stress,
    Job.SHOW_STRESS: show_progress,
}

log = structlog.get_logger(__name__)


def perform(tools: Tools, job: Job, key: str) -> None:
    """Makes one attempt at a job, and sees to what follows from it. Raises nothing that the job raised.

    What is being done already is put off: done twice at a time it would only count as two attempts.
    """
    try:
        with tools.store.lock(f"{job}:{key}", wait=0):
            _attempt(tools, job, key)
    except Busy:
        _send_later(tools, job, key, BUSY_SECONDS)


def _attempt(tools: Tools, job: Job, key: str) -> None:
    attempt = tools.store.begin_attempt(job, key)
    if attempt > len(PAUSES) + 1:  # the earlier ones took their process with them
        give_up(tools, job, key, "it ended the process that evaluated it")
        return
    try:
        WORK[job](tools, key)
    except Busy:
        _postpone(tools, job, key, BUSY_SECONDS)
    except RateLimited as limited:
        log.info("rate limited", job=job, key=key, seconds=limited.seconds)
        _postpone(tools, job, key, limited.seconds)
    except Uninstalled:
        log.info("the App is not installed there any more", job=job, key=key)
        _abandon(tools, job, key)
    # Whatever goes wrong, even by a mistake of ours, must not leave a check pending for ever.
    except Exception as error:
        log.warning("attempt failed", job=job, key=key, attempt=attempt, exc_info=error)
        if attempt <= len(PAUSES) and not _is_too_long(job, attempt, error):
            _send_later(tools, job, key, PAUSES[attempt - 1])
        else:
            _give_up_after(tools, job, key, error)
    else:
        tools.store.forget_attempts(job, key)


def give_up(tools: Tools, job: Job, key: str, reason: str) -> None:
    """Concludes the run of a job as broken. `reason` is for people.

    Only what a study is about, or has found, is lost without a word on GitHub: there is a verdict without it.
    """
    log.error("giving up", job=job, key=key, reason=reason)
    tools.store.forget_attempts(job, key)
    if job is Job.SHOW_STRESS:
        return  # it is told again while it goes on, and at its end
    if job is Job.STRESS:
        stress_job.give_up(tools, *stress_job.parts_of(key), reason)
        return
    if job is Job.BUILD:
        build_job.give_up(tools, key, reason)
        return
    if job is Job.CLEAN:
        tools.builds.put_off_cleaning(key, CLEAN_SECONDS)
        return
    if _is_only_a_study(tools, job, key):
        tools.store.open(key)
        tools.send(Job.PUBLISH, key)
        return
    if job is Job.PUBLISH and _is_broken(tools, key):
        return  # nothing simpler can be told: the run stays open, and the sweep comes back to it
    if job is Job.INTAKE:
        run_id = _run_of_delivery(tools, key)
        tools.inbox.done(key)
        if run_id is None:
            return
    else:
        run_id = key
    tools.store.open(run_id)
    tools.store.end(run_id, Outcome(Ending.BROKEN, reason))
    tools.send(Job.PUBLISH, run_id)


def _is_only_a_study(tools: Tools, job: Job, key: str) -> bool:
    """Whether nothing was given up but a study, or the telling of what one found; it is forgotten then."""
    if job is Job.STUDY:
        tools.store.end_study(key)
        return True
    return job is Job.PUBLISH and tools.store.drop_study(key)


def _abandon(tools: Tools, job: Job, key: str) -> None:
    tools.store.forget_attempts(job, key)
    if job is Job.INTAKE:
        tools.inbox.done(key)
    elif job is Job.STUDY:
        tools.store.end_study(key)
    elif job is Job.STRESS:
        tools.stresses.forget(stress_job.parts_of(key)[0])
    elif job is Job.BUILD:
        tools.builds.forget(key)
    elif job is Job.CLEAN:
        tools.builds.end_cleaning(key)
    elif job is not Job.SHOW_STRESS:
        tools.store.close(key, shown=False)


def _give_up_after(tools: Tools, job: Job, key: str, error: Exception) -> None:
    unanswered = isinstance(error, GitHubError) and not isinstance(error, Rejected)
    if job is not Job.CHECK and unanswered:
        # GitHub could not be told of a failure either. The sweep comes back to it.
        log.error("left to the sweep", job=job, key=key, error=str(error))
        tools.store.forget_attempts(job, key)
        return
    give_up(tools, job, key, _reason(error))


def _is_too_long(job: Job, attempt: int, error: Exception) -> bool:
    return job is Job.STUDY and attempt >= STUDY_TIMEOUTS and isinstance(error, SoftTimeLimitExceeded)


def _is_broken(tools: Tools, run_id: str) -> bool:
    record = tools.store.record(run_id)
    return record is not None and record.outcome is not None and record.outcome.ending is Ending.BROKEN


def _reason(error: Exception) -> str:
    """What people are told. The error's own text may name files of this machine; it is in the log."""
    if isinstance(error, SoftTimeLimitExceeded):
        return "it took too long"
    if isinstance(error, GitError):
        return "its commits could not be fetched"
    if isinstance(error, GitHubError):
        return "GitHub did not answer as it should"
    if isinstance(error, OSError) and error.strerror:
        return f"a file of the server could not be used ({error.strerror})"
    return f"an unexpected {type(error).__name__}"


def _run_of_delivery(tools: Tools, delivery_id: str) -> str | None:
    """The run to conclude for a delivery that was never read through: the event is all there is to go by.

    `None` where nobody waits for a check because of it.
    """
    delivery = tools.inbox.get(delivery_id)
    if delivery is None:
        return None
    try:
        event = KINDS[delivery.event].from_json(delivery.request)
    except KeyError:  # it was never more than this: nothing tells whom to answer
        return None
    run = _run_of(event)
    if run is None:
        return None
    current = tools.store.current(run.place)
    record = tools.store.record(current) if current is not None else None
    if record is not None and record.run.head == run.head:
        return record.run.id
    tools.store.keep(run)
    return run.id


def _run_of(event: Plain) -> Run | None:
    match event:
        case PullRequestEvent():
            return Run(
                event.installation_id,
                event.repository,
                event.number,
                event.base_sha,
                event.head_sha,
                event.clone_url,
                ref=event.base_ref,
            )
        case MergeGroupEvent():
            return run_of_group(event)
        case _:
            return None


def _postpone(tools: Tools, job: Job, key: str, seconds: float) -> None:
    tools.store.take_back_attempt(job, key)
    _send_later(tools, job, key, seconds)


def _send_later(tools: Tools, job: Job, key: str, seconds: float) -> None:
    # A message that waits counts as lost after the visibility timeout, and the job must fit in as well.
    longest = tools.settings.visibility_timeout - tools.settings.task_time_limit - 5
    pause = max(1, min(seconds, longest))
    if job is Job.STRESS:
        tools.stresses.told(stress_job.parts_of(key)[0], pause)
    else:
        told = {
            Job.INTAKE: tools.inbox.told,
            Job.STUDY: tools.store.told_study,
            Job.BUILD: tools.builds.told,
            Job.CLEAN: tools.builds.put_off_cleaning,
        }
        told.get(job, tools.store.told)(key, pause)
    tools.send(job, key, pause)
