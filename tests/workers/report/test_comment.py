"""The one comment: found again, readable from its first line, folded and cut so that it fits."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from checker.report import Change, Constant, Report
from tests.workers.report.run_states import COMMENTS, HOLDS, IGNORED, OUTDATED, RELATED, SEVERAL
from tests.workers.report.samples import CONTEXT, A, D, assembled, error, judged, profile, report, target_report
from tests.workers.report.states import REPORTS, many
from workers.report.comment import MARKER, SMALLEST_FOLDED, Beside, comment, is_ours, readable
from workers.report.context import Judged, RelatedPull
from workers.report.sections import section

COMMENT_LIMIT = 65_536


@pytest.mark.parametrize(
    ("body", "ours"),
    [
        (f"### pagewarden: fine\n\n{MARKER}\n", True),
        (f"### pagewarden: fine\r\n\r\n{MARKER}", True),
        (f"{MARKER}\n### pagewarden: fine\n", True),
        (f"Somebody quotes {MARKER} here.", False),
        ("<!-- pagewarden:help -->", False),
        ("", False),
    ],
)
def test_a_comment_is_known_by_its_marker_at_the_end_or_as_it_once_was_at_the_beginning(body: str, ours: bool) -> None:
    assert is_ours(body) == ours


@pytest.mark.parametrize("state", COMMENTS)
def test_the_first_line_is_a_summary_and_the_marker_the_last(state: str) -> None:
    first, *_, last = COMMENTS[state].rstrip().split("\n")
    assert re.match(r"(##?#? )?pagewarden(:| is checking) \S", first)
    assert last == MARKER
    assert is_ours(COMMENTS[state])


def test_sections_come_in_the_order_of_the_reference() -> None:
    beside = Beside(
        related=RELATED,
        preview=lambda cap: [["#### Preview builds", "", "One."]],
        stress=lambda cap: [["#### Stress", "", "Fine."]],
    )
    body = comment(judged(REPORTS["everything"]), CONTEXT, beside)
    titles = re.findall(r"^#### (.*?)(?:[:,].*| on .*)?$|<summary>(Trade-off|Changes)", body, re.MULTILINE)
    names = [first or second for first, second in titles]
    wanted = [
        "Newly broken",
        "What to do next",
        "Changes",
        "Verified",
        "Close",
        "Limits",
        "Commit by commit",
        "Trade-off",
        "Possibly related pull requests",
        "Preview builds",
        "Stress",
    ]
    assert names == wanted


def test_of_a_commit_that_was_pushed_over_only_the_news_is_open() -> None:
    body = comment(judged(REPORTS["fail-many"]), OUTDATED)
    shown = body.partition("<details>")[0]
    assert shown.split("\n\n")[:2] == [
        "pagewarden is checking `cccccccccccc` now; this is about an older commit, `bbbbbbbbbbbb`.",
        "### ~~pagewarden: 2 limits broken on linux-arm64~~",
    ]
    assert len(shown.strip().split("\n\n")) == 2
    assert body.count("<details>") == body.count("</details>")


def test_each_of_several_profiles_has_its_own_title_the_worst_first() -> None:
    titles = re.findall(r"^##+ .*$", COMMENTS["run-several"], re.MULTILINE)
    assert titles[0].startswith("## pagewarden: libpas: 2 limits broken on linux-arm64; jemalloc: All 6 limits hold")
    assert [title for title in titles if title.startswith("### ")] == [
        "### libpas, WTF and JavaScriptCore: 2 limits broken on linux-arm64",
        "### jemalloc: All 6 limits hold on 9 heap configs, 3 targets",
    ]


def test_a_profile_that_does_not_apply_is_told_only_where_none_does() -> None:
    silent = judged(REPORTS["not-applicable"])
    assert comment((*silent, *HOLDS), CONTEXT) == comment(HOLDS, CONTEXT)
    assert "touches no header" in comment(silent, CONTEXT)


def test_what_is_ignored_is_no_good_news() -> None:
    body = comment(IGNORED, CONTEXT)
    assert "limits hold" not in body.partition("\n")[0]
    assert "1 ignored by this repository's settings" in body
    assert "Until 2027-03-31: Known since 2026" in body


def test_a_related_pull_request_is_not_told_of_this_one() -> None:
    body = COMMENTS["run-related"]
    assert "https://redirect.github.com/oven-sh/WebKit/pull/171" in body
    assert "github.com/oven-sh/WebKit/pull/171" not in body.replace("redirect.github.com", "")
    elsewhere = replace(CONTEXT, web_url="http://127.0.0.1:8080")
    assert "(http://127.0.0.1:8080/oven-sh/WebKit/pull/171)" in comment(HOLDS, elsewhere, Beside(related=RELATED))


def test_the_largest_sections_are_folded_first_and_no_more_than_needed() -> None:
    small, large = section("Small", ["x" * 2_000]), section("Large", ["y" * 5_000])
    assert readable([small, large], 8_000) == [small, large]
    kept, folded = readable([small, large], 6_000)
    assert kept == small
    assert folded[0] == "<details><summary>Large</summary>"
    assert [each[0] for each in readable([small, large], 100)] == [
        "<details><summary>Small</summary>",
        "<details><summary>Large</summary>",
    ]
    tiny = section("Tiny", ["z" * (SMALLEST_FOLDED // 2)])
    assert readable([tiny, tiny], 100) == [tiny, tiny]


def test_addresses_count_for_nothing_when_it_is_folded() -> None:
    block = section("Linked", [f"[x](https://example.com/{'a' * 5_000})"])
    assert readable([block], 100) == [block]


def test_a_long_table_is_folded() -> None:
    names = [f"CONSTANT_NUMBER_{number}" for number in range(300)]
    arm = target_report("linux-arm64", A, D)
    constants = tuple(Constant(name=n, base=1, head=2, changed=True, path="a.h", line=1) for n in names)
    changes = [Change(cohort=f"c{i}", files=(f"{'d' * 30}/{i}.h",), constants=tuple(names[i::40])) for i in range(40)]
    made = assembled([arm.model_copy(update={"constants": constants})], changes=changes)
    body = comment(judged(made), CONTEXT)
    assert "<details><summary>Changes: 40 files</summary>" in body
    assert "#### Verified" in body


def _large(count: int, width: int) -> Report:
    arm = target_report("linux-arm64", A, D)
    path = "Source/" + "x" * width + ".h"
    constants = tuple(Constant(name=f"C{i}", base=1, head=2, changed=True, path=path, line=i + 1) for i in range(count))
    errors = [error("m" * width, path=path, line=index) for index in range(count)]
    changes = [Change(cohort=f"c{i}", files=(path,) * 5, constants=()) for i in range(count)]
    large = many(count, path=path).targets[0].findings
    its = arm.model_copy(update={"constants": constants, "findings": (*arm.findings, *large)})
    return assembled([its], changes=changes, errors=errors)


@given(st.integers(0, 300), st.integers(1, 900), st.integers(1, 4), st.integers(0, 200))
@hypothesis_settings(deadline=None, max_examples=15)
def test_whatever_there_is_it_fits(count: int, width: int, profiles: int, pulls: int) -> None:
    made = _large(count, width)
    every = [Judged(made, profile().model_copy(update={"name": f"p{index}"})) for index in range(profiles)]
    related = tuple(RelatedPull(number, "t" * width, ("C" * 200,)) for number in range(1, pulls + 1))
    body = comment(every, CONTEXT, Beside(related=related))
    assert len(body) < COMMENT_LIMIT
    assert is_ours(body)
    shown = body.count("redirect.github.com")
    rest = re.search(r"… ([\d,]+) more pull requests?, see \[the check\]", body)
    assert shown + (int(rest[1]) if rest else 0) == pulls


def test_the_same_comment_is_made_whatever_the_order_of_profiles_that_differ_in_verdict() -> None:
    assert comment(SEVERAL, CONTEXT) == comment(tuple(reversed(SEVERAL)), CONTEXT)


def test_an_attempt_is_told_in_the_small_print() -> None:
    assert "· attempt 2 ·" in COMMENTS["run-attempt"]
    assert "attempt" not in comment(judged(report(A, D)), CONTEXT)
