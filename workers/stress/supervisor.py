"""Builds the guest's process 1 from `guest/`: static, for aarch64, once for each content."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from workers.scenario.source import default_cache_dir
from workers.stress.processes import MachineError
from workers.stress.streams import KEPT

COMPILER = "aarch64-linux-gnu-gcc"
MOST_MAPS = 256 << 10
"""Bytes of maps and thread states that are kept."""
MOST_KERNEL_LOG = 64 << 10
"""Bytes of the kernel log that are kept."""

_FLAGS = (
    *("-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-march=armv8-a+crc", "-static"),
    *(f"-DMOST_OUTPUT={KEPT}", f"-DMOST_MAPS={MOST_MAPS}", f"-DMOST_KERNEL_LOG={MOST_KERNEL_LOG}"),
)


def supervisor(cache_dir: Path | None = None) -> Path:
    """The built program, in the cache. Raises `MachineError` where there is no compiler or it fails."""
    compiler = shutil.which(COMPILER)
    if compiler is None:
        raise MachineError(
            f"{COMPILER} is missing, which builds the guest's first process "
            "(Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross)"
        )
    with as_file(files("workers.stress") / "guest") as guest:
        sources = sorted(path for path in guest.iterdir() if path.suffix in {".c", ".h"})
        cache = (cache_dir or default_cache_dir()).absolute() / "supervisors"
        built = cache / _digest(compiler, sources)
        if not built.exists():
            cache.mkdir(parents=True, exist_ok=True)
            _build(compiler, [path for path in sources if path.suffix == ".c"], built)
        return built


def _digest(compiler: str, sources: list[Path]) -> str:
    digest = hashlib.sha256(repr((_FLAGS, _version(compiler))).encode())
    for path in sources:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _version(compiler: str) -> str:
    return subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True, check=False).stdout


def _build(compiler: str, sources: list[Path], built: Path) -> None:
    """Builds beside `built` and renames, so that others find nothing or all of it."""
    with tempfile.TemporaryDirectory(dir=built.parent) as beside:
        output = Path(beside) / built.name
        done = subprocess.run([compiler, *_FLAGS, *sources, "-o", output], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MachineError(f"{COMPILER} cannot build the guest's first process:\n{done.stderr[-2000:]}")
        output.replace(built)
