"""The subset of GitHub's descriptions: how it is cut, and that the committed one is whole."""

from __future__ import annotations

import json

import pytest

from simulator.describe import document
from simulator.openapi.generate import EVENTS, OPERATIONS, closure, cut


def test_prose_goes_and_properties_that_are_named_like_it_stay() -> None:
    schema = {
        "title": "A title",
        "description": "Prose",
        "x-github": {},
        "type": "object",
        "properties": {
            "description": {"type": "string", "description": "Prose", "example": "one"},
            "properties": {"type": "object", "properties": {"title": {"type": "string", "title": "Prose"}}},
        },
    }
    assert cut(schema) == {
        "type": "object",
        "properties": {
            "description": {"type": "string"},
            "properties": {"type": "object", "properties": {"title": {"type": "string"}}},
        },
    }


def test_bodies_that_are_no_json_go() -> None:
    assert cut({"content": {"text/html": {"schema": {}}, "application/json": {"schema": {}}}}) == {
        "content": {"application/json": {"schema": {}}}
    }


def test_what_is_referred_to_comes_along_once() -> None:
    components = {
        "a": {"properties": {"b": {"$ref": "#/components/schemas/b"}}},
        "b": {"items": {"$ref": "#/components/schemas/a"}},
        "c": {},
    }
    found = closure({"components": {"schemas": components}}, [{"$ref": "#/components/schemas/a"}])
    assert found == {"schemas": {"a": components["a"], "b": components["b"]}}


@pytest.mark.parametrize("file", ["github.json", "webhooks.json"])
def test_the_committed_subset_is_whole_and_without_prose(file: str) -> None:
    committed = document(file)
    roots = committed.get("paths") or committed["webhooks"]
    needed = closure(committed, roots)
    for kind, components in needed.items():
        assert set(components) <= set(committed["components"][kind])
    assert '"description":"' not in json.dumps(roots, separators=(",", ":"))
    assert cut(committed["components"]) == committed["components"]


def test_the_committed_subset_has_what_is_listed() -> None:
    paths = document("github.json")["paths"]
    assert sorted((method, path) for path, methods in paths.items() for method in methods) == sorted(OPERATIONS)
    assert sorted(document("webhooks.json")["webhooks"]) == sorted(EVENTS)
