"""Frames of the evidence disk, whole and damaged. `test_machine` reads what the real guest writes."""

from __future__ import annotations

import gzip
import struct
import zlib

import pytest

from workers.stress import evidence_disk
from workers.stress.evidence_disk import DamagedError, Frame, Kind, core, of_process

NONCE = "a" * 32


def _frame(process: int, kind: int, content: bytes, total: int | None = None, nonce: str = NONCE) -> bytes:
    size = len(content) if total is None else total
    header = struct.pack("<32s4I2Q", nonce.encode(), process, kind, zlib.crc32(content), 0, len(content), size)
    header += struct.pack("<I", zlib.crc32(header))
    return header.ljust(512, b"\0") + content + bytes(-len(content) % 512)


def _frames(disk: bytes) -> tuple[Frame, ...]:
    return evidence_disk.frames(memoryview(disk), NONCE)


WHOLE = b"".join(_frame(0, kind, bytes([kind]) * 700) for kind in (1, 2, 3, 4))


def test_all_frames_of_a_process() -> None:
    found = _frames(WHOLE + _frame(1, 1, b"") + bytes(4096))
    kinds = of_process(found, 0)
    assert {kind: frame.content[:1] for kind, frame in kinds.items()} == {
        Kind.STDOUT: b"\1",
        Kind.STDERR: b"\2",
        Kind.KERNEL_LOG: b"\3",
        Kind.MAPS: b"\4",
    }
    assert found[4] == Frame(1, Kind.STDOUT, 0, b"")


@pytest.mark.parametrize("at", range(0, len(WHOLE), 61))
def test_a_damaged_byte_is_never_evidence(at: int) -> None:
    """Only bytes that carry nothing may change: the padding."""
    damaged = WHOLE[:at] + bytes([WHOLE[at] ^ 0xFF]) + WHOLE[at + 1 :]
    in_frame = at % 1536
    if 76 <= in_frame < 512 or in_frame >= 1212:
        assert _frames(damaged) == _frames(WHOLE)
    else:
        with pytest.raises(DamagedError, match="is missing or damaged"):
            of_process(_frames(damaged), 0)


@pytest.mark.parametrize("size", range(0, len(WHOLE) - 400, 97))
def test_a_disk_that_is_cut(size: int) -> None:
    with pytest.raises(DamagedError):
        of_process(_frames(WHOLE[:size]), 0)


def test_frames_of_another_session_are_none() -> None:
    assert _frames(_frame(0, 1, b"x", nonce="b" * 32)) == ()


def test_a_frame_that_is_there_twice() -> None:
    with pytest.raises(DamagedError, match="twice"):
        of_process(_frames(WHOLE + _frame(0, 1, b"forged")), 0)


def test_a_length_beyond_the_disk() -> None:
    header = struct.pack("<32s4I2Q", NONCE.encode(), 0, 1, 0, 0, 1 << 63, 0)
    header += struct.pack("<I", zlib.crc32(header))
    assert _frames(header.ljust(512, b"\0")) == ()


def _core(*pieces: tuple[int, bytes], total: int) -> Frame:
    content = b"".join(struct.pack("<2Q", offset, len(data)) + data for offset, data in pieces)
    return Frame(0, Kind.CORE, total, content)


def test_a_core_with_holes() -> None:
    packed = core(_core((0, b"head"), (9 << 20, b"tail"), (11 << 20, b""), total=(13 << 20) + 10))
    assert gzip.decompress(packed) == b"head" + bytes((9 << 20) - 4) + b"tail" + bytes((4 << 20) + 6)


@pytest.mark.parametrize(
    "frame",
    [
        _core((4, b"x"), (0, b"y"), total=8),
        _core((0, b"xx"), (1, b"y"), total=8),
        _core((0, b"x" * 9), total=8),
        _core((1 << 63, b"x"), total=8),
        Frame(0, Kind.CORE, 8, b"short"),
        Frame(0, Kind.CORE, 8, struct.pack("<2Q", 0, 4) + b"x"),
        Frame(0, Kind.CORE, 1 << 62, b""),
    ],
)
def test_a_core_that_is_none(frame: Frame) -> None:
    with pytest.raises(DamagedError):
        core(frame)
