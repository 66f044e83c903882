"""The inspection, and the unpacking, of what a driver delivered. The files' names are plain; their content is hostile,
and read in a sandbox only."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from workers.build.driver import BuildError, State
from workers.build.inspection.answer import inspection_of
from workers.build.inspection.bounds import Bounds
from workers.build.inspection.child import INTO, SCRATCH
from workers.build.inspection.contained import contained
from workers.build.inspection.examine import printable
from workers.build.result import Artifact, Fault, Inspection, Problem

log = structlog.get_logger(__name__)

_CHUNK = 8 << 20


def inspect(artifacts: Path, *, require: Callable[[], None] = lambda: None, bounds: Bounds = Bounds()) -> Inspection:  # noqa: B008 frozen
    """Looks at the files in `artifacts`, a directory of regular files, and at what is in the archives among them.

    ELF files are looked at wherever they lie; whatever else there is only has to be readable, and within the bounds.
    Opened are zips, tarballs (plain, or packed by gzip, bzip2 or xz), single files packed so, Debian packages and
    static libraries, in one another too. Something packed otherwise is a problem where it is an artifact, and passed
    over in an archive. Once a bound is passed, nothing more is looked at.

    `require` is called about once a second, and what it raises ends the inspection. Raises `BuildError`: FAILED where
    hostile bytes ended it, else without a state.
    """
    described = [_described(file, require) for file in _files(artifacts)]
    if not described:
        return Inspection(problems=(Problem(Fault.EMPTY, ""),))
    with tempfile.TemporaryDirectory(dir=artifacts.parent, prefix="inspection-") as scratch:
        answer = contained("inspect", artifacts, {SCRATCH: Path(scratch)}, bounds, require)
    try:
        return inspection_of(answer, described, bounds)
    except ValueError as error:
        log.exception("the inspection answered rubbish")
        raise BuildError("the inspection of what was built gave an answer that makes no sense", State.FAILED) from error


def unpack(
    artifacts: Path,
    into: Path,
    *,
    require: Callable[[], None] = lambda: None,
    bounds: Bounds = Bounds(),  # noqa: B008 frozen
) -> None:
    """Writes what is in `artifacts` below `into`, an empty directory or none yet.

    An archive (zip, tarball, Debian package, packed single file) is unpacked into `into` itself where it is the only
    artifact, else into a folder called as it is without what tells its form (`bun-linux.tar.gz` → `bun-linux`), or by
    its whole name where another artifact has that. Any other file becomes `into/NAME`. Archives within archives, and
    static libraries, stay as they are.

    Executable bits are kept, and every ELF file has them; links that stay inside are links. Where anything leads out,
    is damaged or is beyond the bounds, `BuildError` (FAILED) names it, and `into` is empty. Otherwise raises as
    `inspect` does. As root, the files belong to the sandbox's user.
    """
    _files(artifacts)
    into.mkdir(parents=True, exist_ok=True)
    try:
        _require_unpacked(contained("unpack", artifacts, {INTO: into}, bounds, require))
        _require_inside(into)
    except BaseException:
        _empty(into)
        raise


def find_binary(into: Path, path: str) -> Path | None:
    """The file at `path` in what was unpacked `into`, or in the only folder there, where there is nothing beside it.

    Links are followed as long as they stay in `into`. `None` where there is no regular file.
    """
    entries = list(into.iterdir())
    roots = [into, *(entries if len(entries) == 1 and entries[0].is_dir() else [])]
    return next((root / path for root in roots if _is_inside(root / path, into) and _is_file(root / path)), None)


def _files(artifacts: Path) -> list[Path]:
    """Raises `BuildError` for what no driver delivers."""
    files = sorted(artifacts.iterdir())
    for file in files:
        if not stat.S_ISREG(file.lstat().st_mode):
            raise BuildError(f"{file.name} was delivered as something built, and is no regular file")
    return files


def _described(file: Path, require: Callable[[], None]) -> Artifact:
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            require()
            digest.update(piece)
            size += len(piece)
    return Artifact(file.name, size, digest.hexdigest())


def _require_unpacked(answer: Mapping[str, Any]) -> None:
    if answer:
        refused = printable(str(answer.get("refused")))
        raise BuildError(f"what was built is not unpacked: {refused}", State.FAILED)


def _require_inside(into: Path) -> None:
    """The child writes nothing else; this holds where hostile bytes have taken it over, too."""
    for directory, folders, files in os.walk(into):
        for name in (*folders, *files):
            path = Path(directory, name)
            mode = path.lstat().st_mode
            plain = stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)
            if not plain or not _is_inside(path, into):
                raise BuildError(f"what was built leads out of itself: {path.relative_to(into)}", State.FAILED)


def _is_file(path: Path) -> bool:
    """Whether it is one, once links are followed; not for paths that no file can have."""
    with suppress(OSError):
        return path.is_file()
    return False


def _is_inside(path: Path, directory: Path) -> bool:
    """Once all links are followed, as far as they can be."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(directory))


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
