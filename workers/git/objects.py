"""What both kinds of repository have in common: entries of a commit, and blobs in batches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from checker.tree import Blob, Entry, Kind
from workers.git.command import Git, GitError

MAX_READ_BYTES = 256 * 1024 * 1024
"""All blobs of one read together. libpas's headers take 2 MB."""

_EXECUTABLE = b"100755"
_KINDS = {b"120000": Kind.SYMLINK, b"160000": Kind.SUBMODULE}


class Selects(Protocol):
    """Says which part of a tree is of interest; a `Profile` does."""

    @property
    def tree_roots(self) -> tuple[str, ...]:
        """Directories, none inside another, below which the others may be true; "" for the whole tree."""
        ...

    def reads(self, path: str) -> bool:
        """Whether the file's content is wanted."""
        ...

    def watches(self, path: str) -> bool:
        """Whether it is of interest that the file is there."""
        ...


def entries(git: Git, sha: str, selection: Selects) -> dict[str, Entry]:
    """The entries of a commit that are of interest, by path."""
    roots = () if "" in selection.tree_roots else selection.tree_roots
    listing = git.run("ls-tree", "-r", "-z", "--full-tree", sha, "--", *roots)
    found = (_entry(line) for line in listing.split(b"\0") if line)
    return {entry.path: entry for entry in found if concerns(selection, entry.path)}


def concerns(selection: Selects, path: str) -> bool:
    """Whether a path is of any interest."""
    return selection.reads(path) or selection.watches(path)


def contents(found: Iterable[Entry], selection: Selects, *kinds: Kind) -> set[str]:
    """Object ids of the blobs whose content is wanted: of files, and of other `kinds`."""
    return {entry.oid for entry in found if entry.kind in {Kind.FILE, *kinds} and selection.reads(entry.path)}


def sizes(git: Git, oids: Iterable[str]) -> dict[str, int]:
    """Bytes of each object that is there; the others are left out."""
    asked = _lines(oids)
    answers = git.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked).decode()
    parts = (answer.split(" ") for answer in answers.splitlines())
    return {oid: int(size) for oid, size in parts if size != "missing"}


def read(git: Git, oids: Sequence[str], limit: int) -> dict[str, Blob]:
    """Blobs by id; those above `limit` bytes are not loaded. Raises `KeyError` for an id it does not have."""
    wanted = list(dict.fromkeys(oids))
    known = sizes(git, wanted)
    total = sum(known[oid] for oid in wanted if known[oid] <= limit)
    if total > MAX_READ_BYTES:
        raise GitError(f"the files take {total} bytes together; at most {MAX_READ_BYTES} are read")
    output = git.run("cat-file", "--batch", stdin=_lines(oid for oid in wanted if known[oid] <= limit))
    return {oid: Blob(known[oid], None) for oid in wanted} | dict(_contents(output))


def _entry(line: bytes) -> Entry:
    meta, path = line.split(b"\t", 1)
    mode, _type, oid = meta.split(b" ")
    return Entry(os.fsdecode(path), oid.decode(), _KINDS.get(mode, Kind.FILE), executable=mode == _EXECUTABLE)


def _lines(oids: Iterable[str]) -> bytes:
    return "".join(f"{oid}\n" for oid in oids).encode()


def _contents(output: bytes) -> Iterator[tuple[str, Blob]]:
    """Reads `cat-file --batch`: a line of id, type and size, the bytes, a newline; and again."""
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        oid, _type, size = output[at:end].split(b" ")
        start, at = end + 1, end + 1 + int(size) + 1
        yield oid.decode(), Blob(int(size), output[start : at - 1])
