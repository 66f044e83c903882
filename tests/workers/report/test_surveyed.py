"""What `pagewarden profile check` prints, of an allocator of a few lines."""

from __future__ import annotations

import io

from rich.console import Console

from checker.evaluations import Evaluations
from checker.survey import survey
from checker.tree import Tree
from tests.checker.tiny import tiny_profile, tiny_tree
from tests.workers.report.snapshots import assert_snapshot
from workers.report.surveyed import render


def printed(tree: Tree) -> str:
    out = io.StringIO()
    render(survey(Evaluations(tiny_profile(), None), tree, (4096, 65536)), Console(file=out, width=80))
    return out.getvalue()


def test_all_is_well() -> None:
    assert_snapshot("survey.terminal.txt", printed(tiny_tree(ceiling=16)))


def test_something_is_not() -> None:
    assert_snapshot("survey-error.terminal.txt", printed(tiny_tree(max_objects="(NO_SUCH_NAME + 1)")))
