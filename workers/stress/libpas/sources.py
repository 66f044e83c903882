"""libpas's sources as a mapping: path from the root of the repository → content. Pure.

Paths and contents are the tree's, so they are hostile: only plain relative names get through, and only so much.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from workers.stress.subjects import SubjectError

ROOT = "Source/bmalloc"
LIBPAS = f"{ROOT}/libpas/src/libpas"
BMALLOC = f"{ROOT}/bmalloc"
SUFFIXES = (".c", ".h", ".def")

MOST_FILES = 5000
"""WebKit 2.52 has about 700 that are wanted."""
MOST_BYTES_OF_A_FILE = 4 << 20
MOST_BYTES = 64 << 20
"""WebKit 2.52 has about 6 MB."""

LONGEST_PATH = 200

_PLAIN = re.compile(r"(?:[A-Za-z0-9_+-][A-Za-z0-9_.+-]*/)*[A-Za-z0-9_+-][A-Za-z0-9_.+-]*")

Sources = Mapping[str, bytes]


def wants(path: str) -> bool:
    """Whether a build of libpas reads the file at `path`, from the root of the repository."""
    below = path.startswith((f"{LIBPAS}/", f"{BMALLOC}/")) and path.endswith(SUFFIXES)
    return below and len(path) <= LONGEST_PATH and _PLAIN.fullmatch(path) is not None


def sources(entries: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> Sources:
    """What of a tree's regular files is libpas's. Symbolic links are no files: don't hand them in.

    Raises `SubjectError` where the tree has no libpas, or one that is too large.
    """
    pairs = entries.items() if isinstance(entries, Mapping) else entries
    chosen: dict[str, bytes] = {}
    total = 0
    for path, content in pairs:
        if not wants(path):
            continue
        chosen[path] = content
        total += len(content)
        if len(content) > MOST_BYTES_OF_A_FILE:
            raise SubjectError(f"{path} has {len(content)} bytes; at most {MOST_BYTES_OF_A_FILE} are built", own=True)
        if len(chosen) > MOST_FILES or total > MOST_BYTES:
            most = f"{MOST_FILES} files and {MOST_BYTES} bytes"
            raise SubjectError(f"{ROOT} has more than the {most} that are built", own=True)
    directories = {path[:index] for path in chosen for index, character in enumerate(path) if character == "/"}
    if both := sorted(directories & chosen.keys()):
        raise SubjectError(f"{both[0]} is a file and a directory", own=True)
    if not any(path.startswith(f"{LIBPAS}/") and path.endswith(".c") for path in chosen):
        raise SubjectError(f"no libpas in this tree: there is no {LIBPAS}/*.c", own=True)
    return chosen


def digest_of(tree: Sources) -> str:
    """Equal for equal trees."""
    digest = hashlib.sha256()
    for path in sorted(tree):
        digest.update(f"{path}\0{len(tree[path])}\0".encode() + tree[path])
    return digest.hexdigest()
