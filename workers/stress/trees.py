"""Which files a session has below `/subject`, read from the host's directories. The same for every machine."""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.stress.processes import MachineError


class TreeError(MachineError):
    """Files that no machine can be given. The text says which, and why."""


@dataclass(frozen=True)
class Entry:
    """One path. `target` is what a symbolic link holds; None for files and directories."""

    source: Path
    is_directory: bool = False
    executable: bool = False
    target: str | None = None


def collect(files: Mapping[str, Path]) -> dict[str, Entry]:
    """Path below `/subject` → entry, directories before what is in them.

    Raises `TreeError` for a path that leaves `/subject` or lies in another one, for links that leave their tree, for
    what is neither file, directory nor link, and for what cannot be read.
    """
    found: dict[str, Entry] = {}
    for path, source in files.items():
        _require_path(path, files)
        try:
            for inside, entry in _walk(source.resolve(strict=True), ""):
                found[posixpath.join(path, inside) if inside else path] = entry
        except OSError as error:
            raise TreeError(f"{source}, wanted as /subject/{path}, cannot be read: {error.strerror}") from error
    return found


def _require_path(path: str, files: Mapping[str, Path]) -> None:
    if not path or path != posixpath.normpath(path) or path.startswith(("/", "../")) or path in {".", ".."}:
        raise TreeError(f"{path!r} is no path below /subject")
    if "\0" in path:
        raise TreeError("a path cannot have a NUL")
    for other in files:
        if path.startswith(f"{other}/"):
            raise TreeError(f"{path} lies in {other}, which is a subject's path, too")


def _walk(source: Path, inside: str) -> Iterator[tuple[str, Entry]]:
    mode = source.lstat().st_mode
    if stat.S_ISLNK(mode):
        yield inside, Entry(source, target=_kept(source, inside))
    elif stat.S_ISREG(mode):
        yield inside, Entry(source, executable=bool(mode & 0o111))
    elif stat.S_ISDIR(mode):
        yield inside, Entry(source, is_directory=True)
        for below in sorted(source.iterdir()):
            yield from _walk(below, posixpath.join(inside, below.name))
    else:
        raise TreeError(f"{source} is neither a file, a directory nor a symbolic link")


def _kept(source: Path, inside: str) -> str:
    target = str(source.readlink())
    ends = posixpath.normpath(posixpath.join(posixpath.dirname(inside), target))
    if target.startswith("/") or ends.split("/")[0] == "..":
        raise TreeError(f"{source} is a link to {target}, which is outside its tree")
    return target
