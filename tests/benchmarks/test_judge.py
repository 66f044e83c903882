"""How predictions and crashes are matched."""

from __future__ import annotations

from benchmarks.mutation_study.driven import Driven
from benchmarks.mutation_study.judge import judge, new_sites, pages_to_run, predicted
from benchmarks.mutation_study.reach import OUT_OF_REACH, PHASES, RULE_PHASES
from checker.profile import load_profile
from checker.report import Severity, State
from tests.benchmarks.builders import PAGE_4K, PAGE_64K, finding, fine, mutant, report, rule, trap
from workers.stress.libpas.crashes import Match

USE_COUNT = rule("use-count", "pas_page_granule_use_count.h", "pas_bitfit_page_inlines.h")
HEADER = rule("out-of-line-header", "pas_page_header_table.c")
GRANULE = rule("granule-covers-os-page", "pas_page_malloc.c")
WELL = Driven((fine("jit-medium-bitfit"), fine("jit-small-bitfit"), fine("scavenger")))


def test_a_crash_is_predicted_by_the_rule_that_names_its_file() -> None:
    after = Driven((trap("jit-medium-bitfit", "pas_bitfit_page_inlines.h"),))
    judged = judge(mutant(), report((USE_COUNT, HEADER), finding(USE_COUNT, "jit_medium_bitfit")), WELL, after)
    (crash,) = judged.crashes
    assert (crash.match, crash.rules) == (Match.ASSERTION, ("use-count",))
    assert judged.unseen == ()


def test_a_rule_that_names_a_caller_is_told_apart() -> None:
    after = Driven((trap("jit-small-bitfit", "pas_bitfit_page.h", "pas_page_header_table.c"),))
    judged = judge(mutant(), report((HEADER,), finding(HEADER, "jit_small_bitfit")), WELL, after)
    assert [crash.match for crash in judged.crashes] == [Match.CALLER]


def test_of_a_shared_assertion_the_one_who_asked_is_meant() -> None:
    said = report((HEADER,), finding(HEADER, "jit_small_bitfit"))
    header = Driven((trap("jit-small-bitfit", "pas_utility_heap.c", "pas_page_header_table.c"),))
    (crash,) = judge(mutant(), said, WELL, header).crashes
    assert crash.match is Match.ASSERTION
    assert crash.site.text.startswith("SIGTRAP at pas_utility_heap.c:10 ")
    assert crash.site.text.endswith(" for pas_page_header_table.c:10 in_pas_page_header_table.c")
    layout = Driven((trap("jit-small-bitfit", "pas_utility_heap.c", "pas_thread_local_cache_layout.c"),))
    assert [crash.match for crash in judge(mutant(), said, WELL, layout).crashes] == [Match.OTHER]
    assert [site.seen for site in new_sites(header, layout)] == [(("jit-small-bitfit", PAGE_4K),)]


def test_a_crash_of_which_other_rules_speak_is_missed_by_them() -> None:
    after = Driven((trap("scavenger", "pas_designated_intrinsic_heap.c"),))
    said = judge(mutant(), report((HEADER,), finding(HEADER, "jit_small_bitfit")), WELL, after)
    assert [(crash.match, crash.rules) for crash in said.crashes] == [(Match.OTHER, ("out-of-line-header",))]
    unsaid = judge(mutant(), report((HEADER,)), WELL, after)
    assert [crash.match for crash in unsaid.crashes] == [Match.NONE]


def test_a_rule_that_holds_on_the_page_of_the_crash_does_not_predict_it() -> None:
    after = Driven((trap("scavenger", "pas_page_malloc.c", page_size=PAGE_4K),))
    judged = judge(mutant(), report((GRANULE,), finding(GRANULE, "utility", PAGE_64K)), WELL, after)
    assert [crash.match for crash in judged.crashes] == [Match.NONE]


def test_what_a_phase_did_before_is_not_charged_to_the_mutant() -> None:
    standing = Driven((trap("jit-small-bitfit", "pas_utility_heap.c"), fine("scavenger")))
    raced = Driven((trap("jit-small-bitfit", "pas_utility_heap.c", line=11), fine("scavenger")))
    assert new_sites(standing, standing) == []
    assert new_sites(standing, raced) == []


def test_another_phase_or_another_file_is() -> None:
    standing = Driven((trap("jit-small-bitfit", "pas_utility_heap.c"), fine("scavenger")))
    spread = Driven((trap("jit-small-bitfit", "pas_utility_heap.c"), trap("scavenger", "pas_utility_heap.c")))
    moved = Driven((trap("jit-small-bitfit", "pas_free_granules.c"), fine("scavenger")))
    assert [site.seen for site in new_sites(standing, spread)] == [(("scavenger", PAGE_4K),)]
    assert [site.example for site in new_sites(standing, moved)] == [moved.outcomes[0]]


def test_one_assertion_in_many_phases_is_one_site() -> None:
    traps = (trap("threads", "pas_free_granules.c"), trap("bitfit", "pas_free_granules.c"))
    (site,) = new_sites(WELL, Driven(traps))
    assert site.seen == (("threads", PAGE_4K), ("bitfit", PAGE_4K))


def test_a_predicted_error_that_does_not_show_is_unexplained_where_its_phases_end_well() -> None:
    judged = judge(mutant(), report((HEADER,), finding(HEADER, "jit_small_bitfit")), WELL, WELL)
    assert [(unseen.prediction.rule.id, unseen.reason) for unseen in judged.unseen] == [("out-of-line-header", None)]


def test_it_is_explained_where_every_phase_of_the_heap_ends_elsewhere() -> None:
    after = Driven((trap("jit-small-bitfit", "pas_free_granules.c"), fine("scavenger")))
    judged = judge(mutant(), report((HEADER,), finding(HEADER, "jit_small_bitfit")), WELL, after)
    (unseen,) = judged.unseen
    assert unseen.reason == "masked: all phases that could show it end before"


def test_a_rule_about_the_tree_has_phases_of_its_own() -> None:
    agree = rule("small-pages-agree", "pas_get_page_base_and_kind.h")
    after = Driven((trap("bitfit", "pas_designated_intrinsic_heap.c"), fine("scavenger")))
    (unseen,) = judge(mutant(), report((agree,), finding(agree)), WELL, after).unseen
    assert unseen.reason == "masked: all phases that could show it end before"


def test_phases_and_reasons_are_those_of_the_profile() -> None:
    profile = load_profile("libpas")
    heaps, rules = {heap.name for heap in profile.heaps}, {rule.id for rule in profile.rules}
    assert set(PHASES) == heaps
    assert set(RULE_PHASES) <= rules
    assert all(name in rules and heap in heaps for name, heap in OUT_OF_REACH)


def test_a_reason_must_hold_for_every_heap_config() -> None:
    after = Driven((trap("jit-small-bitfit", "pas_free_granules.c"), fine("scavenger")))
    cells = [finding(HEADER, "jit_small_bitfit"), finding(HEADER, "jit_medium_bitfit")]
    assert [unseen.reason for unseen in judge(mutant(), report((HEADER,), *cells), WELL, after).unseen] == [None]
    bits = rule("alloc-bits", "pas_baseline_allocator.c")
    cells = [finding(bits, "utility"), finding(bits, "jit_small_bitfit")]
    (unseen,) = judge(mutant(), report((bits,), *cells), WELL, after).unseen
    assert unseen.reason == (
        "utility: the utility heap never has a baseline allocator; "
        "jit_small_bitfit: masked: all phases that could show it end before"
    )


def test_it_is_explained_by_the_page_size_and_by_the_compiler() -> None:
    said = report((GRANULE,), finding(GRANULE, "utility", PAGE_64K))
    (other_page,) = judge(mutant(), said, WELL, WELL).unseen
    assert other_page.reason == "needs a kernel with pages of 64K"
    (refused,) = judge(mutant(), said, WELL, Driven(refused="pas_x.h:1: error: size of array is negative")).unseen
    assert refused.reason == "the tree does not compile"


def test_standing_findings_and_warnings_are_no_introduced_errors() -> None:
    dormant = rule("page-fits-megapage", "pas_megapage_cache.c", severity=Severity.WARNING)
    findings = (finding(dormant, "utility"), finding(HEADER, "jit_small_bitfit", state=State.STANDING))
    judged = judge(mutant(), report((dormant, HEADER), *findings), WELL, WELL)
    assert judged.introduced_errors == ()
    assert judged.unseen == ()


def test_a_standing_failure_does_not_predict_a_new_crash() -> None:
    after = Driven((trap("jit-small-bitfit", "pas_page_header_table.c"),))
    said = report((HEADER,), finding(HEADER, "jit_small_bitfit", state=State.STANDING))
    assert [crash.match for crash in judge(mutant(), said, WELL, after).crashes] == [Match.NONE]


def test_cells_of_one_rule_are_one_prediction() -> None:
    cells = [finding(GRANULE, heap, page) for heap in ("utility", "jit_small_bitfit") for page in (PAGE_64K, PAGE_4K)]
    (prediction,) = predicted(report((GRANULE,), *cells))
    assert prediction.heaps == ("utility", "jit_small_bitfit")
    assert prediction.page_sizes == (PAGE_4K, PAGE_64K)
    assert pages_to_run([prediction]) == [PAGE_4K, PAGE_64K]
    assert pages_to_run([]) == [PAGE_4K]


def test_without_a_run_nothing_is_judged() -> None:
    judged = judge(mutant(), report((HEADER,), finding(HEADER), error="no such name"), None, None)
    assert (judged.crashes, judged.unseen, judged.driven) == ((), (), None)
    assert judged.errors == ("NAME: no such name",)
