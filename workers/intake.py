"""Intake: looks at the pull request as it is now and makes the run that it wants, with its check in progress."""

from __future__ import annotations

from dataclasses import replace

import structlog

from workers.github import Client, NotThere, PullRequest
from workers.publish import ensure_check, show, supersede, writing
from workers.runs import Ending, Next, Outcome, PullRequestEvent, Run, next_step, watched
from workers.store import Busy
from workers.stress.job import stress_again
from workers.stress.show import supersede_stress
from workers.study import study_again
from workers.tools import Job, Tools

log = structlog.get_logger(__name__)


def intake(tools: Tools, delivery_id: str) -> None:
    """The job. Raises `Busy`, `GitHubError`."""
    delivery = tools.inbox.get(delivery_id)
    if delivery is None or not tools.inbox.is_pending(delivery_id):
        return
    _look(tools, PullRequestEvent.from_json(delivery.request))
    tools.inbox.done(delivery_id)


def _look(tools: Tools, event: PullRequestEvent) -> None:
    with writing(tools, event.pull, event.installation_id) as client:
        try:
            pull = client.pull(event.repository, event.number)
        except NotThere:
            log.info("the pull request is gone", repository=event.repository, number=event.number)
            return
        if pull.repository == event.repository:
            # What runs for a closed one still concludes its check, but nothing begins and nobody is told.
            if pull.open:
                _begin(tools, client, event, pull)
            return
    # Renamed meanwhile. All else is known, and locked, under the new name; and where PyGithub follows a redirection
    # it drops the query, so that of a list's pages only the first would be seen.
    _look(tools, replace(event, repository=pull.repository))


def _begin(tools: Tools, client: Client, event: PullRequestEvent, pull: PullRequest) -> None:
    run, interesting = _wanted(tools, client, event, pull)
    record = tools.store.want(run)
    _supersede_others(tools, client, run)
    outcome = record.outcome
    if outcome is None and not interesting:
        outcome = Outcome(Ending.NOT_APPLICABLE)
        tools.store.end(run.id, outcome)
    step = next_step(outcome, record.shown)
    log.info("wanted", run=run.id, step=step, action=event.action)
    if step is Next.NOTHING:
        study_again(tools, run.id)
        stress_again(tools, run.id)
        return
    if step is Next.CHECK:
        tools.store.forget_outcome(run.id)
    tools.store.open(run.id)
    if not interesting:
        show(tools, client, run.id, pull)
        return
    ensure_check(tools, client, record)
    tools.send(Job.CHECK if step is Next.CHECK else Job.PUBLISH, run.id)
    if step is Next.PUBLISH:
        study_again(tools, run.id)
        stress_again(tools, run.id)


def _wanted(tools: Tools, client: Client, event: PullRequestEvent, pull: PullRequest) -> tuple[Run, bool]:
    """The run for the head as it is now, and whether anything watched is touched."""
    try:
        base = client.merge_base(event.repository, pull.base_ref, pull.head_sha)
    except NotThere:  # histories that have nothing in common
        base = pull.base_sha
    files = client.files(event.repository, event.number)
    interesting, names = watched(files, pull.changed_files, tools.profile.watches)
    if not interesting:
        _require_unchanged(pull, client.pull(event.repository, event.number))
    run = Run(
        installation_id=event.installation_id,
        repository=event.repository,
        number=event.number,
        base=base,
        head=pull.head_sha,
        clone_url=pull.clone_url,
        files=names,
    )
    return run, interesting


def _require_unchanged(before: PullRequest, now: PullRequest) -> None:
    """Raises `Busy` when the files may have been those of another head: this one would pass unseen."""
    if (before.head_sha, before.base_ref) != (now.head_sha, now.base_ref):
        raise Busy("the pull request changed while it was looked at")


def _supersede_others(tools: Tools, client: Client, run: Run) -> None:
    for other in tools.store.open_runs_of(run.pull):
        record = tools.store.record(other)
        if other != run.id and record is not None:
            supersede(tools, client, record, run.head)
    for other in tools.stresses.open_runs_of(run.pull):
        record = tools.store.record(other)
        if other != run.id and record is not None:
            supersede_stress(tools, client, record.run, run.head)
