"""Evaluations of many trees on many targets: each distinct set of headers once, on all cores."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from os import cpu_count
from pathlib import Path

from checker.cache import EvaluationCache
from checker.evaluation import Evaluation, evaluate, headers
from checker.profile import Profile
from checker.tree import Tree

Key = tuple[str, str]
"""(what identifies the headers, target)"""


class Evaluations:
    """Remembers what it has evaluated, and keeps it under `cache_dir` where that is given."""

    def __init__(self, profile: Profile, cache_dir: Path | None) -> None:
        self.profile = profile
        self.made = 0
        self._cache = EvaluationCache(cache_dir) if cache_dir else None
        self._done: dict[Key, Evaluation] = {}
        self._digests: dict[int, tuple[Tree, str]] = {}

    def of(self, trees: Sequence[Tree], targets: Sequence[str]) -> list[Mapping[str, Evaluation]]:
        """Per tree, in their order: target → evaluation."""
        digests = [self.digest(tree) for tree in trees]
        jobs = {(digest, target): tree for digest, tree in zip(digests, trees, strict=True) for target in targets}
        missing = [key for key in jobs if key not in self._done]
        with ThreadPoolExecutor(max_workers=cpu_count() or 1) as pool:
            evaluated = list(pool.map(lambda key: self._evaluate(jobs[key], key, ()), missing))
        self._done.update(zip(missing, evaluated, strict=True))
        return [{target: self._done[digest, target] for target in targets} for digest in digests]

    def with_links(self, tree: Tree, target: str, links: Collection[str]) -> Evaluation:
        """The evaluation of a tree, with the values of the macros `links` where they have one."""
        plain = self.of([tree], [target])[0][target]
        asked = self._evaluate(tree, (self.digest(tree), target), tuple(sorted(links)))
        values = {wanted: value for wanted, value in asked.values.items() if wanted.kind == "link"}
        definitions = {**plain.definitions, **asked.definitions}
        return replace(plain, values={**plain.values, **values}, definitions=definitions)

    def digest(self, tree: Tree) -> str:
        """Equal for trees whose headers are; empty for one without any."""
        known = self._digests.get(id(tree))
        if known is None:
            entries = headers(tree, self.profile)
            known = tree, "\n".join(f"{entry.kind} {entry.oid} {entry.path}" for entry in entries)
            self._digests[id(tree)] = known  # with the tree itself, so that its id stays its own
        return known[1]

    def _evaluate(self, tree: Tree, key: Key, links: tuple[str, ...]) -> Evaluation:
        def make() -> Evaluation:
            self.made += 1
            return evaluate(tree, self.profile, self.profile.targets[target], links)

        digest, target = key
        return self._cache.get_or_make((self.profile.digest, digest, target, *links), make) if self._cache else make()
