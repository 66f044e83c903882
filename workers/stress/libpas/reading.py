"""What the driver's output and its end say. Pure, and the output may be anything: libpas can print, too."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workers.stress.libpas.crashes import Place, own_places
from workers.stress.processes import Ended
from workers.stress.subjects import Reading
from workers.stress.verdicts import Crash, Verdict

WRONG_CONTENTS, REFUSED, HARNESS, BROKEN_PROMISE = 3, 4, 5, 6
"""Exit statuses of the driver (c/driver.h)."""

MOST_FRAMES = 24
MOST_PROGRESS = 200

SIGNAL = re.compile(r"^signal (\d{1,3}) pc 0x([0-9a-f]{1,16}) address 0x([0-9a-f]{1,16})$", re.MULTILINE | re.ASCII)
FRAME = re.compile(r"^frame 0x([0-9a-f]{1,16})$", re.MULTILINE | re.ASCII)
END = re.compile(r"ok ([0-9a-f]{16})", re.ASCII)
NO_PROGRESS = re.compile(r"^(?:signal \d|frame 0x|phase |qemu: |ok [0-9a-f]{16}$)")

FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})
"""Signals that no fault raises: somebody ended the process."""

Locate = Callable[[Sequence[int]], Sequence[Place]]
"""The source lines of code addresses, nearest first, with inlined functions; empty where nothing is known."""


@dataclass(frozen=True)
class Told:
    """The driver's output. `signal`: the number it told of; `addresses`: of the fault, and of the calls to it."""

    opening: str
    last: str
    progress: str
    signal: int | None
    addresses: tuple[int, ...]


def told_in(output: str) -> Told:
    """Reads the output; each part is empty where it isn't there."""
    lines = output.split("\n")
    # What comes behind the last newline is a line that was cut off.
    whole = lines[:-1]
    telling = [line for line in whole if line and not NO_PROGRESS.match(line)]
    trap = next(reversed(list(SIGNAL.finditer(output))), None)
    addresses: list[int] = []
    if trap is not None:
        # A return address is behind its call.
        frames = [int(frame[1], 16) - 4 for frame in FRAME.finditer(output, trap.end())]
        addresses = [int(trap[2], 16), *(frame for frame in frames[:MOST_FRAMES] if frame > 0)]
    return Told(
        opening=whole[0] if whole else "",
        last=whole[-1] if whole and not lines[-1] else "",
        progress=_printable(telling[-1]) if telling else "",
        signal=int(trap[1]) if trap is not None else None,
        addresses=tuple(addresses),
    )


def read_ended(
    phase: str, seed: int, ended: Ended, locate: Locate, rules: Callable[[Sequence[Place]], tuple[str, ...]]
) -> Reading:
    """The verdict on a process of the driver, by the table of outcomes.

    An allocation that returned null where null is an answer is inconclusive: the phase could not go on, and libpas did
    nothing wrong. Where libpas promises memory, it is a failure.
    """
    told = told_in(ended.stdout)
    if ended.signal is not None:
        return _killed(told, ended.signal, locate, rules)
    if ended.status == 0:
        return _ended_well(phase, seed, told)
    if ended.status in {WRONG_CONTENTS, BROKEN_PROMISE}:
        return Reading(Verdict.FAIL, told.progress or "wrong contents", progress=told.progress)
    if ended.status == REFUSED:
        return Reading(Verdict.INCONCLUSIVE, told.progress or "no memory", progress=told.progress)
    if ended.status in {126, 127}:
        return Reading(Verdict.ERROR, f"the driver could not be run (exit status {ended.status})")
    said = told.progress or _printable(ended.stderr.strip().split("\n")[-1])
    return Reading(Verdict.ERROR, f"exit status {ended.status}: {said}", progress=told.progress)


def _ended_well(phase: str, seed: int, told: Told) -> Reading:
    end = END.fullmatch(told.last)
    if told.signal is not None:
        return Reading(Verdict.ERROR, "told of a fatal signal, and ended with exit status 0", progress=told.progress)
    if end is None:
        return Reading(Verdict.ERROR, "exit status 0 without the end line", progress=told.progress)
    if told.opening != f"phase {phase} seed {seed}":
        return Reading(Verdict.ERROR, "the first line is not that of the phase", progress=told.progress)
    return Reading(Verdict.PASS, progress=told.progress, checksum=end[1])


def _killed(told: Told, number: int, locate: Locate, rules: Callable[[Sequence[Place]], tuple[str, ...]]) -> Reading:
    name = _signal_name(number)
    if number in FROM_OUTSIDE:
        return Reading(Verdict.ERROR, f"{name}, which no fault raises", signal=name, progress=told.progress)
    places = locate(told.addresses) if told.addresses else ()
    crash = _crash(places, rules)
    where = f" at {crash.file}:{crash.line}, {crash.function}" if crash is not None else ""
    return Reading(Verdict.FAIL, f"{name}{where}", signal=name, progress=told.progress, crash=crash)


def _crash(places: Sequence[Place], rules: Callable[[Sequence[Place]], tuple[str, ...]]) -> Crash | None:
    own = own_places(places)
    if not own:
        return None
    return Crash(own[0].function, own[0].file, own[0].line, rules(places))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:MOST_PROGRESS]
