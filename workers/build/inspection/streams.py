"""Streams of bytes out of archives: they can be looked ahead into, and everything that comes out of them is counted."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from typing import IO

from workers.build.inspection.bounds import DamagedError
from workers.build.inspection.forms import HEAD, Form, form_of

_CHUNK = 1 << 18
_OPENERS: dict[Form, Callable[[IO[bytes]], io.BufferedIOBase]] = {
    Form.GZIP: lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    Form.BZIP2: bz2.BZ2File,
    Form.XZ: lzma.LZMAFile,
}


class _Counted(io.RawIOBase):
    """Fills what it is given as far as it can, so that a look ahead sees all there is."""

    def __init__(self, read: Callable[[int], bytes], count: Callable[[int], None]) -> None:
        self._read = read
        self._count = count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        filled = 0
        while filled < len(buffer) and (piece := self._read(len(buffer) - filled)):
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        self._count(filled)
        return filled


def counted(read: Callable[[int], bytes], count: Callable[[int], None]) -> io.BufferedReader:
    """What `read` gives, to its end; `count` is told of it."""
    return io.BufferedReader(_Counted(read, count), _CHUNK)


def of_length(stream: IO[bytes], length: int, count: Callable[[int], None]) -> io.BufferedReader:
    """The next `length` bytes of `stream`. Reading raises `DamagedError` when there are fewer."""
    left = length

    def read(most: int) -> bytes:
        nonlocal left
        piece = stream.read(min(most, left))
        if not piece and left:
            raise DamagedError(f"it ends {left} bytes early")
        left -= len(piece)
        return piece

    return counted(read, count)


def unpacked(stream: IO[bytes], form: Form, count: Callable[[int], None]) -> io.BufferedReader:
    """What is packed in `stream`, which is of one of the forms in `PACKED`."""
    return counted(_OPENERS[form](stream).read, count)


def form_ahead(stream: io.BufferedReader) -> Form | None:
    """What the stream is, which is at its beginning and stays there."""
    return form_of(stream.peek(HEAD)[:HEAD])


def drain(stream: IO[bytes]) -> None:
    """Reads to the end: only there checksums are checked, and only so everything is counted."""
    while stream.read(_CHUNK):
        pass
