"""A package, fetched once and kept unpacked: what npm's and Debian's have in common."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.stress.subjects import SubjectError


@dataclass(frozen=True)
class Package:
    """An unpacked package. `files`: paths below `tree` of those that are its own, not of what it depends on."""

    name: str
    version: str
    tree: Path
    files: tuple[str, ...]


def kept(cache: Path, key: str, name: str, version: str, fill: Callable[[Path], list[str]]) -> Package:
    """The package that the cache keeps as `key`, made by `fill` in a fresh directory where there is none yet.

    `fill` gives the package's own files. An interrupted one leaves nothing half done.
    """
    with locked(cache):
        place = cache / key
        if not (place / "files").is_file():
            with tempfile.TemporaryDirectory(dir=cache, prefix="new-") as scratch:
                fresh = Path(scratch) / "package"
                (fresh / "tree").mkdir(parents=True)
                (fresh / "files").write_text("\n".join(fill(fresh / "tree")))
                shutil.rmtree(place, ignore_errors=True)
                fresh.replace(place)
        return Package(name, version, place / "tree", tuple((place / "files").read_text().splitlines()))


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """One process at a time in `cache`, which is made; others wait. Raises `SubjectError` where it cannot be made."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / ".lock").open("w")
    except OSError as error:
        raise SubjectError(f"{cache}: {error.strerror}; name another cache with PAGEWARDEN_CACHE_DIR.") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tail(text: str) -> str:
    """The last lines of what a tool said, indented."""
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-12:])


def run_tool(
    command: Sequence[str],
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 900,
) -> subprocess.CompletedProcess[str]:
    """Runs a tool that fetches something, and keeps what it says. Raises `SubjectError` after `seconds`."""
    try:
        return subprocess.run(
            command,
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SubjectError(f"{command[0]} has not finished within {seconds:.0f} s: {' '.join(command)}") from error
