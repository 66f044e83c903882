"""All of libpas's sources, not only the headers that a check reads: path → content."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from workers.scenario import headers
from workers.scenario.edits import COMMITS, apply
from workers.scenario.progress import silent
from workers.scenario.source import Selection, selected_files, unpack

LIBPAS = "Source/bmalloc/libpas/src/libpas"
BMALLOC = "Source/bmalloc/bmalloc"
SELECTION = Selection((LIBPAS, BMALLOC), lambda path: path.endswith((".c", ".h", ".def")))

Sources = Mapping[str, bytes]


@dataclass(frozen=True)
class Origin:
    """Where sources came from: the name of Debian's tarball and the start of its SHA-256."""

    tarball: str
    digest: str


def debian_sources(version: str, cache: Path) -> tuple[Sources, Origin]:
    """libpas of Debian's WebKit `version`, unpacked once below `cache`. Raises `ScenarioError`."""
    known = headers(version)
    tarball = next(known.parent.glob(f"{known.name}.orig.tar.*"))
    directory = cache / "sources" / known.name
    if not directory.is_dir():
        directory.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=directory.parent))
        unpack(tarball, fresh, SELECTION, silent)
        shutil.rmtree(directory, ignore_errors=True)
        fresh.replace(directory)
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()[:16]
    return dict(selected_files(directory, SELECTION)), Origin(tarball.name, digest)


def scenario_sources(base: Sources, name: str) -> Sources:
    """The tree called `name`, A to D, of the reference scenario on `base`, as far as libpas goes."""
    sources = dict(base)
    for commit in COMMITS if name != "A" else ():
        ours = replace(commit, edits=tuple(edit for edit in commit.edits if edit.path in sources))
        for path, text in apply(ours, lambda path: sources[path].decode("latin-1")).items():
            sources[path] = text.encode("latin-1")
        if commit.name == name:
            break
    return sources


def digest_of(sources: Sources) -> str:
    """Equal for equal trees."""
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(f"{path}\0{len(sources[path])}\0".encode() + sources[path])
    return digest.hexdigest()
