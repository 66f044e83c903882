"""GitHub's descriptions as validators: of requests, of the simulator's own responses and of webhook payloads.

OpenAPI 3.0 is turned into JSON Schema on the way (`nullable`). Requests are held to more than GitHub's
schema says: a field or query parameter that GitHub does not know is a mistake of the caller.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Any

import jsonschema_rs

Json = Any

# Deviations from the description, each with its reason.
# GitHub answers these everywhere, though the description lists them for a few operations only.
ANSWERED_EVERYWHERE = {
    400: "basic-error",
    401: "basic-error",
    403: "basic-error",
    404: "basic-error",
    422: "validation-error-simple",
    429: "basic-error",
    500: "basic-error",
    502: "basic-error",
}
# Of a failure GitHub's 422 lists objects or strings, as it likes, on every operation that can answer 422.
EITHER_FORM_OF_422 = ("validation-error", "validation-error-simple")
# Here the description wants an installation's account to be a user and an enterprise at once; elsewhere it is either.
DESCRIBED_INSTEAD: Mapping[tuple[str, str, int], Json] = {
    ("GET", "/app/installations", 200): {"type": "array", "items": {"$ref": "#/components/schemas/installation"}},
}
# Null where the description wants a value. Below a component: the properties on the way, `[]` for an array's items.
NULL_AS_WELL: Mapping[str, tuple[str, ...]] = {
    # An outdated comment on a line is nowhere in the diff.
    "pull-request-review-comment": ("line", "position"),
    # The fork was deleted. In some events' payloads GitHub's description does allow it.
    "pull-request": ("head/repo",),
    "pull-request-simple": ("head/repo", "labels/[]/description"),
    # A person wrote it, no App.
    "webhooks_issue_comment": ("performed_via_github_app",),
}
# Values that the description leaves out, though it knows of them elsewhere. Of events that one payload knows fewer.
ONE_OF_AS_WELL: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # What is left of an upload that broke off, says the text of the description.
    "release-asset": {"state": ("starter",)},
    "webhook-check-suite-rerequested": {"check_suite/app/events/[]": ("merge_group",)},
}


# Query parameters that are described as a time, though GitHub takes its search syntax there, such as `>=2026-01-31`.
SEARCHED = frozenset({"created"})


@dataclass(frozen=True)
class Operation:
    """One operation of the REST interface, by its method (upper case) and path template."""

    method: str
    template: str
    path_kinds: Mapping[str, str]
    query: Mapping[str, Json]
    body: Json | None
    body_required: bool
    responses: Mapping[int, Json | None]

    def request_problem(self, query: Mapping[str, str], body: Json | None) -> str | None:
        """What GitHub would not accept, in words, or `None`. `body`: parsed JSON, `None` when there is none."""
        for name, value in query.items():
            if name not in self.query:
                return f'"{name}" is not a permitted query parameter'
            if problem := _problem(_compiled(self.query[name], closed=True), _typed(value, self.query[name])):
                return f"{name}: {problem}"
        if body is None:
            return "a JSON body is required" if self.body_required else None
        if self.body is None:
            return "this operation takes no body"
        return _problem(_compiled(self.body, closed=True), body)

    def response_problem(self, status: int, body: Json | None) -> str | None:
        """How the simulator's own answer breaks GitHub's description, or `None`."""
        if status == 422:
            found = [_problem(_compiled(_component(name)), body) for name in EITHER_FORM_OF_422]
            return None if None in found else f"422: {found[0]}"
        if status in self.responses:
            schema = self.responses[status]
        elif status in ANSWERED_EVERYWHERE:
            schema = _component(ANSWERED_EVERYWHERE[status])
        else:
            return f"status {status} is not described"
        if schema is None:
            return None if body is None else f"{status}: a body where none is described"
        problem = _problem(_compiled(schema), body)
        return f"{status}: {problem}" if problem else None


@functools.cache
def operations() -> Mapping[tuple[str, str], Operation]:
    """All described operations by method (upper case) and path template."""
    paths = document("github.json")["paths"]
    return {
        (method.upper(), template): _operation(method.upper(), template, described)
        for template, methods in paths.items()
        for method, described in methods.items()
    }


def payload_problem(event: str, action: str | None, payload: Json) -> str | None:
    """How a webhook's payload breaks GitHub's description, or `None`."""
    name = event if action is None else f"{event}-{action}"
    described = document("webhooks.json")["webhooks"].get(name.replace("_", "-"))
    if described is None:
        return f"webhook {name} is not described"
    return _problem(_compiled(described["schema"], file="webhooks.json"), payload)


def _operation(method: str, template: str, described: Json) -> Operation:
    parameters = [_followed(parameter) for parameter in described.get("parameters", [])]
    body = described.get("requestBody", {})
    return Operation(
        method,
        template,
        path_kinds={p["name"]: p["schema"].get("type", "string") for p in parameters if p["in"] == "path"},
        query={p["name"]: _searched(p["name"], p["schema"]) for p in parameters if p["in"] == "query"},
        body=_body_schema(body),
        body_required=body.get("required", False),
        responses={
            int(status): DESCRIBED_INSTEAD.get((method, template, int(status)), _body_schema(_followed(response)))
            for status, response in described["responses"].items()
        },
    )


def _searched(name: str, schema: Json) -> Json:
    return {"type": "string"} if name in SEARCHED else schema


def _body_schema(described: Json) -> Json | None:
    return described.get("content", {}).get("application/json", {}).get("schema")


def _component(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _followed(node: Json) -> Json:
    """The component that `node` refers to, or `node` itself."""
    if "$ref" not in node:
        return node
    target = document("github.json")
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return target


@functools.cache
def document(file: str) -> Json:
    """A committed subset, `github.json` or `webhooks.json`, as it was generated."""
    return json.loads(resources.files("simulator.openapi").joinpath(file).read_text())


def _compiled(schema: Json, *, closed: bool = False, file: str = "github.json") -> jsonschema_rs.Validator:
    return _compile(json.dumps(schema, sort_keys=True), closed, file)


@functools.cache
def _compile(schema: str, closed: bool, file: str) -> jsonschema_rs.Validator:
    root = {**_json_schema(json.loads(schema), closed), "components": _components(closed, file)}
    return jsonschema_rs.Draft202012Validator(root, validate_formats=True)


@functools.cache
def _components(closed: bool, file: str) -> Json:
    return {
        "schemas": {
            name: _json_schema(_as_it_is(name, component), closed)
            for name, component in document(file)["components"]["schemas"].items()
        }
    }


def _as_it_is(name: str, component: Json) -> Json:
    """A component with `NULL_AS_WELL` and `ONE_OF_AS_WELL` applied."""
    for path in NULL_AS_WELL.get(name, ()):
        component = _with(component, path.split("/"), lambda found: {**found, "nullable": True})
    for path, values in ONE_OF_AS_WELL.get(name, {}).items():
        component = _with(component, path.split("/"), partial(_one_of_more, values))
    return component


def _one_of_more(values: Sequence[str], schema: Json) -> Json:
    return {**schema, "enum": [*schema["enum"], *values]}


def _with(node: Json, path: Sequence[str], change: Callable[[Json], Json]) -> Json:
    """`node` with the schema at the end of `path` changed."""
    if not path:
        return change(node)
    name, *rest = path
    if name == "[]":
        return {**node, "items": _with(node["items"], rest, change)}
    return {**node, "properties": {**node["properties"], name: _with(node["properties"][name], rest, change)}}


def _json_schema(node: Json, closed: bool) -> Json:
    """`node` as JSON Schema: with `null` where it is nullable, without unknown properties where `closed`."""
    if isinstance(node, list):
        return [_json_schema(value, closed) for value in node]
    if not isinstance(node, dict):
        return node
    nullable = node.get("nullable") is True
    schema = {
        key: {name: _json_schema(value, closed) for name, value in child.items()}
        if key == "properties"
        else _json_schema(child, closed)
        for key, child in node.items()
        if key not in {"nullable", "default"}
    }
    if closed and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return _or_null(schema) if nullable else schema


def _or_null(schema: Json) -> Json:
    if not isinstance(schema.get("type"), str):
        return {"anyOf": [schema, {"type": "null"}]}
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def _typed(value: str, schema: Json) -> Json:
    """A query parameter's text as the type that the schema asks for, or as it is when it is no such thing."""
    kind = schema.get("type")
    if kind == "integer" and value.lstrip("-").isdigit():
        return int(value)
    if kind == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value


def _problem(validator: jsonschema_rs.Validator, instance: Json) -> str | None:
    error = next(iter(validator.iter_errors(instance)), None)
    if error is None:
        return None
    where = "/".join(str(part) for part in error.instance_path)
    return f"{where}: {_short(error)}" if where else _short(error)


def _short(error: jsonschema_rs.ValidationError) -> str:
    """The error's text without a whole instance in it: a comment of 60 kB would be quoted in full."""
    return error.message if len(error.message) <= 300 else f"{error.message[:200]} … {error.message[-90:]}"
