"""What the readers of ELF files have in common."""

from __future__ import annotations

from elftools.elf.elffile import ELFFile

_MACHINES = {
    "EM_AARCH64": "aarch64",
    "EM_X86_64": "x86-64",
    "EM_386": "x86",
    "EM_ARM": "32-bit ARM",
    "EM_RISCV": "RISC-V",
}


def machine_of(file: ELFFile) -> str:
    """The machine that it is for, as people call it."""
    return _MACHINES.get(file["e_machine"], str(file["e_machine"]))
