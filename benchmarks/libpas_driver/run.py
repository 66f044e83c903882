"""One phase of the driver under qemu, and how it ended: with ok, or with the assertion that trapped."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workers.stress.libpas.crashes import Place, own_places
from workers.stress.libpas.reading import END, told_in
from workers.stress.libpas.subject import locate
from workers.stress.libpas.toolchain import Toolchain

TIME_LIMIT = 30.0
"""Seconds. On a good tree the longest phase takes 1.3 s on an idle machine."""
MEMORY_LIMIT = 4 << 30
"""Bytes resident. On a good tree no phase has more than 0.3 GiB."""

SEED = 1
"""The run whose facts the study's page tells."""


class MissingToolError(Exception):
    """A program that is not on this machine. The text names it and Debian's package."""


class Ending(StrEnum):
    """How a phase ended."""

    OK = "ok"
    TRAP = "trap"
    WRONG_CONTENTS = "wrong contents"
    NO_MEMORY = "no memory"
    HANG = "hang"
    TOO_LARGE = "too much memory"
    OTHER = "other"


@dataclass(frozen=True)
class Outcome:
    """A phase on one OS page size, in bytes.

    For a trap: the signal's name, and where it was, with all callers, nearest first. `said` is the last line that tells
    something.
    """

    phase: str
    page_size: int
    ending: Ending
    signal: str | None = None
    places: tuple[Place, ...] = ()
    said: str = ""

    @property
    def own_places(self) -> Sequence[Place]:
        """The assertion, or the access, that trapped, and its callers: without what a failing assertion calls."""
        return own_places(self.places)

    @property
    def place(self) -> Place | None:
        """The assertion, or the access, that trapped."""
        return self.own_places[0] if self.own_places else None


@dataclass(frozen=True)
class Emulator:
    """qemu's user mode for aarch64."""

    program: str

    @property
    def version(self) -> str:
        """As qemu tells it."""
        told = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout
        return told.splitlines()[0]


def find_emulator() -> Emulator:
    """Raises `MissingToolError`."""
    for name in ("qemu-aarch64-static", "qemu-aarch64"):
        if shutil.which(name) is not None:
            return Emulator(name)
    raise MissingToolError("qemu-aarch64-static is not on PATH (Debian: apt-get install qemu-user-static)")


def run_phase(emulator: Emulator, toolchain: Toolchain, binary: Path, phase: str, page_size: int) -> Outcome:
    """Runs one phase on OS pages of `page_size` bytes."""
    command = [emulator.program, "-p", str(page_size), str(binary), phase, str(SEED)]
    output, stopped = _limited(command)
    return outcome_of(phase, page_size, output, stopped, lambda addresses: locate(toolchain, binary, addresses))


def _limited(command: Sequence[str]) -> tuple[str, Ending | None]:
    """What the command printed, and why it was stopped, if it was."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        deadline = time.monotonic() + TIME_LIMIT
        while True:
            try:
                return process.communicate(timeout=0.1)[0].decode(errors="replace"), None
            except subprocess.TimeoutExpired:
                stopped = _over_a_limit(process.pid, deadline)
            if stopped is not None:
                process.kill()
                return process.communicate()[0].decode(errors="replace"), stopped


def _over_a_limit(process: int, deadline: float) -> Ending | None:
    if time.monotonic() > deadline:
        return Ending.HANG
    try:
        resident = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    except OSError:
        return None
    return Ending.TOO_LARGE if resident is not None and int(resident[1]) * 1024 > MEMORY_LIMIT else None


def outcome_of(
    phase: str,
    page_size: int,
    output: str,
    stopped: Ending | None,
    places: Callable[[Sequence[int]], Iterable[Place]],
) -> Outcome:
    """What the driver's output says. `places` gives the source lines of code addresses, inlined functions first."""
    told = told_in(output)
    if stopped is not None:
        return Outcome(phase, page_size, stopped, said=told.progress)
    if told.signal is not None:
        places_seen = tuple(places(told.addresses))
        return Outcome(phase, page_size, Ending.TRAP, signal.Signals(told.signal).name, places_seen, told.progress)
    if END.fullmatch(told.last):
        return Outcome(phase, page_size, Ending.OK)
    for ending in (Ending.WRONG_CONTENTS, Ending.NO_MEMORY):
        if told.progress.startswith(ending.value):
            return Outcome(phase, page_size, ending, said=told.progress)
    return Outcome(phase, page_size, Ending.OTHER, said=told.progress)
