"""The study's page."""

from __future__ import annotations

import pytest

from benchmarks.mutation_study.driven import Driven
from benchmarks.mutation_study.judge import judge
from benchmarks.mutation_study.table import Conditions, Study, document
from tests.benchmarks.builders import PAGE_64K, finding, fine, mutant, report, rule, trap

HEADER = rule("out-of-line-header", "pas_page_header_table.c", "pas_utility_heap.c")
COUNT = rule("granule-count", "pas_free_granules.c")
STANDING = trap("scavenger", "pas_page_malloc.c", page_size=PAGE_64K)
BEFORE = Driven((fine("jit-small-bitfit"), fine("scavenger"), STANDING))
CONDITIONS = Conditions("2026-01-02", "a tarball", "libclang 18", ("gcc 12", "qemu 7"), (16384, PAGE_64K))


@pytest.fixture(scope="module")
def page() -> str:
    """A study of one tree and five mutants."""
    rules = (HEADER, COUNT)
    seen = Driven((trap("jit-small-bitfit", "pas_utility_heap.c"), fine("scavenger")))
    missed = Driven((fine("jit-small-bitfit"), trap("scavenger", "pas_x.c")))
    well = Driven((fine("jit-small-bitfit"), fine("scavenger")))
    judged = (
        judge(mutant(to=15), report(rules, finding(HEADER, "jit_small_bitfit")), BEFORE, seen),
        judge(mutant(to=13), report(rules), BEFORE, missed),
        judge(mutant(to=16), report(rules, finding(COUNT, "bmalloc_marge_bitfit")), BEFORE, well),
        judge(mutant(to=12), report(rules), BEFORE, Driven(refused="pas_x.h:7: error: a | b")),
        judge(mutant(to=11), report(rules, error="no such name"), BEFORE, well),
    )
    return document(CONDITIONS, [Study("A", BEFORE, judged)])


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_the_summary_counts(page: str) -> None:
    assert {label: int(count) for label, count in rows(page, "Summary")} == {
        "mutants": 5,
        "… that break a rule (introduced error)": 2,
        "… whose headers cannot be evaluated in part": 1,
        "… that do not compile": 1,
        "… of these, predicted": 0,
        "… that crash where the tree does not": 2,
        "… of these, with an introduced error": 1,
        "crash sites (mutant × assertion)": 2,
        "… predicted by a rule that names the assertion's file": 1,
        "… predicted by a rule that names a caller's file": 0,
        "… of which only other rules speak": 0,
        "… of which nothing is said": 1,
        "introduced errors (mutant × rule)": 2,
        "… seen crashing": 1,
        "… not seen, with a reason": 0,
        "… not seen, unexplained": 1,
        "mutants of which nothing is said and that run well": 1,
    }


def test_each_broken_rule_has_a_row(page: str) -> None:
    assert rows(page, "By rule") == [
        ["out-of-line-header", "1", "1", ""],
        ["granule-count", "1", "0", "1 × unexplained"],
    ]


def test_each_mutant_has_a_row(page: str) -> None:
    assert [row[-1] for row in rows(page, "Tree A")] == [
        "predicted by out-of-line-header",
        "**missed**",
        "granule-count not seen: **unexplained**",
        "the compiler refuses what no rule speaks of",
        "agree",
    ]
    assert rows(page, "Tree A")[0][:3] == [
        "PAS_GRANULE_DEFAULT_SHIFT 14 → 15",
        "out-of-line-header on jit_small_bitfit",
        "SIGTRAP at pas_utility_heap.c:10 in_pas_utility_heap.c (jit-small-bitfit; 4K)",
    ]


def test_what_does_not_fit_is_listed(page: str) -> None:
    missed = page.split("## Missed")[1].split("## ", maxsplit=1)[0]
    assert "- A: PAS_GRANULE_DEFAULT_SHIFT 14 → 13: SIGTRAP at pas_x.c:10" in missed
    unexplained = page.split("unexplained\n\n")[1].split("## ", maxsplit=1)[0]
    assert "- A: PAS_GRANULE_DEFAULT_SHIFT 14 → 16: granule-count on bmalloc_marge_bitfit" in unexplained


def test_what_the_tree_does_unmutated_is_told(page: str) -> None:
    assert "- SIGTRAP at pas_page_malloc.c:10 in_pas_page_malloc.c (scavenger; 64K)" in page.split("## Tree A")[1]


def test_a_bar_in_a_message_makes_no_cell(page: str) -> None:
    assert "does not compile: pas_x.h:7: error: a \\| b" in page


def test_the_static_part_alone_claims_no_run() -> None:
    judged = judge(mutant(), report((HEADER,), finding(HEADER, "jit_small_bitfit")), None, None)
    conditions = Conditions("2026-01-02", "a tarball", "libclang 18", (), ())
    text = document(conditions, [Study("A", None, (judged,))])
    assert "Nothing was built or run" in text
    assert "| PAS_GRANULE_DEFAULT_SHIFT 14 → 15 | out-of-line-header on jit_small_bitfit | not run |  |" in text
