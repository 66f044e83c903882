"""Nothing in a pull request can make a report link, mention, render or grow as its author likes."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from checker.report import Change, Constant, Edit, Repair, Report, Side, State
from config.repository import Problem, RepositorySettings, RuleSettings
from tests.workers.report.run_states import CHECKS, COMMENTS, REPLIES
from tests.workers.report.samples import (
    CONTEXT,
    A,
    C,
    D,
    assembled,
    error,
    finding,
    ignoring,
    judged,
    link,
    profile,
    report,
    target_report,
)
from tests.workers.report.states import HOSTILE_MESSAGE, HOSTILE_PATH, REPORTS, USE_COUNT, advice, blamed, many
from workers.report import check, markdown, replies, stress, text
from workers.report.comment import MARKER, Beside, comment
from workers.report.context import Gate, RelatedPull, SettingsNews
from workers.report.gate import gated
from workers.report.replies import Trouble
from workers.report.settings_news import with_settings

OUR_HTML = {"<sub>", "</sub>", "<br>", MARKER}
OUR_MARKERS = r"<!-- pagewarden(:[a-z]+)? -->"
OUR_LINKS = (
    r"https://github\.com/oven-sh/WebKit/"
    r"(blob/bbbb|pull/176/checks\Z|commit/\w{40}\Z|releases/tag/autobuild-|actions/runs/\d+\Z)|"
    r"https://redirect\.github\.com/oven-sh/WebKit/pull/\d+\Z|https://pagewarden\.example/runs/1(#|\Z)"
)
COMMENT_LIMIT, TEXT_LIMIT = 65_536, 65_535
HOSTILE = st.text(st.sampled_from("`*_[]()<>#@|\\~!-+.:/&;\n\r\t\x00\x1b\u202e\u2028 aw1"), min_size=1, max_size=60)


def _report(path: str, message: str) -> Report:
    arm = target_report("linux-arm64", A, A)
    constant = Constant(name="CeilingOnPageSize", base=1, head=2, changed=True, path=path, line=2)
    chain = (link(message, path, 3, message, 8), link("Y", path, 4, message))
    broken = finding(
        "use-count", "jit_medium_bitfit", None, State.INTRODUCED, path=path, line=3, explanation=message, chain=chain
    )
    hurt = arm.model_copy(update={"constants": (constant,), "findings": (broken, *arm.findings)})
    changes = [Change(cohort="WTF page size", files=(path, path + "2"), constants=())]
    mended = Edit(name="X", path=path, line=3, before=message, after=path, old=8, new=9)
    return assembled(
        [hurt],
        changes=changes,
        errors=[error(message, path=path), error(message, side=Side.BASE, path=path)],
        blame=(blamed("1", message, introduced=(USE_COUNT,)), blamed("2", path)),
        advice=(advice("use-count", Repair(edits=(mended,), mends=(USE_COUNT,), costs=()), knobs=(message,)),),
    )


def is_harmless(body: str, titles: int = 1) -> None:
    """No HTML, link, image, mention or heading but our own."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
    for token in tokens:
        if token.type == "html_block":
            assert re.fullmatch(
                r"(<!-- pagewarden(:[a-z]+)? -->|</?details>(<summary>[^<>]*</summary>)?)\s*", token.content
            )
        for child in token.children or []:
            if child.type == "html_inline":
                assert child.content in OUR_HTML
            if child.type == "link_open":
                assert re.match(OUR_LINKS, str(child.attrs["href"]))
            assert child.type != "image"
            if child.type in ("text", "text_special"):
                assert not re.search(r"@\w|://", child.content)
    assert [token.markup for token in tokens if token.type == "heading_open"].count("###") == titles


@given(HOSTILE, HOSTILE)
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
def test_no_path_and_no_message_gets_out_of_its_code_span(path: str, message: str) -> None:
    made = _report(path, message)
    is_harmless(comment(judged(made), CONTEXT))
    output = check.concluded(judged(made), CONTEXT)
    assert output.text is not None
    is_harmless(f"### {output.title.encode('ascii', 'ignore').hex()}\n\n{output.summary}")
    is_harmless(f"### x\n\n{output.text}")


@pytest.mark.parametrize("state", REPORTS)
def test_every_state_is_harmless(state: str) -> None:
    body = comment(judged(REPORTS[state]), CONTEXT)
    assert body.startswith("### pagewarden: ")
    assert body.endswith(f"\n{MARKER}\n")
    is_harmless(body)


@pytest.mark.parametrize("state", COMMENTS)
def test_every_comment_of_a_run_is_harmless(state: str) -> None:
    is_harmless(COMMENTS[state], titles=2 if "several" in state else 1)


@pytest.mark.parametrize("state", CHECKS)
def test_every_check_of_a_run_is_harmless(state: str) -> None:
    is_harmless(CHECKS[state].summary, titles=2 if "several" in state else 0)


@pytest.mark.parametrize("kind", REPLIES)
def test_every_reply_is_harmless(kind: str) -> None:
    is_harmless(REPLIES[kind], titles=0)


@given(HOSTILE)
@hypothesis_settings(deadline=None, max_examples=60)
def test_checks_without_a_report_are_harmless(message: str) -> None:
    asked = replace(
        CONTEXT, attempt=2, asked_by=message, superseded_by=message, head_sha=message, watched_files=(message,)
    )
    for output in (
        check.broken(CONTEXT, message),
        check.superseded(CONTEXT, message),
        check.not_applicable(CONTEXT, message),
        check.cancelled(CONTEXT, message),
        check.timed_out(CONTEXT, message),
        check.draft(asked),
        check.in_progress(asked),
        check.finished(check.commit_gone(asked), asked),
        gated(check.not_applicable(asked), Gate.APPROVAL, asked),
        stress.waiting_for_approval(asked),
    ):
        is_harmless(output.summary, titles=0)
        assert output.title.isprintable()


@given(HOSTILE, HOSTILE)
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
def test_nothing_beside_a_report_gets_out_of_its_place(one: str, other: str) -> None:
    news = SettingsNews(one, other, _settings(one), (Problem(1, 1, other),), (Problem(2, 3, one), Problem(2, 4, other)))
    related = (RelatedPull(12, one, (other, one)),)
    by = profile().model_copy(update={"name": one, "title": other})
    made = judged(ignoring(report(A, C), "use-count", one, other), by)
    body = comment(made, CONTEXT, Beside(related=related, settings=news))
    is_harmless(body)
    is_harmless(comment(made, replace(CONTEXT, superseded_by=other), Beside(related=related, settings=news)))
    is_harmless(comment((*made, *judged(REPORTS["pass"])), CONTEXT), titles=2)
    output = with_settings(check.concluded(made, CONTEXT), news, CONTEXT)
    assert output.text is not None
    is_harmless(output.summary, titles=0)
    is_harmless(output.text, titles=0)
    assert output.title.isprintable()
    assert all(note.title.isprintable() for note in output.annotations)


def _settings(reason: str) -> RepositorySettings:
    """With a reason that the reader of settings files would not let through."""
    rule = RuleSettings.model_construct(severity="warning", reason=reason)
    return RepositorySettings.model_construct(rules={reason: rule})


@given(HOSTILE, HOSTILE)
@hypothesis_settings(deadline=None, max_examples=60)
def test_nothing_gets_out_of_a_reply(line: str, why: str) -> None:
    is_harmless(replies.trouble((Trouble(line, why), Trouble(why, line, line))), titles=0)
    sentences = [
        replies.short_sha(line),
        replies.old_sha(line),
        replies.unknown_name(line, (why, line)),
        replies.preview_not_here(line),
    ]
    is_harmless(replies.trouble([Trouble(line, sentence) for sentence in sentences]), titles=0)


def test_a_terminal_gets_no_control_character() -> None:
    out = io.StringIO()
    text.render(_report(HOSTILE_PATH, HOSTILE_MESSAGE), profile(), Console(file=out, width=80))
    assert all(line.isprintable() for line in out.getvalue().splitlines())


def test_colour_is_for_terminals_alone() -> None:
    out = io.StringIO()
    text.render(REPORTS["fail-many"], profile(), Console(file=out, width=80))
    assert "\x1b" not in out.getvalue()
    text.render(
        REPORTS["fail-many"], profile(), Console(file=out, width=80, force_terminal=True, color_system="standard")
    )
    assert "\x1b[1;31m" in out.getvalue()


def test_lines_that_can_be_wrapped_are() -> None:
    out = io.StringIO()
    text.render(REPORTS["fail-many"], profile(), Console(file=out, width=80))
    assert max(len(line) for line in out.getvalue().splitlines()) <= 80


@pytest.mark.parametrize("count", [0, 1, 40, 41, 120, 5000])
def test_findings_beyond_what_fits_are_counted(count: int) -> None:
    body = comment(judged(many(count, path="Source/" + "long/" * 40 + "x.h")), CONTEXT)
    assert len(body) < COMMENT_LIMIT
    shown = body.count("must be < 2`")
    rest = re.search(r"… ([\d,]+) more findings?, see \[the check\]\(", body)
    assert shown + (int(rest[1].replace(",", "")) if rest else 0) == count


def test_the_check_shows_what_the_comment_leaves_out() -> None:
    output = check.concluded(judged(many(120)), CONTEXT)
    assert output.summary.count("must be < 2`") == 120
    assert len(output.annotations) == 120


def _huge() -> Report:
    arm = target_report("linux-arm64", A, D)
    path = "Source/" + "x" * 900 + ".h"
    constants = tuple(Constant(name=f"C{i}", base=1, head=2, changed=True, path=path, line=i + 1) for i in range(3000))
    errors = [error("m" * 3000, path=path, line=index) for index in range(3000)]
    changes = [
        Change(cohort=f"c{i}", files=(path,) * 50, constants=tuple(f"C{n}" for n in range(50))) for i in range(100)
    ]
    return assembled([arm.model_copy(update={"constants": constants})], changes=changes, errors=errors)


def test_whatever_there_is_it_stays_below_githubs_limits() -> None:
    output = check.concluded(judged(_huge()), CONTEXT)
    assert output.text is not None
    assert len(output.summary) <= TEXT_LIMIT
    assert len(output.text) <= TEXT_LIMIT
    assert len(output.title) <= 200
    body = comment(judged(_huge()), CONTEXT)
    assert len(body) < COMMENT_LIMIT
    assert re.search(r"… [\d,]+ more errors, see \[the check\]\(", body)
    assert re.search(r"… [\d,]+ more constants", body)


def test_a_text_that_cannot_be_made_shorter_is_cut_and_says_so() -> None:
    cut = markdown.fitted(lambda cap: "line\n" * 20_000)
    assert len(cut) < TEXT_LIMIT
    assert cut.endswith("… cut here: too long.\n")


def test_the_same_report_gives_the_same_words() -> None:
    again = Report.from_json(REPORTS["leak"].to_json())
    assert comment(judged(again), CONTEXT) == comment(judged(REPORTS["leak"]), CONTEXT)
