"""How much of what was built is looked at, and what is raised where that does not do."""

from __future__ import annotations

import errno
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from elftools.common.exceptions import ELFError

from workers.build.result import Fault

_LONGEST_REASON = 200
# What names, links and offsets of strangers lead to. Anything else (a full disk) is the machine's.
_OF_THE_FILE = frozenset(
    {
        *(None, errno.EINVAL, errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.ELOOP),
        *(errno.EILSEQ, errno.EMLINK),
    }
)
# What libraries raise on bytes that they did not expect; pyelftools fails in whatever way a bad offset leads to.
_UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, ELFError, struct.error, EOFError, OSError),
    *(ArithmeticError, AttributeError, LookupError, MemoryError, NotImplementedError, RecursionError, RuntimeError),
    *(TypeError, ValueError),
)


@dataclass(frozen=True)
class Bounds:
    """`most_bytes` come out of all archives together, those in archives included, and are unpacked on the way from
    packed streams; `most_files` are all members and artifacts; `depth` archives may lie in one another. `seconds` of
    wall time. Of what is found, `most_binaries` and `most_problems` are told.
    """

    most_bytes: int = 4 << 30
    most_files: int = 100_000
    depth: int = 8
    seconds: float = 900.0
    most_binaries: int = 200
    most_problems: int = 50


class DamagedError(Exception):
    """Bytes that are not what they say they are. The text says why."""


class EscapesError(Exception):
    """A member that leads out of its archive, or in circles."""


class ExceededError(Exception):
    """More than the bounds allow: `fault` says of what, `limit` how much that is."""

    def __init__(self, fault: Fault, limit: int) -> None:
        super().__init__(f"more than {limit}")
        self.fault = fault
        self.limit = limit


class Budget:
    """What may still be opened. Each method raises `ExceededError`."""

    def __init__(self, bounds: Bounds) -> None:
        self._most_bytes = bounds.most_bytes
        self.most_files = bounds.most_files
        self._files = 0
        self._kept = 0
        self._streamed = 0

    def file(self) -> None:
        """One more artifact or member."""
        self._files += 1
        if self._files > self.most_files:
            raise ExceededError(Fault.TOO_MANY, self.most_files)

    def kept(self, count: int) -> None:
        """`count` bytes more of members."""
        self._kept += count
        self._require(self._kept)

    def streamed(self, count: int) -> None:
        """`count` bytes more out of a packed stream: members, and what lies between them."""
        self._streamed += count
        self._require(self._streamed)

    def _require(self, count: int) -> None:
        if count > self._most_bytes:
            raise ExceededError(Fault.TOO_LARGE, self._most_bytes)


@contextmanager
def reading() -> Iterator[None]:
    """Turns what libraries raise on bad bytes into `DamagedError`. What is the machine's fault is raised as it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_THE_FILE:
            raise
        raise DamagedError(_why(error)) from error
    except _UNREADABLE as error:
        raise DamagedError(_why(error)) from error


def _why(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it takes more memory than there is for it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__)[:_LONGEST_REASON]
