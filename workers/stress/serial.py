"""What the supervisor says on the serial port, held against the plan and the host's own clock. Pure.

Only lines with the nonce are the supervisor's; all else is noise of the kernel. They must come in the order of the
plan: boot, begin and end of each process, done. Whatever else they do, nothing of the session is believed.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from workers.stress.plan import Plan
from workers.stress.processes import Process

BOOT_SECONDS = 60.0
IDLE_SECONDS = 30.0
"""Between two processes, and after the last one until the machine is off."""
KEEP_SECONDS = 60.0
"""What a process may take longer than its limit: its remains are killed, and its evidence goes to the disk."""
CLOCK_SECONDS = 2.0
"""How far the guest's clock may run before the host's, apart from a tenth. Under TCG it is the host's clock."""
LATE_SECONDS = 30.0
"""How far it may be behind: lines are read late on a busy host."""

_SHAPES: Mapping[str, Mapping[str, type]] = {
    "boot": {"page": int, "smaps": int, "at_4k": int, "at_16k": int, "at_64k": int},
    "begin": {"id": str},
    "end": {
        "id": str,
        **dict.fromkeys(("status", "signal", "errno", "wall", "user", "peak", "span"), int),
        **dict.fromkeys(("timed_out", "out_of_memory", "dumped", "kept"), bool),
    },
    "done": {"count": int},
    "trouble": {"what": str, "errno": int},
}


@dataclass(frozen=True)
class End:
    """How a process ended. Times in seconds, `peak` in bytes; `kept`: its evidence is on the disk.

    One of `status`, `signal` and `refusal` (an errno: it could not be started) is set. `dumped`: there was a core.
    """

    id: str
    status: int | None
    signal: int | None
    refusal: int | None
    timed_out: bool
    out_of_memory: bool
    dumped: bool
    wall: float
    user: float
    peak: int
    kept: bool


class Stage(Enum):
    """What the supervisor is at."""

    BOOTING = auto()
    IDLE = auto()
    RUNNING = auto()
    DONE = auto()


class _LieError(Exception):
    """A line that the supervisor cannot have meant. The text says why."""


@dataclass(frozen=True)
class Heard:
    """What was heard so far. Times are those of the host's monotonic clock, in seconds.

    `page_size` is the proven one. After a `trouble` nothing more is heard; where it `lied`, nothing is believed.
    """

    plan: Plan
    since: float
    """When the stage began."""
    stage: Stage = Stage.BOOTING
    page_size: int | None = None
    ends: tuple[End, ...] = ()
    lines: int = 0
    trouble: str | None = None
    lied: bool = False
    boot_seconds: float = BOOT_SECONDS

    @property
    def process(self) -> Process | None:
        """The process that runs, or the one that is next."""
        return self.plan.processes[len(self.ends)] if len(self.ends) < len(self.plan.processes) else None

    @property
    def deadline(self) -> float:
        """When the next line must be there (or, after the last one, the machine be off)."""
        if self.stage is Stage.BOOTING:
            return self.since + self.boot_seconds
        if self.stage is Stage.RUNNING and self.process is not None:
            return self.since + self.process.seconds + KEEP_SECONDS
        return self.since + IDLE_SECONDS

    @property
    def awaited(self) -> str:
        """What the next line would tell."""
        if self.stage is Stage.BOOTING:
            return "the proof of the page size"
        if self.stage is Stage.RUNNING and self.process is not None:
            return f"the end of {self.process.id}"
        if self.stage is Stage.IDLE:
            return f"the start of {self.process.id}" if self.process is not None else "the end of the session"
        return "the machine to turn itself off"


def hear(heard: Heard, line: bytes, at: float) -> Heard:
    """What is known after one more line of the serial port, which was read `at` that time."""
    if heard.trouble is not None or heard.plan.nonce.encode() not in line:
        return heard
    try:
        said = _read(line, heard)
        return replace(_STEPS[said["say"]](heard, said, at), lines=heard.lines + 1)
    except _LieError as lie:
        return replace(heard, trouble=f"the supervisor is not to be believed: {lie}", lied=True)


def in_trouble(heard: Heard, text: str, *, lied: bool = False) -> Heard:
    """The same with `text` as its trouble, unless it was in one already."""
    return heard if heard.trouble is not None else replace(heard, trouble=text, lied=lied)


def _read(line: bytes, heard: Heard) -> dict[str, Any]:
    try:
        said = json.loads(line.decode("ascii"))
    except ValueError:
        raise _LieError("a line of it is damaged") from None
    if not isinstance(said, dict) or not isinstance(said.get("say"), str) or said["say"] not in _SHAPES:
        raise _LieError("a line of it says nothing that is known")
    shape = {"nonce": str, "line": int, "say": str, **_SHAPES[said["say"]]}
    if {name: type(value) for name, value in said.items()} != shape or said["nonce"] != heard.plan.nonce:
        raise _LieError(f"its {said['say']} line has not the form that was agreed")
    if said["line"] != heard.lines:
        raise _LieError(f"line {said['line']} came where line {heard.lines} was awaited")
    return said


def _require(heard: Heard, stage: Stage, say: str) -> None:
    if heard.stage is not stage:
        raise _LieError(f"it said {say} where {heard.awaited} was awaited")


def _boot(heard: Heard, said: Mapping[str, Any], at: float) -> Heard:
    _require(heard, Stage.BOOTING, "boot")
    page = said["page"]
    answers = {size: 0 if size >= page else errno.EINVAL for size in (4096, 16384, 65536)}
    seen = {4096: said["at_4k"], 16384: said["at_16k"], 65536: said["at_64k"]}
    if page != said["smaps"] or seen != answers:
        text = f"the kernel contradicts itself on its page size: getpagesize() {page}, smaps {said['smaps']}"
        return in_trouble(heard, f"{text}, mprotect at offsets {seen}", lied=True)
    booted = replace(heard, stage=Stage.IDLE, since=at, page_size=page)
    if page != heard.plan.page_size:
        text = f"the kernel has pages of {page} bytes where {heard.plan.page_size} were asked for"
        return in_trouble(booted, text, lied=True)
    return booted


def _begin(heard: Heard, said: Mapping[str, Any], at: float) -> Heard:
    _require(heard, Stage.IDLE, "begin")
    if heard.process is None or said["id"] != heard.process.id:
        raise _LieError(f"it began {said['id']} where {heard.awaited} was awaited")
    return replace(heard, stage=Stage.RUNNING, since=at)


def _end(heard: Heard, said: Mapping[str, Any], at: float) -> Heard:
    _require(heard, Stage.RUNNING, "end")
    process = heard.process
    if process is None or said["id"] != process.id:
        raise _LieError(f"it ended {said['id']} where {heard.awaited} was awaited")
    _require_times(process, said, at - heard.since)
    started = said["errno"] == 0
    exited = started and said["signal"] == 0 and 0 <= said["status"] <= 255
    killed = started and said["status"] == -1 and 0 < said["signal"] <= 64
    refused = said["errno"] > 0 and said["signal"] == 0 and said["status"] == -1
    if not (exited or killed or refused):
        raise _LieError(f"it says that {process.id} ended in no way that there is")
    end = End(
        id=process.id,
        status=said["status"] if exited else None,
        signal=said["signal"] if killed else None,
        refusal=said["errno"] if refused else None,
        timed_out=said["timed_out"],
        out_of_memory=said["out_of_memory"],
        dumped=said["dumped"],
        wall=said["wall"] / 1000,
        user=said["user"] / 1000,
        peak=said["peak"],
        kept=said["kept"],
    )
    return replace(heard, stage=Stage.IDLE, since=at, ends=(*heard.ends, end))


def _require_times(process: Process, said: Mapping[str, Any], passed: float) -> None:
    wall, span = said["wall"] / 1000, said["span"] / 1000
    if min(wall, said["user"], said["peak"]) < 0 or wall > span:
        raise _LieError(f"the times of {process.id} cannot be")
    if passed < span * 0.9 - CLOCK_SECONDS or passed > span * 1.1 + LATE_SECONDS:
        raise _LieError(f"it says that {process.id} took {span:.1f} s, and by the host's clock it took {passed:.1f} s")
    if said["timed_out"] and wall < process.seconds * 0.99 - 0.1:
        raise _LieError(f"it says that {process.id} timed out after {wall:.1f} s, and its limit is {process.seconds} s")


def _done(heard: Heard, said: Mapping[str, Any], at: float) -> Heard:
    _require(heard, Stage.IDLE, "done")
    if heard.process is not None or said["count"] != len(heard.ends):
        raise _LieError(f"it said done after {len(heard.ends)} of {len(heard.plan.processes)} processes")
    return replace(heard, stage=Stage.DONE, since=at)


def _gave_up(heard: Heard, said: Mapping[str, Any], _at: float) -> Heard:
    why = f" ({os.strerror(said['errno'])})" if said["errno"] else ""
    return in_trouble(heard, f"the supervisor gave up: {said['what']}{why}")


_STEPS = {"boot": _boot, "begin": _begin, "end": _end, "done": _done, "trouble": _gave_up}
