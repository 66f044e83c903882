"""Buttons: what people press on our checks, and GitHub's own to run checks again."""

from __future__ import annotations

import structlog

from workers.beginning import begin_again
from workers.build.show import CHECK_NAME as PREVIEW_CHECK
from workers.build.show import rebuild
from workers.cancelling import cancel
from workers.check_runs import run_of
from workers.github import Client, NotThere
from workers.publish import CHECK_NAME
from workers.requests import CheckEvent, SuiteEvent
from workers.runs import Run, place_of
from workers.store import Record
from workers.stress.job import Asked
from workers.stress.show import restress
from workers.tools import Tools
from workers.writing import writing

log = structlog.get_logger(__name__)


def press(tools: Tools, delivery_id: str, event: CheckEvent) -> None:
    """The work for a button of one check. A fork's check names no pull request: its external id leads to it.

    Raises `Busy`, `GitHubError`, `GitError`.
    """
    run_id = run_of(event.external_id)
    with writing(tools, place_of(run_id), event.installation_id) as client:
        record = _current(tools, run_id)
        if record is None or not _may(tools, client, record.run, event.sender):
            log.info("not pressed", run=run_id, asked=event.asked, sender=event.sender)
            return
        is_stress = event.check_name not in {CHECK_NAME, PREVIEW_CHECK}
        if event.asked == "cancel":
            cancel(tools, run_id, event.sender)
        elif event.asked == "preview" or (event.asked == "rerun" and event.check_name == PREVIEW_CHECK):
            rebuild(tools, client, record, delivery_id, event.sender)
        elif event.asked == "stress" or is_stress:
            restress(tools, client, record, delivery_id, Asked(by=event.sender))
        else:
            begin_again(tools, client, record, delivery_id, event.sender)


def rerun_suite(tools: Tools, delivery_id: str, event: SuiteEvent) -> None:
    """The work for all our checks of a commit. Raises `Busy`, `GitHubError`, `GitError`."""
    for run_id in tools.store.runs_of(event.repository, event.head_sha):
        with writing(tools, place_of(run_id), event.installation_id) as client:
            record = _current(tools, run_id)
            if record is None or not _may(tools, client, record.run, event.sender):
                continue
            restress(tools, client, record, delivery_id, Asked(by=event.sender))
            rebuild(tools, client, record, delivery_id, event.sender)
            begin_again(tools, client, record, delivery_id, event.sender)


def _current(tools: Tools, run_id: str) -> Record | None:
    """A run that nothing has taken the place of."""
    record = tools.store.record(run_id)
    is_current = record is not None and tools.store.current(record.run.place) == run_id
    return record if is_current else None


def _may(tools: Tools, client: Client, run: Run, login: str) -> bool:
    """Whether somebody has write access, or is the author of the pull request."""
    if tools.trust.may_write(client, run.repository, login):
        return True
    if run.number is None:
        return False
    try:
        return client.pull(run.repository, run.number).author == login
    except NotThere:
        return False
