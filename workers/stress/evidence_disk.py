"""The frames that the supervisor wrote on the virtio disk (`guest/evidence.c` has their form). Pure.

A frame counts only with the session's nonce and with both of its checksums right.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

MOST_CORE = 4 << 20
"""Bytes of a compressed core that is kept."""
MOST_CORE_LENGTH = 4 << 30
"""Bytes of a core with its holes that is looked at."""

_BLOCK = 512
_HEADER = struct.Struct("<32s4I2Q")
_CHECKED = struct.Struct("<I")
_PIECE = struct.Struct("<2Q")
_ZEROS = 4 << 20


class DamagedError(Exception):
    """Evidence that is not there as a whole. The text says of what."""


class Kind(IntEnum):
    """What a frame holds."""

    STDOUT = 1
    STDERR = 2
    KERNEL_LOG = 3
    MAPS = 4
    CORE = 5


@dataclass(frozen=True)
class Frame:
    """One frame. `total`: bytes of what the content was taken from."""

    process: int
    """Its place in the plan, from 0."""
    kind: Kind
    total: int
    content: bytes


def frames(disk: memoryview, nonce: str) -> tuple[Frame, ...]:
    """Frames in their order, as far as they go. One whose content is damaged is left out."""
    return tuple(_frames(disk, nonce.encode()))


def _frames(disk: memoryview, nonce: bytes) -> Iterator[Frame]:
    at = 0
    while at + _BLOCK <= len(disk):
        block = bytes(disk[at : at + _HEADER.size + _CHECKED.size])
        found, process, kind, crc, _, length, total = _HEADER.unpack_from(block)
        (header_crc,) = _CHECKED.unpack_from(block, _HEADER.size)
        at += _BLOCK
        if found != nonce or zlib.crc32(block[: _HEADER.size]) != header_crc or at + length > len(disk):
            return
        content = disk[at : at + length]
        if zlib.crc32(content) == crc and kind in set(Kind):
            yield Frame(process, Kind(kind), total, bytes(content))
        at += -(-length // _BLOCK) * _BLOCK


def of_process(found: tuple[Frame, ...], process: int) -> Mapping[Kind, Frame]:
    """All frames of one process. Raises `DamagedError` unless each kind is there once; only a core may be missing."""
    own = [frame for frame in found if frame.process == process]
    kinds = {frame.kind: frame for frame in own}
    if len(kinds) != len(own):
        raise DamagedError("some of it is there twice")
    missing = set(Kind) - {Kind.CORE} - set(kinds)
    if missing:
        raise DamagedError(f"its {min(missing).name.lower().replace('_', ' ')} is missing or damaged")
    return kinds


def core(frame: Frame) -> bytes:
    """A core as a gzip file, its holes filled with zeros. Raises `DamagedError` where it is too large or no core.

    It has several members, as gzip allows: one for each run of zeros, packed before, and those between.
    """
    if frame.total > MOST_CORE_LENGTH:
        raise DamagedError(f"it has {frame.total} bytes with its holes, more than {MOST_CORE_LENGTH}")
    packed = bytearray()
    for hole, data in _pieces(frame):
        whole, rest = divmod(hole, _ZEROS)
        packed += _packed_zeros() * whole + gzip.compress(bytes(rest) + data, mtime=0)
        if len(packed) > MOST_CORE:
            raise DamagedError(f"it has more than {MOST_CORE} bytes when compressed")
    return bytes(packed)


def _pieces(frame: Frame) -> Iterator[tuple[int, bytes]]:
    """Bytes of a hole, and what comes after it, over and over; the last may be a hole alone."""
    position = at = 0
    while at < len(frame.content):
        if at + _PIECE.size > len(frame.content):
            raise DamagedError("it is cut")
        offset, length = _PIECE.unpack_from(frame.content, at)
        at += _PIECE.size
        if offset < position or offset + length > frame.total or at + length > len(frame.content):
            raise DamagedError("its pieces do not fit together")
        yield offset - position, frame.content[at : at + length]
        at += length
        position = offset + length
    yield frame.total - position, b""


@cache
def _packed_zeros() -> bytes:
    return gzip.compress(bytes(_ZEROS), mtime=0)
