"""The checker's one question: what does head break, against base, on every target and page size?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from os import cpu_count
from pathlib import Path

from checker.cache import EvaluationCache
from checker.compare import Comparison, compare
from checker.evaluation import Evaluation, evaluate, headers
from checker.profile import Profile
from checker.report import (
    Change,
    Commit,
    EvaluationError,
    Report,
    Side,
    TargetReport,
    Verdict,
)
from checker.tree import Tree, printable
from config.page_sizes import PAGE_SIZES


class UnknownTarget(Exception):
    """A target that the profile does not have. The text names those it has."""


def check(
    base: Tree,
    head: Tree,
    profile: Profile,
    *,
    targets: Sequence[str] = (),
    page_sizes: Sequence[int] = tuple(PAGE_SIZES.values()),
    cache_dir: Path | None = None,
) -> Report:
    """Checks `head` against `base` on `targets` (all of the profile's when empty) and OS page sizes in bytes.

    Evaluations are kept under `cache_dir` when it is given. Whatever could not be evaluated is in the report's
    errors. Raises `UnknownTarget`.
    """
    names = tuple(dict.fromkeys(targets)) or tuple(profile.targets)
    for name in names:
        if name not in profile.targets:
            raise UnknownTarget(f"profile {profile.name} has no target {name!r}; it has: {', '.join(profile.targets)}")
    sizes = tuple(sorted(set(page_sizes)))
    if not headers(base, profile) and not headers(head, profile):
        return _report(Verdict.NOT_APPLICABLE, profile, base, head, sizes, (), (), ())
    changed = changed_paths(base, head, profile)
    evaluations = _evaluate_all((base, head), profile, names, EvaluationCache(cache_dir) if cache_dir else None)
    comparisons = [
        compare(profile, name, _blamed(evaluations[0, name], changed), _blamed(evaluations[1, name], changed), sizes)
        for name in names
    ]
    reports = tuple(comparison.report for comparison in comparisons)
    errors = tuple(error for comparison in comparisons for error in comparison.errors)
    verdict = verdict_of(comparisons) if changed else Verdict.NOT_APPLICABLE
    return _report(verdict, profile, base, head, sizes, reports, changes(changed, reports, profile), errors)


def _report(
    verdict: Verdict,
    profile: Profile,
    base: Tree,
    head: Tree,
    page_sizes: tuple[int, ...],
    targets: tuple[TargetReport, ...],
    changed: tuple[Change, ...],
    errors: tuple[EvaluationError, ...],
) -> Report:
    return Report(
        verdict=verdict,
        profile=profile.name,
        base=Commit(sha=base.sha),
        head=Commit(sha=head.sha),
        page_sizes=page_sizes,
        targets=targets,
        changes=changed,
        errors=errors,
    )


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


def _evaluate_all(
    trees: tuple[Tree, Tree], profile: Profile, names: Sequence[str], cache: EvaluationCache | None
) -> Mapping[tuple[int, str], Evaluation]:
    """Each tree on each target; a tree whose headers equal the other's is evaluated once."""
    digests = [_digest(tree, profile) for tree in trees]
    jobs = {(digests[side], name): trees[side] for side in (0, 1) for name in names}

    def job(key: tuple[str, str]) -> Evaluation:
        digest, name = key
        if cache is None:
            return evaluate(jobs[key], profile, profile.targets[name])
        return cache.get_or_make(
            (profile.digest, digest, name), lambda: evaluate(jobs[key], profile, profile.targets[name])
        )

    with ThreadPoolExecutor(max_workers=cpu_count() or 1) as pool:
        done = dict(zip(jobs, pool.map(job, jobs), strict=True))
    return {(side, name): done[digests[side], name] for side in (0, 1) for name in names}


def _digest(tree: Tree, profile: Profile) -> str:
    return "\n".join(f"{entry.kind} {entry.oid} {entry.path}" for entry in headers(tree, profile))


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
