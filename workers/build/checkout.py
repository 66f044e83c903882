"""The files of a commit on the disk, for a build on this host.

They are written without git: nothing of a repository can have it do anything. Names and links are the head's, so they
are hostile. What is written lies below the folder, and no link in it leads out of it: those that would are left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from checker.tree import Entry, Kind, Tree, printable
from workers.build.artifacts import leads_inside
from workers.build.driver import BuildError, State
from workers.git import CommitGone, ObjectCache

MOST_BYTES = 2 << 30
MOST_FILES = 200_000
MOST_BYTES_OF_A_FILE = 100 << 20
"""GitHub takes no larger one."""
LONGEST_PATH = 3000
"""Bytes. Linux takes 4096 of a whole one."""
LONGEST_NAME = 255
"""Bytes that file systems take."""

_FETCHED_AT_ONCE = 10_000
"""Files. Git's pack of so many is far below what `workers.git.command` lets it write."""
_READ_AT_ONCE = 32 << 20
"""Bytes."""
_LINKS_AT_ONCE = 10_000
_NARROW = "name the folders that the build needs in preview.command.paths or preview.docker.paths"


@dataclass(frozen=True)
class _Part:
    """A `Selects`: all below `tree_roots` is watched, and the content of `files` is read."""

    tree_roots: tuple[str, ...]
    files: frozenset[str] = frozenset()

    def reads(self, path: str) -> bool:
        return path in self.files

    def watches(self, path: str) -> bool:
        return not self.files and any(_is_below(path, root) for root in self.tree_roots)


def check_out(
    cache: ObjectCache,
    clone_url: str,
    token: str | None,
    sha: str,
    paths: Sequence[str],
    directory: Path,
    require: Callable[[], None],
) -> tuple[str, ...]:
    """Writes the files of a commit into an empty folder: all, or what is below `paths`; the links left out.

    Executable files are executable, submodules are empty folders, symlinks are symlinks. Left out are those that lead
    out of the folder. Raises `BuildError`, `GitError`, and what `require` raises, which is called between pieces of
    work.
    """
    roots = roots_of(paths)
    fetch = _fetching(cache, clone_url, token, sha)
    tree = fetch(_Part(roots))
    entries = sorted(tree.entries.values(), key=lambda entry: entry.path)
    _require_fit(entries, roots)
    room = MOST_BYTES
    try:
        for batch in _cut(entries, _FETCHED_AT_ONCE):
            require()
            tree = fetch(_Part(roots, frozenset(entry.path for entry in batch)))
            sizes = _sizes(tree, batch)
            room -= sum(sizes.values())
            if room < 0:
                raise BuildError(f"the files take more than {MOST_BYTES >> 20} MiB; {_NARROW}", State.FAILED)
            _write(tree, batch, sizes, directory, require)
        return _link(tree, [entry for entry in entries if entry.kind is Kind.SYMLINK], directory, require)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        # No tree that git itself made has both.
        raise BuildError("the commit has a path twice, or a file where it has a folder", State.FAILED) from error


def roots_of(paths: Iterable[str]) -> tuple[str, ...]:
    """The same as roots of a tree: none below another, "" where that is all of it."""
    plain = {"" if path == "." else path for path in (str(PurePosixPath(path)) for path in paths)} or {""}
    return tuple(sorted(path for path in plain if not any(path != root and _is_below(path, root) for root in plain)))


def _is_below(path: str, root: str) -> bool:
    return root in {"", path} or path.startswith(f"{root}/")


def _fetching(cache: ObjectCache, clone_url: str, token: str | None, sha: str) -> Callable[[_Part], Tree]:
    def fetch(part: _Part) -> Tree:
        try:
            cache.fetch(clone_url, token, [sha], part)
        except CommitGone as gone:
            raise BuildError("the commit is gone: it was pushed away", State.GONE) from gone
        return cache.tree(clone_url, sha, part)

    return fetch


def _require_fit(entries: Sequence[Entry], roots: Sequence[str]) -> None:
    """Raises `BuildError` for a tree that is not written."""
    if len(entries) > MOST_FILES:
        raise BuildError(f"there are more than {MOST_FILES} files; {_NARROW}", State.FAILED)
    for root in roots:
        if not any(_is_below(entry.path, root) for entry in entries):
            where = f"{root!r}, which paths in the settings name" if root else "anything"
            raise BuildError(f"this commit does not have {where}", State.FAILED)
    for entry in entries:
        if why := _unfit(entry.path):
            raise BuildError(f"the path {printable(entry.path)[:200]!r} {why}", State.FAILED)


def _unfit(path: str) -> str:
    """Why nothing is written at a path, "" where it can be."""
    names = path.split("/")
    if any(name in {"", ".", ".."} or name.lower() == ".git" for name in names):
        return "is none that git would check out"
    if len(os.fsencode(path)) > LONGEST_PATH or any(len(os.fsencode(name)) > LONGEST_NAME for name in names):
        return "is too long"
    return ""


def _cut(entries: Sequence[Entry], most: int) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), most):
        yield entries[start : start + most]


def _sizes(tree: Tree, batch: Iterable[Entry]) -> Mapping[str, int]:
    """Bytes of each file, by path. Raises `BuildError` for one that is too large."""
    files = [entry for entry in batch if entry.kind is Kind.FILE]
    blobs = tree.read([entry.oid for entry in files], 0)
    sizes = {entry.path: blobs[entry.oid].size for entry in files}
    for path, size in sizes.items():
        if size > MOST_BYTES_OF_A_FILE:
            raise BuildError(f"{printable(path)[:200]} has {size} bytes; {_NARROW}", State.FAILED)
    return sizes


def _write(
    tree: Tree, batch: Sequence[Entry], sizes: Mapping[str, int], directory: Path, require: Callable[[], None]
) -> None:
    """Links come last of all, so that nothing is written through one."""
    for entry in batch:
        folder = directory / entry.path if entry.kind is Kind.SUBMODULE else (directory / entry.path).parent
        folder.mkdir(parents=True, exist_ok=True)
    for some in _weighed([entry for entry in batch if entry.kind is Kind.FILE], sizes):
        require()
        blobs = tree.read([entry.oid for entry in some], MOST_BYTES_OF_A_FILE)
        for entry in some:
            path = directory / entry.path
            with path.open("xb") as file:
                file.write(blobs[entry.oid].data or b"")
            if entry.executable:
                path.chmod(0o755)


def _weighed(files: Iterable[Entry], sizes: Mapping[str, int]) -> Iterator[list[Entry]]:
    """Some at a time, so many as are read at once."""
    some: list[Entry] = []
    weight = 0
    for entry in files:
        if some and weight + sizes[entry.path] > _READ_AT_ONCE:
            yield some
            some, weight = [], 0
        some.append(entry)
        weight += sizes[entry.path]
    if some:
        yield some


def _link(tree: Tree, links: Sequence[Entry], directory: Path, require: Callable[[], None]) -> tuple[str, ...]:
    """Makes the links, and takes those away again that lead out of the folder. They may lead through each other, so
    where one ends is known only when all are there."""
    left_out: set[str] = set()
    for some in _cut(links, _LINKS_AT_ONCE):
        require()
        targets = tree.read([entry.oid for entry in some], LONGEST_PATH)
        for entry in some:
            target = targets[entry.oid].data
            if not target or b"\0" in target:
                left_out.add(entry.path)
            else:
                (directory / entry.path).symlink_to(os.fsdecode(target))
    made = [entry.path for entry in links if entry.path not in left_out]
    leading_out = [path for path in made if not _leads_inside(directory, path, require)]
    for path in leading_out:
        (directory / path).unlink()
    return tuple(sorted([*left_out, *leading_out]))


def _leads_inside(directory: Path, path: str, require: Callable[[], None]) -> bool:
    require()
    return leads_inside(directory, path)
