"""Where rulings come from: settings and profiles are read through git at the tip of the base branch, and kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

from redis import Redis

from checker.profile import Profile, load_profile
from checker.tree import Kind, Tree
from config.repository import PATH
from config.settings import Settings
from workers.git import ObjectCache
from workers.ruling import Side, Source, profile_files, understand
from workers.store import KEEP_SECONDS

LARGEST_FILE = 1 << 20
"""Bytes of settings, or of a profile, that are looked at."""


@dataclass(frozen=True)
class Remote:
    """A repository on GitHub, and the token that opens it."""

    name: str
    clone_url: str
    token: str


@dataclass(frozen=True)
class _Files:
    """Selects settings, and of the rest what any of the profiles watches."""

    paths: frozenset[str]
    profiles: tuple[Profile, ...] = ()

    @property
    def tree_roots(self) -> tuple[str, ...]:
        heads = sorted({".github", *(root for profile in self.profiles for root in profile.tree_roots)})
        return tuple(head for head in heads if not any(head.startswith(f"{other}/") for other in heads))

    def reads(self, path: str) -> bool:
        return path in self.paths

    def watches(self, path: str) -> bool:
        return any(profile.watches(path) for profile in self.profiles)


class Rulings:
    """Finds what rules at a commit, once for each. `redis` must decode responses."""

    def __init__(self, redis: Redis, cache: ObjectCache, settings: Settings) -> None:
        self._redis = redis
        self._cache = cache
        self._candidates = settings.profiles

    def at(self, remote: Remote, ref: str, tip: str) -> Source:
        """What rules for the branch `ref`, which is at the commit `tip`. Raises `GitError`."""
        candidates = hashlib.sha256("\0".join(self._candidates).encode()).hexdigest()[:16]
        key = f"pagewarden:ruling:{candidates}:{remote.name}@{ref}:{tip}"
        kept = self._redis.get(key)
        if kept is not None:
            return Source.from_json(json.loads(str(kept)))
        profiles = _loaded(self._candidates)
        tree = self._tree(remote, tip, _Files(frozenset({PATH}), profiles))
        side = self._side(remote, tree)
        bundled = tuple(
            name
            for name, profile in zip(self._candidates, profiles, strict=True)
            if any(profile.watches(path) for path in tree.entries)
        )
        source = self._ruled(remote, ref, side, bundled)
        self._redis.set(key, json.dumps(source.to_json()), ex=KEEP_SECONDS)
        return source

    def proposed(self, remote: Remote, head: str) -> Side:
        """The settings at a commit that may change them. Raises `GitError`."""
        return self._side(remote, self._tree(remote, head, _Files(frozenset({PATH}))))

    def tip(self, remote: Remote, ref: str) -> str | None:
        """Where a branch is now, `None` when there is none. Raises `GitError`."""
        return self._cache.tip(remote.clone_url, remote.token, ref)

    def _ruled(self, remote: Remote, ref: str, side: Side, bundled: tuple[str, ...]) -> Source:
        """Where the settings are not valid, the last valid ones of the branch go on ruling."""
        last = f"pagewarden:last-ruling:{remote.name}@{ref}"
        if not understand(side, bundled).problems:
            self._redis.set(last, json.dumps(side.to_json()), ex=KEEP_SECONDS)
            return Source(ref, side, bundled)
        kept = self._redis.get(last)
        rules = Side.from_json(json.loads(str(kept))) if kept is not None else Side()
        return Source(ref, rules, bundled, broken=side)

    def _side(self, remote: Remote, tree: Tree) -> Side:
        text = _text(tree, PATH)
        named = profile_files(text)
        if not named:
            return Side(text)
        beside = self._tree(remote, tree.sha, _Files(frozenset(named)))
        found = ((path, _text(beside, path)) for path in named)
        return Side(text, tuple((path, content) for path, content in found if content is not None))

    def _tree(self, remote: Remote, sha: str, files: _Files) -> Tree:
        self._cache.fetch(remote.clone_url, remote.token, [sha], files)
        return self._cache.tree(remote.clone_url, sha, files)


@lru_cache(maxsize=8)
def _loaded(names: tuple[str, ...]) -> tuple[Profile, ...]:
    return tuple(load_profile(name) for name in names)


def _text(tree: Tree, path: str) -> str | None:
    """The text of a file, `None` where there is none. What is too large to be looked at is no valid settings file."""
    entry = tree.entries.get(path)
    if entry is None or entry.kind is not Kind.FILE:
        return None
    data = tree.read([entry.oid], LARGEST_FILE)[entry.oid].data
    return data.decode(errors="replace") if data is not None else "\0"
