"""Intake: takes a delivery from the inbox and does what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from workers.branches import look_at_group, look_at_push
from workers.build.following import close_previews, look_at_workflow
from workers.conversation.answer import answer
from workers.conversation.buttons import press, rerun_suite
from workers.github import NotThere
from workers.plain import Plain
from workers.pulls import begin_pull
from workers.requests import (
    KINDS,
    CheckEvent,
    CommentEvent,
    MergeGroupEvent,
    PullRequestEvent,
    PushEvent,
    SuiteEvent,
    UninstalledEvent,
    WorkflowRunEvent,
)
from workers.tools import Tools
from workers.writing import writing

log = structlog.get_logger(__name__)


def intake(tools: Tools, delivery_id: str) -> None:
    """The job. Raises `Busy`, `GitHubError`, `GitError`."""
    delivery = tools.inbox.get(delivery_id)
    if delivery is None or not tools.inbox.is_pending(delivery_id):
        return
    request = KINDS[delivery.event].from_json(delivery.request)
    _WORK[type(request)](tools, delivery_id, request)
    tools.inbox.done(delivery_id)


def _look(tools: Tools, delivery_id: str, event: PullRequestEvent) -> None:
    with writing(tools, event.pull, event.installation_id) as client:
        try:
            pull = client.pull(event.repository, event.number)
        except NotThere:
            log.info("the pull request is gone", repository=event.repository, number=event.number)
            return
        if pull.repository == event.repository:
            # What runs for a closed one still concludes its check, but nothing begins and nobody is told.
            if pull.open:
                begin_pull(tools, client, event.installation_id, pull)
            else:
                close_previews(tools, client, event.pull)
            return
    # Renamed meanwhile. All else is known, and locked, under the new name; and where PyGithub follows a redirection
    # it drops the query, so that of a list's pages only the first would be seen.
    _look(tools, delivery_id, replace(event, repository=pull.repository))


def _forget_installation(tools: Tools, _delivery_id: str, event: UninstalledEvent) -> None:
    tools.tokens.forget_token(event.installation_id)


_WORK: Mapping[type[Plain], Callable[[Tools, str, Any], None]] = {
    PullRequestEvent: _look,
    CommentEvent: answer,
    CheckEvent: press,
    SuiteEvent: rerun_suite,
    MergeGroupEvent: look_at_group,
    PushEvent: look_at_push,
    UninstalledEvent: _forget_installation,
    WorkflowRunEvent: look_at_workflow,
}
