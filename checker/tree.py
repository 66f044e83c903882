"""A tree as the checker sees it: paths and object ids, and a way to read the few blobs it wants.

Who builds one (git objects, a fetched commit, a working tree) is not the checker's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MAX_BLOB_BYTES = 2 * 1024 * 1024
"""A header above this is not read: libpas's largest is 60 KB."""


class Kind(StrEnum):
    """What git says an entry is."""

    FILE = "file"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"


@dataclass(frozen=True)
class Entry:
    """One path of a tree. `oid` identifies the content: equal ids mean equal bytes.

    Bytes of a path that are no UTF-8 are escaped as `os.fsdecode` does. `executable` is as a commit has it, False in a
    working tree; it makes no difference between two entries.
    """

    path: str
    oid: str
    kind: Kind = Kind.FILE
    executable: bool = field(default=False, compare=False)


def printable(path: str) -> str:
    """`path` as text that any output can hold: bytes that are no UTF-8 are replaced."""
    return path.encode(errors="surrogateescape").decode(errors="replace")


@dataclass(frozen=True)
class Blob:
    """A blob's size in bytes, and its content unless that is above the limit asked for."""

    size: int
    data: bytes | None


ReadBlobs = Callable[[Sequence[str], int], Mapping[str, Blob]]
"""(object ids, limit in bytes) → blobs by id. Raises `KeyError` for an id that is not there."""


@dataclass(frozen=True)
class Tree:
    """The entries of a commit that a profile selects, by path, and how to read them.

    `sha` is the full commit id, or `WORKTREE`.
    """

    sha: str
    entries: Mapping[str, Entry]
    read: ReadBlobs
