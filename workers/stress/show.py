"""GitHub shows the stress of a run: a check of its own, and a section of the comment.

Whoever calls holds the lock of the pull request, as for all that is published; `show_progress` takes it itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import structlog

from workers.check_runs import CheckOf, conclude, create_check, find_check
from workers.github import Client, NotThere, Rejected
from workers.report import check as words
from workers.report import stress as stress_words
from workers.report.context import CheckOutput, Context
from workers.report.markdown import Blocks, no_blocks
from workers.runs import Run
from workers.stress.job import FORK, result_of
from workers.stress.processes import page_name
from workers.stress.progress import PageProgress, Progress, Stage
from workers.stress.result import Conclusion, Result
from workers.stress.store import BUILD, Stress
from workers.tools import Tools

CHECK_NAME = "pagewarden / stress"

log = structlog.get_logger(__name__)


def show_progress(tools: Tools, run_id: str) -> None:
    """The job: the check tells how far the stress is. Raises `Busy`, `GitHubError`."""
    record, state = tools.store.record(run_id), tools.stresses.get(run_id)
    if record is None or state is None or state.over:
        return
    run = record.run
    with (
        tools.store.lock(run.pull) as held,
        tools.github.client(run.installation_id, before=held.extend) as client,
    ):
        # Asked again under the lock: it may be over by now, and that is another job's to tell.
        state = tools.stresses.get(run_id)
        if state is not None and not state.over:
            _show(tools, client, run, state)


def show_stress(tools: Tools, client: Client, run: Run) -> None:
    """Makes GitHub show what is known of the stress of a run, if it is to be stressed."""
    state = tools.stresses.get(run.id)
    if state is not None:
        _show(tools, client, run, state)


def supersede_stress(tools: Tools, client: Client, run: Run, new_head: str) -> None:
    """Ends the stress of a run that another one has taken the place of, and concludes its check."""
    state = tools.stresses.get(run.id)
    if state is None or result_of(state) is not None:
        return
    tools.stresses.end(run.id)
    try:
        shown = find_check(client, _check_of(tools, run, state))
        if shown is not None and shown.conclusion is None:
            conclude(client, run, shown, words.superseded(tools.context(run), new_head))
    except (NotThere, Rejected) as error:
        log.info("the superseded check is gone", run=run.id, error=str(error))


def stress_section(tools: Tools, run: Run) -> Blocks:
    """The comment's section; no blocks where a run is not stressed."""
    state = tools.stresses.get(run.id)
    seen = seen_of(state, tools.settings.stress_machine) if state is not None else None
    about = stress_context(tools, run)
    if seen is None:
        return no_blocks
    return lambda cap: stress_words.section_for_comment(seen, about, cap)


def stress_is_worth_a_comment(tools: Tools, run: Run) -> bool:
    """Whether it found what nobody may miss."""
    state = tools.stresses.get(run.id)
    result = result_of(state) if state is not None else None
    return result is not None and result.conclusion is Conclusion.FAIL


def stress_context(tools: Tools, run: Run) -> Context:
    """What the texts need to know; `details_url` is the run's page, where runs have pages."""
    return replace(tools.context(run), details_url=page_url(tools, run))


def page_url(tools: Tools, run: Run) -> str | None:
    """The address of a run's page; who does not know it cannot guess it. `None` where no `public_url` is set."""
    if tools.settings.public_url is None:
        return None
    secret = tools.settings.webhook_secret.get_secret_value().encode()
    key = hmac.new(secret, f"page of {run.id}".encode(), hashlib.sha256).hexdigest()[:32]
    tools.stresses.keep_page(key, run.id)
    return f"{tools.settings.public_url}/runs/{key}"


def seen_of(state: Stress, machine: str) -> Result | Progress | None:
    """What there is to tell; `None` where nothing is, as nothing was run."""
    result = result_of(state)
    if result is not None:
        return result
    return None if state.over else progress_of(state, machine)


def progress_of(state: Stress, machine: str) -> Progress:
    """How far a stress run is, from what the parts tell."""
    building = _told(state, BUILD)
    pages = []
    for size in state.page_sizes:
        own = state.part(page_name(size))
        if own.result is not None:
            page = PageProgress(size, Stage.DONE)
        elif (told := _told(state, page_name(size))) is not None and told.stage is Stage.RUNNING:
            page = told
        elif building is not None and state.part(BUILD).result is None:
            page = replace(building, page_size=size)
        else:
            page = PageProgress(size)
        pages.append(page)
    begun = any(part.starts for part in state.parts.values())
    return Progress(machine, tuple(pages), state.since if begun else None)


def _told(state: Stress, part: str) -> PageProgress | None:
    told = state.part(part).progress
    return Progress.from_json(json.loads(told)).pages[0] if told is not None else None


def _show(tools: Tools, client: Client, run: Run, state: Stress) -> None:
    wanted = _output(tools, run, state)
    if wanted is None:
        return
    check = _check_of(tools, run, state)
    shown = find_check(client, check)
    if shown is None:
        shown = create_check(client, check, wanted)
    tools.stresses.checked_by(run.id, shown.id)
    conclude(client, run, shown, wanted)


def _check_of(tools: Tools, run: Run, state: Stress) -> CheckOf:
    return CheckOf(run, CHECK_NAME, state.check_id, page_url(tools, run))


def _output(tools: Tools, run: Run, state: Stress) -> CheckOutput | None:
    about = stress_context(tools, run)
    if state.refused == FORK:
        return stress_words.waiting_for_approval(about)
    if state.refused is not None:
        return stress_words.not_offered(about, state.refused)
    seen = seen_of(state, tools.settings.stress_machine)
    match seen:
        case Result():
            return stress_words.concluded(seen, about)
        case Progress(started=None):
            return stress_words.queued(about)
        case Progress():
            return stress_words.progress(about, seen)
        case None:
            return None
