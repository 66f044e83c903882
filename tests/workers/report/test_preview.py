"""What people read about a preview build, state by state, as committed files; and nothing else than that."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.workers.report.preview_states import (
    ACTIONS_RUN,
    AT,
    BUN,
    CONTEXT,
    FILES,
    GOOD,
    LOG,
    MADE,
    MISALIGNED,
    RELEASED,
    ROWS,
    RUN_PAGE,
    TAG,
    binary,
    release_page,
    row,
    unfit,
)
from tests.workers.report.run_states import HOLDS, MERGE_GROUP
from tests.workers.report.samples import CONTEXT as PULL
from tests.workers.report.samples import HEAD_SHA
from tests.workers.report.snapshots import assert_snapshot
from tests.workers.report.states import HOSTILE_MESSAGE
from workers.build.result import Artifact, Ending, Fault, Inspection, Made, Problem, Release, Row, RowState
from workers.report import CheckOutput, check, preview, preview_tables
from workers.report.comment import MARKER, Beside, comment
from workers.report.markdown import LIMIT, joined
from workers.report.preview_words import linked
from workers.trust import Distrust

TEXT_LIMIT = 65_535
OUR_HTML = {"<sub>", "</sub>", "<br>"}
OUR_HOSTS = r"https://(github\.com/oven-sh/WebKit/|pagewarden\.example/runs/1|evil\.example/)"
"""The address of a build or a release may lead anywhere; nothing else may."""
HOSTILE = st.text(
    st.sampled_from("`*_[]()<>#@|\\~!-+.:/&;\n\r\t\x00\x1b\u202e\u2028\ud800 aw1"), min_size=1, max_size=60
)
SHOWN_AT_HEAD = {"released": "released-base", "failed": "unaligned"}


@pytest.mark.parametrize("state", MADE)
def test_check(state: str) -> None:
    assert_snapshot(f"preview-{state}.check.md", _shown(preview.concluded(MADE[state], CONTEXT)))


@pytest.mark.parametrize("state", ROWS)
def test_comment(state: str) -> None:
    made = MADE[SHOWN_AT_HEAD.get(state, "hostile")] if state in {*SHOWN_AT_HEAD, "hostile"} else None
    assert_snapshot(f"preview-{state}.comment.md", _comment(ROWS[state], made))


def test_comment_of_what_was_not_released() -> None:
    told = [_comment(ROWS["building"][-1:], MADE[state]) for state in ("taken", "failed", "cancelled-there", "broken")]
    assert_snapshot("preview-not-released.comment.md", "\n---\n\n".join(told))


OTHERS = {
    "queued": preview.queued(CONTEXT),
    "building": preview.building(CONTEXT, ACTIONS_RUN, AT),
    "building-here": preview.building(CONTEXT),
    "fork": preview.waiting_for_approval(CONTEXT, "fork"),
    "newcomer": preview.waiting_for_approval(CONTEXT, Distrust.NEWCOMER.value),
    "closed": preview.closed(CONTEXT),
    "not-offered": preview.not_offered(CONTEXT, "docker"),
    "ended": check.finished(check.cancelled(CONTEXT, "octocat", check.BUILT), CONTEXT, check.PREVIEW_BUTTONS),
    "too-slow": check.timed_out(CONTEXT, "90 minutes", check.BUILT),
}


@pytest.mark.parametrize("state", OTHERS)
def test_checks_without_a_result(state: str) -> None:
    assert_snapshot(f"preview-{state}.check.md", _shown(OTHERS[state]))


def _comment(rows: tuple[Row, ...], made: Made | None = None) -> str:
    return joined(preview.section_for_comment(rows, made, CONTEXT, 400))


def _shown(output: CheckOutput) -> str:
    lines = [f"conclusion: {output.conclusion}", f"title: {output.title}", "", output.summary]
    if output.text is not None:
        lines += ["---", "", output.text]
    return "\n".join(lines).replace(HEAD_SHA, "HEAD") + "\n"


@pytest.mark.parametrize("state", MADE)
def test_only_what_counts_and_is_there_is_a_success(state: str) -> None:
    made = MADE[state]
    conclusion = preview.concluded(made, CONTEXT).conclusion
    assert (conclusion == "success") == (made.ending in {Ending.RELEASED, Ending.BUILT})
    assert (conclusion == "neutral") == (made.ending in {Ending.TAKEN, Ending.FORBIDDEN})


def test_every_ending_has_a_state_here() -> None:
    assert {made.ending for made in MADE.values()} == set(Ending)


@pytest.mark.parametrize(
    ("state", "title"),
    [
        ("released", f"Released {TAG}: 3 files"),
        ("released-one", f"Released {TAG}: 1 file"),
        ("taken", f"Built, but not released: the tag {TAG} is somebody else's"),
        ("unaligned", f"Built, but unfit: {BUN.name} is aligned to 4 KiB, too little for 64K pages"),
        ("nothing", "The build succeeded, and left nothing behind"),
        ("failed-silently", "The build failed"),
    ],
)
def test_titles(state: str, title: str) -> None:
    assert preview.concluded(MADE[state], CONTEXT).title == title


def test_a_long_title_keeps_the_number_of_problems() -> None:
    made = unfit(*(replace(MISALIGNED, file="a/" * 300) for _ in range(50)))
    title = preview.concluded(made, CONTEXT).title
    assert len(title) == 200
    assert title.endswith("; 49 more problems")


def test_a_segment_that_cannot_be_loaded_is_told_with_its_file_and_the_flag() -> None:
    summary = preview.concluded(MADE["unaligned"], CONTEXT).summary
    assert f"`{BUN.name}` is aligned to 4 KiB" in summary
    assert "`-Wl,-z,max-page-size=65536`" in summary


def test_what_cannot_be_looked_at_is_told_before_what_was_then_not_found() -> None:
    made = unfit(Problem(Fault.EMPTY, ""), Problem(Fault.DAMAGED, "a.zip", "no zip"), inspection=Inspection(FILES[:1]))
    assert preview.concluded(made, CONTEXT).title == "Built, but unfit: a.zip could not be read: no zip; 1 more problem"


def test_the_end_of_the_log_is_shown_of_what_failed_alone() -> None:
    text = preview.concluded(MADE["failed"], CONTEXT).text or ""
    assert "jsc_190.cpp:12:3: error" in text
    assert "[189/200]" in text
    assert "[100/200]" not in text
    assert preview.concluded(replace(RELEASED, log=LOG), CONTEXT).text is None


def test_whoever_runs_pagewarden_is_told_of_only_where_it_is_at_fault() -> None:
    told = {state for state in MADE if "runs pagewarden" in preview.concluded(MADE[state], CONTEXT).summary}
    assert told == {"broken"}


def test_the_newest_commit_comes_first_and_what_was_removed_last() -> None:
    rows = (
        row("1", RowState.RELEASED, 3, release_page("1")),
        row("2", RowState.REMOVED, 0),
        row("3", RowState.FAILED, 2),
        row("b", RowState.BUILDING, 1),
    )
    shown = re.findall(r"/commit/(.)", _comment(rows))
    assert shown == ["b", "3", "1", "2"]


def test_of_two_of_one_moment_the_present_head_comes_first() -> None:
    rows = (row("1", RowState.CANCELLED, 0), row("b", RowState.QUEUED, 0))
    assert re.findall(r"/commit/(.)", _comment(rows)) == ["b", "1"]


def test_a_row_is_as_in_the_reference() -> None:
    when = "2026-03-20 23:04:33 UTC"
    sha, page = "b" * 40, release_page("b")
    line = f"| [`bbbbbbbb`](https://github.com/oven-sh/WebKit/commit/{sha}) | [`{TAG}`]({page}) | {when} |"
    told = _comment((row("b", RowState.RELEASED, 0, page),))
    assert told == f"#### Preview Builds\n\n| Commit | Release | Date |\n| --- | --- | --- |\n{line}\n"


def test_without_rows_there_is_no_section() -> None:
    assert preview.section_for_comment((), RELEASED, CONTEXT, 40) == []


@pytest.mark.parametrize(("cap", "shown", "left"), [(40, 15, 0), (12, 12, 3), (6, 6, 9), (1, 1, 14)])
def test_earlier_commits_are_folded_away_and_what_is_left_out_is_counted(cap: int, shown: int, left: int) -> None:
    told = joined(preview.section_for_comment(ROWS["many"], None, CONTEXT, cap))
    opened, _, folded = told.partition("<details>")
    assert told.count("/commit/") == shown
    assert opened.count("/commit/") == min(shown, 10)
    assert folded.count("/commit/") == max(shown - 10, 0)
    assert (f"… {left} more commit" in told) == (left > 0)


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (0, "±0"),
        (512, "+512 bytes"),
        (-1, "-1 bytes"),
        (4096, "+4 KiB (+4,096)"),
        (-1_310_720, "-1.25 MiB (-1,310,720)"),
    ],
)
def test_differences_have_a_sign(octets: int, told: str) -> None:
    assert preview_tables.difference(octets) == told


def test_sizes_are_told_only_where_there_is_a_base() -> None:
    for state, made in MADE.items():
        told = f"{preview.concluded(made, CONTEXT).summary}{_comment(ROWS['released'], made)}"
        assert ("Sizes against the base" in told) == bool(made.base), state


def test_files_whose_sizes_are_those_of_the_base_are_counted() -> None:
    summary = preview.concluded(MADE["released-base"], CONTEXT).summary
    assert "1 other file: no difference." in summary
    assert "#### Sizes against the base: no difference" in preview.concluded(MADE["released-same"], CONTEXT).summary


def test_the_comment_has_the_section() -> None:
    beside = Beside(preview=lambda cap: preview.section_for_comment(ROWS["released"], RELEASED, CONTEXT, cap))
    body = comment(HOLDS, CONTEXT, beside)
    assert body.count("#### Preview Builds") == 1
    assert TAG in body


def test_outside_a_pull_request_nothing_speaks_of_one() -> None:
    outputs = [preview.concluded(made, MERGE_GROUP) for state, made in MADE.items() if "hostile" not in state]
    outputs += [preview.queued(MERGE_GROUP), preview.building(MERGE_GROUP)]
    for output in outputs:
        words = f"{output.title} {output.summary}"
        assert "pull request" not in words
        assert "/preview`" not in words


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "x"),
        ("javascript:alert(1)", "x"),
        ("https:///evil", "x"),
        ("https://github.com/a/b", "[x](https://github.com/a/b)"),
        ("https://github.com/a) [y](z", "[x](https://github.com/a%29%20%5By%5D%28z)"),
    ],
)
def test_links_lead_to_pages_only(url: str, told: str) -> None:
    assert linked("x", url) == told


def is_harmless(body: str) -> None:
    """No HTML, link or mention but our own."""
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(body):
        if token.type == "html_block":
            assert re.fullmatch(r"</?details>(<summary>[^<>]*</summary>)?\s*", token.content), token.content
        for child in token.children or []:
            if child.type == "html_inline":
                assert child.content in OUR_HTML
            if child.type == "link_open":
                assert re.match(OUR_HOSTS, str(child.attrs["href"])), child.attrs
            assert child.type != "image"
            if child.type in ("text", "text_special"):
                assert not re.search(r"@\w|://", child.content)


def _all_of(made: Made, rows: tuple[Row, ...]) -> list[str]:
    output = preview.concluded(made, CONTEXT)
    assert output.title.isprintable()
    assert len(output.title) <= 200
    return [output.summary, output.text or "", _comment(rows, made)]


@pytest.mark.parametrize("state", MADE)
def test_every_state_is_harmless(state: str) -> None:
    for body in _all_of(MADE[state], ROWS["hostile"]):
        is_harmless(body)
        assert MARKER not in body


def test_checks_without_a_result_are_harmless() -> None:
    for output in (
        *OTHERS.values(),
        preview.not_offered(CONTEXT, HOSTILE_MESSAGE),
        preview.building(CONTEXT, HOSTILE_MESSAGE),
        preview.queued(replace(CONTEXT, head_sha=HOSTILE_MESSAGE)),
        preview.closed(replace(CONTEXT, head_sha=HOSTILE_MESSAGE)),
    ):
        is_harmless(output.summary)
        assert output.title.isprintable()
        assert len(output.title) <= 200


@given(HOSTILE, HOSTILE, st.sampled_from(Ending), st.sampled_from(RowState))
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=80)
def test_nothing_that_a_build_says_gets_out(one: str, other: str, ending: Ending, state: RowState) -> None:
    found = Inspection(
        (Artifact(one, 1, other),),
        (binary(one, other, kind=other, build_id=one),),
        tuple(Problem(fault, one, other) for fault in (*Fault, other)),
    )
    url = f"https://evil.example/{one}"
    made = Made(ending, one, f"{other}\n{one}", url, found, Release(other, url, AT), (binary(other, one),), one)
    for body in _all_of(made, (Row(one, state, other, url, AT), Row(other, RowState.RELEASED, one, url))):
        is_harmless(body)


def test_thousands_of_files_stay_below_githubs_limits_and_are_counted() -> None:
    many = tuple(binary(f"a{number}", "x" * 200, file=number) for number in range(3_000))
    files = tuple(Artifact(f"{number}.tar.gz", number, "0f" * 32) for number in range(3_000))
    problems = tuple(Problem(Fault.ALIGNMENT, each.name, "4096") for each in many)
    bases = tuple(replace(each, file=each.file + 1) for each in many)
    made = Made(Ending.UNFIT, inspection=Inspection(files, many, problems), log="x" * 500_000 + LOG * 40, base=bases)
    output = preview.concluded(made, CONTEXT)
    assert output.text is not None
    assert len(output.summary) <= TEXT_LIMIT
    assert len(output.text) <= TEXT_LIMIT
    assert re.search(r"… [\d,]+ more files\.", output.summary)
    assert re.search(r"… [\d,]+ more ELF files\.", output.summary)
    rows = tuple(row("b", RowState.RELEASED, number, release_page("b")) for number in range(3_000))
    assert len(_comment(rows, made)) < LIMIT // 2


def test_what_the_inspection_left_out_is_counted() -> None:
    assert "… 212 more ELF files." in preview.concluded(replace(RELEASED, inspection=GOOD), CONTEXT).summary


def test_without_a_page_the_checks_of_the_pull_request_are_linked() -> None:
    told = joined(preview.section_for_comment(ROWS["failed"], MADE["failed"], PULL, 40))
    assert "[the check](https://github.com/oven-sh/WebKit/pull/176/checks)" in told
    assert RUN_PAGE not in told
