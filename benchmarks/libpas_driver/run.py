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

from benchmarks.libpas_driver.build import MissingToolError, Toolchain
from benchmarks.libpas_driver.source import LIBPAS

TIME_LIMIT = 30.0
"""Seconds. On a good tree the longest phase takes 1.3 s on an idle machine."""
MEMORY_LIMIT = 4 << 30
"""Bytes resident. On a good tree no phase has more than 0.3 GiB."""

SIGNAL = re.compile(r"^signal (\d+) pc 0x([0-9a-f]+) address 0x([0-9a-f]+)$", re.MULTILINE)
FRAME = re.compile(r"^frame 0x([0-9a-f]+)$", re.MULTILINE)
OTHER_OUTPUT = re.compile(r"^(?:signal |frame 0x|phase )")
MESSENGERS = re.compile(r"pas_(?:assertion_failed|panic|report_|deallocation_did_fail|reallocation_did_fail)")
"""Functions of libpas that end the process for another one."""


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
class Place:
    """A line of libpas or of the driver; `file` has no directory."""

    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}"


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
    def own_places(self) -> tuple[Place, ...]:
        """The assertion, or the access, that trapped, and its callers: without what a failing assertion calls."""
        messengers = [index for index, place in enumerate(self.places) if MESSENGERS.match(place.function)]
        return self.places[messengers[-1] + 1 :] if messengers else self.places

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

    def phases(self, binary: Path) -> list[str]:
        """The names of the driver's phases, in its order."""
        told = subprocess.run([self.program, str(binary), "--list"], capture_output=True, text=True, check=True)
        return told.stdout.split()


def find_emulator() -> Emulator:
    """Raises `MissingToolError`."""
    for name in ("qemu-aarch64-static", "qemu-aarch64"):
        if shutil.which(name) is not None:
            return Emulator(name)
    raise MissingToolError("qemu-aarch64-static is not on PATH (Debian: apt-get install qemu-user-static)")


def run_phase(emulator: Emulator, toolchain: Toolchain, binary: Path, phase: str, page_size: int) -> Outcome:
    """Runs one phase on OS pages of `page_size` bytes."""
    command = [emulator.program, "-p", str(page_size), str(binary), phase]
    output, stopped = _limited(command)
    return outcome_of(phase, page_size, output, stopped, lambda addresses: _places(toolchain, binary, addresses))


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
    told = [line for line in output.splitlines() if line and not OTHER_OUTPUT.match(line)]
    said = told[-1] if told else ""
    if stopped is not None:
        return Outcome(phase, page_size, stopped, said=said)
    trap = SIGNAL.search(output)
    if trap is not None:
        # A return address is behind its call.
        addresses = [int(trap[2], 16), *(int(frame[1], 16) - 4 for frame in FRAME.finditer(output, trap.end()))]
        name = signal.Signals(int(trap[1])).name
        return Outcome(phase, page_size, Ending.TRAP, name, tuple(places(addresses)), said)
    for ending in (Ending.OK, Ending.WRONG_CONTENTS, Ending.NO_MEMORY):
        if said.startswith(ending.value):
            return Outcome(phase, page_size, ending, said="" if ending is Ending.OK else said)
    return Outcome(phase, page_size, Ending.OTHER, said=said)


def _places(toolchain: Toolchain, binary: Path, addresses: Sequence[int]) -> list[Place]:
    told = subprocess.run(
        [toolchain.addr2line, "-i", "-f", "-e", str(binary), *(f"{address:#x}" for address in addresses)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return known_places(told)


def known_places(told: str) -> list[Place]:
    """addr2line's answer as places, without those of the C library."""
    lines = told.splitlines()
    pairs = zip(lines[::2], lines[1::2], strict=False)
    found = (re.search(rf"(?:{LIBPAS}|/driver)/([\w.]+):(\d+)", where) for _function, where in pairs)
    return [
        Place(function, match[1], int(match[2]))
        for function, match in zip(lines[::2], found, strict=False)
        if match is not None
    ]
