"""Follows what a build says while it runs, and asks all the while whether it is to go on."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from typing import IO

LOOK_SECONDS = 1.0
"""Between two looks at whether to go on."""

_PIECE = 1 << 16


def follow(
    pipe: IO[bytes],
    write: Callable[[bytes], None],
    look: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Hands to `write` what comes through `pipe`, until its end. `look` is called about once a second, and may raise to
    stop; a build that never stops talking does not keep it from that."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        due = clock()
        while True:
            if clock() >= due:
                look()
                due = clock() + LOOK_SECONDS
            if not selector.select(min(LOOK_SECONDS, max(0.0, due - clock()))):
                continue
            # Not through the buffer of `pipe`, which would wait until it is full.
            piece = os.read(pipe.fileno(), _PIECE)
            if not piece:
                return
            write(piece)
