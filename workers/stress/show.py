"""GitHub shows the stress of a run: a check of its own, and a section of the comment.

Whoever calls holds the lock of the pull request, as for all that is published; `show_progress` takes it itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import structlog

from workers.check_runs import CheckOf, Checks
from workers.github import Client, NotThere, Rejected
from workers.report import check as words
from workers.report import stress as stress_words
from workers.report.context import CheckOutput, Context
from workers.report.markdown import Blocks, no_blocks
from workers.runs import Run
from workers.store import Record
from workers.stress.due import due, result_of
from workers.stress.job import LONGEST_SECONDS, UNTRUSTED, Asked, begin, plan_for, want_stress
from workers.stress.processes import page_name
from workers.stress.progress import PageProgress, Progress, Stage
from workers.stress.result import Conclusion, Result
from workers.stress.store import BUILD, Stress, preview_part
from workers.tools import Job, Tools
from workers.trust import Distrust
from workers.writing import writing

CHECK_NAME = "pagewarden / stress"

log = structlog.get_logger(__name__)


def show_progress(tools: Tools, run_id: str) -> None:
    """The job: the check tells how far the stress is. Raises `Busy`, `GitHubError`."""
    record, state = tools.store.record(run_id), tools.stresses.get(run_id)
    if record is None or state is None or state.over:
        return
    with writing(tools, record.run.place, record.run.installation_id) as client:
        # Asked again under the lock: it may be over by now, and that is another job's to tell.
        state = tools.stresses.get(run_id)
        if state is not None and not state.over:
            _show(tools, client, record, state)


def show_stress(tools: Tools, client: Client, record: Record) -> None:
    """Makes GitHub show what is known of the stress of a run, if it is to be stressed."""
    state = tools.stresses.get(record.run.id)
    if state is not None:
        _show(tools, client, record, state)


def supersede_stress(tools: Tools, client: Client, record: Record, new_head: str) -> None:
    """Ends the stress of a run that another one has taken the place of, and concludes its check."""
    state = tools.stresses.get(record.run.id)
    if state is None or result_of(state) is not None:
        return
    tools.stresses.end(record.run.id)
    superseded = words.superseded(stress_context(tools, record, state), new_head)
    try:
        Checks(client, tools.shown).end(_check_of(tools, record.run, state), superseded)
    except (NotThere, Rejected) as error:
        log.info("the superseded check is gone", run=record.run.id, error=str(error))


def restress(tools: Tools, client: Client, record: Record, cause: str, asked: Asked) -> bool:
    """A new attempt at the stress of a run, once for each `cause`; what is under way ends. Whether there is any."""
    run, state = record.run, tools.stresses.get(record.run.id)
    if plan_for(tools, run.id, asked) is None:
        return False
    if state is not None and not state.over and not tools.stresses.has_attempt(run.id, cause):
        tools.stresses.end(run.id)
        about = stress_context(tools, record, state)
        ended = words.finished(words.cancelled(about, asked.by, words.STRESSED), about)
        Checks(client, tools.shown).end(_check_of(tools, run, state), ended)
    want_stress(tools, run.id, cause, asked)
    begin(tools, run.id)
    tools.send(Job.SHOW_STRESS, run.id)
    return True


def stress_section(tools: Tools, record: Record) -> Blocks:
    """The comment's section; no blocks where a run is not stressed."""
    state = tools.stresses.get(record.run.id)
    seen = seen_of(state) if state is not None else None
    if state is None or seen is None:
        return no_blocks
    about = stress_context(tools, record, state)
    return lambda cap: stress_words.section_for_comment(seen, about, cap)


def stress_is_worth_a_comment(tools: Tools, run: Run) -> bool:
    """Whether it found what nobody may miss."""
    state = tools.stresses.get(run.id)
    result = result_of(state) if state is not None else None
    return result is not None and result.conclusion is Conclusion.FAIL


def stress_context(tools: Tools, record: Record, state: Stress) -> Context:
    """What the texts need to know; `details_url` is the run's page, where runs have pages."""
    page = page_url(tools, record.run)
    return replace(tools.context(record), details_url=page, attempt=state.attempt, asked_by=state.asked_by)


def page_url(tools: Tools, run: Run) -> str | None:
    """The address of a run's page; who does not know it cannot guess it. `None` where no `public_url` is set."""
    if tools.settings.public_url is None:
        return None
    secret = tools.settings.webhook_secret.get_secret_value().encode()
    key = hmac.new(secret, f"page of {run.id}".encode(), hashlib.sha256).hexdigest()[:32]
    tools.stresses.keep_page(key, run.id)
    return f"{tools.settings.public_url}/runs/{key}"


def seen_of(state: Stress) -> Result | Progress | None:
    """What there is to tell; `None` where nothing is, as nothing was run."""
    result = result_of(state)
    if result is not None:
        return result
    return None if state.over else progress_of(state)


def progress_of(state: Stress) -> Progress:
    """How far a stress run is, from what the parts tell."""
    libpas = [_libpas_at(state, size) for size in state.page_sizes] if state.plan.libpas else []
    preview = [_preview_at(state, size) for size in state.plan.preview_page_sizes]
    begun = any(part.starts for part in state.parts.values())
    return Progress(state.plan.machine, tuple(libpas), state.since if begun else None, tuple(preview))


def _libpas_at(state: Stress, page_size: int) -> PageProgress:
    part = page_name(page_size)
    if state.part(part).result is not None:
        return PageProgress(page_size, Stage.DONE)
    if (told := _running(state, part)) is not None:
        return told
    if state.part(BUILD).result is not None:
        return PageProgress(page_size, Stage.WAITING if part in due(state) else Stage.LEFT_OUT)
    building = _told(state, BUILD)
    return replace(building, page_size=page_size) if building is not None else PageProgress(page_size)


def _preview_at(state: Stress, page_size: int) -> PageProgress:
    part = preview_part(page_size)
    if state.part(part).result is not None:
        return PageProgress(page_size, Stage.DONE)
    told = _running(state, part)
    return told or PageProgress(page_size, Stage.WAITING if part in due(state) else Stage.UNBUILT)


def _running(state: Stress, part: str) -> PageProgress | None:
    told = _told(state, part)
    return told if told is not None and told.stage is Stage.RUNNING else None


def _told(state: Stress, part: str) -> PageProgress | None:
    told = state.part(part).progress
    return Progress.from_json(json.loads(told)).pages[0] if told is not None else None


def _show(tools: Tools, client: Client, record: Record, state: Stress) -> None:
    about = stress_context(tools, record, state)
    wanted = _output(state, about)
    if wanted is not None:
        Checks(client, tools.shown).show(_check_of(tools, record.run, state), words.finished(wanted, about))


def _check_of(tools: Tools, run: Run, state: Stress) -> CheckOf:
    return CheckOf(run, CHECK_NAME, state.attempt, page_url(tools, run), tools.link(run))


def _output(state: Stress, about: Context) -> CheckOutput | None:
    if state.cancelled_by is not None:
        return words.cancelled(about, state.cancelled_by, words.STRESSED)
    if state.timed_out:
        return words.timed_out(about, f"{LONGEST_SECONDS / 3600:g} hours", words.STRESSED)
    if state.refused in UNTRUSTED:
        return stress_words.waiting_for_approval(about, Distrust(state.refused).value)
    if state.refused is not None:
        return stress_words.not_offered(about, state.refused)
    match seen_of(state):
        case Result() as result:
            return stress_words.concluded(result, about)
        case Progress(started=None) as progress:
            return stress_words.queued(about, progress)
        case Progress() as progress:
            return stress_words.progress(about, progress)
        case None:
            return None
