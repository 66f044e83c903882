"""Publish: GitHub shows what a run knows. Only what differs is written, so this may be repeated at any time.

Whatever writes holds the lock of its pull request or branch, and extends it before each request: a job that lost the
lock writes nothing more.
"""

from __future__ import annotations

import json

import structlog

from workers import comments
from workers.build.show import build_is_worth_a_comment, preview_section, show_build, supersede_build
from workers.check_runs import CheckOf, Checks
from workers.github import Client, GitHubError, NotThere, PullRequest, Rejected
from workers.github.failures import Forbidden
from workers.report import check as words
from workers.report.comment import Beside
from workers.report.context import CheckOutput, Judged, RelatedPull
from workers.report.gate import gated
from workers.report.settings_news import with_settings
from workers.ruling import Ruling
from workers.runs import Ending, Outcome, Run, Standing, standing, worth_a_comment, worth_advice
from workers.store import Record
from workers.stress.gate import gate_of
from workers.stress.show import page_url, show_stress, stress_is_worth_a_comment, stress_section, supersede_stress
from workers.suggestions import show_suggestions
from workers.tools import Job, Tools
from workers.writing import writing

CHECK_NAME = "pagewarden"
JUDGED = frozenset({Ending.REPORT, Ending.NOT_APPLICABLE})
"""Ends after which it is known what is wrong with a head."""

log = structlog.get_logger(__name__)


def publish(tools: Tools, run_id: str) -> None:
    """The job. Raises `Busy`, `GitHubError`."""
    record = tools.store.record(run_id)
    if record is None or not tools.store.is_open(run_id):
        log.info("nothing is left to be told", run=run_id)
        return
    run = record.run
    with writing(tools, run.place, run.installation_id) as client:
        if run.number is None:
            show(tools, client, run_id, None)
            return
        try:
            pull = client.pull(run.repository, run.number)
        except NotThere:
            log.info("the pull request is gone", run=run_id)
            tools.store.close(run_id, shown=True)
            return
        show(tools, client, run_id, pull)


def show(tools: Tools, client: Client, run_id: str, pull: PullRequest | None) -> None:
    """Makes GitHub show what is known of a run. `pull` is its pull request as it is now, `None` for a branch's."""
    record = tools.store.record(run_id)
    assert record is not None
    at = standing(record.run, pull, tools.store.current(record.run.place))
    if at is Standing.SUPERSEDED:
        new_head = pull.head_sha if pull is not None else record.run.head
        supersede(tools, client, record, new_head)
        supersede_build(tools, client, record, new_head)
        supersede_stress(tools, client, record, new_head)
        return
    if record.outcome is None:
        show_check(tools, client, record, words.in_progress(tools.context(record)), pull)
        comments.strike(tools, client, record.run)
        return
    reports = tools.store.reports(run_id)
    if record.outcome.ending is Ending.REPORT and not reports:
        tools.store.forget_outcome(run_id)
        tools.send(Job.CHECK, run_id)
        return
    ruling = tools.ruling(run_id)
    judged = ruling.judged(reports)
    try:
        bot = show_check(tools, client, record, _output(tools, record, record.outcome, ruling, judged), pull)
    except (NotThere, Rejected):
        # After a force-push GitHub may know the commit no more, and that is the end of it.
        if _is_still_there(client, record.run):
            raise
        tools.store.close(run_id, shown=False)
        return
    if at is Standing.CURRENT and pull is not None:
        _converse(tools, client, record, ruling, judged, pull, bot)
    # Of a closed pull request the comment is still to be written, should it be opened again.
    show_build(tools, client, record)
    show_stress(tools, client, record)
    tools.store.close(run_id, shown=at is Standing.CURRENT)


def supersede(tools: Tools, client: Client, record: Record, new_head: str) -> None:
    """Concludes the check of a run that another one has taken the place of, unless it is concluded."""
    try:
        Checks(client, tools.shown).end(check_of(tools, record), words.superseded(tools.context(record), new_head))
    except (NotThere, Rejected) as error:
        log.info("the superseded check is gone", run=record.run.id, error=str(error))
    tools.store.close(record.run.id, shown=False)


def show_check(
    tools: Tools, client: Client, record: Record, output: CheckOutput, pull: PullRequest | None
) -> str | None:
    """Makes the run's check what it should be, and tells the login that our App comments under."""
    remembered = pull is not None and tools.shown.remembers(pull.updated_at)
    finished = words.finished(output, tools.context(record))
    return Checks(client, tools.shown, remembered).show(check_of(tools, record), finished).bot


def check_of(tools: Tools, record: Record) -> CheckOf:
    """The main check of a run."""
    return CheckOf(record.run, CHECK_NAME, record.attempt, page_url(tools, record.run), tools.link(record.run))


def _is_still_there(client: Client, run: Run) -> bool:
    if run.number is None:
        return False
    return client.pull(run.repository, run.number).head_sha == run.head


def _output(tools: Tools, record: Record, outcome: Outcome, ruling: Ruling, judged: tuple[Judged, ...]) -> CheckOutput:
    about, news = tools.context(record), ruling.news
    match outcome.ending:
        case Ending.NOT_APPLICABLE:
            titles = [profile.title for profile in ruling.profiles]
            return with_settings(words.not_applicable(about, ", ".join(titles)), news, about)
        case Ending.COMMIT_GONE:
            return words.commit_gone(about)
        case Ending.TIMED_OUT:
            return words.timed_out(about, outcome.reason)
        case Ending.CANCELLED:
            return words.cancelled(about, outcome.reason)
        case Ending.DRAFT:
            return with_settings(words.draft(about), news, about)
        case Ending.REPORT if judged:
            output = with_settings(words.concluded(judged, about), news, about)
            gate = gate_of(tools, record, ruling)
            return gated(output, gate, about) if gate is not None else output
        case _:
            return words.broken(about, outcome.reason)


def _converse(
    tools: Tools,
    client: Client,
    record: Record,
    ruling: Ruling,
    judged: tuple[Judged, ...],
    pull: PullRequest,
    bot: str | None,
) -> None:
    """The comment, the labels and the suggestions."""
    run, outcome = record.run, record.outcome
    assert outcome is not None
    if outcome.ending not in JUDGED:
        comments.strike(tools, client, run)
        return
    beside = Beside(
        related=_related(tools, run),
        preview=preview_section(tools, record),
        stress=stress_section(tools, record),
        settings=ruling.news,
    )
    loud = any(worth_a_comment(each.report, on_success=ruling.settings.comment.on_success) for each in judged)
    loud = loud or stress_is_worth_a_comment(tools, run)
    loud = loud or build_is_worth_a_comment(tools, record, on_success=ruling.settings.comment.on_success)
    comments.show_comment(tools, client, record, judged, beside, pull, may_create=loud)
    if loud:
        _label(tools, client, run, ruling.settings.labels)
    # What was suggested for an earlier push may well stand: that is known once this one is studied.
    if not (tools.store.is_study_wanted(run.id) and any(worth_advice(each.report) for each in judged)):
        wanted = [each.report for each in judged] if ruling.settings.suggestions else []
        show_suggestions(client, run, pull, bot, wanted)


def _related(tools: Tools, run: Run) -> tuple[RelatedPull, ...]:
    kept = tools.store.related(run.id)
    return tuple(RelatedPull.from_json(each) for each in json.loads(kept)) if kept is not None else ()


def _label(tools: Tools, client: Client, run: Run, labels: tuple[str, ...]) -> None:
    assert run.number is not None
    new = [label for label in labels if tools.shown.label_once(run.place, label)]
    if not new:
        return
    try:
        client.add_labels(run.repository, run.number, new)
    except (NotThere, Rejected, Forbidden) as error:
        log.warning("could not label", run=run.id, error=str(error))
    except GitHubError:
        for label in new:
            tools.shown.unlabel(run.place, label)
        raise
