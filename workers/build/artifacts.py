"""From the folder that a build has left to the artifacts: regular files with plain names.

All in that folder is a stranger's. No link in it is followed, and what is neither file nor folder is left out.
"""

from __future__ import annotations

import gzip
import os
import re
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from workers.build.driver import BuildError, State

MOST_BYTES = 4 << 30
"""Of all files together."""
MOST_BYTES_OF_ONE = (2 << 30) - 1
"""Of one artifact: GitHub takes no larger file in a release."""
MOST_FILES = 100_000
MOST_ARTIFACTS = 50
"""More files than this are packed."""
LONGEST_NAME = 120
"""Characters in an artifact's name."""
LONGEST_PATH = 3000
"""Bytes of a path below the folder. Linux takes 4096 of a whole one."""

MOST_STEPS = 256
"""Names on the way that a symlink leads."""

_PIECE = 1 << 20


@dataclass(frozen=True)
class _Found:
    """One entry below the folder. `mode` as `stat` gives it."""

    path: str
    mode: int
    size: int


def output_of(directory: Path, path: str) -> Path:
    """The folder at `path` below `directory` that was to hold what is built.

    Raises `BuildError` where it isn't there, has nothing in it, or lies behind a symlink.
    """
    folder = directory
    for part in PurePosixPath(path).parts:
        folder /= part
        if folder.is_symlink():
            raise BuildError(f"the output folder {path!r} is a symbolic link, or lies behind one", State.FAILED)
    if not folder.is_dir():
        raise BuildError(f"the build made no folder {path!r}, which output in the settings names", State.FAILED)
    if next(_listed(folder), None) is None:
        raise BuildError(f"the build left nothing in {path!r}, which output in the settings names", State.FAILED)
    return folder


def collect(folder: Path, directory: Path, name: str, require: Callable[[], None] = lambda: None) -> None:
    """Makes the artifacts of what lies in `folder`, in `directory`, which need not be there yet.

    The files become artifacts of their own, with names of letters, digits and `._-`; symlinks beside them are left out.
    Where there are folders, or more files than `MOST_ARTIFACTS`, all becomes one archive, `<name>.tar.gz`, equal for
    equal content: sorted, without owners and times, with executable bits, and with those symlinks that lead to
    somewhere in it. Raises `BuildError`, and what `require` raises, which is called between pieces of work.
    """
    directory.mkdir(parents=True, exist_ok=True)
    found = sorted(_found(folder, require), key=lambda each: each.path)
    files = [each for each in found if stat.S_ISREG(each.mode)]
    total = sum(each.size for each in files)
    if total > MOST_BYTES:
        raise BuildError(f"what was built takes {total} bytes; at most {MOST_BYTES} are taken", State.FAILED)
    if len(files) <= MOST_ARTIFACTS and not any(stat.S_ISDIR(each.mode) for each in found):
        for each, plain in zip(files, plain_names([file.path for file in files]), strict=True):
            target = directory / plain
            with _opened(folder, each) as source, target.open("xb") as copy:
                _copy(source, copy, require)
            target.chmod(0o755 if each.mode & 0o111 else 0o644)
    else:
        _pack(folder, found, directory / f"{name}.tar.gz", require)
    for artifact in directory.iterdir():
        if artifact.stat().st_size > MOST_BYTES_OF_ONE:
            raise BuildError(f"{artifact.name} has 2 GiB or more, and GitHub takes no such file", State.FAILED)


def plain_names(names: Sequence[str]) -> list[str]:
    """For each name one that GitHub keeps as it is, no two alike, in the same order."""
    taken: set[str] = set()
    plain: list[str] = []
    for name in names:
        stem, dot, suffix = (re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-") or "file").partition(".")
        stem, ending = stem[:LONGEST_NAME], f"{dot}{suffix}"[-LONGEST_NAME:]
        candidates = (f"{stem}{number}{ending}" for number in _numbers())
        plain.append(next(each for each in candidates if each.casefold() not in taken))
        taken.add(plain[-1].casefold())
    return plain


def _numbers() -> Iterator[str]:
    yield ""
    yield from (f"-{number}" for number in range(2, 1 << 31))


def _found(folder: Path, require: Callable[[], None]) -> Iterator[_Found]:
    """All below a folder that can be kept, however deep."""
    pending, count = [""], 0
    while pending:
        below = pending.pop()
        require()
        for entry in _listed(folder / below):
            path = os.path.join(below, entry.name)  # noqa: PTH118 a name may be anything
            status = entry.stat(follow_symlinks=False)
            count += 1
            if count > MOST_FILES:
                raise BuildError(f"the build left more than {MOST_FILES} files", State.FAILED)
            if len(os.fsencode(path)) > LONGEST_PATH:
                raise BuildError(f"the build left a path of more than {LONGEST_PATH} bytes", State.FAILED)
            if stat.S_ISDIR(status.st_mode):
                pending.append(path)
            if stat.S_IFMT(status.st_mode) in {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}:
                yield _Found(path, status.st_mode, status.st_size)


def _listed(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except OSError as error:
        raise BuildError(f"a folder that the build left cannot be read: {error.strerror}", State.FAILED) from error


def _opened(folder: Path, each: _Found) -> BinaryIO:
    try:
        # Nobody writes there any more, and yet: what was a file is still one, or it isn't opened.
        descriptor = os.open(folder / each.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        return os.fdopen(descriptor, "rb")
    except OSError as error:
        raise BuildError(f"a file that the build left cannot be read: {error.strerror}", State.FAILED) from error


def _copy(source: BinaryIO, target: BinaryIO, require: Callable[[], None]) -> None:
    while piece := source.read(_PIECE):
        require()
        target.write(piece)


class _Watched:
    """A file that asks, with each piece, whether to go on."""

    def __init__(self, file: BinaryIO, require: Callable[[], None]) -> None:
        self._file = file
        self._require = require

    def read(self, size: int) -> bytes:
        self._require()
        return self._file.read(size)


def _pack(folder: Path, found: Iterable[_Found], target: Path, require: Callable[[], None]) -> None:
    with (
        target.open("xb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
        # Not PAX, which has other headers for names that are no UTF-8.
        tarfile.open(
            mode="w", fileobj=packed, format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
        ) as archive,
    ):
        for each in found:
            member = tarfile.TarInfo(each.path)
            member.mode = 0o755 if each.mode & 0o111 or stat.S_ISDIR(each.mode) else 0o644
            if stat.S_ISDIR(each.mode):
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            elif stat.S_ISLNK(each.mode):
                member.type, member.mode = tarfile.SYMTYPE, 0o777
                member.linkname = str((folder / each.path).readlink())
                if leads_inside(folder, each.path):
                    archive.addfile(member)
            else:
                member.size = each.size
                with _opened(folder, each) as source:
                    archive.addfile(member, cast(BinaryIO, _Watched(source, require)))


def leads_inside(folder: Path, path: str) -> bool:
    """Whether the symlink at `path` below `folder` leads to somewhere below `folder`, and only by way of such links.

    It is followed as the kernel would, a link at a time; one that takes more than `MOST_STEPS` leads nowhere.
    """
    at, ahead = [*PurePosixPath(path).parent.parts], [PurePosixPath(path).name]
    for _ in range(MOST_STEPS):
        if not ahead:
            return True
        name = ahead.pop()
        if name == "..":
            if not at:
                return False
            at.pop()
        elif name not in {"", "."}:
            try:
                target = os.readlink(os.path.join(folder, *at, name))  # noqa: PTH115, PTH118 much faster
            except OSError:
                at.append(name)
            else:
                if target.startswith("/"):
                    return False
                ahead += reversed(target.split("/"))
    return False
