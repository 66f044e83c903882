"""Lines of a console as they come, through a real pipe."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from workers.stress.console import LOG_BYTES, Console


def _pipe(most: int = 1 << 20) -> tuple[Console, int]:
    reading, writing = os.pipe()
    return Console(os.fdopen(reading, "rb"), most), writing


def test_lines_come_with_their_times_whoever_is_slow() -> None:
    console, writing = _pipe()
    before = time.monotonic()
    os.write(writing, b"first\r\nsec")
    time.sleep(0.5)
    os.write(writing, b"ond\nunfinished")
    os.close(writing)
    time.sleep(0.5)
    first, second = console.next(1), console.next(1)
    assert first is not None
    assert second is not None
    assert (first.content, second.content) == (b"first", b"second")
    assert first.at - before < 0.4 < second.at - before < 0.9
    assert console.next(1) is None
    assert console.ended
    assert console.log == "first\nsecond\nunfinished"


def test_nothing_yet_is_no_end() -> None:
    console, writing = _pipe()
    assert console.next(0.05) is None
    assert not console.ended
    os.close(writing)
    assert console.next(5) is None
    assert console.ended


def test_a_flood_is_cut() -> None:
    console, writing = _pipe(most=100_000)
    os.set_blocking(writing, False)
    while not console.flooded:
        with suppress(BlockingIOError):
            os.write(writing, b"x" * 4096)
    os.close(writing)
    while not console.ended:
        console.next(1)
    assert len(console.log) == LOG_BYTES
