"""Leave to build and run the head of a pull request: asked for just before, as what was true may be so no more."""

from __future__ import annotations

from enum import StrEnum

import structlog

from workers.github import Client, NotThere
from workers.runs import Run
from workers.tools import Tools
from workers.trust import Distrust, distrust

log = structlog.get_logger(__name__)


class Leave(StrEnum):
    """Whether a head may be built and run, where no `Distrust` stands against it."""

    GRANTED = "granted"
    CLOSED = "closed"
    """It is granted, and the pull request is closed: what is under way may end, and nothing begins."""
    MOOT = "moot"
    """The pull request is gone, or has another head now."""


def leave_for(tools: Tools, run: Run) -> Leave | Distrust:
    """What GitHub says now. Of what was pushed to a branch or a merge queue, somebody with write access has decided.

    Raises `GitHubError`.
    """
    if run.number is None:
        return Leave.GRANTED
    with tools.github.client(run.installation_id) as client:
        try:
            pull = client.pull(run.repository, run.number)
        except NotThere:
            return Leave.MOOT
        if pull.head_sha != run.head:
            log.info("GitHub has another head", run=run.id)
            return Leave.MOOT
        reason = distrust(pull, tools.ruling(run.id).settings.trusted_bots)
        if reason is None or _is_approved(tools, client, run):
            return Leave.GRANTED if pull.open else Leave.CLOSED
    log.info("not run without leave", run=run.id, reason=reason)
    return reason


def _is_approved(tools: Tools, client: Client, run: Run) -> bool:
    """Whether this very commit has leave, from somebody who may still give it."""
    approval = tools.trust.approval(run.place)
    if approval is None or approval.sha != run.head:
        return False
    if tools.trust.may_write(client, run.repository, approval.by, anew=True):
        return True
    log.info("who approved has lost write access", run=run.id, by=approval.by)
    tools.trust.void(run.place)
    return False
