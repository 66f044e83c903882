"""The mimalloc profile over Debian's mimalloc 2.0.9: what holds, and what each rule says of one changed number."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.check import check
from checker.probe import Wanted
from checker.profile import Profile
from checker.report import State, Verdict
from checker.rules import Status
from tests.checker.trees import memory_tree
from tests.profiles.trees import (
    GXX,
    PAGE_SIZES,
    Files,
    Mutation,
    all_cells,
    evaluated,
    failing,
    gxx_for,
    objections,
)

TYPES = "include/mimalloc-types.h"
EVERY_PAGE = frozenset(PAGE_SIZES)
ANY_PAGE = frozenset({None})
MUTATIONS: dict[str, tuple[Mutation, frozenset[int | None]]] = {
    "segment-holds-large-object": (Mutation(TYPES, "(MI_SEGMENT_SIZE/2)", "(MI_SEGMENT_SIZE/1)"), EVERY_PAGE),
    "medium-page-offsets": (Mutation(TYPES, "(MI_SEGMENT_SIZE >> 1)", "(MI_SEGMENT_SIZE >> 7)"), ANY_PAGE),
    "aligned-block-offsets": (Mutation(TYPES, "MI_SEGMENT_SLICE_SIZE) - 1)", "MI_SEGMENT_SLICE_SIZE) - 2)"), ANY_PAGE),
    "span-bins": (Mutation(TYPES, "( 9 + MI_SEGMENT_SLICE_SHIFT)", "(11 + MI_SEGMENT_SLICE_SHIFT)"), ANY_PAGE),
    "block-count": (Mutation(TYPES, "(13 + MI_INTPTR_SHIFT)", "(17 + MI_INTPTR_SHIFT)"), ANY_PAGE),
    "size-class-bins": (Mutation(TYPES, "(73U)", "(50U)"), ANY_PAGE),
    "arena-block-alignment": (
        Mutation("src/arena.c", "_SIZE   (MI_SEGMENT_SIZE)", "_SIZE (MI_SEGMENT_SIZE/2)"),
        ANY_PAGE,
    ),
    "huge-os-page-holds-segments": (Mutation("src/os.c", "PAGE_SIZE  (MI_GiB)", "PAGE_SIZE  (16*MI_MiB)"), ANY_PAGE),
    "commit-unit-covers-os-page": (
        Mutation(TYPES, "(13 + MI_INTPTR_SHIFT)", "(12 + MI_INTPTR_SHIFT)"),
        frozenset({65536}),
    ),
    "slice-commits-whole": (
        Mutation(TYPES, "(MI_SEGMENT_SLICE_SIZE)              // 64KiB", "(2*MI_SEGMENT_SLICE_SIZE)"),
        ANY_PAGE,
    ),
}


def test_all_rules_hold_on_every_target(mimalloc: Profile, mimalloc_2_0: Files) -> None:
    held = set()
    for target in mimalloc.targets:
        cells = all_cells(mimalloc, mimalloc_2_0, target)
        assert {cell.status for cell in cells.values()} <= {Status.HOLDS, Status.NOT_APPLICABLE}
        held |= {key.rule for key, cell in cells.items() if cell.status is Status.HOLDS}
    assert held == {rule.id for rule in mimalloc.rules}


def test_every_rule_is_shown_to_fail(mimalloc: Profile) -> None:
    assert set(MUTATIONS) == {rule.id for rule in mimalloc.rules}


@pytest.mark.parametrize("rule", MUTATIONS)
def test_one_number_breaks_one_rule(mimalloc: Profile, mimalloc_2_0: Files, rule: str) -> None:
    mutation, pages = MUTATIONS[rule]
    assert failing(mimalloc, mutation.of(mimalloc_2_0), "linux-arm64") == {(rule, page) for page in pages}


@pytest.mark.parametrize("slice_shift", [14, 15, 16])
def test_larger_slices_up_to_512_k_hold(mimalloc: Profile, mimalloc_2_0: Files, slice_shift: int) -> None:
    """The counter of blocks ends at 65535; at 512 KiB the space before the first block keeps the count below it."""
    mutation = Mutation(TYPES, "(13 + MI_INTPTR_SHIFT)", f"({slice_shift} + MI_INTPTR_SHIFT)")
    assert not failing(mimalloc, mutation.of(mimalloc_2_0), "linux-arm64")


def test_a_guard_page_takes_a_slice_where_pages_are_large(mimalloc: Profile, mimalloc_2_0: Files) -> None:
    used = {
        (target, key.os_page): cell.measure.value
        for target in ("linux-arm64", "linux-arm64-secure")
        for key, cell in all_cells(mimalloc, mimalloc_2_0, target).items()
        if key.rule == "segment-holds-large-object" and cell.measure is not None
    }
    assert used == {
        ("linux-arm64", 4096): 257,
        ("linux-arm64", 16384): 257,
        ("linux-arm64", 65536): 257,
        ("linux-arm64-secure", 4096): 258,
        ("linux-arm64-secure", 16384): 259,
        ("linux-arm64-secure", 65536): 259,
    }


def test_a_check_tells_the_change_and_what_it_costs(mimalloc: Profile, mimalloc_2_0: Files) -> None:
    mutation, _ = MUTATIONS["span-bins"]
    report = check(memory_tree(mimalloc_2_0), memory_tree(mutation.of(mimalloc_2_0), sha="1" * 40), mimalloc)
    assert report.verdict is Verdict.FAIL
    assert not report.errors
    arm = next(target for target in report.targets if target.target == "linux-arm64")
    (introduced,) = [finding for finding in arm.findings if finding.state is State.INTRODUCED]
    assert (introduced.rule, introduced.path) == ("span-bins", TYPES)
    assert introduced.explanation == "4 * (27 - 16) - 5 = 39, must be <= 35"
    (segment,) = [cost for cost in arm.costs if cost.id == "segment"]
    assert (segment.base, segment.head) == (32 << 20, 128 << 20)


def test_a_layout_of_later_versions_is_read_too(mimalloc: Profile, mimalloc_2_0: Files) -> None:
    """From 2.1 on the internal headers lie in a directory of their own; a tree without the sources lacks two values."""
    moved = {
        "include/mimalloc.h": mimalloc_2_0["include/mimalloc.h"],
        "include/mimalloc/types.h": mimalloc_2_0[TYPES].replace(b'"mimalloc-atomic.h"', b'"atomic.h"'),
        "include/mimalloc/atomic.h": mimalloc_2_0["include/mimalloc-atomic.h"],
    }
    evaluation = evaluated(mimalloc, moved, "linux-arm64")
    assert evaluation.absent == {Wanted("limit", "arena_block"), Wanted("limit", "huge_os_page")}
    assert not failing(mimalloc, moved, "linux-arm64")


def test_gxx_agrees_on_every_value(mimalloc: Profile, mimalloc_2_0: Files, tmp_path: Path) -> None:
    compared = [name for name, target in mimalloc.targets.items() if target.triple in GXX]
    assert len(compared) == 6
    for target in compared:
        values = evaluated(mimalloc, mimalloc_2_0, target).values
        assert len(values) > 40
        compiler = gxx_for(mimalloc, target)
        assert not objections(compiler, mimalloc, mimalloc_2_0, target, values, tmp_path / target)


def test_gxx_objects_to_a_wrong_value(mimalloc: Profile, mimalloc_2_0: Files, tmp_path: Path) -> None:
    values = {Wanted("limit", "slice_size"): 65536, Wanted("limit", "arena_block"): 1}
    (objection,) = objections(
        gxx_for(mimalloc, "linux-x86_64"), mimalloc, mimalloc_2_0, "linux-x86_64", values, tmp_path
    )
    assert "static assertion failed" in objection
