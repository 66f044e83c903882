"""The check in its states: conclusions, buttons, attempts, and what it says to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.report.preview_states import MADE
from tests.workers.report.run_states import AGAIN, CHECKS, FAILS, HOLDS, MERGE_GROUP, OUTDATED, PUSH, SEVERAL
from tests.workers.report.samples import CONTEXT, judged
from tests.workers.report.states import REPORTS
from workers.report import CheckOutput, Context, check, preview

WITHOUT_REPORT: dict[str, Callable[[Context], CheckOutput]] = {
    "in progress": check.in_progress,
    "not applicable": check.not_applicable,
    "superseded": lambda context: check.superseded(context, "c" * 40),
    "gone": check.commit_gone,
    "broken": lambda context: check.broken(context, "no result"),
    "cancelled": lambda context: check.cancelled(context, "octocat"),
    "timed out": lambda context: check.timed_out(context, "1 hour"),
}
PREVIEWS = (preview.building(CONTEXT), preview.concluded(MADE["failed"], CONTEXT))


@pytest.mark.parametrize(
    ("state", "conclusion"),
    [
        ("pass", "success"),
        ("fail-many", "failure"),
        ("error-head", "failure"),
        ("error-base", "failure"),
        ("dormant", "success"),
        ("not-applicable", "success"),
    ],
)
def test_conclusions(state: str, conclusion: str) -> None:
    assert check.concluded(judged(REPORTS[state]), CONTEXT).conclusion == conclusion


def test_the_worst_of_several_profiles_decides() -> None:
    output = check.concluded(SEVERAL, CONTEXT)
    assert (output.conclusion, output.annotations) == ("failure", check.concluded(FAILS, CONTEXT).annotations)
    error = judged(REPORTS["error-head"])
    assert check.concluded((*HOLDS, *error), CONTEXT).conclusion == "failure"
    assert check.concluded((*error, *FAILS), CONTEXT).title.startswith("libpas: 2 limits broken")


def test_nothing_judged_is_a_success() -> None:
    output = check.concluded((), CONTEXT)
    assert (output.conclusion, output.title) == ("success", "Not applicable: no page-size header touched")


def test_what_nobody_looked_at_is_never_a_success() -> None:
    for state in ("broken", "cancelled", "timed out", "gone", "superseded", "in progress"):
        assert WITHOUT_REPORT[state](CONTEXT).conclusion not in ("success", "neutral")


@pytest.mark.parametrize("state", ["broken", "cancelled", "timed out"])
def test_how_to_begin_again_depends_on_where_it_can_be_asked_for(state: str) -> None:
    assert "Comment `/recheck` to have it checked again" in WITHOUT_REPORT[state](CONTEXT).summary
    for context in (PUSH, MERGE_GROUP):
        told = WITHOUT_REPORT[state](context).summary
        assert "Re-run the check to have it checked again" in told


@pytest.mark.parametrize("context", [PUSH, MERGE_GROUP])
def test_outside_a_pull_request_nothing_speaks_of_one(context: Context) -> None:
    outputs = [make(context) for make in WITHOUT_REPORT.values()]
    outputs += [check.concluded(judged(made), context) for made in REPORTS.values()]
    for output in outputs:
        words = f"{output.title} {output.summary} {output.text or ''}"
        assert "pull request" not in words
        assert "/recheck" not in words


def test_what_is_under_way_can_be_ended_and_what_is_over_begun_again() -> None:
    running, over = check.in_progress(CONTEXT), check.concluded(FAILS, CONTEXT)
    assert [each.identifier for each in check.actions_of(running)] == ["cancel"]
    assert [each.identifier for each in check.actions_of(over)] == ["recheck", "stress", "cancel"]
    assert check.finished(over, OUTDATED).actions == ()


def test_the_check_of_a_preview_has_buttons_of_its_own() -> None:
    running, over = (check.finished(output, CONTEXT, check.PREVIEW_BUTTONS) for output in PREVIEWS)
    assert [each.identifier for each in running.actions] == ["cancel"]
    assert [each.identifier for each in over.actions] == ["preview", "cancel"]
    assert check.finished(PREVIEWS[1], OUTDATED, check.PREVIEW_BUTTONS).actions == ()


def test_buttons_are_as_short_as_github_wants_them() -> None:
    for action in {*check.BUTTONS, *check.PREVIEW_BUTTONS}:
        assert len(action.label) <= 20
        assert len(action.identifier) <= 20
        assert len(action.description) <= 40


def test_three_buttons_are_all_that_github_takes() -> None:
    assert max(map(len, (check.BUTTONS, check.PREVIEW_BUTTONS))) <= 3


@given(st.text(max_size=400), st.integers(2, 10**6))
def test_a_title_keeps_its_attempt_however_long_it_is(title: str, attempt: int) -> None:
    output = check.finished(CheckOutput("success", title, "All is well.\n"), replace(AGAIN, attempt=attempt))
    assert len(output.title) <= 200
    assert output.title.endswith(f" (attempt {attempt})")
    assert output.summary == f"All is well.\n\nAttempt {attempt}, asked for by `octocat`.\n"


def test_the_first_attempt_is_not_told() -> None:
    output = check.finished(check.concluded(HOLDS, CONTEXT), CONTEXT)
    assert replace(output, actions=()) == check.concluded(HOLDS, CONTEXT)


def test_an_attempt_that_nobody_asked_for_names_nobody() -> None:
    output = check.finished(check.in_progress(AGAIN), replace(AGAIN, asked_by=""))
    assert output.summary.endswith("\n\nAttempt 2.\n")


@pytest.mark.parametrize("state", CHECKS)
def test_whatever_the_state_it_fits(state: str) -> None:
    output = CHECKS[state]
    assert len(output.title) <= 200
    assert len(output.summary) <= 65_535
    assert len(output.text or "") <= 65_535
