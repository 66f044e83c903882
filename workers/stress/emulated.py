"""The machine `user`: QEMU's user mode, which translates one program and hands its calls to the host's kernel."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.stress.processes import MachineError, Process, Session, Watch, page_name, unwatched
from workers.stress.sandboxed import run_each

EMULATOR = "qemu-aarch64-static"
PAGE = 4096
"""Bytes; what every QEMU gives an aarch64 program whose page size nobody sets."""


@dataclass(frozen=True)
class UserEmulation:
    """Runs processes in the sandbox under `qemu-aarch64-static`, on 4K pages.

    It sees neither user time nor peak memory (both 0), and there are no cores, maps or kernel logs. Raises
    `MachineError` for other pages: the emulator's option for them changes what a program reads, not what its calls do.
    """

    page_size: int
    name: str = field(default="user", init=False)

    def __post_init__(self) -> None:
        if self.page_size != PAGE:
            raise MachineError(
                f"the machine user has 4K pages only, not {page_name(self.page_size)}: qemu-user tells a program "
                "another page size, but protects and frees by 4K, or ignores the option. Use the machine vm"
            )
        if shutil.which(EMULATOR) is None:
            raise MachineError(f"{EMULATOR} is missing (Debian: apt-get install qemu-user-static)")

    def run(self, files: Mapping[str, Path], processes: Sequence[Process], watch: Watch = unwatched) -> Session:
        """See `Machine.run`. Raises `ValueError` for processes that no machine can be asked for."""
        return run_each(PAGE, files, processes, watch, lambda process: (EMULATOR, *process.argv))
