"""Counts of what was checked are those of the report."""

from __future__ import annotations

import re

import pytest

from checker.report import Report, State
from tests.workers.report.samples import A, B, C, D, assembled, ignoring, report, target_report
from tests.workers.report.states import REPORTS
from workers.report.digest import digest
from workers.report.verified import verified


def said(made: Report) -> str:
    (line,) = verified(made, digest(made))
    return line


def test_what_was_held_against_what() -> None:
    assert said(report(A, D)).startswith(
        "6 limits were held against 9 heap configs and the whole tree, "
        "for 3 page sizes (4K, 16K and 64K), on 3 targets. "
    )


@pytest.mark.parametrize("state", REPORTS)
def test_every_cell_that_applies_is_counted_once(state: str) -> None:
    made = REPORTS[state]
    found = [each for target in made.targets for each in target.findings if each.state is not State.GONE]
    told = re.search(r"Of [\d,]+ cells ([\d,]+) appl(?:y|ies): (.*?)\.(?: |$)", said(made))
    if told is None:
        assert not found
        return
    assert int(told[1].replace(",", "")) == len(found)
    parts = re.sub(r" \([^)]*\)", "", told[2])
    assert sum(int(number.replace(",", "")) for number in re.findall(r"\b[\d,]*\d\b", parts)) == len(found)


def test_standings_are_told_where_there_are_any() -> None:
    assert "94 hold (10 of these fixed, 1 close to breaking) and 4 newly broken." in said(report(A, B))
    assert said(report(D, D)).endswith("cells 98 apply: 98 hold.")


def test_what_is_ignored_applies_and_does_not_hold() -> None:
    plain, quiet = said(report(A, C)), said(ignoring(report(A, C), "use-count", "Known."))
    assert "1 newly broken" in plain
    assert quiet == plain.replace("1 newly broken", "1 ignored by this repository's settings")


def test_what_is_gone_applies_no_longer() -> None:
    arm = target_report("linux-arm64", A, A)
    first, *others = arm.findings
    gone = first.model_copy(update={"state": State.GONE, "head": None})
    made = assembled([arm.model_copy(update={"findings": (gone, *others)})])
    total = len(arm.findings) + len(arm.not_applicable)
    assert f"Of {total} cells {len(others)} apply" in said(made)


def test_without_values_nothing_is_claimed() -> None:
    assert "No cell could be decided." in said(REPORTS["error-head"])
    assert said(REPORTS["error-head"]).endswith("What could not be evaluated at head is in no count.")
