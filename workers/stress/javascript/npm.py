"""Packages of npm, by npm itself: so the registry, proxy and certificates are those it is configured with."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path

from workers.scenario.progress import Step, Tell
from workers.stress.javascript.archives import unpack
from workers.stress.javascript.packages import Package, kept, run_tool, tail
from workers.stress.subjects import SubjectError

_NAME = re.compile(r"(@[a-z0-9][a-z0-9._~-]*/)?[a-z0-9][a-z0-9._~-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_EXACT = re.compile(r"\d+\.\d+\.\d+([.+-][A-Za-z0-9.+-]*)?")


def npm_package(name: str, version: str, cache: Path, tell: Tell) -> Package:
    """The package unpacked in `cache`; `version` is one ("1.3.12") or a tag ("latest"), which asks npm each time.

    A version that is there already is not asked for again. Nothing of the package is run. Raises `SubjectError`.
    """
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        raise SubjectError(f"npm:{name}@{version} names no package of npm; expected npm:NAME@VERSION.")
    slug = name.replace("/", "+")
    if _EXACT.fullmatch(version):
        present = sorted(file.parent for file in cache.glob(f"{slug}@{version}-*/files"))
        if present:
            return kept(cache, present[0].name, name, version, lambda _tree: [])
    if shutil.which("npm") is None:
        raise SubjectError(f"This machine has no npm, so {name} cannot be fetched. Install it (Debian: npm).")
    tell(Step(f"downloading {name} {version} from npm"))
    with tempfile.TemporaryDirectory() as scratch:
        tarball, exact, integrity = _pack(f"{name}@{version}", Path(scratch))
        key = f"{slug}@{exact}-{hashlib.sha256(integrity.encode()).hexdigest()[:12]}"

        def fill(tree: Path) -> list[str]:
            with tarball.open("rb") as stream:
                return unpack(stream, f"npm:{name}@{exact}", tree)

        return kept(cache, key, name, exact, fill)


def _pack(wanted: str, directory: Path) -> tuple[Path, str, str]:
    """The tarball that npm loads into `directory`, its exact version and its integrity, which it has."""
    # An empty directory: npm reads settings of a project where it is run.
    done = run_tool(["npm", "pack", "--json", "--ignore-scripts", "--", wanted], directory)
    try:
        told = json.loads(done.stdout)[0]
        tarball = next(directory.glob("*.tgz"))
        version, integrity = str(told["version"]), str(told["integrity"])
    except (ValueError, LookupError, TypeError, StopIteration) as error:
        raise SubjectError(
            f"npm could not fetch {wanted}. It said:\n{tail(done.stderr or done.stdout)}\n"
            "Check the name, the network and `npm config get registry`."
        ) from error
    require_integrity(tarball, integrity, wanted)
    return tarball, version, integrity


def require_integrity(file: Path, integrity: str, wanted: str) -> None:
    """Raises `SubjectError` unless the file has one of the SHA-512 that `integrity` names (`sha512-BASE64 …`)."""
    with file.open("rb") as stream:
        found = base64.b64encode(hashlib.file_digest(stream, "sha512").digest()).decode()
    if f"sha512-{found}" not in integrity.split():
        raise SubjectError(f"{wanted}: the tarball has SHA-512 {found}, and the registry says {integrity}.")
