"""Publish: GitHub shows what a run knows. Only what differs is written, so this may be repeated at any time.

Whatever writes holds the lock of its pull request, and extends it before each request: a job that lost the lock
writes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from checker.report import Commit, Report, Verdict
from workers.check_runs import CheckOf, conclude, create_check, find_check
from workers.github import CheckRun, Client, Comment, NotThere, PullRequest, Rejected, same_text
from workers.github.failures import Forbidden
from workers.report import check as words
from workers.report.comment import MARKER, comment
from workers.report.context import CheckOutput
from workers.runs import Ending, Outcome, Run, Standing, standing, worth_a_comment
from workers.store import Record
from workers.stress.show import show_stress, stress_is_worth_a_comment, stress_section, supersede_stress
from workers.suggestions import show_suggestions
from workers.tools import Job, Tools

CHECK_NAME = "pagewarden"
JUDGED = frozenset({Ending.REPORT, Ending.NOT_APPLICABLE})
"""Ends after which it is known what is wrong with a head."""

log = structlog.get_logger(__name__)


def publish(tools: Tools, run_id: str) -> None:
    """The job. Raises `Busy`, `GitHubError`."""
    record = tools.store.record(run_id)
    if record is None:
        log.info("the run is forgotten", run=run_id)
        return
    with writing(tools, record.run.pull, record.run.installation_id) as client:
        try:
            pull = client.pull(record.run.repository, record.run.number)
        except NotThere:
            log.info("the pull request is gone", run=run_id)
            tools.store.close(run_id, shown=True)
            return
        show(tools, client, run_id, pull)


@contextmanager
def writing(tools: Tools, pull: str, installation_id: int) -> Iterator[Client]:
    """A client that may write about a pull request: nobody else does so meanwhile. Raises `Busy`, `GitHubError`."""
    with (
        tools.store.lock(pull) as held,
        tools.github.client(installation_id, before=held.extend) as client,
    ):
        yield client


def show(tools: Tools, client: Client, run_id: str, pull: PullRequest) -> None:
    """Makes GitHub show what is known of a run."""
    record = tools.store.record(run_id)
    assert record is not None
    at = standing(record.run, pull, tools.store.current(record.run.pull))
    if at is Standing.SUPERSEDED:
        supersede(tools, client, record, pull.head_sha)
        supersede_stress(tools, client, record.run, pull.head_sha)
        return
    if record.outcome is None:
        ensure_check(tools, client, record)
        return
    report = tools.store.report(run_id)
    if record.outcome.ending is Ending.REPORT and report is None:
        tools.store.forget_outcome(run_id)
        tools.send(Job.CHECK, run_id)
        return
    try:
        check = ensure_check(tools, client, record)
        conclude(client, record.run, check, _output(tools, record.run, record.outcome, report))
    except (NotThere, Rejected):
        # After a force-push GitHub may know the commit no more, and that is the end of it.
        if client.pull(record.run.repository, record.run.number).head_sha == record.run.head:
            raise
        tools.store.close(run_id, shown=False)
        return
    if at is Standing.CURRENT:
        _show_comment(tools, client, record.run, record.outcome, report)
        # What was suggested for an earlier push may well stand: that is known once this one is studied.
        if record.outcome.ending in JUDGED and not tools.store.is_study_wanted(run_id):
            show_suggestions(client, record.run, pull, check.bot, report)
    # Of a closed pull request the comment is still to be written, should it be opened again.
    show_stress(tools, client, record.run)
    tools.store.close(run_id, shown=at is Standing.CURRENT)


def supersede(tools: Tools, client: Client, record: Record, new_head: str) -> None:
    """Concludes the check of a run that another one has taken the place of, unless it is concluded."""
    if not tools.store.is_open(record.run.id):
        return
    try:
        check = find_check(client, _check_of(record))
        if check is not None and check.conclusion is None:
            conclude(client, record.run, check, words.superseded(tools.context(record.run), new_head))
    except (NotThere, Rejected) as error:
        log.info("the superseded check is gone", run=record.run.id, error=str(error))
    tools.store.close(record.run.id, shown=False)


def ensure_check(tools: Tools, client: Client, record: Record) -> CheckRun:
    """The check run that stands for a run; made, in progress, where there is none."""
    wanted = _check_of(record)
    check = find_check(client, wanted)
    if check is None:
        check = create_check(client, wanted, words.in_progress(tools.context(record.run)))
    tools.store.checked_by(record.run.id, check.id)
    return check


def _check_of(record: Record) -> CheckOf:
    return CheckOf(record.run, CHECK_NAME, record.check_id)


def _output(tools: Tools, run: Run, outcome: Outcome, report: Report | None) -> CheckOutput:
    about = tools.context(run)
    if outcome.ending is Ending.NOT_APPLICABLE:
        return words.not_applicable(about, tools.profile.title)
    if outcome.ending is Ending.COMMIT_GONE:
        return words.commit_gone(about)
    if outcome.ending is Ending.BROKEN or report is None:
        return words.broken(about, outcome.reason)
    return words.concluded(report, about, tools.profile)


def _show_comment(tools: Tools, client: Client, run: Run, outcome: Outcome, report: Report | None) -> None:
    """One sticky comment; a new one only where there is something to say."""
    if outcome.ending is Ending.NOT_APPLICABLE:
        report = _nothing_watched(tools, run)
    if report is None:
        return
    body = comment(report, tools.context(run), tools.profile, stress_section(tools, run))
    may_create = worth_a_comment(report) or stress_is_worth_a_comment(tools, run)
    try:
        _write_comment(tools, client, run, body, may_create=may_create)
    except (NotThere, Rejected, Forbidden) as error:
        # A locked conversation, for one. The check has said it all.
        log.warning("could not comment", run=run.id, error=str(error))


def _nothing_watched(tools: Tools, run: Run) -> Report:
    """What a comment about an earlier push is replaced with."""
    return Report(
        verdict=Verdict.NOT_APPLICABLE,
        profile=tools.profile.name,
        base=Commit(sha=run.base),
        head=Commit(sha=run.head),
        page_sizes=tools.settings.page_sizes,
        rules=(),
        targets=(),
        changes=(),
        errors=(),
    )


def _write_comment(tools: Tools, client: Client, run: Run, body: str, *, may_create: bool) -> None:
    shown = _find_comment(tools, client, run)
    if shown is None:
        if may_create:
            tools.store.commented(run.pull, client.create_comment(run.repository, run.number, body).id)
        return
    tools.store.commented(run.pull, shown.id)
    if not same_text(shown.body, body):
        client.update_comment(run.repository, shown.id, body)


def _find_comment(tools: Tools, client: Client, run: Run) -> Comment | None:
    known = tools.store.comment_id(run.pull)
    if known is not None:
        try:
            return client.comment(run.repository, known)
        except NotThere:  # somebody deleted it
            tools.store.commented(run.pull, None)
    ours = (
        shown
        for shown in client.comments(run.repository, run.number)
        if shown.app_id == client.app_id and shown.body.startswith(MARKER)
    )
    return next(ours, None)
