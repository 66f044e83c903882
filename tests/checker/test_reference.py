"""The reference pull request on real headers: what the checker must say about A, B, C and D."""

from __future__ import annotations

from pathlib import Path

from checker.check import check
from checker.profile import load_profile
from checker.report import Finding, Report, State, TargetReport, Verdict
from tests.checker.conftest import Checked
from tests.checker.trees import files_below, memory_tree
from workers.git import local_tree
from workers.scenario import Scenario

PROFILE = load_profile("libpas")
HEAPS = {heap.name for heap in PROFILE.heaps}
OTHERS = ("linux-x86_64", "darwin-arm64")


def target(report: Report, name: str = "linux-arm64") -> TargetReport:
    return next(target for target in report.targets if target.target == name)


def cells(report: Report, state: State, rule: str | None = None) -> set[tuple[str, str | None, int | None]]:
    return {
        (finding.rule, finding.heap, finding.os_page)
        for finding in target(report).findings
        if finding.state is state and rule in {None, finding.rule}
    }


def finding(report: Report, rule: str, heap: str | None, os_page: int | None = None) -> Finding:
    key = (rule, heap, os_page)
    return next(cell for cell in target(report).findings if (cell.rule, cell.heap, cell.os_page) == key)


ALLOC_BITS = {
    ("alloc-bits", "utility", None),
    ("alloc-bits", "bmalloc_small_segregated", None),
    ("alloc-bits", "jit_small_segregated", None),
}
USE_COUNT = {("use-count", "jit_medium_bitfit", None)}
GRANULES_AT_64K = {("granule-covers-os-page", heap, 65536) for heap in HEAPS}


def test_a_violates_only_the_page_size_rules_and_only_at_64k(checked: Checked) -> None:
    report = checked("A", "A")
    assert report.verdict is Verdict.NOT_APPLICABLE
    assert cells(report, State.STANDING) == GRANULES_AT_64K | {("ceiling-covers-os-page", None, 65536)}


def test_b_introduces_alloc_bits_and_use_count_and_fixes_64k(checked: Checked) -> None:
    report = checked("A", "B")
    assert report.verdict is Verdict.FAIL
    assert not report.errors
    assert cells(report, State.INTRODUCED) == ALLOC_BITS | USE_COUNT
    assert cells(report, State.FIXED) == GRANULES_AT_64K | {("ceiling-covers-os-page", None, 65536)}
    assert cells(report, State.STANDING) == set()


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


def test_c_leaves_use_count_only(checked: Checked) -> None:
    assert cells(checked("A", "C"), State.INTRODUCED) == USE_COUNT
    step = checked("B", "C")
    assert cells(step, State.STANDING) == USE_COUNT
    assert cells(step, State.FIXED) == ALLOC_BITS
    assert cells(step, State.INTRODUCED) == set()


def test_d_passes_every_rule_on_every_heap_config(checked: Checked) -> None:
    report = checked("A", "D")
    assert report.verdict is Verdict.PASS
    assert cells(report, State.INTRODUCED) | cells(report, State.STANDING) == set()
    use_count = finding(report, "use-count", "jit_medium_bitfit")
    assert use_count.head is not None
    assert use_count.head.value == 129


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
            for heap in (HEAPS if rule.scope == "heap" else {None})
            for page in ((4096, 16384, 65536) if rule.per_page else (None,))
        }
        assert len(listed) == len(set(listed))
        assert set(listed) == expected
        assert all(cell.reason for cell in at.not_applicable)


def test_nothing_changes_on_other_targets(checked: Checked) -> None:
    report = checked("A", "D")
    for name in OTHERS:
        assert [constant.name for constant in target(report, name).constants if constant.changed] == []
        assert {cell.state for cell in target(report, name).findings} == {State.HOLDS}


def test_the_trade_offs_are_seen(checked: Checked) -> None:
    constants = {constant.name: constant for constant in target(checked("A", "D")).constants}
    seen = {name: (constant.base, constant.head) for name, constant in constants.items()}
    for name in ("CeilingOnPageSize", "ConfigSizeToProtect", "MarkedBlock::blockSize"):
        assert seen[name] == (16384, 65536)
    assert seen["PAS_LARGE_EXPENDABLE_MEMORY_TOTAL_SIZE"] == (33_538_048, 536_805_376)
    assert seen["BUSE_PRECOMPUTED_CONSTANTS_VMPAGE64K"] == (None, 1)
    assert seen["OpcodeConfigSizeToProtect"] == (None, None)
    assert seen["PAS_MAX_OBJECTS_PER_PAGE"] == (2048, 8192)


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
    report = check(memory_tree(files), memory_tree({**files, path: leaked}), PROFILE)
    moved = {
        name: [constant.name for constant in target(report, name).constants if constant.changed]
        for name in ("linux-arm64", *OTHERS)
    }
    assert moved == {
        "linux-arm64": [],
        "linux-x86_64": ["PAS_GRANULE_DEFAULT_SHIFT", "PAS_GRANULE_DEFAULT_SIZE"],
        "darwin-arm64": [],
    }


def test_an_older_version_evaluates_with_the_same_profile(webkit_2_42: Path) -> None:
    tree = memory_tree(files_below(webkit_2_42, PROFILE))
    report = check(tree, tree, PROFILE)
    assert not report.errors
    assert cells(report, State.STANDING) == GRANULES_AT_64K | {("ceiling-covers-os-page", None, 65536)}
    assert {heap.name for heap in target(report).heaps if heap.head is not None} == HEAPS


def test_one_target_and_one_page_size_can_be_asked_for(scenario: Scenario) -> None:
    base, head = (local_tree(scenario.path, scenario.shas[name], PROFILE) for name in "AB")
    report = check(base, head, PROFILE, targets=["linux-arm64"], page_sizes=[4096])
    assert [at.target for at in report.targets] == ["linux-arm64"]
    assert {cell.os_page for cell in target(report).findings} == {None, 4096}
    assert cells(report, State.INTRODUCED) == ALLOC_BITS | USE_COUNT
    assert check(base, head, PROFILE, targets=["linux-arm64"] * 2, page_sizes=[4096]) == report
