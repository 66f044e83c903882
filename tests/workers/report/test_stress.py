"""What people read about a stress run, state by state, as committed files; and nothing else than that."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.workers.report.samples import CONTEXT as PULL
from tests.workers.report.samples import HEAD_SHA
from tests.workers.report.snapshots import assert_snapshot
from tests.workers.report.states import HOSTILE_MESSAGE
from tests.workers.report.stress_states import (
    BUILDING,
    BUILDING_PREVIEW,
    RUNNING,
    RUNNING_PREVIEW,
    SIZES,
    STATES,
    WAITING,
    WAITING_PREVIEW,
    controls,
    record,
    thousand,
)
from workers.report import CheckOutput, stress, stress_text
from workers.report.comment import MARKER
from workers.report.markdown import LIMIT, joined
from workers.report.stress_cells import places
from workers.stress.anchors import cell_anchor, record_anchor
from workers.stress.result import Conclusion, Result, Trouble
from workers.stress.verdicts import Crash, Evidence, Role, Verdict

RUN_PAGE = "https://pagewarden.example/runs/1"
CONTEXT = replace(PULL, details_url=RUN_PAGE)
ALONE = replace(PULL, repository="", number=None, details_url=None)
TEXT_LIMIT = 65_535
OUR_HTML = {"<sub>", "</sub>", "<br>"}
HOSTILE = st.text(st.sampled_from("`*_[]()<>#@|\\~!-+.:/&;\n\r\t\x00\x1b\u202e\u2028 aw1"), min_size=1, max_size=60)


@pytest.mark.parametrize("state", STATES)
def test_check(state: str) -> None:
    assert_snapshot(f"stress-{state}.check.md", _shown(stress.concluded(STATES[state], CONTEXT)))


@pytest.mark.parametrize("state", STATES)
def test_comment(state: str) -> None:
    assert_snapshot(f"stress-{state}.comment.md", _comment(STATES[state]))


@pytest.mark.parametrize("state", STATES)
def test_terminal(state: str) -> None:
    assert_snapshot(f"stress-{state}.terminal.txt", "\n".join(stress_text.lines(STATES[state])) + "\n")


OTHERS = {
    "queued": stress.queued(CONTEXT),
    "waiting": stress.progress(CONTEXT, WAITING),
    "building": stress.progress(CONTEXT, BUILDING),
    "running": stress.progress(CONTEXT, RUNNING),
    "waiting-preview": stress.queued(CONTEXT, WAITING_PREVIEW),
    "building-preview": stress.progress(CONTEXT, BUILDING_PREVIEW),
    "running-preview": stress.progress(CONTEXT, RUNNING_PREVIEW),
    "fork": stress.waiting_for_approval(CONTEXT, "fork"),
    "newcomer": stress.waiting_for_approval(CONTEXT, "newcomer"),
    "not-offered": stress.not_offered(CONTEXT, "the profile jemalloc has no stress"),
}


@pytest.mark.parametrize("state", OTHERS)
def test_checks_without_a_result(state: str) -> None:
    assert_snapshot(f"stress-{state}.check.md", _shown(OTHERS[state]))


def test_the_comment_while_machines_run() -> None:
    assert_snapshot("stress-running.comment.md", joined(stress.section_for_comment(RUNNING, CONTEXT)))


def _comment(result: Result) -> str:
    return joined(stress.section_for_comment(result, CONTEXT))


def _shown(output: CheckOutput) -> str:
    lines = [f"conclusion: {output.conclusion}", f"title: {output.title}", "", output.summary]
    if output.text is not None:
        lines += ["---", "", output.text]
    return "\n".join(lines).replace(HEAD_SHA, "HEAD") + "\n"


@pytest.mark.parametrize("state", STATES)
def test_only_a_pass_is_a_success(state: str) -> None:
    result = STATES[state]
    assert (stress.concluded(result, CONTEXT).conclusion == "success") == (result.conclusion is Conclusion.PASS)


@pytest.mark.parametrize(
    ("state", "conclusion", "title"),
    [
        ("pass", "success", "No new failure under 4K, 16K and 64K pages"),
        ("regression-64k", "failure", "Stress fails: jit-small-bitfit at 64K (1 regression)"),
        ("does-not-compile", "failure", "Stress fails: the head does not compile: pas_heap.c:3"),
        ("void-no-control", "neutral", "void: there is no control that must fail"),
    ],
)
def test_titles(state: str, conclusion: str, title: str) -> None:
    output = stress.concluded(STATES[state], CONTEXT)
    assert (output.conclusion, output.title) == (conclusion, title)


def test_a_void_run_begins_with_the_words_that_people_look_for() -> None:
    assert stress.concluded(STATES["void"], CONTEXT).title.startswith("void: the control survived: ")


def test_an_error_is_not_the_pull_requests_fault() -> None:
    output = stress.concluded(STATES["error"], CONTEXT)
    assert output.conclusion == "failure"
    assert "This is not the fault of this pull request." in output.summary


@pytest.mark.parametrize("state", STATES)
def test_what_emulation_cannot_see_is_said_once(state: str) -> None:
    emulated = STATES[state].machine in {"vm", "user"}
    assert stress.concluded(STATES[state], CONTEXT).summary.count("TCG") == emulated
    assert _comment(STATES[state]).count("TCG") == emulated


def test_every_failing_cell_links_to_its_record_on_the_runs_page() -> None:
    result = STATES["regression-everywhere"]
    linked = set(re.findall(rf"{re.escape(RUN_PAGE)}#([\w.-]+)", stress.concluded(result, CONTEXT).summary))
    for each in result.of(Role.HEAD):
        if each.verdict is Verdict.FAIL:
            assert record_anchor(each) in linked
    assert cell_anchor(Role.HEAD, 65536) in linked


def test_without_a_page_nothing_is_linked() -> None:
    output = stress.concluded(STATES["regression-64k"], ALONE)
    assert "](" not in output.summary
    assert "](" not in (output.text or "")


def test_a_crash_is_not_linked_to_a_file_that_nobody_knows() -> None:
    assert "/blob/" not in stress.concluded(STATES["regression-64k"], CONTEXT).summary


def test_regressions_that_bad_controls_vouch_for_are_not_told_as_such() -> None:
    lost = tuple(replace(each, seen=None) for each in controls())
    output = stress.concluded(replace(STATES["regression-64k"], controls=lost), CONTEXT)
    assert output.title.startswith("Stress could not be run")
    assert "#### Failing, but the controls did not behave" in output.summary
    assert "Newly failing" not in output.summary


def is_harmless(body: str) -> None:
    """No HTML, link or mention but our own."""
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(body):
        if token.type == "html_block":
            assert re.fullmatch(r"</?details>(<summary>[^<>]*</summary>)?\s*", token.content), token.content
        for child in token.children or []:
            if child.type == "html_inline":
                assert child.content in OUR_HTML
            if child.type == "link_open":
                assert re.fullmatch(rf"{re.escape(RUN_PAGE)}(#[a-z0-9.-]+)?", str(child.attrs["href"]))
            assert child.type != "image"
            if child.type in ("text", "text_special"):
                assert not re.search(r"@\w|://", child.content)


def _all_of(result: Result) -> list[str]:
    output = stress.concluded(result, CONTEXT)
    assert output.text is not None
    assert output.title.isprintable()
    assert len(output.title) <= 200
    return [output.summary, output.text, _comment(result)]


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_harmless(state: str) -> None:
    for body in _all_of(STATES[state]):
        is_harmless(body)
        assert MARKER not in body


@given(HOSTILE, HOSTILE)
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
def test_nothing_that_a_subject_says_gets_out(name: str, message: str) -> None:
    crash = Crash(message, name, 7, (message,))
    evidence = Evidence(message, f"{name}\n{message}", message, message, message)
    bad = record(name, 65536, Verdict.FAIL, reason=message, signal=name, progress=message, crash=crash)
    bad = replace(bad, subject=name, evidence=evidence)
    lost = replace(bad, verdict=Verdict.UNAVAILABLE, page_size=4096)
    troubles = (Trouble(message, 4096), Trouble(name, own=True))
    made = Result("vm", SIZES, (bad, lost), controls(), troubles)
    for body in _all_of(made):
        is_harmless(body)
    assert all(line.isprintable() for line in stress_text.lines(made))


def test_checks_without_a_result_are_harmless() -> None:
    is_harmless(stress.not_offered(CONTEXT, HOSTILE_MESSAGE).summary)
    pages = tuple(replace(each, subject=HOSTILE_MESSAGE, phase=HOSTILE_MESSAGE) for each in RUNNING.pages)
    is_harmless(stress.progress(CONTEXT, replace(RUNNING, pages=pages)).summary)


def test_a_thousand_records_stay_below_githubs_limits_and_are_counted() -> None:
    made = thousand()
    output = stress.concluded(made, CONTEXT)
    assert output.text is not None
    assert len(made.records) >= 1000
    assert len(output.summary) <= TEXT_LIMIT
    assert len(output.text) <= TEXT_LIMIT
    assert len(_comment(made)) < LIMIT // 2
    assert re.search(r"… [\d,]+ more failures, see \[the run's page\]", output.summary)
    assert re.search(r"… [\d,]+ more phases", output.text)
    assert re.search(r"… [\d,]+ more records with evidence", output.text)


def test_evidence_is_the_last_lines() -> None:
    text = stress.concluded(STATES["regression-64k"], CONTEXT).text or ""
    assert "allocated 39 of 20000" in text
    assert "allocated 25 of 20000" in text
    assert "allocated 24 of 20000" not in text


def test_lines_for_a_terminal_are_wrapped_and_plain() -> None:
    for state, result in STATES.items():
        lines = stress_text.lines(result)
        assert "\x1b" not in "".join(lines)
        if state != "hostile":
            assert max(map(len, lines)) <= 80, state


def test_places_are_told_together() -> None:
    assert places([("a", 4096), ("b", 4096), ("a", 65536), ("b", 65536), ("c", 65536)]) == (
        "a and b at 4K and 64K; c at 64K"
    )
    assert places([(f"p{number}", 4096) for number in range(9)]) == "p0, p1, p2 and 6 more at 4K"
