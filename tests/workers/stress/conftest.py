"""Small programs for aarch64 that the tests of the machines share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from workers.stress.supervisor import COMPILER

GUEST = Path(__file__).parent / "guest"
Compiled = Callable[..., Path]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Gives the static program for aarch64 made of `guest/NAME.c`, with definitions for its preprocessor."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"{COMPILER} is missing (Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross)")
    made: dict[tuple[str, tuple[str, ...]], Path] = {}

    def compiled_once(name: str, *definitions: str) -> Path:
        key = (name, definitions)
        if key not in made:
            output = tmp_path_factory.mktemp("programs") / name
            flags = ["-O1", "-static", "-w", *(f"-D{definition}" for definition in definitions)]
            subprocess.run([COMPILER, *flags, GUEST / f"{name}.c", "-o", output], check=True)
            made[key] = output
        return made[key]

    return compiled_once


def descendants(ancestor: int, command: str) -> list[int]:
    """The ids of the processes that descend from `ancestor` and whose name begins with `command`."""
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = status.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if int(fields.split()[1]) == ancestor:
            pid = int(status.parent.name)
            found += [pid] * name.startswith(command) + descendants(pid, command)
    return found
