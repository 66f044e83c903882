"""Everything that a profile finds in a tree."""

from __future__ import annotations

import yaml

from checker.evaluations import Evaluations
from checker.profile import Profile
from checker.rules import Status
from checker.survey import Survey, survey
from checker.tree import Tree
from tests.checker.tiny import PROFILE, tiny_profile, tiny_tree


def surveyed(tree: Tree, profile: Profile | None = None) -> Survey:
    return survey(Evaluations(profile or tiny_profile(), None), tree, (4096, 65536))


def test_constants_and_limits_with_their_places() -> None:
    large, small = surveyed(tiny_tree()).targets
    assert (large.target, small.target) == ("large", "small")
    assert [(each.name, each.value, each.line) for each in large.constants] == [
        ("TINY_PAGE", 16384, 9),
        ("TINY_PAGE_SHIFT", 14, 5),
        ("TINY_MAX_OBJECTS", 1024, 11),
        ("Ceiling", 65536, 13),
    ]
    assert {each.name: (each.value, each.absent) for each in small.limits} == {
        "page": (4096, None),
        "align": (4, None),
        "max_objects": (1024, None),
        "ceiling": (65536, None),
        "guard_bytes": (None, "this tree has no TINY_GUARD"),
    }


def test_rules_are_counted_and_failures_named() -> None:
    large, small = surveyed(tiny_tree(max_objects=512, ceiling=16)).targets
    rules = {each.rule: each for each in large.rules}
    assert rules["objects-fit"].counts == ((Status.FAILS, 1),)
    assert rules["ceiling-covers"].counts == ((Status.HOLDS, 1), (Status.FAILS, 1))
    assert [(cell.heap, cell.os_page, cell.targets) for cell in rules["ceiling-covers"].failing] == [
        (None, 65536, ("large",))
    ]
    assert rules["guard-fits"].counts == ((Status.NOT_APPLICABLE, 1),)
    assert {each.rule: each.counts for each in small.rules}["ceiling-covers"] == (
        (Status.HOLDS, 1),
        (Status.NOT_APPLICABLE, 1),
    )
    assert large.errors == ()


def test_costs_are_counted() -> None:
    large, small = surveyed(tiny_tree()).targets
    assert [(each.cost, each.values) for each in large.costs] == [("table", 1), ("smallest", 2), ("nothing", 0)]
    assert [(each.cost, each.values) for each in small.costs] == [("table", 1), ("smallest", 1), ("nothing", 0)]


def test_what_cannot_be_evaluated_is_an_error_with_its_place() -> None:
    found = surveyed(tiny_tree(max_objects="(NO_SUCH_NAME + 1)"))
    assert {(error.target, error.path, error.line) for error in found.errors} == {
        ("large", "src/tiny.h", 11),
        ("small", "src/tiny.h", 11),
    }
    assert any("NO_SUCH_NAME" in error.message for error in found.errors)


def test_a_rule_without_arithmetic_is_an_error() -> None:
    data = yaml.safe_load(PROFILE)
    data["rules"][0]["value"] = "page / (align - 4)"
    (large, _) = surveyed(tiny_tree(), Profile.model_validate(data)).targets
    assert [(error.name, error.path) for error in large.errors] == [("objects-fit", None)]
    assert "division by zero" in large.errors[0].message


def test_heap_configs_and_a_rule_that_asks_for_a_field_they_lack() -> None:
    data = yaml.safe_load(PROFILE)
    data["objects"] = {"it": {"type": "tiny_config", "initializer": "TINY_CONFIG"}}
    data["enabled_field"] = "enabled"
    data["heap_fields"] = {"plain": {"size": "size"}, "other": {"count": "size"}}
    data["heaps"] = [{"name": "first", "object": "it", "member": "first", "kind": "plain"}]
    data["rules"] = [
        {**data["rules"][0], "scope": "heap", "value": "count", "limit": "1", "decided_by": [], "limit_decided_by": []}
    ]
    config = (
        "struct tiny_part { bool enabled; unsigned size; };\nstruct tiny_config { tiny_part first; };\n"
        "#define TINY_CONFIG { .first = { .enabled = true, .size = TINY_PAGE } }\n"
    )
    large, _ = surveyed(tiny_tree(more=config), Profile.model_validate(data)).targets
    (heap,) = large.heaps
    assert (heap.name, heap.enabled) == ("first", True)
    assert [(field.name, field.value) for field in heap.fields] == [("size", 16384)]
    assert [(error.name, error.message) for error in large.errors] == [("objects-fit", "unknown name 'count'")]
