"""Reads the serial port of a machine while it runs: lines, each with the time at which it came."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import IO

LOG_BYTES = 16 << 10
"""Bytes of the console that are kept for people."""
MOST_LINE = 64 << 10
"""Bytes of a line; a longer one is cut into several."""


@dataclass(frozen=True)
class Line:
    """One line without its end, and when it was read, by the monotonic clock."""

    content: bytes
    at: float


class Console:
    """Lines of a stream, read in a thread of their own: whoever is slow with them does not change their times."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        """`most`: bytes after which a console counts as flooded, and is read no more."""
        self._stream = stream
        self._most = most
        self._lines: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
        self._tail = b""
        self._read = 0
        self.ended = False
        """Whether the stream has ended, and all its lines are read."""
        self._thread = threading.Thread(target=self._read_all, name="console", daemon=True)
        self._thread.start()

    @property
    def flooded(self) -> bool:
        """Whether more came than a machine can have to say."""
        return self._read > self._most

    @property
    def log(self) -> str:
        """The tail of everything that came."""
        return self._tail.decode("utf-8", "replace").replace("\r\n", "\n")

    def next(self, seconds: float) -> Line | None:
        """The next line, waited for so long; None where there is none yet, or none any more."""
        try:
            line = self._lines.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None
        self.ended = line is None
        return line

    def _read_all(self) -> None:
        rest = b""
        while not self.flooded and (piece := self._next_piece()):
            at = time.monotonic()
            self._read += len(piece)
            self._tail = (self._tail + piece)[-LOG_BYTES:]
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self._lines.put(Line(line.rstrip(b"\r"), at))
            if len(rest) > MOST_LINE:
                self._lines.put(Line(rest, at))
                rest = b""
        self._lines.put(None)

    def _next_piece(self) -> bytes:
        try:
            read = getattr(self._stream, "read1", self._stream.read)
            return bytes(read(65536))
        except (OSError, ValueError):
            return b""  # it was closed
