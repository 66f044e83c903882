"""Trees in memory, for tests of the checker."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from checker.profile import Profile
from checker.tree import Blob, Entry, Kind, Tree


def memory_tree(files: Mapping[str, bytes], kinds: Mapping[str, Kind] | None = None, sha: str = "0" * 40) -> Tree:
    """A tree with these files; `kinds` names those that are no plain files."""
    kinds = kinds or {}
    blobs = {hashlib.sha1(content).hexdigest(): content for content in files.values()}

    def read(oids: Sequence[str], limit: int) -> Mapping[str, Blob]:
        return {oid: Blob(len(blobs[oid]), blobs[oid] if len(blobs[oid]) <= limit else None) for oid in oids}

    entries = {
        path: Entry(path, hashlib.sha1(content).hexdigest(), kinds.get(path, Kind.FILE))
        for path, content in files.items()
    }
    return Tree(sha, entries, read)


def files_below(root: Path, profile: Profile) -> dict[str, bytes]:
    """What `profile` reads of a directory of sources."""
    paths = (path for top in profile.tree_roots for path in _files(root / top))
    relative = ((path.relative_to(root).as_posix(), path) for path in paths)
    return {name: path.read_bytes() for name, path in relative if profile.reads(name)}


def _files(top: Path) -> list[Path]:
    return [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())
