"""What people read, state by state, as committed files."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from checker.report import Report
from tests.workers.report.run_states import CHECKS, COMMENTS, REPLIES
from tests.workers.report.samples import CONTEXT, HEAD_SHA, judged, profile
from tests.workers.report.snapshots import assert_snapshot
from tests.workers.report.states import REPORTS
from workers.report import CheckOutput, check, markdown, text
from workers.report.comment import comment

TERMINAL = (
    "pass",
    "fail-many",
    "leak",
    "error-head",
    "error-one-value",
    "not-applicable",
    "hostile",
    "dormant",
    "everything",
    "no-longer-judged",
    "broken-and-gone",
    "one-commit",
    "no-repair",
    "eight-targets",
)


@pytest.mark.parametrize("state", REPORTS)
def test_comment(state: str) -> None:
    assert_snapshot(f"{state}.comment.md", comment(judged(REPORTS[state]), CONTEXT))


@pytest.mark.parametrize("state", REPORTS)
def test_check(state: str) -> None:
    assert_snapshot(f"{state}.check.md", _shown(check.concluded(judged(REPORTS[state]), CONTEXT)))


@pytest.mark.parametrize("state", TERMINAL)
def test_terminal(state: str) -> None:
    assert_snapshot(f"{state}.terminal.txt", _printed(REPORTS[state]))


def test_markdown_for_the_command_line() -> None:
    assert_snapshot("fail-many.document.md", markdown.render(REPORTS["fail-many"], profile()))


OTHERS = {
    "in-progress": check.in_progress(CONTEXT),
    "untouched": check.not_applicable(CONTEXT, "libpas, WTF and JavaScriptCore"),
    "superseded": check.superseded(CONTEXT, "c" * 40),
    "new-base": check.superseded(CONTEXT, CONTEXT.head_sha),
    "gone": check.commit_gone(CONTEXT),
    "broken": check.broken(CONTEXT, "no result within an hour"),
}


@pytest.mark.parametrize("state", OTHERS)
def test_checks_without_a_report(state: str) -> None:
    assert_snapshot(f"{state}.check.md", _shown(OTHERS[state]))


@pytest.mark.parametrize("state", COMMENTS)
def test_comments_of_runs(state: str) -> None:
    assert_snapshot(f"{state}.comment.md", COMMENTS[state])


@pytest.mark.parametrize("state", CHECKS)
def test_checks_of_runs(state: str) -> None:
    assert_snapshot(f"{state}.check.md", _shown(CHECKS[state]))


@pytest.mark.parametrize("kind", REPLIES)
def test_replies(kind: str) -> None:
    assert_snapshot(f"reply-{kind}.md", REPLIES[kind])


def _shown(output: CheckOutput) -> str:
    lines = [f"conclusion: {output.conclusion}", f"title: {output.title}", "", output.summary]
    if output.text is not None:
        lines += ["---", "", output.text]
    for each in output.annotations:
        lines += ["---", "", f"{each.level} {each.path!r}:{each.line}: {each.title}", each.message]
    if output.actions:
        lines += ["---", "", *(f"[{each.label}] {each.description}" for each in output.actions)]
    return "\n".join(lines).replace(HEAD_SHA, "HEAD") + "\n"


def _printed(report: Report) -> str:
    out = io.StringIO()
    text.render(report, profile(), Console(file=out, width=80), headroom=report is REPORTS["everything"])
    return out.getvalue()
