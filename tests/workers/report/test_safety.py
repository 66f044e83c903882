"""Nothing in a pull request can make a report link, mention, render or grow as its author likes."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from checker.report import Change, Constant, Edit, Repair, Report, Severity, Side, State
from tests.workers.report.samples import (
    CONTEXT,
    A,
    B,
    D,
    assembled,
    error,
    finding,
    link,
    profile,
    report,
    target_report,
)
from tests.workers.report.states import HOSTILE_MESSAGE, HOSTILE_PATH, REPORTS, USE_COUNT, advice, blamed, many
from workers.report import Annotation, check, markdown, text
from workers.report.comment import MARKER, comment

OUR_HTML = {"<sub>", "</sub>", "<br>", MARKER}
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


def is_harmless(body: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
    for token in tokens:
        if token.type == "html_block":
            assert re.fullmatch(r"(<!-- pagewarden -->|</?details>(<summary>[^<>]*</summary>)?)\s*", token.content)
        for child in token.children or []:
            if child.type == "html_inline":
                assert child.content in OUR_HTML
            if child.type == "link_open":
                assert str(child.attrs["href"]).startswith("https://github.com/oven-sh/WebKit/blob/bbbb")
            assert child.type != "image"
            if child.type in ("text", "text_special"):
                assert not re.search(r"@\w|://", child.content)
    assert [token.markup for token in tokens if token.type == "heading_open"].count("###") == 1


@given(HOSTILE, HOSTILE)
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
def test_no_path_and_no_message_gets_out_of_its_code_span(path: str, message: str) -> None:
    made = _report(path, message)
    is_harmless(comment(made, CONTEXT, profile()))
    output = check.concluded(made, CONTEXT, profile())
    assert output.text is not None
    is_harmless(f"### {output.title.encode('ascii', 'ignore').hex()}\n\n{output.summary}")
    is_harmless(f"### x\n\n{output.text}")


@pytest.mark.parametrize("state", REPORTS)
def test_every_stateis_harmless(state: str) -> None:
    body = comment(REPORTS[state], CONTEXT, profile())
    assert body.startswith(f"{MARKER}\n")
    is_harmless(body)


def test_checks_without_a_report_are_harmless() -> None:
    is_harmless(f"### x\n\n{check.broken(CONTEXT, HOSTILE_MESSAGE).summary}")
    is_harmless(f"### x\n\n{check.superseded(CONTEXT, HOSTILE_MESSAGE).summary}")
    is_harmless(f"### x\n\n{check.not_applicable(CONTEXT, HOSTILE_MESSAGE).summary}")


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
    body = comment(many(count, path="Source/" + "long/" * 40 + "x.h"), CONTEXT, profile())
    assert len(body) < COMMENT_LIMIT
    shown = body.count("must be < 2`")
    rest = re.search(r"… ([\d,]+) more findings?, see the check", body)
    assert shown + (int(rest[1].replace(",", "")) if rest else 0) == count


def test_the_check_shows_what_the_comment_leaves_out() -> None:
    output = check.concluded(many(120), CONTEXT, profile())
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
    output = check.concluded(_huge(), CONTEXT, profile())
    assert output.text is not None
    assert len(output.summary) <= TEXT_LIMIT
    assert len(output.text) <= TEXT_LIMIT
    assert len(output.title) <= 200
    body = comment(_huge(), CONTEXT, profile())
    assert len(body) < COMMENT_LIMIT
    assert re.search(r"… [\d,]+ more errors, see the check", body)
    assert re.search(r"… [\d,]+ more constants", body)


def test_a_text_that_cannot_be_made_shorter_is_cut_and_says_so() -> None:
    cut = markdown.fitted(lambda cap: "line\n" * 20_000)
    assert len(cut) < TEXT_LIMIT
    assert cut.endswith("… cut here: too long.\n")


def test_the_same_report_gives_the_same_words() -> None:
    again = Report.from_json(REPORTS["leak"].to_json())
    assert comment(again, CONTEXT, profile()) == comment(REPORTS["leak"], CONTEXT, profile())


def _annotations(made: Report) -> tuple[Annotation, ...]:
    return check.concluded(made, CONTEXT, profile()).annotations


def test_one_annotation_a_line_sorted_with_all_its_messages() -> None:
    annotations = _annotations(report(A, B))
    places = [(each.path, each.line) for each in annotations]
    assert places == sorted(set(places))
    both = next(each for each in annotations if each.path.endswith("pas_internal_config.h"))
    assert both.message.splitlines()[:2] == [
        "alloc-bits on utility (linux-arm64): 65536 >> 3 = 8192, must be <= 2048, over by 6144",
        "alloc-bits on bmalloc_small_segregated (linux-arm64): 65536 >> 4 = 4096, must be <= 2048, over by 2048",
    ]
    assert both.message.splitlines()[2:] == [
        "PAS_SMALL_PAGE_DEFAULT_SIZE = 65536 (pas_internal_config.h:43); "
        "PAS_SMALL_PAGE_DEFAULT_SHIFT = 16 (pas_internal_config.h:39); "
        "PAS_MAX_OBJECTS_PER_PAGE = 2048 (pas_internal_config.h:145)",
        "A baseline allocator holds the alloc bits of one page; a page with more of them overruns it. "
        "When it bites: At the first allocation after a thread's local cache is gone.",
    ]
    assert {each.level for each in annotations} == {"failure"}


def test_different_rules_on_one_line_share_an_annotation() -> None:
    place = {"path": "a.h", "line": 5}
    arm = target_report("linux-arm64", D, D).model_copy(
        update={
            "findings": (
                finding("use-count", "jit_medium_bitfit", None, State.INTRODUCED, **place),
                finding("alloc-bits", "utility", None, State.INTRODUCED, severity=Severity.WARNING, **place),
            )
        }
    )
    (annotation,) = _annotations(assembled([arm], errors=[error("no such name", name="X", path="a.h", line=5)]))
    assert (annotation.level, annotation.title) == ("failure", "use-count broken; alloc-bits broken; X: not evaluated")
    assert "no such name (linux-arm64)" in annotation.message


def test_what_is_not_new_is_not_annotated() -> None:
    assert _annotations(REPORTS["standing-only"]) == ()
    assert _annotations(REPORTS["pass"]) == ()
    assert _annotations(REPORTS["repair"]) == ()


def test_dormant_and_undecided_findings_only_warn() -> None:
    assert {each.level for each in _annotations(REPORTS["dormant"])} == {"warning"}
    assert {each.level for each in _annotations(REPORTS["error-base"])} == {"warning"}


def test_a_place_without_a_line_is_the_first_line_and_a_path_github_cannot_take_is_left_out() -> None:
    arm = target_report("linux-arm64", D, D)
    errors = [error("deep", path="a.h", line=None), error("odd", path="b\n.h"), error("nowhere", path=None, line=None)]
    (annotation,) = _annotations(assembled([arm], errors=errors))
    assert (annotation.path, annotation.line, annotation.title) == ("a.h", 1, "Could not be evaluated")
