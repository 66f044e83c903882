"""What the supervisor said and what it left on the disk, put together. Pure.

A process counts only with both: its end said in order, and its evidence whole.
"""

from __future__ import annotations

import os

from workers.stress import evidence_disk
from workers.stress.evidence_disk import DamagedError, Frame, Kind
from workers.stress.processes import Ended, Session
from workers.stress.serial import End, Heard
from workers.stress.streams import KEPT, joined
from workers.stress.supervisor import MOST_KERNEL_LOG, MOST_MAPS


def session_of(heard: Heard, frames: tuple[Frame, ...], log: str) -> Session:
    """The session. Where the supervisor is not to be believed, nothing has ended."""
    if heard.lied:
        return Session(heard.page_size, (), heard.trouble, log)
    ended: list[Ended] = []
    troubles = [heard.trouble] if heard.trouble is not None else []
    for number, end in enumerate(heard.ends):
        try:
            ended.append(_ended(end, frames, number))
        except DamagedError as error:
            troubles.append(f"{end.id} has no evidence: {error}")
    return Session(heard.page_size, tuple(ended), "; ".join(troubles) or None, log)


def _ended(end: End, frames: tuple[Frame, ...], number: int) -> Ended:
    if not end.kept:
        raise DamagedError("the disk is full or broken")
    kinds = evidence_disk.of_process(frames, number)
    kernel_log = _text(kinds[Kind.KERNEL_LOG], MOST_KERNEL_LOG)
    core = None
    if end.dumped:
        try:
            core = evidence_disk.core(kinds[Kind.CORE])
        except KeyError:
            kernel_log += "[pagewarden] the core is not kept: there was no room for it\n"
        except DamagedError as error:
            kernel_log += f"[pagewarden] the core is not kept: {error}\n"
    return Ended(
        id=end.id,
        status=end.status,
        signal=end.signal,
        refusal=None if end.refusal is None else f"it could not be started: {os.strerror(end.refusal)}",
        timed_out=end.timed_out,
        out_of_memory=end.out_of_memory,
        wall=end.wall,
        user=end.user,
        peak_memory=end.peak,
        stdout=_text(kinds[Kind.STDOUT], KEPT),
        stderr=_text(kinds[Kind.STDERR], KEPT),
        kernel_log=kernel_log,
        maps=_text(kinds[Kind.MAPS], MOST_MAPS),
        core=core,
    )


def _text(frame: Frame, size: int) -> str:
    return joined(frame.content, frame.total, size)
