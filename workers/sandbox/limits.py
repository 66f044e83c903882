"""What a sandbox allows, and how a command in it ended: plain data."""

from __future__ import annotations

from dataclasses import dataclass


class SandboxError(Exception):
    """Bubblewrap cannot work here. The text says what to install or set."""


@dataclass(frozen=True)
class Limits:
    """What one command and everything it starts may use.

    `seconds` of wall time. `memory`: bytes resident, the sum over its processes, files of the toolchain left out; the
    watcher looks every `TICK`. `processes`: processes and threads at one time. `file_size`: bytes of one file. `disk`:
    bytes in `/tmp`, which is memory too and comes on top of `memory`. `output`: bytes of each captured stream.
    `address_space`: bytes of each process, `memory` unless told; for programs that reserve more than they use.
    """

    seconds: float = 120.0
    memory: int = 2 << 30
    processes: int = 64
    file_size: int = 256 << 20
    disk: int = 512 << 20
    output: int = 16 << 20
    address_space: int | None = None


TICK = 0.05
"""Seconds between two looks at the memory of a sandbox."""


@dataclass(frozen=True)
class Finished:
    """How a command ended. Exactly one of `status` and `signal` is set.

    Bubblewrap and the shells tell a signal n as status 128 + n. So statuses 129 to 192 are read as signals 1 to 64,
    whether the command died of it, a child that its shell waited for, or it chose that status itself. Status 127 is a
    command that isn't there, 126 one that cannot be run.

    `stopped` is "time", "memory" or "output" when a limit ended it; the signal is then SIGKILL. The streams are cut to
    `Limits.output`.
    """

    status: int | None
    signal: int | None
    stdout: bytes
    stderr: bytes
    stopped: str | None = None
