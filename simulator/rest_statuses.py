"""Endpoints about commit statuses."""

from __future__ import annotations

from collections.abc import Sequence

from simulator import conversation, resources
from simulator.records import Status
from simulator.rest import Answer, Problem, Request, endpoint, page_of, permission
from simulator.rest_repository import resolve

READ = permission("read", "statuses")
WRITE = permission("write", "statuses")
COMMIT = "/repos/{owner}/{repo}/commits/{ref}"
LONGEST_DESCRIPTION = 140


@endpoint("POST", "/repos/{owner}/{repo}/statuses/{sha}", WRITE)
def create_status(request: Request) -> Answer:
    """A new status by the App's bot; of a context the latest one counts."""
    state, body, sha = request.state, request.body, request.path["sha"]
    if request.repository.git.resolve(sha) != sha:
        raise Problem(422, f"No commit found for SHA: {sha}")
    if len(body.get("description") or "") > LONGEST_DESCRIPTION:
        message = f"description is too long (maximum is {LONGEST_DESCRIPTION} characters)"
        error = {"resource": "Status", "code": "custom", "field": "description", "message": message}
        raise Problem(422, "Validation Failed", [error])
    made = Status(
        id=state.next_id("status"),
        repository=request.repository.full_name,
        sha=sha,
        state=body["state"],
        context=body.get("context", "default"),
        description=body.get("description"),
        target_url=body.get("target_url"),
        creator=request.installation.app.bot,
        created_at=state.now(),
    )
    with state.lock:
        state.statuses.append(made)
    return Answer(conversation.status(request.links, made, state), 201)


@endpoint("GET", COMMIT + "/statuses", READ)
def list_statuses(request: Request) -> Answer:
    """All statuses of a commit, the newest first."""
    shown, headers = page_of(request, _statuses(request))
    return Answer([conversation.status(request.links, one, request.state) for one in shown], headers=headers)


@endpoint("GET", COMMIT + "/status", READ)
def get_combined_status(request: Request) -> Answer:
    """The latest status of each context, and what they come to."""
    repository, links = request.repository, request.links
    found = latest_statuses(_statuses(request))
    shown, headers = page_of(request, found)
    sha = resolve(request, request.path["ref"])
    url = f"{links.repository(repository)}/commits/{sha}"
    told = [conversation.status(links, one, request.state) for one in shown]
    body = {
        "state": combined(found),
        "statuses": [{key: value for key, value in one.items() if key != "creator"} for one in told],
        "sha": sha,
        "total_count": len(found),
        "repository": resources.repository(links, repository, request.state),
        "commit_url": url,
        "url": f"{url}/status",
    }
    return Answer(body, headers=headers)


def latest_statuses(statuses: Sequence[Status]) -> list[Status]:
    """The first of each context, whatever its case; `statuses` are the newest first."""
    newest: dict[str, Status] = {}
    for one in statuses:
        newest.setdefault(one.context.lower(), one)
    return list(newest.values())


def combined(statuses: Sequence[Status]) -> str:
    """What the latest statuses come to: failure, pending (also where there are none) or success."""
    states = {one.state for one in statuses}
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"


def _statuses(request: Request) -> list[Status]:
    return request.state.statuses_of(request.repository, resolve(request, request.path["ref"]))
