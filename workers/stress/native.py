"""The machine `native`: an arm64 host itself, with the pages that its kernel has."""

from __future__ import annotations

import mmap
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.stress.processes import MachineError, Process, Session, Watch, page_name, unwatched
from workers.stress.sandboxed import run_each


@dataclass(frozen=True)
class Native:
    """Runs processes in the sandbox of this host. Raises `MachineError` where it has another architecture or page size.

    It sees neither user time nor peak memory (both 0), and there are no cores, maps or kernel logs. `architecture` is
    the one of the programs that will be given; a host runs only its own.
    """

    page_size: int
    architecture: str = "aarch64"
    name: str = field(default="native", init=False)

    def __post_init__(self) -> None:
        host = platform.machine()
        if host != self.architecture:
            raise MachineError(f"the machine native needs an {self.architecture} host, and this one is {host}; use vm")
        if self.page_size != mmap.PAGESIZE:
            raise MachineError(
                f"the machine native has pages of {mmap.PAGESIZE} bytes, as this host's kernel, "
                f"not {page_name(self.page_size)}; use vm"
            )

    def run(self, files: Mapping[str, Path], processes: Sequence[Process], watch: Watch = unwatched) -> Session:
        """See `Machine.run`. Raises `ValueError` for processes that no machine can be asked for."""
        return run_each(self.page_size, files, processes, watch, lambda process: process.argv)
