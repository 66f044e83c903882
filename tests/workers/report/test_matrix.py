"""The matrix has rows for rules that say something, and counts the rest."""

from __future__ import annotations

from checker.report import NotApplicable
from tests.workers.report.samples import (
    A,
    B,
    D,
    assembled,
    error,
    ignoring,
    profile,
    report,
    target_report,
    unknown,
)
from workers.report.matrix import Mark, Matrix, is_loud, matrices
from workers.report.tables import matrix


def loud(made: Matrix) -> dict[str, list[str]]:
    names = (*made.heaps, "")
    return {row.rule: [name for name, cell in zip(names, row.cells, strict=True) if is_loud(cell)] for row in made.rows}


def test_rules_that_hold_wherever_they_apply_have_no_row() -> None:
    arm, others = matrices(report(A, B), profile())
    assert (arm.targets, others.targets) == (("linux-arm64",), ("linux-x86_64", "darwin-arm64"))
    assert loud(arm)["use-count"] == ["jit_medium_bitfit"]
    assert loud(arm)["ceiling-covers-os-page"] == [""]
    assert "granule-count" not in loud(arm)
    assert (arm.others, others.rows, others.others) == (1, (), 6)


def test_close_has_a_mark_of_its_own() -> None:
    (arm, _) = matrices(report(A, D), profile())
    row = next(row for row in arm.rows if row.rule == "alloc-words")
    assert row.cells[0][0].mark is Mark.CLOSE
    assert "🔸 holds, but close" in matrix(arm, 40)[-1]


def test_heap_configs_that_say_nothing_are_one_sentence() -> None:
    arm = target_report("linux-arm64", A, D)
    kept = tuple(each for each in arm.findings if each.rule == "alloc-words")
    silent = tuple(each for each in arm.not_applicable if each.rule == "alloc-words")
    (made,) = matrices(assembled([arm.model_copy(update={"findings": kept, "not_applicable": silent})]), profile())
    lines = matrix(made, 40)
    assert lines[0] == "| Limit | `utility` |"
    assert "On the other 8 heap configs these limits hold or do not apply." in lines


def test_a_cell_that_ought_to_be_there_could_not_be_evaluated() -> None:
    arm = target_report("linux-arm64", A, A)
    kept = tuple(found for found in arm.findings if found.rule != "ceiling-covers-os-page")
    (made,) = matrices(assembled([arm.model_copy(update={"findings": kept})], errors=[error(name="X")]), profile())
    row = next(row for row in made.rows if row.rule == "ceiling-covers-os-page")
    assert [answer.mark for answer in row.cells[-1]] == [Mark.UNKNOWN]
    assert not any(row.cells[:-1])


def test_a_target_of_which_nothing_is_known_has_no_matrix() -> None:
    made = assembled([unknown("linux-arm64")], errors=[error()])
    assert matrices(made, profile()) == ()


def test_a_page_size_that_no_cell_is_about_is_left_out_once() -> None:
    made = report(A, D, leaks_into=("linux-x86_64",))
    x86 = next(each for each in matrices(made, profile()) if "linux-x86_64" in each.targets)
    assert len(x86.remarks) == 2
    reasons = [each for each in made.targets[1].not_applicable if isinstance(each, NotApplicable) and each.os_page]
    assert {each.os_page for each in reasons} == {16384, 65536}


def test_what_the_settings_ignore_is_marked_and_not_left_blank() -> None:
    arm, _ = matrices(ignoring(report(A, B), "use-count", "Known."), profile())
    row = next(row for row in arm.rows if row.rule == "use-count")
    (answer,) = row.cells[arm.heaps.index("jit_medium_bitfit")]
    assert answer.mark is Mark.IGNORED
    assert "🔕 broken, but ignored here" in matrix(arm, 40)[-1]


def test_a_page_size_that_only_ignored_findings_speak_of_is_not_left_out() -> None:
    made = ignoring(report(A, A), "granule-covers-os-page", "Known.")
    (target, *_) = matrices(made, profile())
    row = next(row for row in target.rows if row.rule == "granule-covers-os-page")
    assert {answer.mark for answer in row.cells[0]} == {Mark.HOLDS, Mark.IGNORED}
