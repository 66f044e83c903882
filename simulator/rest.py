"""The REST interface: endpoints, and everything that is the same for all of them.

An endpoint is a function from a `Request` to an `Answer`. Around it: who is calling and whether they may, the request
and the answer held against GitHub's description, faults on order, rate limits, and a record of each call.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar
from urllib.parse import urlencode

import flask
from werkzeug.exceptions import InternalServerError

from simulator import auth
from simulator.describe import Operation, operations
from simulator.faults import Fault, Faults, Rates, Switches
from simulator.files import PIECE, Files
from simulator.git import GitError
from simulator.records import App, Call, Repository, Violation
from simulator.resources import Links
from simulator.state import State
from simulator.webhooks import Sender

Json = Any
T = TypeVar("T")
ROOT = "/api/v3"
# On github.com uploads have a host of their own; on GitHub Enterprise Server they are here.
UPLOADS = "/api/uploads"
DOCUMENTATION = "https://docs.github.com/rest"
LARGEST_PAGE = 100
DEFAULT_PAGE = 30


class Problem(Exception):
    """An error answer. `errors` are GitHub's details, objects or strings."""

    def __init__(self, status: int, message: str, errors: Sequence[Json] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


@dataclass(frozen=True)
class World:
    """What endpoints work on."""

    state: State
    links: Links
    sender: Sender
    faults: Faults
    rates: Rates
    files: Files
    switches: Switches


@dataclass(frozen=True)
class Answer:
    """A response. `body` is JSON, `None` for none."""

    body: Json
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Upload:
    """A body that is no JSON, to be read once. `size` is what the caller says that it has, in bytes."""

    stream: IO[bytes]
    size: int | None
    content_type: str


@dataclass(frozen=True)
class Request:
    """A request that was let in. `path` holds the path's parameters, `body` is an empty object where none came."""

    world: World
    caller: auth.Caller
    url: str
    path: Mapping[str, Any]
    query: Mapping[str, str]
    body: Mapping[str, Json]
    its_repository: Repository | None
    accept: str = ""
    upload: Upload | None = None

    @property
    def state(self) -> State:
        """The simulated GitHub's memory."""
        return self.world.state

    @property
    def links(self) -> Links:
        """Addresses."""
        return self.world.links

    @property
    def repository(self) -> Repository:
        """The repository that the path names."""
        assert self.its_repository is not None, "an endpoint outside /repos/{owner}/{repo}"
        return self.its_repository

    @property
    def installation(self) -> auth.AsInstallation:
        """The installation that calls. Raises `Problem` for anybody else."""
        if not isinstance(self.caller, auth.AsInstallation):
            raise Problem(403, auth.NOT_ACCESSIBLE)
        return self.caller

    @property
    def app(self) -> App:
        """The App that calls by JWT."""
        assert isinstance(self.caller, auth.AsApp), "an endpoint for Apps without AS_APP"
        return self.caller.app


@dataclass(frozen=True)
class Needs:
    """Who may call an endpoint: an App by JWT, an installation, or whoever has a permission; nothing: anybody."""

    app: bool = False
    installation: bool = False
    permission: auth.Permission | None = None


Handler = Callable[[Request], Answer]


@dataclass(frozen=True)
class Endpoint:
    """A handler of one described operation, below `root`."""

    operation: Operation
    needs: Needs
    handler: Handler
    root: str


AS_APP = Needs(app=True)
AS_INSTALLATION = Needs(installation=True)
ANYBODY = Needs()
ENDPOINTS: list[Endpoint] = []


def permission(level: str, *names: str) -> Needs:
    """A permission on the repository in the path; any of `names`."""
    return Needs(permission=auth.Permission(names, level))


def endpoint(method: str, template: str, needs: Needs, root: str = ROOT) -> Callable[[Handler], Handler]:
    """Register a handler of a described operation. Below `UPLOADS` the body is a file."""

    def register(handler: Handler) -> Handler:
        ENDPOINTS.append(Endpoint(operations()[method, template], needs, handler, root))
        return handler

    return register


def blueprint(world: World) -> flask.Blueprint:
    """All registered endpoints, below `/api/v3` and `/api/uploads`."""
    rest = flask.Blueprint("rest", __name__)
    for number, one in enumerate(ENDPOINTS):
        rest.add_url_rule(
            one.root + _rule(one.operation),
            f"operation-{number}",
            lambda _one=one, **path: _respond(world, _one, path),
            methods=[one.operation.method],
            provide_automatic_options=False,
        )

    @rest.route(f"{ROOT}/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @rest.route(f"{ROOT}/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def unknown(path: str) -> flask.Response:
        method = flask.request.method
        world.state.violations.append(Violation("request", method, f"/{path}", "the simulator knows no such operation"))
        return _finish(world, f"/{path}", _error(Problem(404, "Not Found")), "nobody")

    @rest.errorhandler(500)
    def broken(error: InternalServerError) -> flask.Response:
        below = _below()
        reason = f"the simulator broke: {error.original_exception!r}"
        world.state.violations.append(Violation("response", flask.request.method, below, reason))
        return _finish(world, below, _error(Problem(500, reason)), "nobody")

    return rest


def page_of(request: Request, items: Sequence[T]) -> tuple[Sequence[T], dict[str, str]]:
    """The asked-for page of `items`, and the `Link` header that leads to the others."""
    size = max(1, min(LARGEST_PAGE, int(request.query.get("per_page", DEFAULT_PAGE))))
    number = max(1, int(request.query.get("page", 1)))
    last = max(1, -(-len(items) // size))
    targets: dict[str, int] = {}
    if number > 1:
        targets |= {"prev": min(number - 1, last), "first": 1}
    if number < last:
        targets |= {"next": number + 1, "last": last}
    link = ", ".join(
        f'<{request.url}?{urlencode({**request.query, "page": page})}>; rel="{relation}"'
        for relation, page in targets.items()
    )
    return items[(number - 1) * size : number * size], {"Link": link} if link else {}


def _rule(operation: Operation) -> str:
    """The operation's path for Flask. Refs, tags and ranges of commits may hold slashes."""

    def converter(match: re.Match[str]) -> str:
        name = match[1]
        if operation.path_kinds[name] == "integer":
            return f"<int:{name}>"
        return f"<path:{name}>" if name in {"branch", "ref", "basehead", "tag"} else f"<{name}>"

    return re.sub(r"\{(\w+)\}", converter, operation.template)


def _respond(world: World, one: Endpoint, path: Mapping[str, Any]) -> flask.Response:
    request, below = flask.request, _below()
    fault = world.faults.take(request.method, below)
    if fault and not fault.performed:
        _drain()
        return _finish(world, below, _ordered(fault), "nobody")
    answer, who = _answer(world, one, path)
    problem = one.operation.response_problem(answer.status, answer.body)
    if problem:
        world.state.violations.append(Violation("response", request.method, below, problem))
        answer = _error(Problem(500, f"The simulator's answer is not GitHub's: {problem}"))
    _drain()
    return _finish(world, below, _ordered(fault) if fault else answer, who)


def _answer(world: World, one: Endpoint, path: Mapping[str, Any]) -> tuple[Answer, str]:
    """The endpoint's answer, and a name of the caller whose rate it counts for."""
    who = "nobody"
    try:
        caller = auth.caller(world.state, flask.request.headers.get("Authorization"))
        who = _name(caller)
        repository = _let_in(world, one.needs, caller, path)
        return one.handler(_read(world, one, caller, path, repository)), who
    except (Problem, auth.Refused) as problem:
        return _error(problem), who
    except GitError as error:
        return _error(Problem(500, f"git: {error}")), who


def _let_in(world: World, needs: Needs, caller: auth.Caller, path: Mapping[str, Any]) -> Repository | None:
    if needs.app and not isinstance(caller, auth.AsApp):
        raise Problem(401, auth.UNREADABLE)
    if needs.installation and not isinstance(caller, auth.AsInstallation):
        raise (
            Problem(403, auth.NOT_ACCESSIBLE)
            if isinstance(caller, auth.AsApp)
            else Problem(401, "Requires authentication")
        )
    repository = world.state.repository(f"{path['owner']}/{path['repo']}") if "repo" in path else None
    if needs.permission is not None:
        return auth.check_access(caller, repository, needs.permission)
    return repository


def _read(
    world: World,
    one: Endpoint,
    caller: auth.Caller,
    path: Mapping[str, Any],
    repository: Repository | None,
) -> Request:
    """The request, parsed. Raises `Problem` for one that GitHub's description does not allow, and records it."""
    request = flask.request
    query = request.args.to_dict()
    uploaded = one.root == UPLOADS
    body = None if uploaded else _json_body(request.get_data())
    if reason := one.operation.request_problem(query, body):
        world.state.violations.append(Violation("request", request.method, _below(), reason))
        raise Problem(422, f"Invalid request.\n\n{reason}", [reason])
    url = world.links.web + request.path
    upload = Upload(request.stream, request.content_length, request.content_type or "") if uploaded else None
    accept = request.headers.get("Accept", "")
    return Request(world, caller, url, path, query, body or {}, repository, accept, upload)


def _below() -> str:
    """The path of this request below its root."""
    return flask.request.path.removeprefix(ROOT).removeprefix(UPLOADS)


def _drain() -> None:
    """Read what is left of a body: a client that is still sending would not see the answer."""
    while flask.request.stream.read(PIECE):
        pass


def _json_body(data: bytes) -> Json:
    if not data:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Problem(400, "Problems parsing JSON") from None


def _name(caller: auth.Caller) -> str:
    match caller:
        case auth.AsApp(app):
            return f"app {app.id}"
        case auth.AsInstallation(installation=installation):
            return f"installation {installation.id}"
        case _:
            return "nobody"


def _ordered(fault: Fault) -> Answer:
    return Answer({"message": f"Ordered to fail with {fault.status}"}, fault.status, fault.headers)


def _error(problem: Problem | auth.Refused) -> Answer:
    body: dict[str, Json] = {
        "message": problem.message,
        "documentation_url": DOCUMENTATION,
        "status": str(problem.status),
    }
    if isinstance(problem, Problem) and problem.errors:
        body["errors"] = list(problem.errors)
    return Answer(body, problem.status)


def _finish(world: World, path: str, answer: Answer, who: str) -> flask.Response:
    with world.state.lock:
        world.state.calls.append(Call(flask.request.method, path, answer.status))
    text = "" if answer.body is None else json.dumps(answer.body, separators=(",", ":"))
    response = flask.Response(text, answer.status, content_type="application/json; charset=utf-8")
    free = path == "/rate_limit"
    response.headers.update(world.rates.headers(who, world.state.now().timestamp(), count=not free))
    response.headers["X-GitHub-Request-Id"] = uuid.uuid4().hex[:24].upper()
    response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
    response.headers.update(answer.headers)
    return response
