"""Finds the processes of one sandbox from outside: by a mark in their environment."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def new_mark() -> dict[str, str]:
    """An environment that nothing else on this machine has."""
    return {"SANDBOX_MARK": uuid.uuid4().hex}


def marked(mark: dict[str, str]) -> list[int]:
    """The processes that run with `mark`, bubblewrap's own left out."""
    return _with(mark, "environ")


def bubblewraps(mark: dict[str, str]) -> list[int]:
    """bubblewrap's own processes for sandboxes with `mark`."""
    return _with(mark, "cmdline")


def _with(mark: dict[str, str], file: str) -> list[int]:
    sought = mark["SANDBOX_MARK"].encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                if sought in (entry / file).read_bytes():
                    found.append(int(entry.name))
    return found


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether `condition` comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
