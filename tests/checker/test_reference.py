"""The reference pull request on real headers: what the checker must say about A, B, C and D."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.check import check
from checker.profile import load_profile
from checker.report import Finding, Report, Severity, State, TargetReport, Verdict
from tests.checker.conftest import Checked
from tests.checker.trees import files_below, memory_tree
from workers.git import local_tree
from workers.scenario import Scenario

PROFILE = load_profile("libpas")
HEAPS = {heap.name for heap in PROFILE.heaps}
OTHERS = tuple(name for name in PROFILE.targets if name != "linux-arm64")
WITHOUT_LIBPAS = ("linux-armv7", "linux-ppc64le", "linux-riscv64")

Key = tuple[str, str | None, int | None]


def target(report: Report, name: str = "linux-arm64") -> TargetReport:
    return next(target for target in report.targets if target.target == name)


def cells(report: Report, state: State, name: str = "linux-arm64") -> set[Key]:
    return {
        (finding.rule, finding.heap, finding.os_page)
        for finding in target(report, name).findings
        if finding.state is state
    }


def values(report: Report, state: State) -> dict[Key, tuple[int, int]]:
    """What the cells in `state` measure at head: value and limit."""
    found = (cell for cell in target(report).findings if cell.state is state and cell.head is not None)
    return {(cell.rule, cell.heap, cell.os_page): (cell.head.value, cell.head.limit) for cell in found if cell.head}


def finding(report: Report, rule: str, heap: str | None, os_page: int | None = None) -> Finding:
    key = (rule, heap, os_page)
    return next(cell for cell in target(report).findings if (cell.rule, cell.heap, cell.os_page) == key)


ALLOC_BITS = {
    ("alloc-bits", "utility", None): (8192, 2048),
    ("alloc-bits", "bmalloc_small_segregated", None): (4096, 2048),
    ("alloc-bits", "jit_small_segregated", None): (4096, 2048),
}
USE_COUNT = {("use-count", "jit_medium_bitfit", None): (257, 255)}
HEADER = {("out-of-line-header", "jit_small_bitfit", None): (4128, 1400)}
AT_64K = {("granule-covers-os-page", heap, 65536) for heap in HEAPS} | {
    (rule, None, 65536)
    for rule in (
        "expendable-covers-os-page",
        "ceiling-covers-os-page",
        "block-covers-os-page",
        "config-covers-os-page",
    )
}
DORMANT = {("guarded-page-size", None, 65536), ("mbmalloc-config-covers-os-page", None, 65536)}


def test_a_fails_only_at_64k(checked: Checked) -> None:
    report = checked("A", "A")
    assert report.verdict is Verdict.NOT_APPLICABLE
    assert cells(report, State.STANDING) == AT_64K | DORMANT
    warnings = {cell.rule for cell in target(report).findings if cell.severity is Severity.WARNING}
    assert warnings == {rule for rule, _, _ in DORMANT} | {"page-fits-megapage", "known-configs"}


@pytest.mark.parametrize(
    ("head", "introduced"), [("B", ALLOC_BITS | USE_COUNT | HEADER), ("C", USE_COUNT | HEADER), ("D", HEADER)]
)
def test_what_each_tree_does_against_a(checked: Checked, head: str, introduced: dict[Key, tuple[int, int]]) -> None:
    report = checked("A", head)
    assert report.verdict is Verdict.FAIL
    assert not report.errors
    assert values(report, State.INTRODUCED) == introduced
    assert {cell.severity for cell in target(report).findings if cell.state is State.INTRODUCED} == {Severity.ERROR}
    assert cells(report, State.FIXED) == AT_64K
    assert cells(report, State.STANDING) == DORMANT


def test_what_c_does_against_b(checked: Checked) -> None:
    step = checked("B", "C")
    assert step.verdict is Verdict.PASS
    assert cells(step, State.STANDING) == USE_COUNT.keys() | HEADER.keys() | DORMANT
    assert cells(step, State.FIXED) == ALLOC_BITS.keys()
    assert cells(step, State.INTRODUCED) == set()


def test_b_shows_the_arithmetic_at_the_line_that_changed(checked: Checked, scenario: Scenario) -> None:
    report = checked("A", "B")
    use_count = finding(report, "use-count", "jit_medium_bitfit")
    assert use_count.explanation == "(65536 >> 8) + 1 = 257, must be < 255"
    assert use_count.base is not None
    assert use_count.head is not None
    assert (use_count.base.value, use_count.base.limit, use_count.base.holds) == (65, 255, True)
    assert (use_count.head.value, use_count.head.limit, use_count.head.holds) == (257, 255, False)
    assert _line(scenario, "B", use_count).split() == ["#define", "JIT_MEDIUM_GRANULE_SIZE", "65536u"]
    utility = finding(report, "alloc-bits", "utility")
    assert utility.explanation == "65536 >> 3 = 8192, must be <= 2048"
    assert _line(scenario, "B", utility).split() == ["#define", "PAS_SMALL_PAGE_DEFAULT_SHIFT", "16"]


def _line(scenario: Scenario, name: str, cell: Finding) -> str:
    assert cell.path is not None
    assert cell.line is not None
    tree = local_tree(scenario.path, scenario.shas[name], PROFILE)
    data = next(iter(tree.read([tree.entries[cell.path].oid], 1 << 20).values())).data
    assert data is not None
    return data.decode().splitlines()[cell.line - 1]


def test_d_keeps_the_four_rules_of_the_reference_on_all_heap_configs(checked: Checked) -> None:
    four = {"granule-covers-os-page", "use-count", "alloc-bits", "granule-count"}
    failing = {State.INTRODUCED, State.STANDING}
    report = checked("A", "D")
    assert not [cell for cell in target(report).findings if cell.rule in four and cell.state in failing]
    use_count = finding(report, "use-count", "jit_medium_bitfit")
    assert use_count.head is not None
    assert use_count.head.value == 129


def test_the_fault_of_d_says_when_it_bites(checked: Checked) -> None:
    report = checked("A", "D")
    header = finding(report, "out-of-line-header", "jit_small_bitfit")
    assert header.explanation == "(65536 >> 2) * (1 + 1) / 8 + 32 = 4128, must be <= 1400"
    assert {"JIT_SMALL_PAGE_SIZE": 65536, "JIT_SMALL_BITFIT_MIN_ALIGN_SHIFT": 2}.items() <= {
        link.name: link.value for link in header.chain
    }.items()
    bites = next(rule.bites for rule in report.rules if rule.id == header.rule)
    assert bites is not None
    assert "256 MB" in bites


def test_what_d_comes_close_to(checked: Checked) -> None:
    report = checked("A", "D")
    assert {
        (cell.rule, cell.heap): (cell.head.value, cell.head.limit, cell.head.headroom)
        for cell in target(report).findings
        if cell.close and cell.head is not None
    } == {
        ("use-count", "bmalloc_medium_segregated"): (129, 255, 125),
        ("use-count", "bmalloc_medium_bitfit"): (129, 255, 125),
        ("use-count", "jit_medium_bitfit"): (129, 255, 125),
        ("non-empty-words", "utility"): (252, 255, 3),
        ("non-empty-words", "jit_small_segregated"): (128, 255, 127),
    }
    assert finding(report, "non-empty-words", "utility").explanation == (
        "8192 / 32 - (1072 >> 3) / 32 = 252, must be <= 255"
    )


def test_every_cell_is_accounted_for(checked: Checked) -> None:
    """Rule × heap config × page size: each is a finding or says why it is none."""
    report = checked("A", "D")
    for name in ("linux-arm64", *OTHERS):
        at = target(report, name)
        listed = [(cell.rule, cell.heap, cell.os_page) for cell in at.findings]
        listed += [(cell.rule, cell.heap, cell.os_page) for cell in at.not_applicable]
        expected = {
            (rule.id, heap, page)
            for rule in PROFILE.rules
            for heap in ((rule.heaps or HEAPS) if rule.scope == "heap" else {None})
            for page in ((4096, 16384, 65536) if rule.per_page else (None,))
        }
        assert len(listed) == len(set(listed))
        assert set(listed) == expected
        assert all(cell.reason for cell in at.not_applicable)


@pytest.mark.parametrize("head", ["B", "C", "D"])
def test_nothing_changes_on_other_targets(checked: Checked, head: str) -> None:
    report = checked("A", head)
    for name in OTHERS:
        assert [constant.name for constant in target(report, name).constants if constant.changed] == []
        assert {cell.state for cell in target(report, name).findings} == {State.HOLDS}


def test_a_target_without_libpas_has_no_cell_of_a_heap(checked: Checked) -> None:
    """BPlatform.h leaves libpas out where it does not know the processor; WTF's and JavaScriptCore's rules remain."""
    report = checked("A", "D")
    for name in WITHOUT_LIBPAS:
        assert {cell.heap for cell in target(report, name).findings} == {None}
        assert {heap.head for heap in target(report, name).heaps} == {None}
        rules = {cell.rule for cell in target(report, name).findings}
        assert {"ceiling-covers-os-page", "block-covers-os-page"} <= rules
        assert not rules & {"expendable-covers-os-page", "guarded-page-size"}
    power = {cell.os_page for cell in target(report, "linux-ppc64le").findings if cell.rule == "block-covers-os-page"}
    assert power == {4096, 65536}


def test_the_trade_offs_are_seen(checked: Checked) -> None:
    constants = {constant.name: constant for constant in target(checked("A", "D")).constants}
    seen = {name: (constant.base, constant.head) for name, constant in constants.items()}
    for name in ("CeilingOnPageSize", "ConfigSizeToProtect", "MarkedBlock::blockSize"):
        assert seen[name] == (16384, 65536)
    assert seen["PAS_LARGE_EXPENDABLE_MEMORY_TOTAL_SIZE"] == (33_538_048, 536_805_376)
    assert seen["BUSE_PRECOMPUTED_CONSTANTS_VMPAGE64K"] == (None, 1)
    assert seen["OpcodeConfigSizeToProtect"] == (None, None)
    assert seen["PAS_MAX_OBJECTS_PER_PAGE"] == (2048, 8192)


def test_the_costs_of_the_reference(checked: Checked) -> None:
    found = {
        (cost.id, cost.heap, cost.os_page): (cost.base, cost.head)
        for cost in target(checked("A", "D")).costs
        if cost.os_page in {None, 4096}
    }
    assert found["marked-block", None, None] == (16384, 65536)
    assert found["atoms-per-block", None, None] == (1024, 4096)
    assert found["slab", "bmalloc_small_segregated", 4096] == (16384, 65536)
    assert found["slab", "bmalloc_medium_bitfit", 4096] == (131072, 262144)
    assert found["one-object", "bmalloc_marge_bitfit", 4096] == (16384, 65536)
    assert found["largest-objects", "jit_medium_bitfit", None] == (1536, 3072)
    assert found["expendable-memory", None, None] == (33_538_048, 536_805_376)


def test_memory_is_paid_by_the_os_page(checked: Checked) -> None:
    """A slab of 16K takes 64K where the kernel's page has that size."""
    costs = {
        (cost.id, cost.os_page): cost.base
        for cost in target(checked("A", "D")).costs
        if cost.heap == "jit_small_bitfit"
    }
    assert [costs["slab", page] for page in (4096, 16384, 65536)] == [16384, 16384, 65536]
    assert [costs["one-object", page] for page in (4096, 16384, 65536)] == [16384, 16384, 65536]


def test_a_change_that_touches_no_header_is_not_applicable(checked: Checked) -> None:
    assert checked("A", "unrelated").verdict is Verdict.NOT_APPLICABLE


def test_a_change_that_leaks_is_seen_on_the_other_target(scenario: Scenario) -> None:
    """The granule of every target changed, where only Linux on Arm was meant."""
    tree = local_tree(scenario.path, scenario.shas["A"], PROFILE)
    path = "Source/bmalloc/libpas/src/libpas/pas_internal_config.h"
    files = {
        name: blob
        for name, entry in tree.entries.items()
        if (blob := tree.read([entry.oid], 1 << 22)[entry.oid].data) is not None
    }
    leaked = files[path].replace(b"PAS_GRANULE_DEFAULT_SHIFT        12", b"PAS_GRANULE_DEFAULT_SHIFT        16")
    assert leaked != files[path]
    names = ("linux-arm64", "linux-x86_64", "linux-riscv64", "darwin-arm64")
    report = check(memory_tree(files), memory_tree({**files, path: leaked}), PROFILE, targets=names)
    moved = {name: [constant.name for constant in target(report, name).constants if constant.changed] for name in names}
    granule = ["PAS_GRANULE_DEFAULT_SHIFT", "PAS_GRANULE_DEFAULT_SIZE"]
    assert moved == {name: [] if name.endswith("-arm64") else granule for name in names}


@pytest.fixture(scope="module")
def older(webkit_2_42: Path) -> Report:
    tree = memory_tree(files_below(webkit_2_42, PROFILE))
    return check(tree, tree, PROFILE)


def test_an_older_version_evaluates_with_the_same_profile(older: Report) -> None:
    assert not older.errors
    assert cells(older, State.STANDING) == AT_64K | DORMANT
    assert {heap.name for heap in target(older).heaps if heap.head is not None} == HEAPS
    for name in OTHERS:
        assert {cell.state for cell in target(older, name).findings} == {State.HOLDS}
    without = {name for name in OTHERS if all(heap.head is None for heap in target(older, name).heaps)}
    assert without == {*WITHOUT_LIBPAS, "windows-x86_64"}


def test_an_older_version_has_partial_views(older: Report, checked: Checked) -> None:
    """Typed heaps had them in 2.42; where no heap has, nothing relies on their limits."""
    words = finding(older, "partial-view-words", "bmalloc_small_segregated")
    assert words.explanation == "1024 / 32 = 32, must be <= 255"
    assert finding(older, "shared-handle-size", "bmalloc_small_segregated").state is State.HOLDS
    newer = {(cell.rule, cell.heap): cell.reason for cell in target(checked("A", "D")).not_applicable}
    assert "BOUND_FOR_PARTIAL_VIEWS" in newer["partial-view-words", "bmalloc_small_segregated"]


def test_one_target_and_one_page_size_can_be_asked_for(scenario: Scenario) -> None:
    base, head = (local_tree(scenario.path, scenario.shas[name], PROFILE) for name in "AB")
    report = check(base, head, PROFILE, targets=["linux-arm64"], page_sizes=[4096])
    assert [at.target for at in report.targets] == ["linux-arm64"]
    assert {cell.os_page for cell in target(report).findings} == {None, 4096}
    assert cells(report, State.INTRODUCED) == ALLOC_BITS.keys() | USE_COUNT.keys() | HEADER.keys()
    assert check(base, head, PROFILE, targets=["linux-arm64"] * 2, page_sizes=[4096]) == report
