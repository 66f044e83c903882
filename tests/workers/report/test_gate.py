"""A check that waits for the stress: when it is a success, and when it is not."""

from __future__ import annotations

import pytest

from tests.workers.report.run_states import BAD, FINE, PUSH
from tests.workers.report.samples import CONTEXT, HEAD_SHA
from workers.report import CheckOutput, check
from workers.report.context import Gate
from workers.report.gate import gated


@pytest.mark.parametrize(
    ("gate", "conclusion"),
    [
        (Gate.WAITING, None),
        (Gate.APPROVAL, "action_required"),
        (Gate.FAILED, "failure"),
        (Gate.UNSURE, "failure"),
        (Gate.PASSED, "success"),
    ],
)
def test_a_success_shares_the_fate_of_the_stress(gate: Gate, conclusion: str | None) -> None:
    assert gated(FINE, gate, CONTEXT).conclusion == conclusion


@pytest.mark.parametrize("gate", Gate)
@pytest.mark.parametrize(
    "output", [BAD, check.draft(CONTEXT), check.in_progress(CONTEXT), check.cancelled(CONTEXT, "octocat")]
)
def test_anything_else_stays_what_it_is_and_tells_of_the_stress(output: CheckOutput, gate: Gate) -> None:
    shown = gated(output, gate, CONTEXT)
    assert (shown.conclusion, shown.title, shown.annotations) == (output.conclusion, output.title, output.annotations)
    assert shown.summary.startswith(output.summary)
    assert "`pagewarden / stress`" in shown.summary.removeprefix(output.summary)


def test_what_holds_a_check_up_is_told_first() -> None:
    for gate in (Gate.WAITING, Gate.APPROVAL, Gate.FAILED, Gate.UNSURE):
        assert gated(FINE, gate, CONTEXT).summary.startswith("#### Stress\n")
    assert gated(FINE, Gate.PASSED, CONTEXT).summary.startswith(FINE.summary)


def test_the_whole_sha_is_in_the_title_of_what_waits_for_an_approval() -> None:
    shown = gated(FINE, Gate.APPROVAL, CONTEXT)
    assert shown.title == f"Waiting for /ok-to-test {HEAD_SHA} by someone with write access"
    assert f"`/ok-to-test {HEAD_SHA}`" in shown.summary


def test_nobody_is_told_to_comment_where_there_is_no_pull_request() -> None:
    shown = gated(check.concluded((), PUSH), Gate.UNSURE, PUSH)
    assert "/stress" not in shown.title
    assert "Re-run the check to have it stressed again." in shown.summary
