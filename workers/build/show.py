"""GitHub shows the preview build of a run: a check of its own, and the table in the comment.

Whoever calls holds the lock of the pull request, as for all that is published.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from workers.build.driver import State
from workers.build.job import NOT_OFFERED, UNTRUSTED, begin, order_for, withdraw
from workers.build.result import Made, Row, RowState
from workers.build.rows import row_of, table
from workers.build.store import Build
from workers.check_runs import CheckOf, Checks
from workers.github import Client, NotThere, Rejected
from workers.refreshing import refresh
from workers.report import check as words
from workers.report import preview as preview_words
from workers.report.context import CheckOutput, Context
from workers.report.markdown import Blocks, no_blocks
from workers.runs import Run
from workers.store import Record
from workers.stress.show import page_url
from workers.tools import Tools
from workers.trust import Distrust

CHECK_NAME = "pagewarden / preview"

log = structlog.get_logger(__name__)


def show_build(tools: Tools, client: Client, record: Record) -> None:
    """Makes GitHub show what is known of the build of a run, if it is to be built."""
    state = tools.builds.get(record.run.id)
    if state is None:
        return
    about = _context(tools, record, state)
    wanted = _output(state, about)
    if wanted is not None:
        finished = words.finished(wanted, about, words.PREVIEW_BUTTONS)
        Checks(client, tools.shown).show(_check_of(tools, record.run, state), finished)


def supersede_build(tools: Tools, client: Client, record: Record, new_head: str) -> None:
    """Ends the build of a run that another one has taken the place of, and concludes its check."""
    state = tools.builds.get(record.run.id)
    if state is not None:
        output = words.superseded(_context(tools, record, state), new_head)
        _end(tools, client, record, state, output, superseded_by=new_head)


def close_builds(tools: Tools, client: Client, place: str) -> None:
    """Ends the builds of a pull request that was closed, and concludes their checks. Raises `GitHubError`."""
    for run_id in tools.builds.open_runs_of(place):
        record, state = tools.store.record(run_id), tools.builds.get(run_id)
        if record is None or state is None:
            tools.builds.forget(run_id)
            continue
        _end(tools, client, record, state, preview_words.closed(_context(tools, record, state)), closed="1")


def rebuild(tools: Tools, client: Client, record: Record, cause: str, by: str) -> bool:
    """A new attempt at the build of a run, once for each `cause`, under the settings that rule now; what is under way
    ends. Whether there is any. Raises `GitHubError`, `GitError`."""
    run_id, state = record.run.id, tools.builds.get(record.run.id)
    refresh(tools, client, record.run)
    order = order_for(tools, run_id, asked=True)
    if order is None:
        return False
    if not tools.builds.has_attempt(run_id, cause):
        if state is not None and not state.over:
            output = words.cancelled(_context(tools, record, state), by, words.BUILT)
            _end(tools, client, record, state, output, cancelled_by=by)
        tools.builds.want(run_id, order, cause, by)
    begin(tools, run_id)
    show_build(tools, client, record)
    return True


def preview_section(tools: Tools, record: Record) -> Blocks:
    """The comment's table; no blocks where nothing of the pull request was ever to be built."""
    rows = _rows(tools, record)
    if not rows:
        return no_blocks
    state = tools.builds.get(record.run.id)
    about = _context(tools, record, state) if state is not None else tools.context(record)
    made = state.made if state is not None else None
    return lambda cap: preview_words.section_for_comment(rows, made, about, cap)


def build_is_worth_a_comment(tools: Tools, record: Record, *, on_success: bool) -> bool:
    """Whether there is a preview that people may want, where they want to hear of what went well, or a build failed."""
    made = made_of(tools, record)
    return made is not None and (on_success or not made.is_good)


def made_of(tools: Tools, record: Record) -> Made | None:
    """What came of the build of a run."""
    state = tools.builds.get(record.run.id)
    return state.made if state is not None else None


def _rows(tools: Tools, record: Record) -> tuple[Row, ...]:
    told = []
    for run_id in tools.builds.runs_of_place(record.run.place):
        state, its_record = tools.builds.get(run_id), tools.store.record(run_id)
        if state is not None and its_record is not None:
            row = row_of(state, _context(tools, its_record, state).check_url or "")
            # Leave is asked for, and given, for the present head only.
            if row is not None and (row.state != RowState.WAITING or run_id == record.run.id):
                told.append(row)
    return table(told, tools.builds.rows(record.run.place))


def _end(tools: Tools, client: Client, record: Record, state: Build, output: CheckOutput, **why: str) -> None:
    """Ends a build of which nobody waits for more; what came of it already stands. `why`: fields of `Build`.

    First its check: nobody comes back to that of a build that is over.
    """
    if state.made is None:
        _end_check(tools, client, record, state, output)
        withdraw(tools, client, record.run.id, **why)
    else:
        _end_check(tools, client, record, state, preview_words.concluded(state.made, _context(tools, record, state)))
        tools.builds.end(record.run.id)


def _end_check(tools: Tools, client: Client, record: Record, state: Build, output: CheckOutput) -> None:
    """Concludes a check of which nothing more is to come."""
    about = _context(tools, record, state)
    finished = words.finished(output, about, words.PREVIEW_BUTTONS)
    try:
        Checks(client, tools.shown).end(_check_of(tools, record.run, state), finished)
    except (NotThere, Rejected) as error:
        log.info("the check is gone", run=record.run.id, error=str(error))


def _context(tools: Tools, record: Record, state: Build) -> Context:
    page = page_url(tools, record.run)
    return replace(tools.context(record), details_url=page, attempt=state.attempt, asked_by=state.asked_by)


def _check_of(tools: Tools, run: Run, state: Build) -> CheckOf:
    return CheckOf(run, CHECK_NAME, state.attempt, page_url(tools, run), tools.link(run))


def _output(state: Build, about: Context) -> CheckOutput | None:
    if state.made is not None:
        return preview_words.concluded(state.made, about)
    if state.cancelled_by is not None:
        return words.cancelled(about, state.cancelled_by, words.BUILT)
    if state.timed_out:
        return words.timed_out(about, f"{state.order.settings.minutes} minutes", words.BUILT)
    if state.closed:
        return preview_words.closed(about)
    if state.refused in UNTRUSTED:
        return preview_words.waiting_for_approval(about, Distrust(state.refused).value)
    if state.refused == NOT_OFFERED:
        return preview_words.not_offered(about, state.order.settings.driver or "")
    if state.over:
        return None
    if state.seen.state is State.QUEUED and not state.work.starts:
        return preview_words.queued(about)
    return preview_words.building(about, state.seen.url, state.begun or None)
