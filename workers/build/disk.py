"""What builds leave on the disk: how much it may be, what is in it, and how it is removed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workers.build.driver import BuildError, State

MOST_BYTES = 20 << 30
"""That a build's folder may take."""
KEPT_FREE = 2 << 30
"""Bytes that stay free on the disk; with less, builds are stopped."""
KEPT_FILES = 10_000
"""The same for files, where the file system counts them."""

_STEP = 1 << 30
"""Bytes that have to be gone before it is worth while to count."""


class Room:
    """Sees that a build does not fill the disk.

    To count a folder costs as much as it has files. So it is counted only when the whole disk has lost a GiB.
    """

    def __init__(self, folder: Path, most: int = MOST_BYTES, kept_free: int = KEPT_FREE, step: int = _STEP) -> None:
        self._folder = folder
        self._most = most
        self._kept_free = kept_free
        self._step = step
        self._free_when_counted = _free(folder)

    def require(self) -> None:
        """Raises `BuildError` where the folder has become too large, or the disk too full."""
        disk = os.statvfs(self._folder)
        free = _free(self._folder)
        if free < self._kept_free or (disk.f_files and disk.f_favail < KEPT_FILES):
            raise BuildError("the machine that builds runs out of disk")
        if self._free_when_counted - free >= self._step:
            self._free_when_counted = free
            if used(self._folder) > self._most:
                raise BuildError(f"the build took more than {self._most >> 20} MiB of disk", State.FAILED)
        self._free_when_counted = max(self._free_when_counted, free)


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def used(folder: Path) -> int:
    """Bytes of disk that a folder takes, roughly. What cannot be looked into, or vanishes meanwhile, is passed over."""
    total = 0
    for entry in entries(str(folder)):
        with suppress(OSError):
            total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


def entries(folder: str) -> Iterator[os.DirEntry[str]]:
    """All below a folder, however deep. No link is followed; folders that cannot be read are passed over."""
    pending = [folder]
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                yield entry


def remove(folder: Path) -> None:
    """Removes a folder, whatever a build has done to it: folders too deep for a path, or closed to their owner."""
    for command in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):
        subprocess.run([*command, "--", folder], stdin=subprocess.DEVNULL, capture_output=True, check=False)


@contextmanager
def scratch(parent: Path, prefix: str = "") -> Iterator[Path]:
    """A fresh folder below `parent`, whose name begins with `prefix`, for as long as the block lasts. Those that
    processes have left which died in such a block go first."""
    for old in parent.glob(f"{prefix}*"):
        with _held(old) as is_left:
            if is_left:
                remove(old)
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        with _held(folder) as is_ours:
            # Until it is held, it looks like one that was left.
            if not is_ours or not folder.exists():
                continue
            try:
                yield folder
            finally:
                remove(folder)
        return


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Whether nobody else holds a folder; held for as long as the block lasts, or the process lives."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_free = True
    except BlockingIOError:
        is_free = False
    try:
        yield is_free
    finally:
        os.close(descriptor)
