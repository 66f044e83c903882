"""Repairs in words: what they change, mend and cost; and what was tried in vain."""

from __future__ import annotations

from checker.report import Advice, CostChange, Report
from tests.workers.report.samples import A, B, report
from tests.workers.report.states import ADVICE, NO_ADVICE, OBJECTS
from workers.report.repairs import difference, effect, effort, of_rule, placed, vouched
from workers.report.voice import PLAIN

BITS, COUNT = ADVICE
MADE = report(A, B)


def with_advice(*advice: Advice) -> Report:
    return MADE.model_copy(update={"advice": advice})


def test_a_rule_has_all_that_was_found_for_it() -> None:
    elsewhere = COUNT.model_copy(update={"targets": ("darwin-arm64",)})
    assert of_rule(with_advice(*ADVICE, elsewhere), "use-count") == (COUNT, elsewhere)
    assert of_rule(with_advice(*ADVICE), "granule-count") == ()


def test_edits_with_their_places() -> None:
    assert placed(COUNT.repairs[1].edits, PLAIN) == (
        "JIT_MEDIUM_GRANULE_SIZE 65536 → 32768 (jit_heap_config.h:62) and "
        "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT 8 → 9 (jit_heap_config.h:53)"
    )


def test_a_difference_shows_the_spaces_of_the_line() -> None:
    assert difference(OBJECTS) == [
        "- #define PAS_MAX_OBJECTS_PER_PAGE        2048",
        "+ #define PAS_MAX_OBJECTS_PER_PAGE        8192",
    ]


def test_what_a_repair_mends_beside_its_purpose_and_what_it_costs() -> None:
    assert effect(BITS.repairs[0], BITS, MADE, PLAIN) == (
        "Mends ceiling-covers-os-page for 64K pages, too. Costs nothing that is counted."
    )
    costs = effect(COUNT.repairs[1], COUNT, MADE, PLAIN)
    assert costs.startswith(
        "Costs: the smallest slab (jit_medium_bitfit, linux-arm64) 64 KiB → 128 KiB of resident memory, ×2; "
    )
    assert "; what one object commits (" in costs
    assert costs.endswith("; 1 more figure.")


def test_a_name_keeps_its_capital_inside_a_sentence() -> None:
    titles = ("A MarkedBlock", "MarkedBlock size", "JIT pages", "MAX_SIZE bytes")
    found = [MADE.targets[0].costs[0].model_copy(update={"id": "block", "title": title}) for title in titles]
    change = CostChange(id="block", target="linux-arm64", heap=None, os_page=None, head=1, repaired=2)
    told = []
    for cost in found:
        made = MADE.model_copy(update={"targets": (MADE.targets[0].model_copy(update={"costs": (cost,)}),)})
        repair = COUNT.repairs[0].model_copy(update={"costs": (change,)})
        told.append(effect(repair, COUNT, made, PLAIN).removeprefix("Costs: ").partition(" 1 ")[0])
    assert told == ["a MarkedBlock", "MarkedBlock size", "JIT pages", "MAX_SIZE bytes"]


def test_none_found_says_what_was_tried() -> None:
    assert effort(NO_ADVICE[0], PLAIN) == (
        "None found: 120 edited trees were evaluated, turning PAS_MAX_OBJECTS_PER_PAGE and "
        "PAS_INTERNAL_MIN_ALIGN_SHIFT; the search was cut short."
    )
    assert effort(NO_ADVICE[1], PLAIN) == "None found: no literal in its chain can be turned."
    one = NO_ADVICE[0].model_copy(update={"tried": 1, "exhausted": True, "knobs": ("X",)})
    assert effort(one, PLAIN) == "None found: 1 edited tree was evaluated, turning X."


def test_a_repair_is_vouched_for_on_the_targets_checked() -> None:
    assert vouched(MADE) == "breaks nothing else on the 3 targets checked"
    one = MADE.model_copy(update={"targets": MADE.targets[:1]})
    assert vouched(one) == "breaks nothing else on the target checked"
