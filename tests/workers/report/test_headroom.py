"""The tightest cell of each limit."""

from __future__ import annotations

from checker.report import State
from tests.workers.report.samples import TARGETS, A, D, assembled, finding, measure, report, target_report
from workers.report.headroom import tightest, unbounded
from workers.report.voice import PLAIN


def test_one_for_each_rule_with_all_that_share_it() -> None:
    found = {each.rule: each for each in tightest(report(A, D))}
    assert list(found) == [
        "granule-covers-os-page",
        "use-count",
        "alloc-bits",
        "alloc-words",
        "granule-count",
        "ceiling-covers-os-page",
    ]
    words = found["alloc-words"]
    assert (words.measure.value, words.measure.headroom, words.heaps) == (252, 3, ("utility",))
    assert words.where(tuple(TARGETS), PLAIN) == "utility, linux-arm64"
    granule = found["granule-covers-os-page"]
    assert granule.where(tuple(TARGETS), PLAIN) == "utility and 8 others, 64K pages, linux-arm64"
    assert found["granule-count"].where(tuple(TARGETS), PLAIN) == "bmalloc_marge_bitfit, linux-x86_64 and darwin-arm64"


def test_a_rule_without_a_bound_is_counted() -> None:
    arm = target_report("linux-arm64", A, A)
    exact = finding("use-count", "utility", None, State.HOLDS, head=measure(4, 4, True, None))
    made = assembled([arm.model_copy(update={"findings": (exact,)})])
    assert tightest(made) == ()
    assert unbounded(made) == 1
