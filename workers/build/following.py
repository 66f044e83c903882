"""What webhooks tell of builds: a workflow went on, a pull request was closed."""

from __future__ import annotations

import structlog

from workers.build.actions import correlation_in
from workers.build.job import begin
from workers.build.show import close_builds
from workers.github import Client
from workers.requests import WorkflowRunEvent
from workers.tools import Tools

DAY_SECONDS = 24 * 3600.0

log = structlog.get_logger(__name__)


def look_at_workflow(tools: Tools, _delivery_id: str, event: WorkflowRunEvent) -> None:
    """A workflow run went on. Anybody can give one our name: this is only a hint to look at the one that is ours."""
    correlation = correlation_in(event.title)
    run_id = tools.builds.run_of(event.repository, correlation) if correlation is not None else None
    if run_id is None:
        log.info("not a build of ours", repository=event.repository, workflow_run=event.workflow_run_id)
        return
    begin(tools, run_id)


def close_previews(tools: Tools, client: Client, place: str) -> None:
    """A pull request was closed: what is being built for it ends, and what was released is removed in time.

    The caller holds the lock. Raises `GitHubError`.
    """
    close_builds(tools, client, place)
    for run_id in tools.builds.runs_of_place(place)[-1:]:
        state = tools.builds.get(run_id)
        if state is not None:
            order = state.order
            days = order.settings.remove_after_days
            due = tools.clock() + days * DAY_SECONDS
            tools.builds.clean_at(order.repository, order.installation_id, days, due)
