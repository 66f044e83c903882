"""Reference trees: libpas of Debian's WebKit, and those of the reference scenario that are made from one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from workers.scenario import DEFAULT_VERSION, Selection, Tell, headers, silent
from workers.scenario.edits import COMMITS, Commit, apply
from workers.scenario.source import beside_headers, selected_files
from workers.stress.libpas.sources import BMALLOC, LIBPAS, ROOT, Sources, sources, wants

SELECTION = Selection((LIBPAS, BMALLOC), wants)
NAMES = ("A", *(commit.name for commit in COMMITS))


@dataclass(frozen=True)
class Origin:
    """Where sources came from: the name of Debian's tarball and the start of its SHA-256."""

    tarball: str
    digest: str


def debian_sources(version: str = DEFAULT_VERSION, tell: Tell = silent) -> tuple[Sources, Origin]:
    """libpas of Debian's WebKit `version`, unpacked once. Raises `ScenarioError`."""
    known = headers(version, tell=tell)
    tarball = next(known.parent.glob(f"{known.name}.orig.tar.*"))
    directory = beside_headers(known, SELECTION, tell)
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()[:16]
    return sources(selected_files(directory, SELECTION)), Origin(tarball.name, digest)


def scenario_sources(base: Sources, name: str) -> Sources:
    """The tree called `name`, A to D, of the reference scenario on `base`, as far as libpas goes.

    Raises `ScenarioError` where a definition of `base` is not as the reference pull request found it.
    """
    tree = dict(base)
    for commit in COMMITS[: NAMES.index(name)]:
        for path, text in apply(_of_libpas(commit), lambda path: _text(tree, path)).items():
            tree[path] = text.encode("latin-1")
    return tree


def _of_libpas(commit: Commit) -> Commit:
    return replace(commit, edits=tuple(edit for edit in commit.edits if edit.path.startswith(f"{ROOT}/")))


def _text(tree: Sources, path: str) -> str:
    if path not in tree:
        raise FileNotFoundError(path)
    return tree[path].decode("latin-1")
