"""What follows from a run's records: above all, that nothing passes which was not seen to pass beside good controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.report.stress_states import BASE, BOTH, PASS, SIZES, K, controls, of_base, record, seen, with_
from workers.stress.result import (
    Change,
    Conclusion,
    Expectation,
    Result,
    Trouble,
    held_against,
    with_checksums_compared,
)
from workers.stress.verdicts import Record, Role, Verdict

FAIL, ERROR, OPEN, LACKING = Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.UNAVAILABLE
VERDICTS = st.sampled_from(Verdict)


def _with(*records: Record) -> Result:
    return replace(PASS, records=with_(BOTH, *records))


@pytest.mark.parametrize(
    ("head", "base", "change"),
    [
        (Verdict.PASS, Verdict.PASS, Change.PASSES),
        (Verdict.PASS, FAIL, Change.FIXED),
        (Verdict.PASS, OPEN, Change.PASSES),
        (FAIL, Verdict.PASS, Change.REGRESSION),
        (FAIL, LACKING, Change.REGRESSION),
        (FAIL, FAIL, Change.STANDING),
        (FAIL, OPEN, Change.UNKNOWN),
        (FAIL, ERROR, Change.UNKNOWN),
        (OPEN, FAIL, Change.UNKNOWN),
        (ERROR, Verdict.PASS, Change.UNKNOWN),
        (LACKING, FAIL, Change.LOST),
        (LACKING, LACKING, Change.UNAVAILABLE),
    ],
)
def test_changes(head: Verdict, base: Verdict, change: Change) -> None:
    one = record("baseline", 4 * K, head)
    result = _with(one, of_base(replace(one, verdict=base)))
    assert result.change(one) is change


def test_without_a_base_every_failure_is_new_and_a_hole_in_the_base_decides_nothing() -> None:
    bad = record("baseline", 4 * K, FAIL)
    assert Result("vm", SIZES, (bad,)).change(bad) is Change.REGRESSION
    other = of_base(record("utility", 4 * K))
    assert Result("vm", SIZES, (bad, other)).change(bad) is Change.UNKNOWN


@pytest.mark.parametrize(
    ("result", "conclusion"),
    [
        (PASS, Conclusion.PASS),
        (_with(record("baseline", 64 * K, FAIL)), Conclusion.FAIL),
        (_with(*(made(record("baseline", 64 * K, FAIL)) for made in (lambda each: each, of_base))), Conclusion.PASS),
        (_with(of_base(record("baseline", 64 * K, FAIL))), Conclusion.PASS),
        (_with(record("baseline", 64 * K, OPEN)), Conclusion.INCONCLUSIVE),
        (_with(record("baseline", 64 * K, ERROR)), Conclusion.ERROR),
        (_with(of_base(record("baseline", 64 * K, ERROR))), Conclusion.ERROR),
        (_with(record("baseline", 64 * K, LACKING)), Conclusion.INCONCLUSIVE),
        (_with(*(made(record("baseline", 64 * K, LACKING)) for made in (lambda each: each, of_base))), Conclusion.PASS),
        (replace(PASS, controls=()), Conclusion.VOID),
        (replace(PASS, troubles=(Trouble("no kernel"),)), Conclusion.ERROR),
        (replace(PASS, records=(), troubles=(Trouble("does not compile", own=True),)), Conclusion.FAIL),
        (replace(PASS, records=()), Conclusion.ERROR),
        (replace(PASS, page_sizes=(4 * K, 16 * K)), Conclusion.ERROR),
        (Result("vm", (), (), controls()), Conclusion.INCONCLUSIVE),
    ],
)
def test_conclusions(result: Result, conclusion: Conclusion) -> None:
    assert result.conclusion is conclusion


@pytest.mark.parametrize("index", range(len(controls())))
@pytest.mark.parametrize("outcome", [*Verdict, None])
def test_no_run_passes_beside_a_control_that_misbehaved(index: int, outcome: Verdict | None) -> None:
    every = list(controls())
    every[index] = seen(every[index], outcome)
    result = replace(PASS, controls=tuple(every))
    if every[index].behaved:
        assert result.conclusion is Conclusion.PASS
    else:
        opposite = outcome in {Verdict.PASS, FAIL}
        assert result.conclusion is (Conclusion.VOID if opposite else Conclusion.ERROR)


@pytest.mark.parametrize("index", range(len(BOTH) // 2))
def test_no_run_passes_of_which_the_head_has_a_cell_missing(index: int) -> None:
    lost = replace(PASS, records=(*BOTH[:index], *BOTH[index + 1 :]))
    assert len(lost.missing) == 1
    assert lost.conclusion is Conclusion.ERROR


def test_a_page_size_on_which_nothing_could_be_judged_is_no_pass() -> None:
    lacking = [replace(each, verdict=LACKING) for each in BOTH if each.page_size == 64 * K]
    assert _with(*lacking).conclusion is Conclusion.INCONCLUSIVE


def test_a_regression_counts_only_where_the_controls_behaved() -> None:
    bad = record("baseline", 64 * K, FAIL)
    lost = tuple(seen(each, None) if each.expected.page_size == 64 * K else each for each in controls())
    assert replace(_with(bad), controls=lost).conclusion is Conclusion.ERROR
    elsewhere = record("baseline", 4 * K, FAIL)
    assert replace(_with(bad, elsewhere), controls=lost).conclusion is Conclusion.FAIL


def test_what_the_controls_must_do_is_held_against_what_they_did() -> None:
    expected = [
        Expectation("B", 4 * K, "baseline", FAIL),
        Expectation("B", 64 * K, "baseline", FAIL),
        Expectation("C", 4 * K, "baseline", Verdict.PASS),
    ]
    did = [
        record("baseline", 4 * K, FAIL, subject="B", role=Role.CONTROL, seed=1),
        record("baseline", 4 * K, ERROR, subject="B", role=Role.CONTROL, seed=2),
        record("baseline", 4 * K, Verdict.PASS, subject="B", role=Role.CONTROL, seed=3),
        record("baseline", 4 * K, Verdict.PASS, subject="C", role=Role.CONTROL),
    ]
    contrary, lost, good = held_against(expected, did)
    assert (contrary.seen, contrary.contradicts) == (did[2], True)
    assert (lost.seen, lost.behaved, lost.contradicts) == (None, False, False)
    assert good.behaved


def test_a_checksum_that_differs_from_that_on_4k_pages_fails() -> None:
    records = [record("churn", size, checksum=text) for size, text in zip(SIZES, ("a", "a", "b"), strict=True)]
    compared = with_checksums_compared(records)
    assert [each.verdict for each in compared] == [Verdict.PASS, Verdict.PASS, FAIL]
    assert compared[2].reason == "the checksum differs from that on 4K pages"


def test_without_4k_pages_nobody_knows_which_checksum_is_right() -> None:
    records = [record("churn", size, checksum=text) for size, text in ((16 * K, "a"), (64 * K, "b"))]
    assert [each.verdict for each in with_checksums_compared(records)] == [FAIL, FAIL]


@pytest.mark.parametrize("other", [{"seed": 2}, {"subject": BASE}, {"phase": "idle"}, {"verdict": FAIL}])
def test_checksums_of_different_things_are_not_compared(other: dict[str, object]) -> None:
    first = record("churn", 4 * K, checksum="a")
    second = replace(record("churn", 64 * K, checksum="b"), **other)  # type: ignore[arg-type]  # a record's fields
    assert with_checksums_compared([first, second]) == (first, second)


@st.composite
def _results(draw: st.DrawFn) -> Result:
    """Runs in which anything may have gone wrong, or nothing."""

    def spoiled(each: Record) -> Record | None:
        if draw(st.integers(0, 11)):
            return each
        verdict = draw(st.none() | VERDICTS)
        return replace(each, verdict=verdict) if verdict is not None else None

    records = tuple(kept for each in BOTH if (kept := spoiled(each)) is not None)
    every = tuple(
        seen(each, draw(st.none() | VERDICTS)) if draw(st.integers(0, 11)) == 0 else each for each in controls()
    )
    troubles = draw(
        st.lists(st.builds(Trouble, st.just("x"), st.sampled_from((None, *SIZES)), st.booleans()), max_size=1)
    )
    kept_controls = every if draw(st.integers(0, 5)) else every[: draw(st.integers(0, len(every)))]
    return Result("vm", SIZES, records, kept_controls, tuple(troubles) if draw(st.booleans()) else ())


@given(_results())
def test_a_pass_has_been_seen(result: Result) -> None:
    if result.conclusion is not Conclusion.PASS:
        return
    assert any(each.expected.verdict is FAIL for each in result.controls)
    assert all(each.behaved for each in result.controls)
    assert not result.troubles
    assert not any(each.verdict is ERROR for each in result.records)
    heads = {(each.page_size, each.phase, each.seed): each for each in result.of(Role.HEAD)}
    bases = {(each.page_size, each.phase, each.seed): each for each in result.of(Role.BASE)}
    phases = {each.phase for each in result.records}
    assert set(heads) == {(size, phase, 1) for size in SIZES for phase in phases}
    for cell, head in heads.items():
        stands = head.verdict is FAIL and bases[cell].verdict is FAIL
        assert head.verdict in {Verdict.PASS, LACKING} or stands
    assert {size for (size, _, _), head in heads.items() if head.verdict is not LACKING} == set(SIZES)


@given(_results())
def test_a_failure_has_been_seen_beside_controls_that_did_not_do_the_opposite(result: Result) -> None:
    if result.conclusion is Conclusion.FAIL:
        assert not any(each.contradicts for each in result.controls)
        new = [each for each in result.of(Role.HEAD) if result.change(each) is Change.REGRESSION]
        assert any(result.counts(each.page_size) for each in new) or any(each.own for each in result.troubles)


@given(_results(), st.data())
def test_losing_a_record_never_makes_a_pass(result: Result, data: st.DataObject) -> None:
    heads: Sequence[Record] = result.of(Role.HEAD)
    if result.conclusion is Conclusion.PASS or not heads:
        return
    lost = data.draw(st.sampled_from(heads))
    fewer = replace(result, records=tuple(each for each in result.records if each is not lost))
    if any((each.phase, each.role) == (lost.phase, Role.BASE) for each in result.records):
        assert fewer.conclusion is not Conclusion.PASS


@given(st.lists(st.tuples(st.sampled_from(SIZES), st.integers(1, 2), VERDICTS, st.sampled_from(["a", "b", None]))))
def test_comparing_checksums_only_ever_fails_what_passed(drawn: list[tuple[int, int, Verdict, str | None]]) -> None:
    before = [record("churn", size, verdict, seed=seed, checksum=text) for size, seed, verdict, text in drawn]
    after = with_checksums_compared(before)
    for old, new in zip(before, after, strict=True):
        assert new == old or (old.verdict is Verdict.PASS and new.verdict is FAIL)
    passed = {(each.seed, each.checksum) for each in after if each.verdict is Verdict.PASS and each.checksum}
    assert len({seed for seed, _ in passed}) == len(passed)
    assert with_checksums_compared(after) == after
