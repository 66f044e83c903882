"""What is told of a repository's settings, and which of it fails a check."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config.repository import Problem
from tests.workers.report.run_states import (
    BAD,
    BASE_INVALID,
    FINE,
    INVALID,
    OVERRIDDEN,
    PLAIN_NEWS,
    PROBLEMS,
    VALID,
)
from tests.workers.report.samples import CONTEXT, judged
from tests.workers.report.states import REPORTS, many
from workers.report import CheckOutput, check
from workers.report.check import ROOM
from workers.report.context import Annotation, Gate, SettingsNews
from workers.report.gate import gated
from workers.report.settings_news import LONGEST, MOST, settings_section, with_settings

FULL = check.concluded(judged(many(2_000, path="Source/" + "x" * 200 + ".h")), CONTEXT)
"""As long a summary as there is."""


@pytest.mark.parametrize("news", [PLAIN_NEWS, OVERRIDDEN])
def test_where_nothing_is_new_the_check_stays_as_it_is(news: SettingsNews) -> None:
    assert with_settings(FINE, news, CONTEXT) == FINE


@pytest.mark.parametrize("news", [VALID, BASE_INVALID])
def test_valid_ones_and_those_of_the_base_fail_nothing(news: SettingsNews) -> None:
    shown = with_settings(FINE, news, CONTEXT)
    assert replace(shown, summary=FINE.summary) == FINE
    assert shown.summary.startswith(FINE.summary)
    assert "`.github/pagewarden.yml`" in shown.summary


def test_invalid_ones_fail_the_check_on_their_lines() -> None:
    shown = with_settings(FINE, INVALID, CONTEXT)
    assert (shown.conclusion, shown.title) == ("failure", f"Settings are invalid: 2 problems. {FINE.title}")
    assert [(note.path, note.line, note.level, note.message) for note in shown.annotations] == [
        (".github/pagewarden.yml", 3, "failure", 'unknown setting "targts"; did you mean "targets"?'),
        (".github/pagewarden.yml", 7, "failure", '"8K" is no page size; write 4K, 16K or 64K'),
    ]
    assert shown.summary.startswith("#### The new settings are invalid\n")


def test_annotations_are_in_one_order_by_path_and_line() -> None:
    shown = with_settings(BAD, INVALID, CONTEXT).annotations
    places = [(note.path, note.line) for note in shown]
    assert places == sorted(places)
    assert set(BAD.annotations) < set(shown)


@pytest.mark.parametrize(
    "output",
    [check.in_progress(CONTEXT), check.cancelled(CONTEXT, "octocat"), check.timed_out(CONTEXT, "1 hour")],
)
def test_a_check_that_has_no_answer_does_not_get_one_from_the_settings(output: CheckOutput) -> None:
    shown = with_settings(output, INVALID, CONTEXT)
    assert (shown.conclusion, shown.title, shown.annotations) == (output.conclusion, output.title, ())
    assert "The new settings are invalid" in shown.summary


def test_invalid_settings_fail_a_draft_and_what_is_not_applicable() -> None:
    for output in (check.draft(CONTEXT), check.not_applicable(CONTEXT)):
        assert with_settings(output, INVALID, CONTEXT).conclusion == "failure"


def test_the_stress_makes_no_success_of_invalid_settings() -> None:
    for gate in Gate:
        assert gated(with_settings(FINE, INVALID, CONTEXT), gate, CONTEXT).conclusion == "failure"


@given(st.integers(1, 500), st.integers(1, 5_000))
@hypothesis_settings(deadline=None, max_examples=20)
def test_however_many_problems_there_are_the_check_fits(count: int, width: int) -> None:
    problems = tuple(Problem(line, 1, "m" * width) for line in range(1, count + 1))
    news = SettingsNews(".github/pagewarden.yml", "main", problems=problems, proposed=problems)
    assert len(FULL.summary) > 50_000
    shown = check.finished(
        gated(with_settings(FULL, news, CONTEXT), Gate.APPROVAL, CONTEXT),
        replace(CONTEXT, attempt=2, asked_by="a" * 39),
    )
    assert len(FULL.summary) <= 65_000 - ROOM
    assert len(shown.summary) <= 65_535
    assert len(shown.title) <= 200
    settings = [note for note in shown.annotations if note.path == news.path]
    assert len(settings) == min(count, MOST)


def test_there_is_room_for_all_that_is_added_to_a_summary() -> None:
    longest = max(len(gated(FINE, gate, CONTEXT).summary) - len(FINE.summary) for gate in Gate)
    attempt = check.finished(FINE, replace(CONTEXT, attempt=10**6, asked_by="a" * 39))
    assert LONGEST + longest + len(attempt.summary) - len(FINE.summary) <= ROOM


def test_the_comment_has_a_sentence_for_each_thing_that_is_not_as_usual() -> None:
    assert settings_section(None, CONTEXT, 40) == settings_section(PLAIN_NEWS, CONTEXT, 40) == []
    assert settings_section(OVERRIDDEN, CONTEXT, 40)[2:] == [
        "- `use-count` counts as a warning here: The bitfit heaps are off in our builds."
    ]
    both = replace(VALID, problems=PROBLEMS)
    assert [line.partition(".github")[0] for line in settings_section(both, CONTEXT, 40)[2:]] == [
        "- ⚠️ `",
        "- This pull request changes `",
    ]


def test_a_problem_without_a_line_is_on_the_first() -> None:
    shown = with_settings(FINE, replace(INVALID, proposed=(Problem(0, 0, "it is empty"),)), CONTEXT)
    assert shown.annotations == (
        Annotation(".github/pagewarden.yml", 1, "failure", "Invalid settings, column 0", "it is empty"),
    )


def test_a_report_without_findings_keeps_its_own_words() -> None:
    fine = check.concluded(judged(REPORTS["pass"]), CONTEXT)
    assert with_settings(fine, INVALID, CONTEXT).text == fine.text
