"""Branches: what a merge queue is about to merge, and what landed on the default branch."""

from __future__ import annotations

from dataclasses import replace

import structlog

from workers.beginning import begin, supersede_others
from workers.github import NotThere
from workers.pulls import Touched, ruled
from workers.requests import MergeGroupEvent, PushEvent
from workers.ruling import rule
from workers.rulings import Remote
from workers.runs import Run, watched
from workers.tools import Tools
from workers.writing import writing

log = structlog.get_logger(__name__)


def look_at_group(tools: Tools, _delivery_id: str, event: MergeGroupEvent) -> None:
    """The head of a merge group against its base; the queue waits for the check. Raises `Busy`, `GitHubError`."""
    _look(tools, run_of_group(event), is_over=event.action == "destroyed")


def run_of_group(event: MergeGroupEvent) -> Run:
    """The run that a merge group wants."""
    return Run(
        installation_id=event.installation_id,
        repository=event.repository,
        number=None,
        base=event.base_sha,
        head=event.head_sha,
        clone_url=event.clone_url,
        ref=event.base_ref,
        queue=event.head_ref,
    )


def look_at_push(tools: Tools, _delivery_id: str, event: PushEvent) -> None:
    """What a push brought to the default branch, so that its own findings are known. Raises `Busy`, `GitHubError`.

    A new branch brought nothing that was not pushed before.
    """
    if not event.before.strip("0"):
        return
    run = Run(
        installation_id=event.installation_id,
        repository=event.repository,
        number=None,
        base=event.before,
        head=event.after,
        clone_url=event.clone_url,
        ref=event.ref,
    )
    _look(tools, run)


def _look(tools: Tools, run: Run, *, is_over: bool = False) -> None:
    with writing(tools, run.place, run.installation_id) as client:
        if is_over:
            supersede_others(tools, client, run.place, "", run.head)
            return
        try:
            compared = client.compare(run.repository, run.base, run.head)
        except NotThere:
            log.info("the commits are gone", run=run.id)
            return
        touched = Touched(compared.files or (), complete=compared.files is not None)
        remote = Remote(run.repository, run.clone_url, client.token)
        tip = run.head if not run.queue else tools.rulings.tip(remote, run.ref) or run.base
        source = ruled(tools, remote, run.ref, tip, run.head, touched)
        if tip == run.head and source.proposed is not None:
            # What the push brings rules at once, so that its mistakes need be told only once.
            source = replace(source, broken=None)
        ruling = rule(source)
        interesting, names = watched(touched.files, touched.complete, ruling.watches)
        interesting = interesting and bool(ruling.profiles)
        # The queue waits for an answer whatever a group touches; nobody waits for one about a push.
        if ruling.is_silent or not (run.queue or interesting or ruling.news.proposed is not None):
            log.info("nothing that is watched", run=run.id)
            supersede_others(tools, client, run.place, "", run.head)
            return
        begin(tools, client, replace(run, files=names), source, None, interesting=interesting)
