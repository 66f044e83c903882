"""What the guest's supervisor is to do, in the form in which it reads it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workers.stress.processes import Process

_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
_NONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Plan:
    """One session of a guest. `nonce`: 32 hexadecimal digits that nobody can guess. `page_size` in bytes."""

    nonce: str
    page_size: int
    processes: tuple[Process, ...]

    def __post_init__(self) -> None:
        if not _NONCE.fullmatch(self.nonce):
            raise ValueError("a nonce has 32 hexadecimal digits")
        require_sound(self.processes)

    @property
    def content(self) -> bytes:
        """The file: fields that each end in a NUL. Lists come after the number of their fields."""
        fields: list[str] = [self.nonce, str(self.page_size), str(len(self.processes))]
        for process in self.processes:
            fields += [process.id, str(max(1, round(process.seconds * 1000))), str(process.memory)]
            fields += _counted(process.argv)
            fields += _counted(f"{name}={value}" for name, value in environment(process))
        return b"".join(field.encode("utf-8", "surrogateescape") + b"\0" for field in fields)


def require_sound(processes: Sequence[Process]) -> None:
    """Raises `ValueError` for processes that no machine can be asked to run: the caller's mistake."""
    seen: set[str] = set()
    for process in processes:
        if not _ID.fullmatch(process.id):
            raise ValueError(f"{process.id!r} is no id of a process: letters, digits, '.', '_' and '-' are allowed")
        if process.id in seen:
            raise ValueError(f"two processes have the id {process.id}")
        seen.add(process.id)
        if not process.argv or not process.argv[0].startswith("/"):
            raise ValueError(f"{process.id}: the program must be an absolute path, as /subject/harness")
        if not process.seconds > 0 or not process.memory > 0:
            raise ValueError(f"{process.id}: it needs seconds and memory")
        words = [*process.argv, *(word for pair in process.environment for word in pair)]
        if any("\0" in word for word in words):
            raise ValueError(f"{process.id}: no argument can have a NUL")
        if any(not name or "=" in name for name, _ in process.environment):
            raise ValueError(f"{process.id}: the name of a variable has a character and no '='")


def environment(process: Process) -> tuple[tuple[str, str], ...]:
    """All variables of a process, on every machine: its own, and a few that programs want."""
    given = dict(process.environment)
    return tuple({"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", **given}.items())  # noqa: S108 the guest's


def _counted(fields: Iterable[str]) -> list[str]:
    listed = list(fields)
    return [str(len(listed)), *listed]
