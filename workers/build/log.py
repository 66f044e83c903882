"""A build's log: a file that cannot grow for ever, and its end as text that anybody may be shown.

What is in it is a stranger's. No secret is: a build is given none.
"""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MOST_BYTES = 16 << 20
"""Of a log's file. Of a longer log the beginning and the end are kept, each at least a quarter of this."""
MOST_LINES = 60
"""Of a log's end, as people are shown it."""
MOST_TEXT = 16 << 10
"""Bytes of the same."""

_READ = 256 << 10
"""Bytes of a log's end that are looked at; a progress bar takes many for one line."""
_KEPT = 128 << 10
"""Bytes that a `Transcript` keeps at hand."""

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, and where the cursor goes
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of characters that are not seen, or change how others are."""


class LogFile(io.BufferedWriter):
    """A fresh file at `path` to write a log into. It is on disk once it is flushed."""

    def __init__(self, path: Path, most: int = MOST_BYTES) -> None:
        super().__init__(_Bounded(path, most))


class _Bounded(io.RawIOBase):
    """When the file is full, its middle is taken out."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__()
        self._file = path.open("w+b", buffering=0)
        self._most = most
        self._size = 0
        self._middle = 0
        """Where the beginning that is kept ends; 0 while all is there."""
        self._note = b""
        self._left_out = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        if self._size >= self._most:
            self._shorten()
        written = self._file.write(memoryview(data)[: self._most - self._size])
        self._size += written
        return written

    def close(self) -> None:
        super().close()
        self._file.close()

    def _shorten(self) -> None:
        """Whole lines are left out, where there are lines."""
        if not self._middle:
            self._middle = _after_line(self._read(0, self._most // 4), last=True) or self._most // 4
        end = self._read(self._size - self._most // 4, self._most // 4)
        end = end[_after_line(end, last=False) :]
        self._left_out += self._size - len(end) - self._middle - len(self._note)
        self._note = f"\n... {self._left_out} bytes are left out here ...\n\n".encode()
        self._file.seek(self._middle)
        self._file.write(self._note + end)
        self._size = self._file.tell()
        self._file.truncate()

    def _read(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        return self._file.read(length)


def _after_line(data: bytes, *, last: bool) -> int:
    """Where the first line ends, or the last; 0 where none does."""
    return (data.rfind(b"\n") if last else data.find(b"\n")) + 1


class Transcript:
    """Writes a log, so that it can be followed, and keeps its end at hand."""

    def __init__(self, log: BinaryIO) -> None:
        self._log = log
        self._end = bytearray()

    def write(self, data: bytes) -> None:
        """Whatever is said."""
        self._log.write(data)
        self._log.flush()
        self._end += data
        if len(self._end) > 2 * _KEPT:
            del self._end[:-_KEPT]

    def command(self, text: str) -> None:
        """A command that is run now, as shells show it."""
        self.write(("$ " + text.strip().replace("\n", "\n> ") + "\n").encode(errors="replace"))

    @property
    def end(self) -> bytes:
        """What was said last."""
        return bytes(self._end)

    @property
    def tail(self) -> str:
        """The same, as people are shown it."""
        return ending(self.end)


def tail(path: Path, lines: int = MOST_LINES, most: int = MOST_TEXT) -> str:
    """The last `lines` of the log at `path` in at most `most` bytes, see `cleaned`; "" where there is no log."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - _READ))
            return ending(file.read(_READ), lines, most)
    except FileNotFoundError:
        return ""


def ending(data: bytes, lines: int = MOST_LINES, most: int = MOST_TEXT) -> str:
    """The last `lines` of a log in at most `most` bytes, see `cleaned`. A line that does not fit whole is left out,
    unless it is the last."""
    kept: list[str] = []
    room = most
    for line in reversed(cleaned(data).split("\n")[-lines:]):
        room -= len(line.encode()) + 1
        if room < 0 and kept:
            break
        kept.append(line.encode()[-most:].decode(errors="ignore"))
    return "\n".join(reversed(kept))


def cleaned(data: bytes) -> str:
    """A log as plain text: of a progress bar what was last seen, no colours, no other characters that are not seen, no
    bytes that are no UTF-8, no blank lines at either end."""
    text = _ESCAPES.sub("", data.decode(errors="ignore"))
    return "\n".join(map(_seen, text.split("\n"))).strip("\n")


def _seen(line: str) -> str:
    """What a terminal shows of a line that was written over."""
    parts = (
        "".join(each for each in part if each == "\t" or unicodedata.category(each) not in _UNSEEN).rstrip()
        for part in reversed(line.split("\r"))
    )
    return next((part for part in parts if part), "")
