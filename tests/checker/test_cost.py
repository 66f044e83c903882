"""What a change costs, per OS page size where that matters."""

from __future__ import annotations

from checker.check import check
from checker.report import Cost, Memory
from checker.tree import Tree
from tests.checker.tiny import tiny_profile, tiny_tree


def costs(base: Tree, head: Tree, target: str = "large") -> list[Cost]:
    report = check(base, head, tiny_profile())
    return list(next(each for each in report.targets if each.target == target).costs)


def test_costs_of_both_sides() -> None:
    found = costs(tiny_tree(), tiny_tree(page_shift=15, max_objects=4096))
    assert [(cost.id, cost.os_page, cost.base, cost.head, cost.memory) for cost in found] == [
        ("table", None, 128, 512, Memory.RESIDENT),
        ("smallest", 4096, 16384, 32768, Memory.RESIDENT),
        ("smallest", 65536, 65536, 65536, Memory.RESIDENT),
    ]


def test_a_page_that_no_kernel_has_costs_nothing() -> None:
    found = costs(tiny_tree(), tiny_tree(page_shift=15), "small")
    assert [(cost.id, cost.os_page) for cost in found] == [("table", None), ("smallest", 4096)]


def test_a_side_without_a_value_has_no_cost() -> None:
    found = costs(tiny_tree(), tiny_tree(more="#define TINY_GUARD 64\n"))
    assert [(cost.base, cost.head) for cost in found if cost.id == "nothing"] == [(None, 64)]
