"""The jemalloc profile over Debian's jemalloc 5.3.0: what holds, and what each rule says of one changed number."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.check import check
from checker.probe import Wanted
from checker.profile import Profile
from checker.report import State, Verdict
from checker.rules import Status
from tests.checker.trees import memory_tree
from tests.profiles.trees import GXX, Files, Mutation, all_cells, evaluated, failing, gxx_for, objections

INTERNAL = "include/jemalloc/internal"
SC, EDATA = f"{INTERNAL}/sc.h", f"{INTERNAL}/edata.h"
DEBIAN = "linux-arm64-lg16"
MOST_REGIONS = "#  define SC_LG_SLAB_MAXREGS (LG_PAGE - SC_LG_TINY_MIN)"

MUTATIONS = {
    "page-covers-os-page": (Mutation(f"{INTERNAL}/pages.h", "(1U << LG_PAGE)", "(1U << 14)"), DEBIAN),
    "huge-page-holds-page": (Mutation(f"{INTERNAL}/pages.h", "(1U << LG_HUGEPAGE)", "(3U << 15)"), DEBIAN),
    "extent-bits": (Mutation(EDATA, "BINSHARD_WIDTH  6", "BINSHARD_WIDTH  22"), DEBIAN),
    "slab-bitmap": (Mutation(SC, MOST_REGIONS, "#  define SC_LG_SLAB_MAXREGS (LG_PAGE - 5)"), DEBIAN),
    "free-regions-field": (Mutation(EDATA, "(SC_LG_SLAB_MAXREGS + 1)", "(SC_LG_SLAB_MAXREGS + 0)"), DEBIAN),
    "size-class-field": (Mutation(EDATA, "LG_CEIL(SC_NSIZES)", "7"), DEBIAN),
    # The number of size classes becomes 256, so its mark needs one bit more than an index.
    "size-class-mark": (Mutation(SC, "SC_LG_BASE_MAX (SC_PTR_BITS - 2)", "SC_LG_BASE_MAX (SC_PTR_BITS + 4)"), DEBIAN),
    "thread-cache-classes": (
        Mutation(f"{INTERNAL}/tcache_types.h", "LG_MAXCLASS_LIMIT 23", "LG_MAXCLASS_LIMIT 17"),
        DEBIAN,
    ),
    "leaf-state": (Mutation(EDATA, "EDATA_ALIGNMENT 128", "EDATA_ALIGNMENT 16"), DEBIAN),
    "slab-bytes": (Mutation(SC, MOST_REGIONS, "#  define SC_LG_SLAB_MAXREGS (LG_PAGE - 2)"), DEBIAN),
    "page-slab-classes": (Mutation(f"{INTERNAL}/psset.h", "NPSIZES 64", "NPSIZES 32"), "linux-arm64-lg16-lghuge29"),
    "huge-page-default": (Mutation(f"{INTERNAL}/hpa_opts.h", "64 * 1024,", "32 * 1024,"), DEBIAN),
    "small-extent-cache-default": (Mutation(f"{INTERNAL}/sec_opts.h", "? PAGE :", "? 4096 :"), DEBIAN),
}
PAGES = {"page-covers-os-page": 65536}


def test_all_rules_hold_on_every_target(jemalloc: Profile, jemalloc_5_3: Files) -> None:
    held = set()
    for target in jemalloc.targets:
        cells = all_cells(jemalloc, jemalloc_5_3, target)
        assert {cell.status for cell in cells.values()} <= {Status.HOLDS, Status.NOT_APPLICABLE}
        held |= {key.rule for key, cell in cells.items() if cell.status is Status.HOLDS}
    assert held == {rule.id for rule in jemalloc.rules}


def test_every_rule_is_shown_to_fail(jemalloc: Profile) -> None:
    assert set(MUTATIONS) == {rule.id for rule in jemalloc.rules}


@pytest.mark.parametrize("rule", MUTATIONS)
def test_one_number_breaks_one_rule(jemalloc: Profile, jemalloc_5_3: Files, rule: str) -> None:
    mutation, target = MUTATIONS[rule]
    assert failing(jemalloc, mutation.of(jemalloc_5_3), target) == {(rule, PAGES.get(rule))}


@pytest.mark.parametrize(
    ("rule", "mutation"),
    [
        ("extent-bits", Mutation(f"{INTERNAL}/jemalloc_internal_types.h", "ARENA_BITS	12", "ARENA_BITS	28")),
        ("leaf-state", Mutation(f"{INTERNAL}/rtree.h", "LEAF_STATE_SHIFT 2", "LEAF_STATE_SHIFT 5")),
        ("slab-bytes", Mutation(SC, "SC_LG_NGROUP 2", "SC_LG_NGROUP 3")),
        ("slab-bytes", Mutation(SC, "SC_LG_TINY_MIN 3", "SC_LG_TINY_MIN 2")),
    ],
)
def test_other_ways_to_break_a_rule(jemalloc: Profile, jemalloc_5_3: Files, rule: str, mutation: Mutation) -> None:
    assert failing(jemalloc, mutation.of(jemalloc_5_3), DEBIAN) == {(rule, None)}


def test_four_kilobyte_pages_survive_what_64_do_not(jemalloc: Profile, jemalloc_5_3: Files) -> None:
    for rule in ("slab-bytes", "thread-cache-classes", "huge-page-default", "small-extent-cache-default"):
        mutation, _ = MUTATIONS[rule]
        assert not failing(jemalloc, mutation.of(jemalloc_5_3), "linux-arm64-lg12")


def test_what_jemalloc_asserts_itself_is_an_error(jemalloc: Profile, jemalloc_5_3: Files) -> None:
    """Its `#error` directives need no rules."""
    broken = Mutation(SC, "SC_LG_MAX_LOOKUP 12", "SC_LG_MAX_LOOKUP 14").of(jemalloc_5_3)
    report = check(memory_tree(jemalloc_5_3), memory_tree(broken, sha="1" * 40), jemalloc)
    assert report.verdict is Verdict.ERROR
    error = report.errors[0]
    assert error.path == SC
    assert "Lookup table sizes must be small" in error.message


def test_a_check_tells_the_change_and_what_it_costs(jemalloc: Profile, jemalloc_5_3: Files) -> None:
    mutation, _ = MUTATIONS["free-regions-field"]
    report = check(memory_tree(jemalloc_5_3), memory_tree(mutation.of(jemalloc_5_3), sha="1" * 40), jemalloc)
    assert report.verdict is Verdict.FAIL
    assert not report.errors
    for target in report.targets:
        (introduced,) = [finding for finding in target.findings if finding.state is State.INTRODUCED]
        assert (introduced.rule, introduced.path) == ("free-regions-field", EDATA)
    metadata = {
        target.target: next(cost.head for cost in target.costs if cost.id == "extent-metadata")
        for target in report.targets
    }
    assert (metadata["linux-arm64-lg12"], metadata["linux-arm64-lg14"], metadata[DEBIAN]) == (128, 328, 1112)


def test_gxx_agrees_on_every_value(jemalloc: Profile, jemalloc_5_3: Files, tmp_path: Path) -> None:
    compared = [name for name, target in jemalloc.targets.items() if target.triple in GXX]
    assert len(compared) == 8
    for target in compared:
        values = evaluated(jemalloc, jemalloc_5_3, target).values
        assert len(values) > 50
        compiler = gxx_for(jemalloc, target)
        assert not objections(compiler, jemalloc, jemalloc_5_3, target, values, tmp_path / target)


def test_gxx_objects_to_a_wrong_value(jemalloc: Profile, jemalloc_5_3: Files, tmp_path: Path) -> None:
    values = {Wanted("limit", "page"): 4096, Wanted("limit", "extent_size"): 127}
    (objection,) = objections(
        gxx_for(jemalloc, "linux-x86_64"), jemalloc, jemalloc_5_3, "linux-x86_64", values, tmp_path
    )
    assert "static assertion failed" in objection
