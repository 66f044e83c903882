"""A name or a rule explained."""

from __future__ import annotations

import pytest

from checker.check import UnknownTarget
from checker.evaluations import Evaluations
from checker.explain import Explanation, UnknownName, explain
from checker.rules import Status
from tests.checker.tiny import tiny_profile, tiny_tree

TREE = tiny_tree(max_objects="(TINY_PAGE >> 4)")


def explained(name: str, target: str = "large", tree: object = None) -> Explanation:
    return explain(Evaluations(tiny_profile(), None), TREE, name, target, (4096, 65536))


def test_the_definition_in_effect_and_all_it_is_made_of() -> None:
    found = explained("TINY_MAX_OBJECTS")
    assert [(link.name, link.line, link.body, link.value) for link in found.chain] == [
        ("TINY_MAX_OBJECTS", 11, "(TINY_PAGE >> 4)", 1024),
        ("TINY_PAGE", 9, "(1u << TINY_PAGE_SHIFT)", 16384),
        ("TINY_PAGE_SHIFT", 5, "14", 14),
    ]
    assert [link.line for link in explained("TINY_MAX_OBJECTS", "small").chain] == [11, 9, 7]


def test_the_rules_it_takes_part_in() -> None:
    cells = {(cell.rule, cell.os_page): cell for cell in explained("TINY_PAGE_SHIFT").cells}
    assert set(cells) == {("objects-fit", None), ("table-is-small", None)}
    assert cells["objects-fit", None].text == "16384 >> 4 = 1024, must be <= 1024"
    measure = cells["objects-fit", None].measure
    assert measure is not None
    assert measure.headroom == 0


def test_a_rule() -> None:
    found = explained("ceiling-covers")
    assert [(cell.os_page, cell.status) for cell in found.cells] == [(4096, Status.HOLDS), (65536, Status.HOLDS)]
    assert [link.name for link in found.chain] == ["Ceiling"]
    assert [rule.id for rule in found.rules] == ["ceiling-covers"]


def test_a_constant_that_a_limit_stands_for() -> None:
    assert {cell.rule for cell in explained("Ceiling").cells} == {"ceiling-covers"}


def test_a_macro_that_no_rule_speaks_of() -> None:
    found = explained("TINY_LARGEST_COUNT")
    assert [(link.line, link.value) for link in found.chain] == [(3, 255)]
    assert found.cells == ()


def test_a_name_that_the_tree_lacks_says_why_its_rule_is_silent() -> None:
    (cell,) = explained("guard-fits").cells
    assert (cell.status, cell.text) == (Status.NOT_APPLICABLE, "this tree has no TINY_GUARD")


@pytest.mark.parametrize("name", ["TINY_PAGES", "objects-fits", "no such thing", "a::b"])
def test_an_unknown_name_is_told_what_is_spelt_alike(name: str) -> None:
    with pytest.raises(UnknownName, match=f"'{name}' is no rule"):
        explained(name)
    if name == "TINY_PAGES":
        with pytest.raises(UnknownName, match="did you mean TINY_PAGE"):
            explained(name)


def test_an_unknown_target() -> None:
    with pytest.raises(UnknownTarget):
        explained("TINY_PAGE", "larg")
