"""The driver's own files, and which phase stands on which of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files

from workers.stress.subjects import Phase

CORE = ("main.c", "objects.c", "phases.c", "threads.c", "libpas_stand_ins.c")
"""Files that see no header of libpas, and fit every tree."""

_ALWAYS = ("libpas_scavenger.c",)
_COMMON, _JIT = "libpas_common.c", "libpas_jit.c"

PHASES: Mapping[str, tuple[str, ...]] = {
    "baseline": (*_ALWAYS, _COMMON),
    "utility": (*_ALWAYS, "libpas_utility.c"),
    "jit-medium-bitfit": (*_ALWAYS, _JIT),
    "jit-small-bitfit": (*_ALWAYS, _JIT),
    "bitfit": (*_ALWAYS, _COMMON),
    "scavenger": (*_ALWAYS, _COMMON, _JIT),
    "expendable-memory": (*_ALWAYS, "libpas_auxiliary.c", "libpas_expendable.c"),
    "auxiliary-heaps": (*_ALWAYS, "libpas_auxiliary.c"),
    "threads": (*_ALWAYS, _COMMON, _JIT),
    "threads-exit": (*_ALWAYS, _COMMON, _JIT),
    "jit-baseline": (*_ALWAYS, _JIT),
    "jit-small": (*_ALWAYS, _JIT),
}
"""Phase → the files through which it uses libpas, in the order in which phases are run."""

ADAPTERS = tuple(dict.fromkeys(file for needed in PHASES.values() for file in needed))
"""Files that see libpas's headers. One that does not fit a tree costs the phases that need it."""


def own_files() -> dict[str, bytes]:
    """Name → content of all that the driver is made of."""
    entries = files("workers.stress.libpas").joinpath("c").iterdir()
    return {entry.name: entry.read_bytes() for entry in sorted(entries, key=lambda entry: entry.name)}


def harness_digest() -> str:
    """Changes with the driver's own sources."""
    digest = hashlib.sha256(repr((CORE, PHASES)).encode())
    for name, content in own_files().items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def offered(misfits: Mapping[str, str]) -> tuple[Phase, ...]:
    """All phases; `misfits`: adapter → why it does not fit the tree."""
    reasons = {name: [misfits[file] for file in needed if file in misfits] for name, needed in PHASES.items()}
    return tuple(Phase(name, reason[0] if reason else "") for name, reason in reasons.items())


def table(phases: tuple[Phase, ...]) -> bytes:
    """C: the table of phases for a driver that has these."""
    rows = (
        f'    {{ "{phase.name}", NULL, "{_plain(phase.unavailable)}" }},'
        if phase.unavailable
        else f'    {{ "{phase.name}", {phase.name.replace("-", "_")}, NULL }},'
        for phase in phases
    )
    lines = ['#include "driver.h"', "", "const struct phase phases[] = {", *rows, "    { NULL, NULL, NULL },", "};", ""]
    return "\n".join(lines).encode()


def _plain(reason: str) -> str:
    """A reason quotes a compiler, and that a tree: nothing that means something in a string of C."""
    return "".join(
        character if character.isascii() and character.isprintable() and character not in '"\\?' else "'"
        for character in reason
    )[:300]
