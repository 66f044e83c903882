"""What `pagewarden explain` prints, of an allocator of a few lines."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from checker.evaluations import Evaluations
from checker.explain import Explanation, explain
from checker.tree import Tree
from tests.checker.tiny import tiny_profile, tiny_tree
from tests.workers.report.samples import link
from tests.workers.report.snapshots import assert_snapshot
from tests.workers.report.states import HOSTILE_MESSAGE, HOSTILE_PATH
from tests.workers.report.test_safety import is_harmless
from workers.report.explanation import markdown, render
from workers.report.links import nested

TREE = tiny_tree(max_objects="(TINY_PAGE >> 4)", ceiling=16)


def explained(name: str, tree: Tree = TREE) -> Explanation:
    return explain(Evaluations(tiny_profile(), None), tree, name, "large", (4096, 65536))


def printed(found: Explanation) -> str:
    out = io.StringIO()
    render(found, Console(file=out, width=80))
    return out.getvalue()


@pytest.mark.parametrize("name", ["TINY_MAX_OBJECTS", "ceiling-covers", "guard-fits", "TINY_LARGEST_COUNT"])
def test_snapshots(name: str) -> None:
    assert_snapshot(f"explain-{name}.terminal.txt", printed(explained(name)))
    assert_snapshot(f"explain-{name}.md", markdown(explained(name)))


def test_what_could_not_be_evaluated_is_told() -> None:
    told = printed(explained("TINY_MAX_OBJECTS", tiny_tree(max_objects="(NO_SUCH_NAME + 1)")))
    assert "Could not be evaluated" in told
    assert "src/tiny.h:11: use of undeclared identifier 'NO_SUCH_NAME'" in told


def test_definitions_stand_below_the_first_that_names_them() -> None:
    chain = [
        link("A", "a.h", 1, "(B + C)"),
        link("LIMIT", "a.h", 2, "7"),
        link("B", "a.h", 3, "space::C * 2"),
        link("space::C", "a.h", 4, "3"),
        link("ABC", "a.h", 5, "1"),
    ]
    assert [(depth, each.name) for depth, each in nested(chain)] == [
        (0, "A"),
        (1, "B"),
        (1, "space::C"),
        (0, "LIMIT"),
        (0, "ABC"),
    ]


def test_other_peoples_text_does_no_harm() -> None:
    found = explained("TINY_MAX_OBJECTS")
    bad = link(HOSTILE_MESSAGE, HOSTILE_PATH, 1, HOSTILE_MESSAGE, 3)
    cells = tuple(cell.model_copy(update={"text": HOSTILE_MESSAGE}) for cell in found.cells)
    hostile = found.model_copy(update={"name": HOSTILE_MESSAGE, "chain": (bad,), "cells": cells})
    is_harmless(markdown(hostile))
    assert all(line.isprintable() for line in printed(hostile).splitlines())
