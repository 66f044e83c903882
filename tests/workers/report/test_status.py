"""Commit statuses say what checks say."""

from __future__ import annotations

import pytest

from tests.workers.report.run_states import CHECKS
from workers.report import CheckOutput
from workers.report.status import described


@pytest.mark.parametrize(
    ("conclusion", "state"),
    [
        (None, "pending"),
        ("success", "success"),
        ("neutral", "success"),
        ("failure", "failure"),
        ("cancelled", "error"),
        ("timed_out", "error"),
        ("action_required", "pending"),
        ("stale", "error"),
    ],
)
def test_states(conclusion: str | None, state: str) -> None:
    assert described(CheckOutput(conclusion, "A title", "")) == (state, "A title")


@pytest.mark.parametrize("state", CHECKS)
def test_a_description_is_as_short_as_github_wants_it(state: str) -> None:
    _, description = described(CHECKS[state])
    assert 0 < len(description) <= 140


def test_a_cut_description_keeps_the_attempt() -> None:
    assert described(CheckOutput("success", "x" * 180 + " (attempt 2)", ""))[1].endswith(" (attempt 2)")
