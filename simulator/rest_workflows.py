"""Endpoints about workflows."""

from __future__ import annotations

from typing import Any

from simulator import run_resources, workflows
from simulator.rest import Answer, Problem, Request, endpoint, page_of, permission
from simulator.run_records import Workflow
from simulator.workflow_files import Refused

Json = Any
READ = permission("read", "actions")
WRITE = permission("write", "actions")
COLLECTION = "/repos/{owner}/{repo}/actions/workflows"
ONE = COLLECTION + "/{workflow_id}"


@endpoint("GET", COLLECTION, READ)
def list_workflows(request: Request) -> Answer:
    """The workflows of the default branch."""
    found = workflows.known(request.world, request.repository)
    shown, headers = page_of(request, found)
    return Answer({"total_count": len(found), "workflows": [_workflow(request, one) for one in shown]}, headers=headers)


@endpoint("GET", ONE, READ)
def get_workflow(request: Request) -> Answer:
    """One workflow, by its id or the name of its file."""
    return Answer(_workflow(request, find_workflow(request)))


@endpoint("POST", ONE + "/dispatches", WRITE)
def dispatch(request: Request) -> Answer:
    """Run a workflow as its file is at a branch or tag, by the App's bot. Of its run GitHub tells only if asked."""
    workflow, body = find_workflow(request), request.body
    if "return_run_details" in body and not request.world.switches.run_details:
        raise Problem(422, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    given, bot = body.get("inputs") or {}, request.installation.app.bot
    try:
        run = workflows.dispatch(request.world, request.repository, workflow, body["ref"], given, bot)
    except Refused as refused:
        raise Problem(422, str(refused)) from None
    if not body.get("return_run_details"):
        return Answer(None, 204)
    api, page = request.links.repository(request.repository), request.links.page(request.repository)
    run_url, html_url = (f"{root}/actions/runs/{run.id}" for root in (api, page))
    return Answer({"workflow_run_id": run.id, "run_url": run_url, "html_url": html_url})


def find_workflow(request: Request) -> Workflow:
    """The workflow that the path names. Raises `Problem` 404."""
    found = workflows.find(request.world, request.repository, request.path["workflow_id"])
    if found is None:
        raise Problem(404, "Not Found")
    return found


def _workflow(request: Request, one: Workflow) -> Json:
    name = workflows.name_of(request.repository, one)
    return run_resources.workflow(request.links, one, name, request.repository)
