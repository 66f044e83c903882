"""What our script and the engine that ran it say of a phase, by the table of outcomes. Pure."""

from __future__ import annotations

import re
import signal

from workers.stress.processes import Ended
from workers.stress.subjects import Reading
from workers.stress.verdicts import Verdict

FATAL = frozenset({"SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"})
"""Signals by which a process ends itself; any other was sent by somebody."""
NOT_STARTED = (126, 127)
"""Exit statuses of shells and loaders that could not run a program."""

_CHECKSUM = re.compile(r"checksum ([0-9a-f]{8})")
_LONGEST = 200


def read_script(phase: str, seed: int, ended: Ended, *, may_lack_threads: bool = False) -> Reading:
    """The verdict on a process that ran our script.

    Only exit status 0 with the first line, a checksum and, last, the end line passes. `may_lack_threads`: where the
    engine says that it offers no threads, that is no verdict on it; else it is an error, as the engine is known to.
    """
    lines = ended.stdout.split("\n")
    began = f"phase {phase} seed {seed}" in lines[:1]
    progress = _progress(lines)
    if ended.signal is not None:
        return _of_signal(signal_name(ended.signal), progress)
    if not began:
        return Reading(Verdict.ERROR, _not_begun(ended), progress=progress)
    if ended.status in NOT_STARTED:
        return Reading(Verdict.ERROR, f"exit status {ended.status}: {_complaint(ended)}", progress=progress)
    if ended.status != 0:
        return Reading(Verdict.FAIL, f"exit status {ended.status}: {_complaint(ended)}", progress=progress)
    if lines[-2:] != [f"end {phase} ok", ""]:
        return Reading(Verdict.ERROR, "exit status 0 without the end line", progress=progress)
    return _of_complete(phase, lines, progress, may_lack_threads)


def signal_name(number: int) -> str:
    """`SIGTRAP` for 5."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _of_signal(name: str, progress: str) -> Reading:
    when = f"after `{progress}`" if progress else "before its first line"
    if name in FATAL:
        return Reading(Verdict.FAIL, f"{name} {when}", signal=name, progress=progress)
    return Reading(Verdict.ERROR, f"{name} from elsewhere, {when}", signal=name, progress=progress)


def _of_complete(phase: str, lines: list[str], progress: str, may_lack_threads: bool) -> Reading:
    before = lines[-3] if len(lines) > 3 else ""
    if match := _CHECKSUM.fullmatch(before):
        return Reading(Verdict.PASS, progress=progress, checksum=match[1])
    if before.startswith(f"unavailable {phase}: "):
        reason = before.removeprefix(f"unavailable {phase}: ")[:_LONGEST]
        return Reading(Verdict.UNAVAILABLE if may_lack_threads else Verdict.ERROR, reason, progress=progress)
    return Reading(Verdict.ERROR, "an end line without a checksum", progress=progress)


def _progress(lines: list[str]) -> str:
    """The last line that the script told of its work."""
    told = [line for line in lines if line.startswith(("phase ", "progress ", "end "))]
    return told[-1][:_LONGEST] if told else ""


def _not_begun(ended: Ended) -> str:
    return f"exit status {ended.status} before its first line: {_complaint(ended)}"


def _complaint(ended: Ended) -> str:
    """What the script said was wrong, else what the engine did: its first line that tells of an error, or its last."""
    words = ended.stdout.splitlines()
    said = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
    told = [line for line in words if line.startswith(("wrong: ", "error: "))] or [
        line for line in said if "rror: " in line
    ]
    return next(iter([*told, *said[-1:]]), "it said nothing")[:_LONGEST]
