"""What a machine runs, and what it tells of it: plain data between subjects and machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from config.page_sizes import PAGE_SIZES

DEFAULT_MEMORY = 1536 << 20
"""Bytes resident that a process may use unless told."""
MOST_OUTPUT = 256 << 10
"""Bytes of one stream that are kept: the first quarter and the last three."""


class Cancelled(Exception):
    """Whoever wanted the work does not want it any more. Raised by a `Watch` to stop a machine."""


class MachineError(Exception):
    """A machine that cannot be had here. The text says what is missing and what to install or set."""


@dataclass(frozen=True)
class Process:
    """One process to be run. `id` names it within a session: letters, digits, `.`, `_` and `-`.

    `argv` is as the guest sees it; files of the session lie below `/subject`. `seconds` of wall time.
    """

    id: str
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    seconds: float = 60.0
    memory: int = DEFAULT_MEMORY


@dataclass(frozen=True)
class Ended:
    """How a process ended, as the machine's supervisor saw it; never as the process told.

    Exactly one of `status` and `signal` is set where the process was started; neither where it could not be, and
    `refusal` says why. Times are seconds, `peak_memory` bytes resident. The streams are cut to `MOST_OUTPUT`. `maps`
    (with thread states) is there after a timeout, `core` (gzip) where the kernel wrote one and the machine keeps it.
    """

    id: str
    status: int | None = None
    signal: int | None = None
    refusal: str | None = None
    timed_out: bool = False
    out_of_memory: bool = False
    wall: float = 0.0
    user: float = 0.0
    peak_memory: int = 0
    stdout: str = ""
    stderr: str = ""
    kernel_log: str = ""
    maps: str = ""
    core: bytes | None = None


@dataclass(frozen=True)
class Session:
    """What a machine told of its processes, in the order in which they were asked for.

    `trouble` says why some or all of them are missing: the machine's fault, never a subject's. Where the page size was
    not what was asked for, nothing has `ended`. `page_size` (bytes) is the proven one, or None. `log` is the tail of
    the machine's console.
    """

    page_size: int | None
    ended: tuple[Ended, ...]
    trouble: str | None = None
    log: str = ""


Watch = Callable[[str], None]
"""Told the id of each process when it starts, and "" about once a second in between. It may raise `Cancelled`."""


def unwatched(_process_id: str) -> None:
    """Watches nothing."""


class Machine(Protocol):
    """Something that runs processes for aarch64 on pages of one size."""

    @property
    def name(self) -> str:
        """`vm`, `native` or `user`."""
        ...

    @property
    def page_size(self) -> int:
        """The OS page size, in bytes, that is asked for."""
        ...

    def run(self, files: Mapping[str, Path], processes: Sequence[Process], watch: Watch = unwatched) -> Session:
        """Runs `processes` one after another. `files`: path below `/subject` → a file or directory of the host.

        Raises `MachineError` when it cannot be had here, and what `watch` raises, having stopped everything.
        """
        ...


def page_name(page_size: int) -> str:
    """`64K` for 65536."""
    return next(name for name, size in PAGE_SIZES.items() if size == page_size)
