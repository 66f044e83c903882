"""Repairs: found by evaluating, and none that breaks anything else."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.advice import MOST_TRIED, PATIENCE, advise
from checker.check import check
from checker.entries import Rule
from checker.evaluations import Evaluations
from checker.knobs import blob_id
from checker.profile import Profile
from checker.report import Advice, Report, State, Verdict
from checker.tree import MAX_BLOB_BYTES, Blob, Tree
from tests.checker.tiny import tiny_profile, tiny_tree

PROFILE = tiny_profile()


def advised(base: Tree, head: Tree, profile: Profile = PROFILE) -> Report:
    return check(base, head, profile, advice=True)


def edits(advice: Advice) -> list[list[tuple[str, int, int]]]:
    return [[(edit.name, edit.old, edit.new) for edit in repair.edits] for repair in advice.repairs]


def test_a_shift_a_size_and_the_limit_itself_are_tried() -> None:
    """What costs nothing comes first, the nearest in the chain before others; a larger table costs memory."""
    report = advised(tiny_tree(), tiny_tree(page_shift=16))
    (advice,) = report.advice
    assert (advice.rule, advice.heaps, advice.targets) == ("objects-fit", (), ("large",))
    assert edits(advice) == [
        [("TINY_ALIGN_SHIFT", 4, 6)],
        [("TINY_PAGE_SHIFT", 16, 14)],
        [("TINY_MAX_OBJECTS", 1024, 4096)],
    ]
    assert advice.exhausted
    assert advice.tried >= 7
    assert set(advice.knobs) == {"TINY_PAGE_SHIFT", "TINY_ALIGN_SHIFT", "TINY_MAX_OBJECTS"}


def test_a_repair_shows_its_line_and_what_it_costs() -> None:
    (advice,) = advised(tiny_tree(), tiny_tree(page_shift=16)).advice
    (edit,), costs = advice.repairs[2].edits, advice.repairs[2].costs
    assert (edit.path, edit.line) == ("src/tiny.h", 11)
    assert (edit.before, edit.after) == ("#define TINY_MAX_OBJECTS 1024", "#define TINY_MAX_OBJECTS 4096")
    assert {(cost.id, cost.target, cost.head, cost.repaired) for cost in costs} == {
        ("table", "large", 128, 512),
        ("table", "small", 128, 512),
    }
    (cell,) = advice.repairs[2].mends
    assert (cell.rule, cell.targets) == ("objects-fit", ("large",))


def test_what_breaks_something_else_is_no_repair() -> None:
    """The table would be over its own limit, a warning; a page of 32K does not cover 64K pages where that is a rule."""
    covers = PROFILE.rule("ceiling-covers").model_copy(
        update={"id": "page-covers", "value": "page", "decided_by": ("page",)}
    )
    strict = PROFILE.model_copy(update={"rules": (*PROFILE.rules, covers)})
    (advice,) = advised(tiny_tree(max_objects=8192), tiny_tree(page_shift=20, max_objects=8192), strict).advice
    assert edits(advice) == [[("TINY_ALIGN_SHIFT", 4, 7)], [("TINY_PAGE_SHIFT", 20, 17)]]


def test_what_harms_another_target_is_no_repair() -> None:
    """On the small target the alignment may not exceed 5 bits."""
    fine = Rule.model_validate(
        PROFILE.rule("objects-fit").model_dump()
        | {
            "id": "fine-enough",
            "guards": [{"expression": "page == 4096", "otherwise": "large"}],
            "value": "align",
            "limit": "5",
            "one_step": None,
            "limit_decided_by": (),
        }
    )
    strict = PROFILE.model_copy(update={"rules": (*PROFILE.rules, fine)})
    (advice,) = advised(tiny_tree(), tiny_tree(page_shift=16), strict).advice
    assert [("TINY_ALIGN_SHIFT", 4, 6)] not in edits(advice)
    assert edits(advice)


def test_two_knobs_where_one_does_not_do() -> None:
    """No shift of one name does it within its steps; two together do."""
    report = advised(tiny_tree(page_shift=14), tiny_tree(page_shift=19, max_objects=1024))
    (advice,) = report.advice
    assert advice.repairs
    assert all(len(repair.edits) == 2 for repair in advice.repairs)
    assert advice.tried > 12


def test_a_rule_that_tells_no_distance_is_searched_all_the_same() -> None:
    """The page has to divide the ceiling. Three steps of either do it, and the first two show nothing."""
    divides = PROFILE.rule("ceiling-covers").model_copy(
        update={"id": "divides", "limit": "page", "expression": "value % limit == 0", "limit_decided_by": ("page",)}
    )
    strict = PROFILE.model_copy(update={"rules": (divides,)})
    report = advised(tiny_tree(page_shift=13, ceiling=64), tiny_tree(page_shift=13, ceiling=65), strict)
    (advice,) = report.advice
    assert advice.exhausted
    assert [("Ceiling", 65, 520)] in edits(advice)


def test_one_repair_may_mend_two_rules() -> None:
    both = Rule.model_validate(PROFILE.rule("objects-fit").model_dump() | {"id": "too", "limit": "max_objects / 2"})
    strict = PROFILE.model_copy(update={"rules": (*PROFILE.rules, both)})
    first, second = advised(tiny_tree(align_shift=5), tiny_tree(page_shift=16, align_shift=5), strict).advice
    assert {cell.rule for cell in first.repairs[0].mends} == {"objects-fit", "too"}
    assert first.repairs[0] == second.repairs[0]


def test_the_same_question_has_the_same_answer() -> None:
    """Whatever the threads do."""
    reports = [advised(tiny_tree(), tiny_tree(page_shift=19)) for _ in range(2)]
    assert reports[0].advice == reports[1].advice


def test_none_found_says_what_was_tried() -> None:
    report = advised(tiny_tree(), tiny_tree(page_shift=30, max_objects=2))
    (advice,) = report.advice
    assert advice.repairs == ()
    assert advice.tried > 10
    assert "TINY_ALIGN_SHIFT" in advice.knobs


def test_a_search_that_runs_out_of_time_says_so() -> None:
    """Every look at the clock costs a quarter of the patience."""
    base, head = tiny_tree(), tiny_tree(page_shift=16)
    ticks = count(0, PATIENCE / 4)
    report = check(base, head, PROFILE)
    (advice,) = advise(Evaluations(PROFILE, None), head, report, clock=lambda: next(ticks))
    assert advice.repairs == ()
    assert not advice.exhausted
    assert advice.tried < 5


def test_a_chain_of_many_literals_is_cut() -> None:
    literals = "(" + " + ".join(["2"] * 100) + ")"
    (advice,) = advised(tiny_tree(), tiny_tree(page_shift=20, max_objects=literals)).advice
    assert not advice.exhausted
    assert advice.tried <= MOST_TRIED


@pytest.mark.parametrize("head", [tiny_tree(), tiny_tree(page_shift=13)])
def test_nothing_broken_needs_no_advice(head: Tree) -> None:
    assert advised(tiny_tree(), head).advice == ()
    assert check(tiny_tree(), tiny_tree(page_shift=16), PROFILE).advice == ()


def applied(tree: Tree, report: Report, repair: int) -> Tree:
    """The repair made by hand: whole lines replaced."""
    (advice,) = (each for each in report.advice if each.rule == "objects-fit")
    oid = tree.entries["src/tiny.h"].oid
    lines = (tree.read([oid], MAX_BLOB_BYTES)[oid].data or b"").decode().split("\n")
    for edit in advice.repairs[repair].edits:
        assert lines[edit.line - 1] == edit.before
        lines[edit.line - 1] = edit.after
    content = "\n".join(lines).encode()
    entry = replace(tree.entries["src/tiny.h"], oid=blob_id(content))
    return Tree(tree.sha, {"src/tiny.h": entry}, lambda oids, _: dict.fromkeys(oids, Blob(len(content), content)))


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(page_shift=st.integers(15, 18), align_shift=st.integers(3, 6), objects=st.sampled_from([512, 1024, 2048]))
def test_every_repair_holds_when_it_is_made(page_shift: int, align_shift: int, objects: int) -> None:
    base = tiny_tree(page_shift=10, align_shift=align_shift, max_objects=objects)
    head = tiny_tree(page_shift=page_shift, align_shift=align_shift, max_objects=objects)
    report = advised(base, head)
    broken = {each.rule for target in report.targets for each in target.findings if each.state is State.INTRODUCED}
    assert {advice.rule for advice in report.advice} == broken
    for advice in report.advice:
        for index, _ in enumerate(advice.repairs):
            assert check(base, applied(head, report, index), PROFILE).verdict is Verdict.PASS
