"""Archives that a kernel unpacks into its first file system: cpio in the `newc` format, uncompressed.

Several, one after another, are unpacked as one. Format: the kernel's own documentation, "initramfs buffer format".
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from workers.stress.trees import Entry, TreeError

_TRAILER = "TRAILER!!!"
_MOST = 0xFFFFFFFF
"""Bytes that a file can have in the format."""


class Archive:
    """Writes one archive. Everything in it belongs to root; times are 0, so equal input gives equal bytes."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._number = 0
        self._directories: set[str] = {""}

    def directory(self, path: str, mode: int = 0o755) -> None:
        """A directory and those above it, where they are not there yet. `path` is relative, with `/`."""
        if path in self._directories:
            return
        self.directory(path.rpartition("/")[0])
        self._directories.add(path)
        self._header(path, stat.S_IFDIR | mode, 0)

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """A file of `content`."""
        self.directory(path.rpartition("/")[0])
        self._header(path, stat.S_IFREG | mode, len(content))
        self._output.write(content)
        self._pad(len(content))

    def symlink(self, path: str, target: str) -> None:
        """A symbolic link with `target` in it."""
        self.directory(path.rpartition("/")[0])
        content = target.encode("utf-8", "surrogateescape")
        self._header(path, stat.S_IFLNK | 0o777, len(content))
        self._output.write(content)
        self._pad(len(content))

    def copy(self, path: str, source: Path, mode: int) -> None:
        """A file of the host, never held in memory as a whole. Raises `TreeError` over 4 GiB or if it changes."""
        size = source.stat().st_size
        if size > _MOST:
            raise TreeError(f"{source} has {size} bytes; an initramfs takes files up to 4 GiB")
        self.directory(path.rpartition("/")[0])
        self._header(path, stat.S_IFREG | mode, size)
        begin = self._output.tell()
        with source.open("rb") as file:
            shutil.copyfileobj(file, self._output, 1 << 20)
        if self._output.tell() - begin != size:
            raise TreeError(f"{source} changed while it was read")
        self._pad(size)

    def end(self) -> None:
        """The end of the archive, padded so that another can follow."""
        self._header(_TRAILER, 0, 0)
        self._output.write(bytes(-self._output.tell() % 512))

    def _header(self, path: str, mode: int, size: int) -> None:
        name = path.encode("utf-8", "surrogateescape") + b"\0"
        self._number += 1
        fields = [self._number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name), 0]
        self._output.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        self._pad(6 + 8 * len(fields) + len(name))

    def _pad(self, size: int) -> None:
        self._output.write(bytes(-size % 4))


def write_base(output: BinaryIO, init: Path) -> None:
    """The archive with `init`, the static program that is process 1, and the directories that it needs."""
    archive = Archive(output)
    for path in ("dev", "proc", "sys", "tmp", "subject"):
        archive.directory(path)
    archive.copy("init", init, 0o700)
    archive.end()


def write_subject(output: BinaryIO, entries: Mapping[str, Entry]) -> None:
    """The archive with what `trees.collect` found, below `/subject`."""
    archive = Archive(output)
    for path, entry in entries.items():
        inside = f"subject/{path}"
        if entry.target is not None:
            archive.symlink(inside, entry.target)
        elif entry.is_directory:
            archive.directory(inside)
        else:
            archive.copy(inside, entry.source, 0o755 if entry.executable else 0o644)
    archive.end()


def write_plan(output: BinaryIO, content: bytes) -> None:
    """The archive with the plan, which root alone can read."""
    archive = Archive(output)
    archive.file("plan", content, 0o400)
    archive.end()
