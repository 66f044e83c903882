"""The members of an archive, one after another, whatever its form. Archives are hostile."""

from __future__ import annotations

import io
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from workers.build.inspection.ar import ar_members
from workers.build.inspection.bounds import Budget, DamagedError, EscapesError, ExceededError
from workers.build.inspection.forms import PACKED, Form
from workers.build.inspection.paths import Layout
from workers.build.inspection.streams import counted, drain, form_ahead, unpacked
from workers.build.result import Fault

UNREAD = "packed in a way that is not read; zip, and tar with gzip, bzip2 or xz are"
_IN_MEMORY = 8 << 20
"""Bytes above which what must be a file goes to the disk."""
_LONGEST_TARGET = 4096
_LONGEST_DIRECTORY = 32 << 20
"""Bytes of a zip's directory, which is read as a whole: as much as 100,000 entries with long names have."""
_ENCRYPTED = 0x1
_ON_UNIX = 3
_ZIP_HEADER = 30
_BLOCKS = 1 << 16
_SUFFIXES = (".gz", ".bz2", ".xz")


class Kind(Enum):
    """Kinds of members."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    HARD_LINK = "hard link"
    DEVICE = "device"
    """Or a pipe."""


@dataclass(frozen=True)
class Member:
    """One member, by the name that the archive gives it. `target` is a link's; `content` a file's, until the next
    member is asked for."""

    name: str
    kind: Kind
    target: str = ""
    executable: bool = False
    content: io.BufferedReader = field(default_factory=lambda: io.BufferedReader(io.BytesIO()))


def members(stream: io.BufferedReader, form: Form, name: str, budget: Budget, scratch: Path) -> Iterator[Member]:
    """The members of the archive that `stream` is, called `name`; `form` is one of `ARCHIVES`.

    A packed file has itself as the only one. Of a Debian package they are what it installs.

    `scratch` is a directory for what doesn't fit into memory. Raises what `reading` turns into `DamagedError`, and
    `ExceededError`.
    """
    for member in _members(stream, form, name, budget, scratch):
        budget.file()
        yield member


def _members(stream: io.BufferedReader, form: Form, name: str, budget: Budget, scratch: Path) -> Iterator[Member]:
    if form is Form.ZIP:
        with as_file(stream, scratch) as file:
            yield from _of_zip(file, budget)
    elif form is Form.TAR:
        yield from _of_tar(stream, budget)
    elif form is Form.DEBIAN:
        yield from _of_debian(stream, budget)
    elif form in PACKED:
        inner = unpacked(stream, form, budget.streamed)
        if form_ahead(inner) is Form.TAR:
            yield from _of_tar(inner, budget)
        else:
            yield Member(_unsuffixed(name), Kind.FILE, content=inner)
        drain(inner)
    else:
        raise DamagedError(UNREAD)


def placed(layout: Layout, member: Member) -> tuple[PurePosixPath, PurePosixPath]:
    """Where it comes to lie, and, of a hard link, what it is another name of; the same again for everything else.

    Raises `EscapesError` where one of them is outside, and for devices, which lead out to the machine's.
    """
    if member.kind is Kind.DEVICE:
        raise EscapesError(member.name)
    if member.kind is Kind.HARD_LINK:
        return layout.hard_link(member.name, member.target)
    place = layout.link(member.name, member.target) if member.kind is Kind.LINK else layout.place(member.name)
    return place, place


@contextmanager
def as_file(stream: io.BufferedReader, scratch: Path) -> Iterator[IO[bytes]]:
    """The stream as a file that can be read from anywhere."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(scratch)) as file:
        shutil.copyfileobj(stream, file, 1 << 20)
        file.seek(0)
        yield cast("IO[bytes]", file)


def _of_debian(stream: io.BufferedReader, budget: Budget) -> Iterator[Member]:
    """What a Debian package (deb(5)) would install."""
    for name, content in ar_members(stream, lambda _count: None):
        if name.startswith("data.tar"):
            form = form_ahead(content)
            if form is not Form.TAR and form not in PACKED:
                raise DamagedError(f"{name} is {UNREAD}")
            inner = content if form is Form.TAR else unpacked(content, form, budget.streamed)
            yield from _of_tar(inner, budget)
            drain(inner)
            return
    raise DamagedError("a Debian package without data.tar")


class _Header(tarfile.TarInfo):
    """Headers that are damaged end the archive with an error; tarfile takes the first one for its end."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> _Header:
        try:
            return super().fromtarfile(tarfile_)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise DamagedError(f"no header of a member where one is due ({error})") from error


def _of_tar(stream: IO[bytes], budget: Budget) -> Iterator[Member]:
    with tarfile.open(
        fileobj=stream, mode="r|", bufsize=_BLOCKS, tarinfo=_Header, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for entry in archive:
            kind = _kind_of_entry(entry)
            file = archive.extractfile(entry) if kind is Kind.FILE else None
            content = counted((file or io.BytesIO()).read, budget.kept)
            yield Member(entry.name, kind, entry.linkname, bool(entry.mode & 0o111), content)
            drain(content)


def _kind_of_entry(entry: tarfile.TarInfo) -> Kind:
    """As POSIX has it, what is of no known kind is a file."""
    if entry.isdir():
        return Kind.DIRECTORY
    if entry.issym():
        return Kind.LINK
    if entry.islnk():
        return Kind.HARD_LINK
    return Kind.DEVICE if entry.isdev() else Kind.FILE


class _Directory:
    """A zip's file, of which zipfile reads the directory at once."""

    def __init__(self, file: IO[bytes], most_files: int) -> None:
        self._file = file
        self._most_files = most_files

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        if size > _LONGEST_DIRECTORY:
            raise ExceededError(Fault.TOO_MANY, self._most_files)
        return self._file.read(size)


def _of_zip(file: IO[bytes], budget: Budget) -> Iterator[Member]:
    with zipfile.ZipFile(cast("IO[bytes]", _Directory(file, budget.most_files))) as archive:
        entries = archive.infolist()
        if len(entries) > budget.most_files:
            raise ExceededError(Fault.TOO_MANY, budget.most_files)
        _require_apart(archive, entries)
        for entry in entries:
            member = _zipped(archive, entry, budget)
            yield member
            drain(member.content)


def _require_apart(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Entries that share bytes are how a small zip holds more than any packing could."""
    end = archive.start_dir
    for entry in sorted(entries, key=lambda entry: entry.header_offset, reverse=True):
        if entry.header_offset + _ZIP_HEADER + entry.compress_size > end:
            raise DamagedError("members that overlap")
        end = entry.header_offset


def _zipped(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> Member:
    if entry.flag_bits & _ENCRYPTED:
        raise DamagedError("encrypted members")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise DamagedError("members that are packed in a way that is not read; stored and deflated ones are")
    mode = entry.external_attr >> 16 if entry.create_system == _ON_UNIX else 0
    if entry.is_dir():
        return Member(entry.filename, Kind.DIRECTORY)
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFLNK}:
        return Member(entry.filename, Kind.DEVICE)
    opened = archive.open(entry)
    content = counted(opened.read, budget.kept)
    if stat.S_ISLNK(mode):
        target = content.read(_LONGEST_TARGET).decode(errors="surrogateescape")
        return Member(entry.filename, Kind.LINK, target)
    return Member(entry.filename, Kind.FILE, "", bool(mode & 0o111), content)


def _unsuffixed(name: str) -> str:
    stem = name.rpartition("/")[2]
    return next((stem.removesuffix(end) for end in _SUFFIXES if stem.endswith(end) and stem != end), stem)
