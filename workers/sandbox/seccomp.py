"""The system calls that would lead round the limits, as a seccomp program for bubblewrap."""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

from workers.sandbox.limits import SandboxError

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Opcodes of classic BPF: `BPF_LD|W|ABS`, `BPF_JMP|JEQ|K`, `JGE`, `JSET`, `BPF_RET|K` (linux/bpf_common.h)."""
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in `struct seccomp_data` (linux/seccomp.h); the low half of an argument on a little-endian machine."""
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_NEWUSER = 0x10000000
_X32 = 0x40000000
"""x86-64 has a second table of calls behind this bit."""


@dataclass(frozen=True)
class _Machine:
    audit: int
    clone: int
    denied: tuple[int, ...]


# In both: unshare, setns, clone3 (glibc then uses clone, whose flags can be read), memfd_create, memfd_secret, shmget,
# msgget, add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd, io_uring_setup. A user namespace of its own
# would let a command mount a tmpfs without bound; memory files and System V segments are memory that no process shows
# as resident; the session's keyring may hold secrets of the host. Numbers: asm/unistd_64.h and asm-generic/unistd.h.
_MACHINES = {
    "x86_64": _Machine(0xC000003E, 56, (272, 308, 435, 319, 447, 29, 68, 248, 249, 250, 321, 298, 323, 425)),
    "aarch64": _Machine(0xC00000B7, 220, (97, 268, 435, 279, 447, 194, 186, 217, 218, 219, 280, 241, 282, 425)),
}


def seccomp_program(machine: str | None = None) -> bytes:
    """The program for `machine` (this one unless told): `struct sock_filter[]`, for `bwrap --seccomp`.

    Denied calls answer ENOSYS; `clone` into a user namespace EPERM. Raises `SandboxError` for another machine.
    """
    name = machine or platform.machine()
    if name not in _MACHINES:
        raise SandboxError(f"the sandbox knows the system calls of x86_64 and aarch64 only, this is {name}")
    known = _MACHINES[name]
    calls = len(known.denied)
    # The end of the program: allow, ENOSYS, EPERM, kill. Jumps count the instructions between.
    body = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, calls + 8, known.audit),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, calls + 3 + 1, 0, _X32),
        *((_EQUAL, calls - at + 3, 0, number) for at, number in enumerate(known.denied)),
        (_EQUAL, 0, 2, known.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 2, 0, _CLONE_NEWUSER),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _KILL),
    ]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in body)
