"""How a run begins, and begins again: it is noted, the one before it ends, and its check is in progress.

Whoever calls holds the lock of the run's pull request or branch.
"""

from __future__ import annotations

import json
from dataclasses import replace

import structlog

from workers.build.job import build_again
from workers.build.show import supersede_build
from workers.check_runs import Checks
from workers.github import Client, PullRequest
from workers.publish import check_of, show, show_check, supersede
from workers.refreshing import refreshed
from workers.report import check as words
from workers.ruling import Source, rule
from workers.runs import FAILED, Ending, Next, Outcome, Run, next_step
from workers.store import Record
from workers.stress.job import stress_again
from workers.stress.show import supersede_stress
from workers.study import study_again
from workers.tools import Job, Tools

STRIKE_SECONDS = 20.0
"""When there is no verdict after so long, the comment is told to be about an older commit."""

log = structlog.get_logger(__name__)


def begin(
    tools: Tools, client: Client, run: Run, source: Source, pull: PullRequest | None, *, interesting: bool
) -> None:
    """Makes a run the current one of its place, and has done what is still to be done for it. Raises `GitHubError`."""
    record = _wanted(tools, client, run, source)
    outcome = record.outcome
    decided = _decided(record, source, interesting=interesting)
    if outcome is not None and outcome.ending is Ending.DRAFT and outcome != decided:
        tools.store.forget_outcome(run.id)
        outcome = None
    if outcome is None and decided is not None:
        outcome = decided
        tools.store.end(run.id, outcome)
    step = next_step(outcome, record.shown)
    log.info("wanted", run=run.id, step=step)
    if step is Next.NOTHING:
        study_again(tools, run.id)
        # What is shown was concluded without it.
        if any([build_again(tools, run.id), stress_again(tools, run.id)]):
            tools.store.open(run.id)
            tools.send(Job.PUBLISH, run.id)
        return
    if step is Next.CHECK:
        tools.store.forget_outcome(run.id)
    tools.store.open(run.id)
    if outcome == decided is not None:
        show(tools, client, run.id, pull)
        return
    show_check(tools, client, record, words.in_progress(tools.context(record)), pull)
    tools.send(Job.CHECK if step is Next.CHECK else Job.PUBLISH, run.id)
    if step is Next.PUBLISH:
        study_again(tools, run.id)
        build_again(tools, run.id)
        stress_again(tools, run.id)
    elif (kept := tools.shown.comment(run.place)) is not None and kept.id:
        tools.send(Job.PUBLISH, run.id, STRIKE_SECONDS)


def begin_again(tools: Tools, client: Client, record: Record, cause: str, asked_by: str) -> None:
    """A new attempt at a run, once for each `cause`, under the settings that rule now.

    Raises `GitHubError`, `GitError`.
    """
    run = record.run
    source = refreshed(tools, client, run)
    if not tools.store.has_attempt(run.id, cause):
        about = tools.context(record)
        ended = words.finished(words.cancelled(about, asked_by), about)
        Checks(client, tools.shown).end(check_of(tools, record), ended)
    tools.store.new_attempt(run.id, cause, asked_by)
    if source is not None:
        tools.store.rule(run.id, json.dumps(source.to_json()))
    tools.store.open(run.id)
    again = tools.store.record(run.id)
    assert again is not None
    Checks(client, tools.shown, remembered=True).show(
        check_of(tools, again), words.finished(words.in_progress(tools.context(again)), tools.context(again))
    )
    tools.send(Job.CHECK, run.id)


def supersede_others(tools: Tools, client: Client, place: str, run_id: str, head: str) -> None:
    """Ends all runs of a place but one, and concludes their checks."""
    for other in tools.store.open_runs_of(place):
        record = tools.store.record(other)
        if other != run_id and record is not None:
            supersede(tools, client, record, head)
    for other in tools.stresses.open_runs_of(place):
        record = tools.store.record(other)
        if other != run_id and record is not None:
            # The main check may be waiting for it.
            supersede(tools, client, record, head)
            supersede_stress(tools, client, record, head)
    for other in tools.builds.open_runs_of(place):
        record = tools.store.record(other)
        if other != run_id and record is not None:
            supersede_build(tools, client, record, head)


def _wanted(tools: Tools, client: Client, run: Run, source: Source) -> Record:
    is_news = tools.store.current(run.place) != run.id
    before = tools.store.record(run.id)
    record = tools.store.want(run)
    # Two branches may have the same last commit in common with a head, and settings of their own.
    is_moved = before is not None and before.run.ref != run.ref
    # What failed before another run came in between may work by now.
    is_stale = is_news and record.outcome is not None and record.outcome.ending in FAILED
    if is_moved or is_stale:
        tools.store.forget_outcome(run.id)
        record = replace(record, outcome=None, shown=False)
    if is_news or is_moved or tools.store.ruling(run.id) is None:
        tools.store.rule(run.id, json.dumps(source.to_json()))
    if is_news:
        checks, check = Checks(client, tools.shown), check_of(tools, record)
        if tools.shown.is_check_begun(check.key):
            checks.forget(check)
        tools.trust.void(run.place, unless=run.head)
    supersede_others(tools, client, run.place, run.id, run.head)
    return record


def _decided(record: Record, source: Source, *, interesting: bool) -> Outcome | None:
    """What becomes of a run that need not be looked at."""
    if not interesting:
        return Outcome(Ending.NOT_APPLICABLE)
    if record.run.draft and rule(source).settings.drafts == "skip" and record.attempt == 1:
        return Outcome(Ending.DRAFT)
    return None
