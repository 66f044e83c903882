"""Remarks beside lines: one a line, in one order, and none that GitHub would refuse."""

from __future__ import annotations

from checker.report import Report, Severity, State
from tests.workers.report.samples import CONTEXT, A, B, C, D, assembled, error, finding, judged, report, target_report
from tests.workers.report.states import REPORTS
from workers.report import Annotation, check


def _annotations(made: Report) -> tuple[Annotation, ...]:
    return check.concluded(judged(made), CONTEXT).annotations


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


def test_profiles_that_speak_of_one_line_share_its_annotation() -> None:
    alone = _annotations(report(A, C))
    together = check.concluded((*judged(report(A, B)), *judged(report(A, C))), CONTEXT).annotations
    places = [(each.path, each.line) for each in together]
    assert places == sorted(set(places))
    (broken,) = alone
    shared = next(each for each in together if (each.path, each.line) == (broken.path, broken.line))
    assert shared.message.count("use-count on jit_medium_bitfit") == 2
