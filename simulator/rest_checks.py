"""Endpoints about check runs. Only the App that made one may write to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from simulator import conversation
from simulator.records import CheckRun
from simulator.rest import Answer, Problem, Request, endpoint, page_of, permission
from simulator.rest_repository import resolve

READ_CHECKS = permission("read", "checks")
WRITE_CHECKS = permission("write", "checks")
COLLECTION = "/repos/{owner}/{repo}/check-runs"
ONE = COLLECTION + "/{check_run_id}"
# Fields that are stored just as they are sent.
PLAIN_FIELDS = ("name", "details_url", "external_id")
OUTPUT_FIELDS = ("title", "summary", "text")

Json = Any


@endpoint("POST", COLLECTION, WRITE_CHECKS)
def create_check_run(request: Request) -> Answer:
    """A new check run on a commit."""
    caller, state = request.installation, request.state
    sha = request.body["head_sha"]
    if request.repository.git.resolve(sha) != sha:
        raise Problem(422, f"No commit found for SHA: {sha}")
    run = CheckRun(
        id=state.next_id("check"),
        suite_id=state.suite(caller.app.id, request.repository, sha).id,
        repository=request.repository.full_name,
        app_id=caller.app.id,
        head_sha=sha,
        name=request.body["name"],
        status="queued",
        conclusion=None,
        started_at=state.now(),
        completed_at=None,
    )
    run = changed(run, request.body, state.now())
    with state.lock:
        state.check_runs[run.id] = run
    return Answer(conversation.check_run(request.links, run, state), 201)


@endpoint("PATCH", ONE, WRITE_CHECKS)
def update_check_run(request: Request) -> Answer:
    """Change what is named in the body. Annotations are added to those that are there."""
    caller, state = request.installation, request.state
    with state.lock:
        run = _check_run(request)
        if run.app_id != caller.app.id:
            raise Problem(
                403,
                f"Invalid app_id `{caller.app.id}` - check run can only be modified by the GitHub App that created it.",
            )
        run = changed(run, request.body, state.now())
        state.check_runs[run.id] = run
    return Answer(conversation.check_run(request.links, run, state))


@endpoint("GET", ONE, READ_CHECKS)
def get_check_run(request: Request) -> Answer:
    """One check run."""
    return Answer(conversation.check_run(request.links, _check_run(request), request.state))


@endpoint("GET", ONE + "/annotations", READ_CHECKS)
def list_annotations(request: Request) -> Answer:
    """A check run's annotations."""
    run = _check_run(request)
    shown, headers = page_of(request, conversation.check_annotations(request.links, run, request.state))
    return Answer(list(shown), headers=headers)


@endpoint("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", READ_CHECKS)
def list_check_runs(request: Request) -> Answer:
    """Check runs on a commit; of those of one App and name only the latest, unless `filter` is all."""
    query, state = request.query, request.state
    found = state.check_runs_of(request.repository, resolve(request, request.path["ref"]))
    if query.get("filter", "latest") == "latest":
        found = latest(found)
    wanted = {"name": query.get("check_name"), "status": query.get("status"), "app_id": query.get("app_id")}
    found = [run for run in found if all(value in {None, str(getattr(run, field))} for field, value in wanted.items())]
    shown, headers = page_of(request, found)
    body = [conversation.check_run(request.links, run, state) for run in shown]
    return Answer({"total_count": len(found), "check_runs": body}, headers=headers)


def latest(runs: list[CheckRun]) -> list[CheckRun]:
    """The first of each App and name; `runs` are the newest first."""
    newest: dict[tuple[int, str], CheckRun] = {}
    for run in runs:
        newest.setdefault((run.app_id, run.name), run)
    return list(newest.values())


def changed(run: CheckRun, body: Mapping[str, Json], now: datetime) -> CheckRun:
    """`run` as a request's body has it. Raises `Problem` 422 where the body contradicts itself."""
    fields: dict[str, Json] = {key: body[key] for key in PLAIN_FIELDS if key in body}
    if "started_at" in body:
        fields["started_at"] = datetime.fromisoformat(body["started_at"])
    fields |= _progress(body, now)
    if "actions" in body:
        fields["actions"] = tuple(body["actions"])
    if output := body.get("output"):
        fields |= {key: output[key] for key in OUTPUT_FIELDS if key in output}
        fields["annotations"] = (*run.annotations, *_annotations(output))
    return replace(run, **fields)


def _progress(body: Mapping[str, Json], now: datetime) -> dict[str, Json]:
    """A conclusion or a time of completion completes a run; any other status opens it again."""
    completes = "conclusion" in body or "completed_at" in body or body.get("status") == "completed"
    if completes:
        if "conclusion" not in body:
            raise Problem(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.', ["conclusion is missing"])
        completed_at = datetime.fromisoformat(body["completed_at"]) if "completed_at" in body else now
        return {"status": "completed", "conclusion": body["conclusion"], "completed_at": completed_at}
    if "status" in body:
        return {"status": body["status"], "conclusion": None, "completed_at": None}
    return {}


def _annotations(output: Mapping[str, Json]) -> list[Json]:
    sent = output.get("annotations", [])
    for one in sent:
        if one["end_line"] < one["start_line"] or one["start_line"] < 1:
            raise Problem(422, "Invalid request.\n\nInvalid line range.", [f"{one['path']}: lines are no range"])
        if one["start_line"] != one["end_line"] and {"start_column", "end_column"} & set(one):
            raise Problem(422, "Invalid request.\n\nColumns need one line.", [f"{one['path']}: columns on many lines"])
    return list(sent)


def _check_run(request: Request) -> CheckRun:
    run = request.state.check_runs.get(request.path["check_run_id"])
    if run is None or run.repository != request.repository.full_name:
        raise Problem(404, "Not Found")
    return run
