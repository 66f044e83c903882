"""Where the real headers come from: Debian's source package, a WebKit checkout or a tarball of one."""

from __future__ import annotations

import fcntl
import gzip
import lzma
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from checker.profile import load_profile
from workers.scenario.apt import PACKAGE, Apt, choose
from workers.scenario.errors import WHAT_A_SOURCE_IS, ScenarioError
from workers.scenario.progress import Step, Tell, silent

DEFAULT_VERSION = "2.50.6"
LANDMARK = "Source/bmalloc"
"""A directory that every WebKit tree has, and by which one is known."""


@dataclass(frozen=True)
class Selection:
    """Which paths of a WebKit tree are wanted: those below `roots` that `wants` says yes to."""

    roots: tuple[str, ...]
    wants: Callable[[str], bool]

    def __contains__(self, path: str) -> bool:
        return any(path == root or path.startswith(f"{root}/") for root in self.roots) and self.wants(path)


def profile_selection(name: str = "libpas") -> Selection:
    """What the profile reads or watches."""
    profile = load_profile(name)
    return Selection(profile.tree_roots, lambda path: profile.reads(path) or profile.watches(path))


def default_cache_dir() -> Path:
    """`PAGEWARDEN_CACHE_DIR`, or `.cache/pagewarden` in the home directory."""
    return Path(os.environ.get("PAGEWARDEN_CACHE_DIR") or Path.home() / ".cache/pagewarden")


def headers(version: str | None = DEFAULT_VERSION, cache_dir: Path | None = None, tell: Tell = silent) -> Path:
    """A directory with `Source/bmalloc` and so on: what the profile needs of Debian's WebKit `version`.

    Fetched by apt once, then from the cache; do not write into it. None means 2.50.6 where Debian lists it,
    else the newest that it lists. Raises `ScenarioError`.
    """
    if version is not None and not re.fullmatch(r"[0-9][\w.+~]*", version):
        raise ScenarioError(f"{version!r} is no version of WebKit; say one such as {DEFAULT_VERSION}.")
    cache = (cache_dir or default_cache_dir()).absolute() / "sources"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScenarioError(f"{cache}: {error.strerror}; name another cache with PAGEWARDEN_CACHE_DIR") from error
    selection = profile_selection()
    with _locked(cache / ".lock"):
        name = f"{PACKAGE}_{version or DEFAULT_VERSION}"
        if _complete(cache / name, selection):
            return cache / name
        tarball = next(cache.glob(f"{name}.orig.tar.*"), None) or _download(cache, version, tell)
        tree = cache / tarball.name.split(".orig.tar.")[0]
        if not _complete(tree, selection):
            _unpack_to_cache(tarball, tree, selection, tell)
        return tree


@contextmanager
def given(source: Path, scratch: Path, tell: Tell) -> Iterator[Path]:
    """The root of a WebKit tree that the user named: a checkout as it is, a tarball unpacked below `scratch`.

    Raises `ScenarioError` when it is neither.
    """
    if source.is_dir():
        if not (source / LANDMARK).is_dir():
            raise ScenarioError(f"{source} is no WebKit checkout: it has no directory {LANDMARK}.")
        yield source
    elif source.is_file():
        unpack(source, scratch, profile_selection(), tell)
        yield scratch
    else:
        raise ScenarioError(f"{source} is neither a directory nor a file. Say {WHAT_A_SOURCE_IS}")


def selected_files(root: Path, selection: Selection) -> Iterator[tuple[str, bytes]]:
    """(path, content) of every selected regular file below `root`, sorted by path."""
    for path in sorted(_paths_below(root, selection)):
        yield path, (root / path).read_bytes()


def unpack(tarball: Path, directory: Path, selection: Selection, tell: Tell) -> list[str]:
    """Write the selected files of a WebKit tarball below `directory`; the names of all files below `Source/`.

    The tree may sit at the top of the tarball or in one directory there. Raises `ScenarioError`.
    """
    names: list[str] = []
    try:
        with (
            tarball.open("rb") as stream,
            _decompressed(stream) as plain,
            tarfile.open(fileobj=plain, mode="r|") as archive,
        ):
            size = tarball.stat().st_size
            for member in archive:
                tell(Step(f"unpacking {tarball.name}", stream.tell(), size))
                path = _inside_tree(member.name)
                if path is None or not member.isreg():
                    continue
                names.append(path)
                content = archive.extractfile(member) if path in selection else None
                if content is not None:
                    _write(directory / path, content.read())
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise ScenarioError(f"{tarball} cannot be read as a tarball (.tar, .tar.gz, .tar.xz): {error}") from error
    if not any(name.startswith(f"{LANDMARK}/") for name in names):
        raise ScenarioError(f"{tarball} holds no WebKit tree: no {LANDMARK} at its top or one directory below.")
    return names


def _decompressed(stream: BinaryIO) -> IO[bytes]:
    """The tarball inside; unlike tarfile's own, these decompressors notice a file that was cut off."""
    magic = stream.read(6)
    stream.seek(0)
    if magic == b"\xfd7zXZ\0":
        return lzma.open(stream)
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(stream))
    return stream


def _inside_tree(name: str) -> str | None:
    """A member's path from the tree's root on (`Source/…`), or None when it is not in the tree."""
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/"):
        return None
    for depth in (0, 1):
        if parts[depth : depth + 1] == ("Source",):
            return "/".join(parts[depth:])
    return None


def _paths_below(root: Path, selection: Selection) -> Iterator[str]:
    for top in selection.roots:
        candidates = [root / top] if (root / top).is_file() else (root / top).rglob("*")
        for file in candidates:
            path = file.relative_to(root).as_posix()
            if path in selection and file.is_file() and not file.is_symlink():
                yield path


def _download(cache: Path, version: str | None, tell: Tell) -> Path:
    apt = Apt(cache / "apt", tell)
    chosen = choose(apt.versions(), version, DEFAULT_VERSION)
    if version is None and chosen.upstream != DEFAULT_VERSION:
        tell(Step(f"Debian lists no {PACKAGE} {DEFAULT_VERSION} here; taking {chosen.upstream}", note=True))
    downloaded = apt.download(chosen)
    kept = cache / f"{PACKAGE}_{chosen.upstream}.orig.tar.{downloaded.name.rsplit('.', 1)[1]}"
    downloaded.replace(kept)
    shutil.rmtree(downloaded.parent)
    return kept


def _unpack_to_cache(tarball: Path, tree: Path, selection: Selection, tell: Tell) -> None:
    """Unpack beside `tree` and move into place, so that an interrupted run leaves nothing half done."""
    fresh = tree.with_name(f"{tree.name}.new")
    for leftover in (fresh, tree):
        shutil.rmtree(leftover, ignore_errors=True)
    names = unpack(tarball, fresh, selection, tell)
    _members(tree).write_text("\n".join(names))
    fresh.replace(tree)


def _members(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.members")


def _complete(tree: Path, selection: Selection) -> bool:
    """Whether all that is selected now was unpacked: the profile may have grown since."""
    if not tree.is_dir() or not _members(tree).is_file():
        return False
    names = _members(tree).read_text().splitlines()
    return all((tree / name).is_file() for name in names if name in selection)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; others wait."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
