"""Which commit did what, and how few evaluations that takes."""

from __future__ import annotations

from pathlib import Path

from checker.blame import Step, blame
from checker.check import CommitTree, check
from checker.evaluation import Evaluation, evaluate
from checker.evaluations import Evaluations
from checker.report import Blamed, Commit
from checker.tree import Tree
from tests.checker.tiny import tiny_profile, tiny_tree

PROFILE = tiny_profile()
BASE, BROKEN, HALF, GOOD = tiny_tree(), tiny_tree(page_shift=16), tiny_tree(page_shift=15), tiny_tree(page_shift=13)
UNREADABLE = tiny_tree(page_shift="14 +")


def history(*trees: Tree) -> tuple[Blamed, ...]:
    commits = [CommitTree(Commit(sha=f"{n:040}", subject=f"step {n}"), tree) for n, tree in enumerate(trees)]
    return check(BASE, trees[-1], PROFILE, commits=commits).blame


def told(blamed: Blamed) -> tuple[list[str], list[str], int]:
    return [cell.rule for cell in blamed.introduced], [cell.rule for cell in blamed.fixed], blamed.left


def test_each_commit_is_told_what_it_did() -> None:
    steps = history(GOOD, BROKEN, tiny_tree(page_shift=17), HALF, HALF)
    assert [told(step) for step in steps] == [
        ([], [], 0),
        (["objects-fit"], [], 0),
        ([], [], 1),
        ([], [], 1),
        ([], [], 1),
    ]
    assert [step.touched for step in steps] == [True, True, True, True, False]
    assert steps[1].introduced[0].targets == ("large",)


def test_broken_and_mended_within_a_change() -> None:
    assert [told(step) for step in history(BROKEN, GOOD)] == [(["objects-fit"], [], 0), ([], ["objects-fit"], 0)]


def test_a_commit_that_cannot_be_evaluated_hides_no_culprit() -> None:
    """What it stands between is compared across it, and it says why it has no answer itself."""
    steps = history(GOOD, UNREADABLE, BROKEN)
    assert [told(step) for step in steps] == [([], [], 0), ([], [], 0), (["objects-fit"], [], 0)]
    assert steps[1].errors
    assert not steps[0].errors
    assert steps[2].introduced[0].since == steps[1].commit.sha


def test_the_repair_of_an_error_is_not_alone_to_blame() -> None:
    """A bad constant with a mistake beside it, and then the mistake mended."""
    both = tiny_tree(page_shift=16, more="constexpr int mistake = ;\n")
    first, second = history(both, BROKEN)
    assert first.introduced == ()
    (cell,) = second.introduced
    assert cell.since == first.commit.sha


def test_values_that_make_no_arithmetic_are_errors_of_their_commit() -> None:
    first, second = history(tiny_tree(align_shift=300), BROKEN)
    assert [error.name for error in first.errors if "shift by 300" in error.message]
    assert second.introduced[0].since == first.commit.sha


def test_what_was_never_known_is_nobody_s_fault() -> None:
    unknown = {"large": evaluate(UNREADABLE, PROFILE, PROFILE.targets["large"])}
    broken = {"large": evaluate(BROKEN, PROFILE, PROFILE.targets["large"])}
    (step,) = blame(PROFILE, unknown, [Step(Commit(sha="1" * 40), broken, touched=True)], (4096,))
    assert step.introduced == ()


def test_without_commits_there_is_no_blame() -> None:
    assert check(BASE, BROKEN, PROFILE).blame == ()


def test_equal_headers_are_evaluated_once(tmp_path: Path) -> None:
    evaluations = Evaluations(PROFILE, tmp_path)
    trees = [BASE, BASE, HALF, BROKEN, HALF, BASE]
    found = evaluations.of(trees, ["large", "small"])
    assert evaluations.made == 3 * 2
    assert found[2] == found[4]
    again = Evaluations(PROFILE, tmp_path)
    assert again.of(trees, ["large", "small"]) == found
    assert again.made == 0


def test_links_are_asked_for_beside_what_is_known(tmp_path: Path) -> None:
    evaluations = Evaluations(PROFILE, tmp_path)
    with_link: Evaluation = evaluations.with_links(BASE, "large", ["TINY_LARGEST_COUNT", "TINY_NO_SUCH", "TINY_PAGE"])
    links = {wanted.name: value for wanted, value in with_link.values.items() if wanted.kind == "link"}
    assert links == {"TINY_LARGEST_COUNT": 255, "TINY_PAGE": 16384}
    assert with_link.failures == {}


def test_what_a_commit_takes_out_of_question_it_has_not_fixed() -> None:
    """The guard is larger than its page, and then there is no guard any more."""
    broken = tiny_tree(more="#define TINY_GUARD 99999\n")
    (step,) = check(broken, BASE, PROFILE, commits=[CommitTree(Commit(sha="1" * 40), BASE)]).blame
    assert told(step) == ([], [], 0)
