"""The head and the tail of a stream that may never end, as every machine keeps them."""

from __future__ import annotations

from workers.stress.processes import MOST_OUTPUT

KEPT = MOST_OUTPUT - 256
"""Bytes of a stream that are kept; the rest of `MOST_OUTPUT` is for the words between head and tail."""


class Stream:
    """Takes a stream piece by piece, and holds no more of it than the first quarter and the last three of `size`."""

    def __init__(self, size: int = KEPT) -> None:
        self._size = size
        self._head = b""
        self._tail = b""
        self._total = 0

    def add(self, piece: bytes) -> None:
        """The next bytes of it."""
        self._total += len(piece)
        room = self._size // 4 - len(self._head)
        self._head += piece[:room]
        self._tail = (self._tail + piece[room:])[-(self._size - self._size // 4) :]

    @property
    def text(self) -> str:
        """What is kept, with a line that says what is not."""
        return joined(self._head + self._tail, self._total, self._size)


def cut(content: bytes, size: int = KEPT) -> str:
    """A whole stream as text, with at most `size` bytes of it: the first quarter and the last three."""
    stream = Stream(size)
    stream.add(content)
    return stream.text


def joined(kept: bytes, total: int, size: int = KEPT) -> str:
    """`kept` of a stream of `total` bytes as text; where it is not all, a line says so between its head and tail."""
    if total <= len(kept):
        return kept.decode("utf-8", "replace")
    head = size // 4
    return (
        kept[:head].decode("utf-8", "replace")
        + f"\n[{total - len(kept)} bytes left out]\n"
        + kept[head:].decode("utf-8", "replace")
    )
