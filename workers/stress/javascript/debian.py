"""Debian's packages for arm64 with all they depend on, without root and without touching the machine's own apt.

apt is given an architecture, sources and an empty list of what is installed, all ours, and so resolves a whole closure.
It checks signatures and checksums; the packages are unpacked, not installed: nothing of them is run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workers.scenario.apt import SYSTEM_APT, Kind, configure, debian_stanzas
from workers.scenario.progress import Step, Tell
from workers.stress.javascript.archives import unpack
from workers.stress.javascript.packages import Package, kept, locked, run_tool, tail
from workers.stress.subjects import SubjectError

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~:-]*")
_CHOSEN = re.compile(r"^Inst (\S+?)(?::arm64)? \((\S+) ", re.MULTILINE)


def debian_package(name: str, version: str | None, cache: Path, tell: Tell, etc: Path = SYSTEM_APT) -> Package:
    """The newest such package that Debian lists for arm64, with its dependencies, unpacked in `cache`.

    `version` is Debian's ("2.50.6-1~deb12u2") or None. The Debian sources are the machine's. Raises `SubjectError`.
    """
    if not _NAME.fullmatch(name) or (version is not None and not _VERSION.fullmatch(version)):
        raise SubjectError(f"debian:{name} names no package of Debian; expected debian:NAME or debian:NAME=VERSION.")
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise SubjectError(
            f"This machine has no {' and no '.join(missing)}, so {name} cannot be had. Run this on Debian."
        )
    apt = _Apt(cache / "apt", etc)
    tell(Step(f"reading Debian's list of packages for arm64, for {name}"))
    with locked(cache / "apt"):
        chosen = apt.closure(name, version)
    full = dict(chosen)[name]
    upstream = full.split(":")[-1].rsplit("-", 1)[0]
    versions = "\n".join(f"{package}={each}" for package, each in sorted(chosen))
    key = f"{name}_{full.replace(':', '%3a')}-{hashlib.sha256(versions.encode()).hexdigest()[:12]}"

    def fill(tree: Path) -> list[str]:
        tell(Step(f"downloading {name} {full} and what it needs from Debian"))
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            archives = apt.download([f"{package}={each}" for package, each in chosen], Path(scratch))
            return _unpack_all(archives, name, tree)

    return kept(cache, key, name, upstream, fill)


class _Apt:
    def __init__(self, directory: Path, etc: Path) -> None:
        stanzas = debian_stanzas(etc, Kind.BINARY)
        if not stanzas:
            raise SubjectError(
                f"No Debian package source is configured in {etc} (sources.list, sources.list.d/*.sources or *.list). "
                "Add one of Debian's."
            )
        self._configuration = configure(directory, stanzas, "arm64")

    def closure(self, name: str, version: str | None) -> list[tuple[str, str]]:
        """(name, version) of the package and of each that it needs."""
        wanted = name if version is None else f"{name}={version}"
        updated = self._run(["apt-get", "update"])
        done = self._run(["apt-get", "install", "--simulate", "--yes", "--no-install-recommends", wanted])
        chosen = _CHOSEN.findall(done.stdout)
        if done.returncode or name not in dict(chosen):
            raise SubjectError(
                f"apt cannot resolve {wanted} for arm64. It said:\n{tail(updated.stderr + done.stdout + done.stderr)}\n"
                f"Check the name, the network and the Debian sources in {SYSTEM_APT}."
            )
        return chosen

    def download(self, wanted: Sequence[str], directory: Path) -> list[Path]:
        """The packages' files, in `directory`."""
        done = self._run(["apt-get", "download", *wanted], directory)
        archives = sorted(directory.glob("*.deb"))
        if done.returncode or len(archives) != len(wanted):
            raise SubjectError(f"apt could not download {wanted[-1]}. It said:\n{tail(done.stderr)}\nTry again later.")
        return archives

    def _run(self, command: Sequence[str], directory: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        return run_tool([command[0], "-c", str(self._configuration), *command[1:]], directory, environment)


def _unpack_all(archives: Sequence[Path], name: str, tree: Path) -> list[str]:
    """Unpacks each below `tree`; the files of the package `name`."""
    own: list[str] = []
    for archive in archives:
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            files = unpack(process.stdout, archive.name, tree)
            process.stdout.read()
            said = process.stderr.read().decode(errors="replace")
        if process.returncode:
            raise SubjectError(f"dpkg-deb could not read {archive.name}. It said:\n{tail(said)}")
        if archive.name.startswith(f"{name}_"):
            own = files
    return own
