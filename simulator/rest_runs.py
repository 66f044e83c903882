"""Endpoints about workflow runs, their jobs and artifacts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator import downloads, run_resources, runs
from simulator.rest import Answer, Problem, Request, endpoint, page_of
from simulator.rest_workflows import ONE as WORKFLOW
from simulator.rest_workflows import READ, WRITE, find_workflow
from simulator.run_records import Artifact, WorkflowRun

Json = Any
ACTIONS = "/repos/{owner}/{repo}/actions"
ONE = ACTIONS + "/runs/{run_id}"
ARTIFACT = ACTIONS + "/artifacts/{artifact_id}"
FILTERS: Mapping[str, Callable[[WorkflowRun], str]] = {
    "actor": lambda one: one.actor.login,
    "branch": lambda one: one.head_branch,
    "check_suite_id": lambda one: str(one.suite_id),
    "event": lambda _: "workflow_dispatch",
    "head_sha": lambda one: one.head_sha,
}
COMPARISON = re.compile(r"(>=|<=|>|<)?(.+)")
COMPARED: Mapping[str, Callable[[datetime, datetime, datetime], bool]] = {
    ">=": lambda one, first, _: one >= first,
    ">": lambda one, _, last: one >= last,
    "<=": lambda one, _, last: one < last,
    "<": lambda one, first, _: one < first,
    "": lambda one, first, last: first <= one < last,
}


@endpoint("GET", ACTIONS + "/runs", READ)
def list_runs(request: Request) -> Answer:
    """Workflow runs, the newest first."""
    return _listed(request, request.state.runs_of(request.repository))


@endpoint("GET", WORKFLOW + "/runs", READ)
def list_runs_of_workflow(request: Request) -> Answer:
    """Runs of one workflow, the newest first."""
    workflow = find_workflow(request)
    return _listed(request, [one for one in request.state.runs_of(request.repository) if one.path == workflow.path])


@endpoint("GET", ONE, READ)
def get_run(request: Request) -> Answer:
    """One workflow run."""
    return Answer(_run(request, _find(request)))


@endpoint("DELETE", ONE, WRITE)
def delete_run(request: Request) -> Answer:
    """Delete a workflow run that is completed."""
    run = _find(request)
    if run.status != "completed":
        raise Problem(403, "Could not delete the workflow run.")
    runs.remove(request.world, run)
    return Answer(None, 204)


@endpoint("POST", ONE + "/cancel", WRITE)
def cancel(request: Request) -> Answer:
    """Cancel a workflow run that is not completed."""
    with request.state.lock:
        run = _find(request)
        if run.status == "completed":
            raise Problem(409, "Cannot cancel a workflow run that is completed.")
        runs.finish(request.world, run, "cancelled", by=request.installation.app.bot)
    return Answer({}, 202)


@endpoint("POST", ONE + "/force-cancel", WRITE)
def force_cancel(request: Request) -> Answer:
    """The same: here no run is slow to stop."""
    return cancel(request)


@endpoint("GET", ONE + "/artifacts", READ)
def list_artifacts(request: Request) -> Answer:
    """What a run has uploaded, the newest first; also what has expired."""
    run = _find(request)
    found = [one for one in request.state.artifacts_of(run) if request.query.get("name", one.name) == one.name]
    if request.query.get("direction") == "asc":
        found.reverse()
    shown, headers = page_of(request, found)
    body = {"total_count": len(found), "artifacts": [_artifact(request, one, run) for one in shown]}
    return Answer(body, headers=headers)


@endpoint("GET", ONE + "/jobs", READ)
def list_jobs(request: Request) -> Answer:
    """The jobs of a run."""
    run = _find(request)
    found = request.state.jobs_of(run)
    shown, headers = page_of(request, found)
    body = [run_resources.job(request.links, one, run, request.repository) for one in shown]
    return Answer({"total_count": len(found), "jobs": body}, headers=headers)


@endpoint("GET", ACTIONS + "/jobs/{job_id}/logs", READ)
def get_log(request: Request) -> Answer:
    """The way to a job's log, which is there once the job is completed."""
    job = request.state.jobs.get(request.path["job_id"])
    if job is None or job.log is None:
        raise Problem(404, "Not Found")
    _visible(request, job.run_id)
    where = downloads.address(request.world, job.log, "job-logs.txt", "text/plain; charset=utf-8")
    return Answer(None, 302, {"Location": where})


@endpoint("GET", ARTIFACT, READ)
def get_artifact(request: Request) -> Answer:
    """One artifact."""
    return Answer(_artifact(request, *_find_artifact(request)))


@endpoint("GET", ARTIFACT + "/{archive_format}", READ)
def get_archive(request: Request) -> Answer:
    """The way to an artifact's zip archive."""
    artifact, _ = _find_artifact(request)
    if request.path["archive_format"] != "zip":
        raise Problem(404, "Not Found")
    if artifact.expires_at <= request.state.now():
        raise Problem(410, "Artifact has expired")
    where = downloads.address(request.world, artifact.stored, f"{artifact.name}.zip", "application/zip")
    return Answer(None, 302, {"Location": where})


def _listed(request: Request, found: Sequence[WorkflowRun]) -> Answer:
    """Those that the query asks for. A status may also be a conclusion."""
    query = request.query
    created = _created(query["created"]) if "created" in query else None
    kept = [
        one
        for one in found
        if one.listed
        and all(query.get(name, field(one)) == field(one) for name, field in FILTERS.items())
        and query.get("status") in {None, one.status, one.conclusion}
        and (created is None or created(one.created_at))
    ]
    shown, headers = page_of(request, kept)
    return Answer({"total_count": len(kept), "workflow_runs": [_run(request, one) for one in shown]}, headers=headers)


def _created(wanted: str) -> Callable[[datetime], bool]:
    """GitHub's search for dates: a time or a day, perhaps after a comparison, or a range `A..B`."""
    if ".." in wanted:
        first, last = (_span(part) for part in wanted.split("..", 1))
        return lambda one: first[0] <= one < last[1]
    operator, text = COMPARISON.fullmatch(wanted).groups(default="")  # type: ignore[union-attr]  # it has a character
    start, end = _span(text)
    return lambda one: COMPARED[operator](one, start, end)


def _span(text: str) -> tuple[datetime, datetime]:
    """When what was written begins and when it is over: a second, or a day. Raises `Problem` 422."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(422, f"{text!r} is no time") from None
    start = time if time.tzinfo else time.replace(tzinfo=UTC)
    return start, start + (timedelta(days=1) if len(text) == len("2026-01-01") else timedelta(seconds=1))


def _find(request: Request) -> WorkflowRun:
    return _visible(request, request.path["run_id"])


def _visible(request: Request, run_id: int) -> WorkflowRun:
    found = request.state.runs.get(run_id)
    if found is None or not found.listed or found.repository != request.repository.full_name:
        raise Problem(404, "Not Found")
    return found


def _find_artifact(request: Request) -> tuple[Artifact, WorkflowRun]:
    found = request.state.artifacts.get(request.path["artifact_id"])
    if found is None:
        raise Problem(404, "Not Found")
    return found, _visible(request, found.run_id)


def _run(request: Request, one: WorkflowRun) -> Json:
    with_pulls = request.query.get("exclude_pull_requests") != "true"
    return run_resources.run(request.links, one, request.repository, request.state, with_pulls=with_pulls)


def _artifact(request: Request, one: Artifact, of: WorkflowRun) -> Json:
    return run_resources.artifact(request.links, one, of, request.repository, request.state.now())
