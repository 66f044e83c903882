"""The checker's one question: what does head break, against base, on every target and page size?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from checker.advice import advise
from checker.blame import Step, blame
from checker.compare import Comparison, compare
from checker.evaluation import Evaluation
from checker.evaluations import Evaluations
from checker.profile import Profile
from checker.report import Blamed, Change, Commit, Report, RuleText, Side, TargetReport, Verdict
from checker.tree import Tree, printable
from config.page_sizes import PAGE_SIZES
from config.repository import Ignore


class UnknownTarget(Exception):
    """A target that the profile does not have. The text names those it has."""


@dataclass(frozen=True)
class CommitTree:
    """One commit of a change, and its tree."""

    commit: Commit
    tree: Tree


def check(
    base: Tree,
    head: Tree,
    profile: Profile,
    *,
    targets: Sequence[str] = (),
    page_sizes: Sequence[int] = tuple(PAGE_SIZES.values()),
    cache_dir: Path | None = None,
    commits: Sequence[CommitTree] = (),
    advice: bool = False,
    ignore: Sequence[Ignore] = (),
) -> Report:
    """Checks `head` against `base` on `targets` (all of the profile's when empty) and OS page sizes in bytes.

    Evaluations are kept under `cache_dir` when it is given. `commits` lead from base to head, in order: the report
    then tells what each of them did. With `advice`, repairs of introduced failures are searched for, which takes up to
    a minute. Failures that `ignore` covers, whose entries must be those of today, count for nothing and are told apart;
    what could not be evaluated is never ignored. Whatever that is, is in the report's errors. Raises `UnknownTarget`.
    """
    names = known_targets(profile, targets)
    sizes = tuple(sorted(set(page_sizes)))
    report = Report(
        verdict=Verdict.NOT_APPLICABLE,
        profile=profile.name,
        base=Commit(sha=base.sha),
        head=Commit(sha=head.sha),
        page_sizes=sizes,
        rules=(),
        targets=(),
        changes=(),
        errors=(),
    )
    evaluations = Evaluations(profile, cache_dir)
    if not evaluations.digest(base) and not evaluations.digest(head):
        return report
    changed = changed_paths(base, head, profile)
    before, after = evaluations.of((base, head), names)
    comparisons = [
        _compared(evaluations, head, name, _blamed(before[name], changed), _blamed(after[name], changed), sizes, ignore)
        for name in names
    ]
    reports = tuple(comparison.report for comparison in comparisons)
    report = report.model_copy(
        update={
            "verdict": verdict_of(comparisons) if changed else Verdict.NOT_APPLICABLE,
            "rules": rule_texts(profile),
            "targets": reports,
            "changes": changes(changed, reports, profile),
            "errors": tuple(error for comparison in comparisons for error in comparison.errors),
            "blame": _history(evaluations, base, commits, names, sizes, ignore),
            "ignored": tuple(each for comparison in comparisons for each in comparison.ignored),
        }
    )
    if not advice:
        return report
    return report.model_copy(update={"advice": advise(evaluations, head, report)})


def known_targets(profile: Profile, targets: Sequence[str]) -> tuple[str, ...]:
    """`targets`, each once, or all of the profile's when there are none. Raises `UnknownTarget`."""
    for name in targets:
        if name not in profile.targets:
            raise UnknownTarget(f"profile {profile.name} has no target {name!r}; it has: {', '.join(profile.targets)}")
    return tuple(dict.fromkeys(targets)) or tuple(profile.targets)


def rule_texts(profile: Profile) -> tuple[RuleText, ...]:
    """What the profile says of its rules."""
    return tuple(
        RuleText(
            id=rule.id,
            title=rule.title,
            severity=rule.severity,
            why=rule.why,
            bites=rule.bites,
            relied_on_in=rule.relied_on_in,
            also_in=rule.also_in,
            advice=rule.advice,
        )
        for rule in profile.rules
    )


def _compared(
    evaluations: Evaluations,
    head: Tree,
    name: str,
    before: Evaluation,
    after: Evaluation,
    sizes: tuple[int, ...],
    ignore: Sequence[Ignore],
) -> Comparison:
    """Base against head; where a finding's chain has macros without a value, the compiler is asked for those too."""
    comparison = compare(evaluations.profile, name, before, after, sizes, ignore)
    if not comparison.unvalued:
        return comparison
    values = evaluations.with_links(head, name, comparison.unvalued).values
    return compare(evaluations.profile, name, before, replace(after, values=values), sizes, ignore)


def _history(
    evaluations: Evaluations,
    base: Tree,
    commits: Sequence[CommitTree],
    names: Sequence[str],
    sizes: Sequence[int],
    ignore: Sequence[Ignore],
) -> tuple[Blamed, ...]:
    if not commits:
        return ()
    trees = [base, *(each.tree for each in commits)]
    digests = [evaluations.digest(tree) for tree in trees]
    start, *evaluated = evaluations.of(trees, names)
    steps = [
        Step(each.commit, its, touched=digest != previous)
        for each, its, digest, previous in zip(commits, evaluated, digests[1:], digests[:-1], strict=True)
    ]
    return blame(evaluations.profile, start, steps, sizes, ignore)


def changed_paths(base: Tree, head: Tree, profile: Profile) -> tuple[str, ...]:
    """Paths that the profile watches or reads and that differ between the trees."""
    paths = base.entries.keys() | head.entries.keys()
    return tuple(
        sorted(
            path
            for path in paths
            if base.entries.get(path) != head.entries.get(path) and (profile.watches(path) or profile.reads(path))
        )
    )


def _blamed(evaluation: Evaluation, changed: tuple[str, ...]) -> Evaluation:
    """A compiler that was stopped cannot say by what; the file that differs between the trees is the likeliest."""
    stopped = evaluation.stopped
    if stopped is None or stopped.path is not None or not changed:
        return evaluation
    message = f"{stopped.message}; what differs between base and head: {', '.join(map(printable, changed[:5]))}"
    if len(changed) > 5:
        message += f" and {len(changed) - 5} more"
    return replace(evaluation, stopped=replace(stopped, path=printable(changed[0]), message=message))


def changes(paths: Iterable[str], targets: Sequence[TargetReport], profile: Profile) -> tuple[Change, ...]:
    """`paths` by cohort, each with the constants defined in its files whose value changed."""
    grouped: dict[str, list[str]] = {}
    for path in paths:
        grouped.setdefault(profile.cohort_of(path), []).append(path)
    moved = {
        (constant.path, constant.name)
        for target in targets
        for constant in target.constants
        if constant.changed and constant.path is not None
    }
    order = [constant.name for constant in profile.constants]
    return tuple(
        Change(
            cohort=cohort,
            files=tuple(printable(path) for path in files),
            constants=tuple(name for name in order if any((path, name) in moved for path in files)),
        )
        for cohort, files in grouped.items()
    )


def verdict_of(comparisons: Sequence[Comparison]) -> Verdict:
    """Fail for what is certainly introduced; error for what nobody can tell; pass only for the rest.

    A base that could not be evaluated is no obstacle when everything holds at head: a repair must be able to pass.
    """
    if any(comparison.introduced for comparison in comparisons):
        return Verdict.FAIL
    head_errors = any(error.side is Side.HEAD for comparison in comparisons for error in comparison.errors)
    if head_errors or any(comparison.undecided for comparison in comparisons):
        return Verdict.ERROR
    return Verdict.PASS
