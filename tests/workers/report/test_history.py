"""Which commit did what, and which broke what is broken."""

from __future__ import annotations

from checker.report import CellName, State
from tests.workers.report.samples import error, finding
from tests.workers.report.states import ALLOC_BITS, BLAME, USE_COUNT, blamed
from workers.report.digest import Item
from workers.report.history import first_broken, is_told, only_one, rows, untouched
from workers.report.voice import PLAIN


def item(cell: CellName) -> Item:
    return Item(finding(cell.rule, cell.heap, cell.os_page, State.INTRODUCED), cell.targets)


def test_a_commit_that_touches_no_header_is_counted_not_listed() -> None:
    assert [row.commit for row in rows(BLAME, PLAIN)] == [
        "111111111111 (Use 64 KiB pages on Linux arm64)",
        "333333333333 (Raise PAS_MAX_OBJECTS_PER_PAGE)",
    ]
    assert untouched(BLAME) == "1 commit touches no header that is read."
    assert untouched(BLAME[:1]) == ""


def test_a_single_commit_has_nothing_to_tell_beside_the_check() -> None:
    assert not is_told(BLAME[:1])
    assert not is_told((blamed("1", "x", touched=False), blamed("2", "y", touched=False)))
    assert first_broken(BLAME[:1], [item(USE_COUNT)], PLAIN) == ""
    assert only_one(BLAME[:1]) == "One commit: it did all of this."
    assert only_one(BLAME) == only_one(BLAME[1:2]) == ""


def test_the_first_bad_commit_is_the_last_that_introduced_a_failure_which_is_still_there() -> None:
    twice = (
        blamed("1", "Break", introduced=(USE_COUNT,)),
        blamed("2", "Repair", fixed=(USE_COUNT,)),
        blamed("3", "Break again", introduced=(USE_COUNT,)),
    )
    assert first_broken(twice, [item(USE_COUNT)], PLAIN) == "333333333333 (Break again) broke it first."


def test_commits_without_an_answer_may_be_at_fault() -> None:
    cell = USE_COUNT.model_copy(update={"since": "1" * 40})
    commits = (blamed("1", "x", errors=(error(),)), blamed("2", "Second", introduced=(cell,)))
    assert first_broken(commits, [item(USE_COUNT)], PLAIN) == (
        "222222222222 (Second) broke it first, or one from 111111111111 on, where it had no answer."
    )


def test_each_commit_is_named_with_what_it_broke() -> None:
    commits = (blamed("1", None, introduced=ALLOC_BITS), blamed("2", "Second", introduced=(USE_COUNT,)))
    assert first_broken(commits, [item(USE_COUNT), *map(item, ALLOC_BITS)], PLAIN) == (
        "222222222222 (Second) broke use-count first; 111111111111 broke alloc-bits first."
    )


def test_what_could_not_be_evaluated_stands_in_the_row() -> None:
    broken = blamed("1", "x", left=2, errors=(error(), error(target="darwin-arm64"), error(name="X", line=3)))
    (row,) = rows((broken,), PLAIN)
    assert row.left == "2 findings; 2 values could not be evaluated"
