"""The GraphQL endpoint: who is calling, the query held against GitHub's schema, its answer, a record of each call."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import flask
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    graphql_sync,
)

from simulator import auth
from simulator.graphql.resolve import NotAllowed, Refusal, Resolver, git_object_id
from simulator.records import Call, Violation
from simulator.rest import World

Json = Any
ROUTE = "/api/graphql"
PATH = "/graphql"
"""What calls, violations and ordered faults are known by."""
DOCUMENTATION = "https://docs.github.com/graphql"


@dataclass(frozen=True)
class _Answer:
    body: Json
    status: int = 200
    who: str = "nobody"


def blueprint(world: World) -> flask.Blueprint:
    """`/api/graphql`, where GitHub has it beside `/api/v3`."""
    api = flask.Blueprint("graphql", __name__)

    @api.post(ROUTE)
    def query() -> flask.Response:
        fault = world.faults.take("POST", PATH)
        if fault and not fault.performed:
            return _finish(world, _ordered(fault.status), fault.headers)
        answer = _answer(world)
        return _finish(world, _ordered(fault.status), fault.headers) if fault else _finish(world, answer)

    return api


@functools.cache
def schema() -> GraphQLSchema:
    """The committed subset of GitHub's schema."""
    text = resources.files("simulator.graphql").joinpath("schema.graphql").read_text()
    built = build_schema(text)
    scalar = built.type_map["GitObjectID"]
    assert isinstance(scalar, GraphQLScalarType)
    scalar.coerce_input_value = git_object_id
    return built


def _answer(world: World) -> _Answer:
    try:
        caller = auth.caller(world.state, flask.request.headers.get("Authorization"))
    except auth.Refused as refused:
        return _refused(refused.status, refused.message)
    if isinstance(caller, auth.Nobody):
        return _refused(401, "This endpoint requires you to be authenticated.")
    if isinstance(caller, auth.AsApp):
        return _refused(403, auth.NOT_ACCESSIBLE)
    who = f"installation {caller.installation.id}"
    try:
        asked = json.loads(flask.request.get_data())
    except (ValueError, RecursionError):
        return _refused(400, "Problems parsing JSON")
    if problem := _form_problem(asked):
        _violated(world, "request", problem)
        return _Answer({"errors": [{"message": problem}]}, who=who)
    return _Answer(_executed(world, Resolver(world.state, caller), asked), who=who)


def _form_problem(asked: Json) -> str | None:
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        return "A query attribute must be specified and must be a string."
    if not isinstance(asked.get("variables") or {}, dict):
        return "Variables must be an object."
    unknown = asked.keys() - {"query", "variables", "operationName"}
    return f"Unknown: {', '.join(sorted(unknown))}" if unknown else None


def _executed(world: World, resolver: Resolver, asked: Mapping[str, Json]) -> Json:
    result = graphql_sync(
        schema(),
        asked["query"],
        root_value=resolver.root(),
        variable_values=asked.get("variables"),
        operation_name=asked.get("operationName"),
    )
    for error in result.errors or ():
        _judge(world, error)
    return _body(result)


def _judge(world: World, error: GraphQLError) -> None:
    """Keeps what the schema does not allow, and what the simulator could not answer."""
    match error.original_error:
        case Refusal() as refusal:
            if isinstance(refusal, NotAllowed):
                _violated(world, "request", str(refusal))
        case None | GraphQLError():
            _violated(world, "request", error.message)
        case broken:
            _violated(world, "response", f"the simulator broke: {broken!r}")


def _body(result: ExecutionResult) -> Json:
    """GitHub names the kind of an error beside its message."""
    body: dict[str, Json] = {}
    if result.data is not None or not result.errors or any(error.path for error in result.errors):
        body["data"] = result.data
    if result.errors:
        body["errors"] = [_error(error) for error in result.errors]
    return body


def _error(error: GraphQLError) -> Json:
    kind = getattr(error.original_error, "kind", None)
    return {**({"type": kind} if kind else {}), **error.formatted}


def _refused(status: int, message: str) -> _Answer:
    return _Answer({"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}, status)


def _ordered(status: int) -> _Answer:
    return _Answer({"message": f"Ordered to fail with {status}"}, status)


def _violated(world: World, side: str, reason: str) -> None:
    world.state.violations.append(Violation(side, "POST", PATH, reason))


def _finish(world: World, answer: _Answer, headers: Mapping[str, str] | None = None) -> flask.Response:
    with world.state.lock:
        world.state.calls.append(Call("POST", PATH, answer.status))
    text = json.dumps(answer.body, separators=(",", ":"))
    response = flask.Response(text, answer.status, content_type="application/json; charset=utf-8")
    # Counted apart from REST's; a query costs a point or more.
    response.headers.update(world.rates.headers(f"graphql: {answer.who}", world.state.now().timestamp()))
    response.headers["X-RateLimit-Resource"] = "graphql"
    response.headers["X-GitHub-Request-Id"] = uuid.uuid4().hex[:24].upper()
    response.headers["X-GitHub-Media-Type"] = "github.v4; format=json"
    response.headers.update(headers or {})
    return response
