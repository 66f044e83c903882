"""States of cells and verdicts, without a compiler."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.check import verdict_of
from checker.compare import compare, state_of
from checker.evaluation import Definition, Evaluation, Failure
from checker.expression import evaluate
from checker.probe import Wanted, build
from checker.profile import Profile, load_profile
from checker.report import Finding, Severity, State, Verdict
from checker.rules import Status, cells

LIMITS = {
    "CeilingOnPageSize": 65536,
    "max_objects_per_page": 2048,
    "max_granules": 256,
    "decommitted": 255,
    "largest_use_count": 255,
}
SIZES = {"page_size": 131072, "granule_size": 16384, "min_align_shift": 9, "num_alloc_bits": 256, "enabled": 1}
RULES = ("granule-covers-os-page", "use-count", "alloc-bits", "granule-count", "ceiling-covers-os-page")


def five_rules() -> Profile:
    """libpas's profile with the rules that these sizes speak of, and what they need."""
    whole = load_profile("libpas")
    steps = {"use-count": {"one_step": "(value - 1) * 2 + 1"}, "alloc-bits": {"one_step": "value * 2"}}
    fields = {kind: {name: its[name] for name in SIZES if name in its} for kind, its in whole.heap_fields.items()}
    return whole.model_copy(
        update={
            "rules": tuple(whole.rule(name).model_copy(update=steps.get(name)) for name in RULES),
            "limits": {name: whole.limits[name] for name in LIMITS},
            "heap_fields": fields,
            "costs": (),
        }
    )


PROFILE = five_rules()


def evaluation(
    profile: Profile = PROFILE,
    heaps: Mapping[str, Mapping[str, int]] | None = None,
    limits: Mapping[str, int] | None = None,
    without: tuple[Wanted, ...] = (),
) -> Evaluation:
    """Every heap config alike, but for what is said."""
    heaps, values = heaps or {}, {}
    for wanted in build(profile, (), "nonce").variables.values():
        if wanted.kind == "heap":
            values[wanted] = {**SIZES, **heaps.get(wanted.name, {})}[wanted.field]
        elif wanted.kind == "limit":
            values[wanted] = {**LIMITS, **(limits or {})}[wanted.name]
        else:
            values[wanted] = 1
    failures = {wanted: Failure("broken", "a.h", 7) for wanted in without}
    return Evaluation({k: v for k, v in values.items() if k not in failures}, frozenset(), failures, {})


@pytest.mark.parametrize(
    ("base", "head", "state"),
    [
        (Status.HOLDS, Status.FAILS, State.INTRODUCED),
        (Status.NOT_APPLICABLE, Status.FAILS, State.INTRODUCED),
        (Status.UNKNOWN, Status.FAILS, State.INTRODUCED),
        (Status.FAILS, Status.FAILS, State.STANDING),
        (Status.FAILS, Status.HOLDS, State.FIXED),
        (Status.FAILS, Status.NOT_APPLICABLE, State.FIXED),
        (Status.HOLDS, Status.HOLDS, State.HOLDS),
        (Status.UNKNOWN, Status.HOLDS, State.HOLDS),
        (Status.NOT_APPLICABLE, Status.NOT_APPLICABLE, None),
        (Status.HOLDS, Status.UNKNOWN, None),
        (Status.FAILS, Status.UNKNOWN, None),
    ],
)
def test_states(base: Status, head: Status, state: State | None) -> None:
    assert state_of(base, head) is state


def verdict(base: Evaluation, head: Evaluation) -> Verdict:
    return verdict_of([compare(PROFILE, "linux-arm64", base, head, (4096, 16384))])


BROKEN_HEAP = {"jit_medium_bitfit": {"min_align_shift": 4}}
MISSING = (Wanted("limit", "max_granules"),)


def test_verdicts() -> None:
    good, bad = evaluation(), evaluation(heaps=BROKEN_HEAP)
    assert verdict(good, good) is Verdict.PASS
    assert verdict(good, bad) is Verdict.FAIL
    assert verdict(bad, bad) is Verdict.PASS
    assert verdict(bad, good) is Verdict.PASS


def test_what_cannot_be_evaluated_at_head_is_never_a_pass() -> None:
    assert verdict(evaluation(), evaluation(without=MISSING)) is Verdict.ERROR
    assert verdict(evaluation(), Evaluation({}, frozenset(), {}, {}, stopped=Failure("killed"))) is Verdict.ERROR


@pytest.mark.parametrize("sizes", [{"granule_size": 0}, {"min_align_shift": 300}])
def test_values_that_make_no_arithmetic_are_errors(sizes: dict[str, int]) -> None:
    odd = evaluation(heaps={"jit_medium_bitfit": sizes})
    comparison = compare(PROFILE, "linux-arm64", evaluation(), odd, ())
    assert {error.name for error in comparison.errors} == {"jit_medium_bitfit"}
    assert verdict_of([comparison]) is Verdict.ERROR


def test_a_certain_failure_outweighs_an_error() -> None:
    assert verdict(evaluation(), evaluation(heaps=BROKEN_HEAP, without=MISSING)) is Verdict.FAIL


def test_an_error_at_base_matters_only_where_head_fails() -> None:
    base = evaluation(without=(Wanted("limit", "decommitted"),))
    assert verdict(base, evaluation()) is Verdict.PASS
    assert verdict(base, evaluation(heaps=BROKEN_HEAP)) is Verdict.ERROR


def test_an_error_at_base_hides_no_failure_that_base_cannot_have_had() -> None:
    """One granule a page at base, so no use counts; another value of base is missing."""
    off = {"jit_medium_bitfit": {"page_size": 16384}}
    base = evaluation(heaps=off, without=(Wanted("constant", "PAS_MIN_ALIGN_SHIFT"),))
    assert verdict(base, evaluation(heaps=BROKEN_HEAP)) is Verdict.FAIL


def test_a_value_that_is_missing_without_an_error_is_never_a_pass() -> None:
    whole = evaluation()
    values = {wanted: value for wanted, value in whole.values.items() if wanted not in MISSING}
    assert verdict(whole, Evaluation(values, frozenset(), {}, {})) is Verdict.ERROR


def test_a_warning_neither_fails_a_check_nor_leaves_it_open() -> None:
    rules = tuple(rule.model_copy(update={"severity": Severity.WARNING}) for rule in PROFILE.rules)
    lenient = PROFILE.model_copy(update={"rules": rules})
    bad = evaluation(heaps=BROKEN_HEAP)
    for base in (evaluation(), evaluation(without=(Wanted("limit", "decommitted"),))):
        assert verdict_of([compare(lenient, "linux-arm64", base, bad, (4096,))]) is Verdict.PASS


def test_a_granule_larger_than_its_page_is_a_failure() -> None:
    odd = evaluation(heaps={"jit_medium_bitfit": {"granule_size": 262144}})
    assert verdict(evaluation(), odd) is Verdict.FAIL


def test_a_config_that_is_not_used_is_not_judged() -> None:
    off = evaluation(heaps={"jit_medium_bitfit": {"min_align_shift": 4, "enabled": 0}})
    assert verdict(evaluation(), off) is Verdict.PASS
    report = compare(PROFILE, "linux-arm64", evaluation(), off, (4096,)).report
    reasons = {cell.reason for cell in report.not_applicable if cell.heap == "jit_medium_bitfit"}
    assert reasons == {"the tree does not use this config"}
    assert next(heap for heap in report.heaps if heap.name == "jit_medium_bitfit").head is None


def test_guards_are_part_of_a_rule() -> None:
    """One granule a page: neither use counts nor granule counts, whatever the numbers."""
    one_granule = evaluation(heaps={"jit_medium_bitfit": {"granule_size": 131072, "min_align_shift": 1}})
    found = cells(PROFILE, PROFILE.targets["linux-arm64"], one_granule, (4096,))
    status = {key.rule: cell.status for key, cell in found.items() if key.heap == "jit_medium_bitfit"}
    assert status["use-count"] is status["granule-count"] is status["alloc-bits"] is Status.NOT_APPLICABLE


def test_marge_may_sit_at_exactly_the_limit() -> None:
    at_limit = evaluation(heaps={"bmalloc_marge_bitfit": {"page_size": 16384 * 256}})
    assert verdict(evaluation(), at_limit) is Verdict.PASS
    over = evaluation(heaps={"bmalloc_marge_bitfit": {"page_size": 16384 * 257}})
    assert verdict(evaluation(), over) is Verdict.FAIL


def test_a_wider_counter_moves_the_limit() -> None:
    wide = evaluation(heaps=BROKEN_HEAP, limits={"decommitted": 65535, "largest_use_count": 65535})
    assert verdict(evaluation(), wide) is Verdict.PASS


@pytest.mark.parametrize("wider", ["decommitted", "largest_use_count"])
def test_a_counter_is_as_wide_as_both_its_type_and_its_sentinel(wider: str) -> None:
    assert verdict(evaluation(), evaluation(heaps=BROKEN_HEAP, limits={wider: 65535})) is Verdict.FAIL


def test_page_sizes_that_no_kernel_has_do_not_apply() -> None:
    report = compare(PROFILE, "linux-x86_64", evaluation(), evaluation(), (4096, 65536)).report
    assert {cell.os_page for cell in report.findings} == {None, 4096}
    assert "Linux on x86-64 does not run on 64K pages" in {cell.reason for cell in report.not_applicable}


def test_a_finding_points_at_the_definition_that_changed() -> None:
    def with_definitions(shift: str) -> Evaluation:
        plain = evaluation(heaps={"jit_medium_bitfit": {"min_align_shift": int(shift)}})
        macro = Wanted("constant", "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT")
        return Evaluation(
            {**plain.values, macro: int(shift)},
            frozenset(),
            {},
            {
                "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT": Definition("jit.h", 10, 10, "INNER", ("INNER",)),
                "INNER": Definition("inner.h", 20, 20, shift),
            },
        )

    report = compare(PROFILE, "linux-arm64", with_definitions("9"), with_definitions("4"), (4096,)).report
    cell = next(cell for cell in report.findings if cell.state is State.INTRODUCED)
    assert (cell.rule, cell.path, cell.line) == ("use-count", "inner.h", 20)
    assert [(link.name, link.line, link.body, link.value) for link in cell.chain] == [
        ("JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT", 10, "INNER", 4),
    ]
    assert {cell.chain for cell in report.findings if cell.state is State.HOLDS} == {()}


def finding(base: Evaluation, head: Evaluation, rule: str, heap: str) -> Finding:
    report = compare(PROFILE, "linux-arm64", base, head, (4096,)).report
    return next(cell for cell in report.findings if (cell.rule, cell.heap) == (rule, heap))


@pytest.mark.parametrize(
    ("base", "head", "close", "left"),
    [
        ({"min_align_shift": 8}, {"min_align_shift": 7}, True, 254 - 129),  # 257 after one more step
        ({"min_align_shift": 9}, {"min_align_shift": 8}, False, 254 - 65),  # 129 after one more step
        ({"min_align_shift": 7}, {"min_align_shift": 7}, False, 254 - 129),  # as close as it was
        ({"min_align_shift": 7}, {"min_align_shift": 6}, False, 254 - 257),
    ],
)
def test_close_is_one_step_from_failing_and_moved(
    base: dict[str, int], head: dict[str, int], close: bool, left: int
) -> None:
    before, after = (evaluation(heaps={"jit_medium_bitfit": sizes}) for sizes in (base, head))
    found = finding(before, after, "use-count", "jit_medium_bitfit")
    assert found.close is close
    assert found.head is not None
    assert found.head.headroom == left


sizes = st.fixed_dictionaries(
    {
        "page_size": st.integers(0, 2**24),
        "granule_size": st.integers(0, 2**20),
        "min_align_shift": st.integers(0, 80),
        "num_alloc_bits": st.integers(0, 2**16),
        "enabled": st.integers(0, 1),
    }
)


@given(heap=sizes, name=st.sampled_from([heap.name for heap in PROFILE.heaps]))
def test_equal_trees_never_introduce_or_fix(heap: dict[str, int], name: str) -> None:
    same = evaluation(heaps={name: heap})
    report = compare(PROFILE, "linux-arm64", same, same, (4096, 16384, 65536)).report
    assert {cell.state for cell in report.findings} <= {State.HOLDS, State.STANDING}


@given(heap=sizes, order=st.permutations(PROFILE.rules))
def test_the_order_of_rules_does_not_matter(heap: dict[str, int], order: list[object]) -> None:
    other = PROFILE.model_copy(update={"rules": tuple(order)})
    base, head = evaluation(), evaluation(heaps={"utility": heap})
    findings = [
        {repr(cell) for cell in compare(profile, "linux-arm64", base, head, (65536,)).report.findings}
        for profile in (PROFILE, other)
    ]
    assert findings[0] == findings[1]


def test_a_limit_that_follows_its_value_is_never_close() -> None:
    """As when the table is as large as the page: a larger page has a larger table."""

    def with_limit(page_shift: int, body: str) -> Evaluation:
        page, bits = 1 << page_shift, (1 << page_shift) >> 3
        sizes = {"page_size": page, "granule_size": page, "min_align_shift": 3, "num_alloc_bits": bits}
        plain = evaluation(heaps={"utility": sizes}, limits={"max_objects_per_page": bits})
        macros = {
            "PAS_SMALL_PAGE_DEFAULT_SIZE": page,
            "PAS_INTERNAL_MIN_ALIGN_SHIFT": 3,
            "PAS_MAX_OBJECTS_PER_PAGE": bits,
        }
        values = {Wanted("constant", name): value for name, value in macros.items()}
        used = {"PAS_MAX_OBJECTS_PER_PAGE": tuple(body.split())}
        places = {name: Definition("config.h", 1, 1, "", used.get(name, ())) for name in macros}
        return Evaluation({**plain.values, **values}, frozenset(), {}, places)

    for body, close in (
        ("2048", True),
        ("PAS_SMALL_PAGE_DEFAULT_SIZE 4", True),
        ("PAS_SMALL_PAGE_DEFAULT_SIZE PAS_INTERNAL_MIN_ALIGN_SHIFT", False),
    ):
        assert finding(with_limit(14, body), with_limit(16, body), "alloc-bits", "utility").close is close


@given(heap=sizes)
def test_an_explanation_is_arithmetic_that_comes_out(heap: dict[str, int]) -> None:
    """What stands before "must be" evaluates to the value, and the rule over value and limit to what is said."""
    head = evaluation(heaps={"jit_medium_bitfit": heap})
    for cell in compare(PROFILE, "linux-arm64", evaluation(), head, (4096, 65536)).report.findings:
        if cell.head is None:
            continue
        arithmetic, _, _requirement = cell.explanation.partition(", must be ")
        parts = arithmetic.split(" = ")
        assert {evaluate(part, {}) for part in parts} == {cell.head.value}
        expression = PROFILE.rule(cell.rule).expression
        assert bool(evaluate(expression, {"value": cell.head.value, "limit": cell.head.limit})) is cell.head.holds
        room = cell.head.headroom
        assert room is None or cell.head.holds is False or room >= 0
