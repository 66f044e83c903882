"""The machines by name, and what a host lacks to have them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workers.sandbox import SandboxError, require_sandbox
from workers.stress import kernels
from workers.stress.emulated import UserEmulation
from workers.stress.libpas.toolchain import find_toolchain
from workers.stress.machine import QEMU, Vm
from workers.stress.native import Native
from workers.stress.processes import Machine, MachineError
from workers.stress.subjects import SubjectError


def machine_for(name: str, page_size: int, cache_dir: Path | None = None) -> Machine:
    """The machine `vm`, `user` or `native` with OS pages of `page_size` bytes.

    Raises `MachineError` where this host cannot have it, with what to install or build.
    """
    return _MAKERS[name](page_size, cache_dir)


def lacking(name: str, page_sizes: Sequence[int], cache_dir: Path | None = None) -> str | None:
    """What this host lacks to build libpas and to run it on these machines, and what to do; `None` for nothing."""
    try:
        require_sandbox()
        find_toolchain()
        for page_size in page_sizes:
            machine_for(name, page_size, cache_dir)
    except (SandboxError, SubjectError, MachineError) as error:
        return str(error)
    return None


def _vm(page_size: int, cache_dir: Path | None) -> Machine:
    if shutil.which(QEMU) is None:
        raise MachineError(f"{QEMU} is missing (Debian: apt-get install qemu-system-arm)")
    try:
        return Vm(page_size, kernels.find(page_size, cache_dir))
    except kernels.KernelError as error:
        raise MachineError(str(error)) from error


def _user(page_size: int, _cache_dir: Path | None) -> Machine:
    return UserEmulation(page_size)


def _native(page_size: int, _cache_dir: Path | None) -> Machine:
    return Native(page_size)


_MAKERS: Mapping[str, Callable[[int, Path | None], Machine]] = {"vm": _vm, "user": _user, "native": _native}
