"""Endpoints about Apps: themselves, their installations and tokens, the deliveries of their webhooks."""

from __future__ import annotations

from simulator import conversation, resources
from simulator.faults import RATE_LIMIT, RATE_WINDOW
from simulator.records import App, Delivery, Installation
from simulator.rest import (
    ANYBODY,
    AS_APP,
    AS_INSTALLATION,
    DEFAULT_PAGE,
    LARGEST_PAGE,
    Answer,
    Problem,
    Request,
    endpoint,
    page_of,
)


@endpoint("GET", "/app", AS_APP)
def get_app(request: Request) -> Answer:
    """The App that calls."""
    return Answer(resources.app(request.links, request.app, request.state))


@endpoint("GET", "/app/installations", AS_APP)
def list_installations(request: Request) -> Answer:
    """Its installations."""
    found = [one for one in list(request.state.installations.values()) if one.app_id == request.app.id]
    shown, headers = page_of(request, found)
    body = [resources.installation(request.links, one, request.app) for one in shown]
    return Answer(body, headers=headers)


@endpoint("GET", "/app/installations/{installation_id}", AS_APP)
def get_installation(request: Request) -> Answer:
    """One installation."""
    return Answer(resources.installation(request.links, _installation(request), request.app))


@endpoint("GET", "/repos/{owner}/{repo}/installation", AS_APP)
def get_repository_installation(request: Request) -> Answer:
    """The installation that reaches a repository."""
    repository = request.its_repository
    found = request.state.installation_of(request.app, repository) if repository else None
    if found is None:
        raise Problem(404, "Not Found")
    return Answer(resources.installation(request.links, found, request.app))


@endpoint("POST", "/app/installations/{installation_id}/access_tokens", AS_APP)
def create_token(request: Request) -> Answer:
    """A token, for all that the installation may do or for less."""
    installation = _installation(request)
    permissions = request.body.get("permissions") or dict(request.app.permissions)
    for name, level in permissions.items():
        if not _granted(request.app, name, level):
            raise Problem(422, "The permissions requested are not granted to this installation.")
    token = request.state.new_token(installation, permissions, _named(request, installation))
    return Answer(resources.token(request.links, token, request.state), 201)


@endpoint("GET", "/installation/repositories", AS_INSTALLATION)
def list_repositories(request: Request) -> Answer:
    """Repositories that the token reaches."""
    state, caller = request.state, request.installation
    found = [one for one in list(state.repositories.values()) if caller.reaches(one)]
    shown, headers = page_of(request, found)
    body = [resources.repository(request.links, one, state) for one in shown]
    return Answer(
        {"total_count": len(found), "repositories": body, "repository_selection": "selected"}, headers=headers
    )


@endpoint("GET", "/rate_limit", ANYBODY)
def rate_limit(request: Request) -> Answer:
    """The rate limit of an unused hour: what is left is in the headers of each answer."""
    reset = int(request.state.now().timestamp()) + RATE_WINDOW
    rate = {"limit": RATE_LIMIT, "remaining": RATE_LIMIT, "reset": reset, "used": 0}
    return Answer({"resources": {"core": rate, "search": rate}, "rate": rate})


@endpoint("GET", "/app/hook/deliveries", AS_APP)
def list_deliveries(request: Request) -> Answer:
    """Deliveries of the App's webhook, the newest first. The cursor is the id to go on below."""
    size = min(LARGEST_PAGE, int(request.query.get("per_page", DEFAULT_PAGE)))
    cursor = request.query.get("cursor")
    found = [one for one in reversed(_deliveries(request)) if cursor is None or one.id < _cursor(cursor)]
    if status := request.query.get("status"):
        found = [one for one in found if (one.status_code < 400) == (status == "success")]
    headers = {}
    if len(found) > size:
        following = f"{request.url}?per_page={size}&cursor=v1_{found[size - 1].id}"
        headers["Link"] = f'<{following}>; rel="next"'
    return Answer([conversation.delivery_item(one) for one in found[:size]], headers=headers)


@endpoint("GET", "/app/hook/deliveries/{delivery_id}", AS_APP)
def get_delivery(request: Request) -> Answer:
    """One delivery, with what was sent and answered."""
    return Answer(conversation.delivery(_delivery(request)))


@endpoint("POST", "/app/hook/deliveries/{delivery_id}/attempts", AS_APP)
def redeliver(request: Request) -> Answer:
    """Send one delivery again."""
    request.world.sender.redeliver(_delivery(request))
    return Answer({}, 202)


def _installation(request: Request) -> Installation:
    found = request.state.installations.get(request.path["installation_id"])
    if found is None or found.app_id != request.app.id:
        raise Problem(404, "Not Found")
    return found


def _granted(app: App, name: str, level: str) -> bool:
    if level == "read":
        return name in app.permissions
    return app.permissions.get(name) in {level, "admin"}


def _named(request: Request, installation: Installation) -> frozenset[str]:
    """Full names of the repositories that a token is asked for; none for all."""
    names = request.body.get("repositories", [])
    ids = request.body.get("repository_ids", [])
    reached = [one for one in list(request.state.repositories.values()) if one.full_name in installation.repositories]
    by_name = {one.name: one.full_name for one in reached}
    by_id = {one.id: one.full_name for one in reached}
    if not set(names) <= set(by_name) or not set(ids) <= set(by_id):
        raise Problem(
            422, "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return frozenset([by_name[name] for name in names] + [by_id[number] for number in ids])


def _deliveries(request: Request) -> list[Delivery]:
    return [one for one in list(request.state.deliveries) if one.app_id == request.app.id]


def _delivery(request: Request) -> Delivery:
    for one in _deliveries(request):
        if one.id == request.path["delivery_id"]:
            return one
    raise Problem(404, "Not Found")


def _cursor(text: str) -> int:
    number = text.removeprefix("v1_")
    if not number.isdigit():
        raise Problem(422, "Invalid cursor")
    return int(number)
