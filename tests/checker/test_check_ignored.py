"""Failures that a repository's settings ignore: they count for nothing, are told apart, and hide no error."""

from __future__ import annotations

from datetime import date

from checker.check import CommitTree, check, verdict_of
from checker.compare import compare
from checker.probe import Wanted
from checker.report import Commit, Report, State, Verdict
from checker.tree import Tree
from config.repository import Ignore
from tests.checker.test_compare import BROKEN_HEAP, MISSING, PROFILE, evaluation
from tests.checker.tiny import tiny_profile, tiny_tree

TINY = tiny_profile()
GOOD, BROKEN, WORSE = tiny_tree(), tiny_tree(page_shift=16), tiny_tree(page_shift=17)
LAST_DAY = date(2027, 3, 31)


def entry(rule: str, heap: str | None = None, target: str | None = None, reason: str = "Known.") -> Ignore:
    return Ignore(rule=rule, heap=heap, target=target, reason=reason, expires=LAST_DAY)


def checked(base: Tree, head: Tree, *ignore: Ignore) -> Report:
    return check(base, head, TINY, ignore=ignore)


def states(report: Report, rule: str) -> set[State]:
    return {finding.state for target in report.targets for finding in target.findings if finding.rule == rule}


def test_an_introduced_failure_that_is_ignored_fails_nothing_and_is_told() -> None:
    assert checked(GOOD, BROKEN).verdict is Verdict.FAIL
    report = checked(GOOD, BROKEN, entry("objects-fit", reason="The table grows next week."))
    assert report.verdict is Verdict.PASS
    (ignored,) = report.ignored
    assert (ignored.target, ignored.finding.rule, ignored.finding.state) == ("large", "objects-fit", State.INTRODUCED)
    assert (ignored.reason, ignored.expires) == ("The table grows next week.", "2027-03-31")
    assert ignored.finding.chain
    assert State.INTRODUCED not in states(report, "objects-fit")
    assert Report.from_json(report.to_json()) == report


def test_a_standing_failure_that_is_ignored_is_told_apart() -> None:
    report = checked(BROKEN, WORSE, entry("objects-fit"))
    assert [each.finding.state for each in report.ignored] == [State.STANDING]
    assert State.STANDING not in states(report, "objects-fit")


def test_what_holds_or_is_fixed_stays_where_it_is() -> None:
    fixed = checked(BROKEN, GOOD, entry("objects-fit"))
    assert fixed.ignored == ()
    assert State.FIXED in states(fixed, "objects-fit")
    assert checked(GOOD, GOOD, entry("objects-fit")) == checked(GOOD, GOOD)


def test_another_rule_or_target_still_counts() -> None:
    for other in (entry("ceiling-covers"), entry("objects-fit", target="small"), entry("objects-fit", heap="utility")):
        report = checked(GOOD, BROKEN, other)
        assert (report.verdict, report.ignored) == (Verdict.FAIL, ())
    assert checked(GOOD, BROKEN, entry("objects-fit", target="large")).verdict is Verdict.PASS


def test_the_first_entry_that_covers_a_failure_gives_the_reason() -> None:
    report = checked(GOOD, BROKEN, entry("objects-fit", target="large", reason="a"), entry("objects-fit", reason="b"))
    assert [each.reason for each in report.ignored] == ["a"]


def test_what_could_not_be_evaluated_is_never_ignored() -> None:
    report = checked(GOOD, tiny_tree(page_shift="14 +"), *(entry(rule.id) for rule in TINY.rules))
    assert report.verdict is Verdict.ERROR
    assert report.errors
    assert report.ignored == ()
    assert checked(GOOD, tiny_tree(align_shift=300), entry("objects-fit")).verdict is Verdict.ERROR


def test_a_value_that_is_missing_at_head_stays_an_error_beside_an_ignored_failure() -> None:
    every = tuple(entry(rule.id) for rule in PROFILE.rules)
    head = evaluation(heaps=BROKEN_HEAP, without=MISSING)
    comparison = compare(PROFILE, "linux-arm64", evaluation(), head, (4096,), every)
    assert comparison.ignored
    assert comparison.undecided
    assert verdict_of([comparison]) is Verdict.ERROR


def test_an_ignored_failure_needs_no_answer_at_base() -> None:
    """Whether it is introduced or standing makes no difference to it; what is missing is told all the same."""
    base = evaluation(without=(Wanted("limit", "decommitted"),))
    broken = evaluation(heaps=BROKEN_HEAP)
    comparison = compare(PROFILE, "linux-arm64", base, broken, (), [entry("use-count", "jit_medium_bitfit")])
    assert verdict_of([comparison]) is Verdict.PASS
    assert comparison.errors
    assert verdict_of([compare(PROFILE, "linux-arm64", base, broken, ())]) is Verdict.ERROR


def test_an_entry_for_one_heap_config_leaves_the_others() -> None:
    sizes = BROKEN_HEAP["jit_medium_bitfit"]
    both = evaluation(heaps={"jit_medium_bitfit": sizes, "utility": sizes})
    comparison = compare(PROFILE, "linux-arm64", evaluation(), both, (), [entry("use-count", "jit_medium_bitfit")])
    assert {each.finding.heap for each in comparison.ignored} == {"jit_medium_bitfit"}
    assert comparison.introduced


def test_no_commit_is_blamed_for_what_is_ignored() -> None:
    commits = [CommitTree(Commit(sha=f"{n:040}"), tree) for n, tree in enumerate((BROKEN, WORSE, GOOD, BROKEN))]
    told = [check(GOOD, BROKEN, TINY, commits=commits, ignore=ignore).blame for ignore in ((), [entry("objects-fit")])]
    assert [(len(step.introduced), len(step.fixed), step.left) for step in told[0]] == [
        (1, 0, 0),
        (0, 0, 1),
        (0, 1, 0),
        (1, 0, 0),
    ]
    assert [(step.introduced, step.fixed, step.left) for step in told[1]] == [((), (), 0)] * 4


def test_a_commit_that_cannot_be_evaluated_is_told_whatever_is_ignored() -> None:
    commits = [CommitTree(Commit(sha="1" * 40), tiny_tree(align_shift=300)), CommitTree(Commit(sha="2" * 40), GOOD)]
    ignore = [entry(rule.id) for rule in TINY.rules]
    first, _ = check(GOOD, GOOD, TINY, commits=commits, ignore=ignore).blame
    assert first.errors


def test_no_repair_is_searched_for_what_is_ignored() -> None:
    assert [each.rule for each in check(GOOD, BROKEN, TINY, advice=True).advice] == ["objects-fit"]
    assert check(GOOD, BROKEN, TINY, advice=True, ignore=[entry("objects-fit")]).advice == ()
