"""Where real sources come from: Debian's source packages, a WebKit checkout or a tarball of one."""

from __future__ import annotations

import bz2
import fcntl
import gzip
import hashlib
import lzma
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from checker.profile import load_profile
from workers.scenario.apt import WEBKIT, Apt, Package, choose
from workers.scenario.errors import WHAT_A_SOURCE_IS, ScenarioError
from workers.scenario.progress import Step, Tell, silent

DEFAULT_VERSION = "2.50.6"
LANDMARK = "Source/bmalloc"
"""A directory that every WebKit tree has, and by which one is known."""

_VERSION = re.compile(r"[0-9][\w.+~]*")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")


@dataclass(frozen=True)
class Selection:
    """Which paths of a tree are wanted: those below `roots` that `wants` says yes to."""

    roots: tuple[str, ...]
    wants: Callable[[str], bool]

    @property
    def tops(self) -> frozenset[str]:
        """The names at the top of the tree that lead to `roots`; by them the tree is found in a tarball."""
        return frozenset(root.split("/", 1)[0] for root in self.roots)

    def __or__(self, other: Selection) -> Selection:
        return Selection((*self.roots, *other.roots), lambda path: path in self or path in other)

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
    if version is not None and not _VERSION.fullmatch(version):
        raise ScenarioError(f"{version!r} is no version of WebKit; say one such as {DEFAULT_VERSION}.")
    return _from_debian(WEBKIT, version, DEFAULT_VERSION, profile_selection(), cache_dir, tell)


def beside_headers(known: Path, selection: Selection, tell: Tell = silent) -> Path:
    """What `selection` wants of the same WebKit as `known`, which `headers` gave, in a directory of its own.

    Raises `ScenarioError`.
    """
    with _locked(known.parent / ".lock"):
        name = hashlib.sha256(" ".join(selection.roots).encode()).hexdigest()[:8]
        tree = known.with_name(f"{known.name}+{name}")
        if not _complete(tree, selection):
            _unpack_to_cache(next(known.parent.glob(f"{known.name}.orig.tar.*")), tree, selection, tell)
        return tree


def package_source(
    package: str, version: str | None, wants: Selection, cache_dir: Path | None = None, tell: Tell = silent
) -> Path:
    """The root of the upstream tree of Debian's source `package`, with the files that `wants` selects.

    `version` is upstream's ("5.3.0"); None means the newest that Debian lists, and asks apt each time. Fetched by apt
    once, then from the cache; do not write into it. Raises `ScenarioError`.
    """
    if not _PACKAGE.fullmatch(package):
        raise ScenarioError(f"{package!r} is no name of a Debian source package.")
    if version is not None and not _VERSION.fullmatch(version):
        raise ScenarioError(f"{version!r} is no version of {package}.")
    return _from_debian(Package(package), version, None, wants, cache_dir, tell, keep=True)


def _from_debian(
    package: Package,
    version: str | None,
    default: str | None,
    selection: Selection,
    cache_dir: Path | None,
    tell: Tell,
    *,
    keep: bool = False,
) -> Path:
    """The cached tree, made where it lacks something; `keep` says whether it keeps what others selected."""
    cache = (cache_dir or default_cache_dir()).absolute() / "sources"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScenarioError(f"{cache}: {error.strerror}; name another cache with PAGEWARDEN_CACHE_DIR") from error
    with _locked(cache / ".lock"):
        tarball = None
        if known := version or default:
            name = f"{package.name}_{known}"
            if _complete(cache / name, selection):
                return cache / name
            tarball = next(cache.glob(f"{name}.orig.tar.*"), None)
        tarball = tarball or _download(cache, package, version, default, tell)
        tree = cache / tarball.name.split(".orig.tar.")[0]
        if not _complete(tree, selection):
            _unpack_to_cache(tarball, tree, _beside(tree, selection) if keep else selection, tell)
        return tree


@contextmanager
def given(source: Path, scratch: Path, tell: Tell, selection: Selection) -> Iterator[Path]:
    """The root of a WebKit tree that the user named: a checkout as it is, what `selection` wants of
    a tarball unpacked below `scratch`.

    Raises `ScenarioError` when it is neither.
    """
    if source.is_dir():
        if not (source / LANDMARK).is_dir():
            raise ScenarioError(f"{source} is no WebKit checkout: it has no directory {LANDMARK}.")
        yield source
    elif source.is_file():
        _require_webkit(unpack(source, scratch, selection, tell), source)
        yield scratch
    else:
        raise ScenarioError(f"{source} is neither a directory nor a file. Say {WHAT_A_SOURCE_IS}")


def selected_files(root: Path, selection: Selection) -> Iterator[tuple[str, bytes]]:
    """(path, content) of every selected regular file below `root`, sorted by path."""
    for path in sorted(set(_paths_below(root, selection))):
        yield path, (root / path).read_bytes()


def unpack(tarball: Path, directory: Path, selection: Selection, tell: Tell) -> list[str]:
    """Write the selected files of a tarball below `directory`; the names of all files below the selection's tops.

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
                path = _inside_tree(member.name, selection.tops)
                if path is None or not member.isreg():
                    continue
                names.append(path)
                content = archive.extractfile(member) if path in selection else None
                if content is not None:
                    _write(directory / path, content.read())
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise ScenarioError(
            f"{tarball} cannot be read as a tarball (.tar, .tar.bz2, .tar.gz, .tar.xz): {error}"
        ) from error
    return names


def _require_webkit(names: Sequence[str], tarball: Path) -> None:
    if not any(name.startswith(f"{LANDMARK}/") for name in names):
        raise ScenarioError(f"{tarball} holds no WebKit tree: no {LANDMARK} at its top or one directory below.")


def _decompressed(stream: BinaryIO) -> IO[bytes]:
    """The tarball inside; unlike tarfile's own, these decompressors notice a file that was cut off."""
    magic = stream.read(6)
    stream.seek(0)
    if magic == b"\xfd7zXZ\0":
        return lzma.open(stream)
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(stream))
    if magic.startswith(b"BZh"):
        return bz2.open(stream)
    return stream


def _inside_tree(name: str, tops: Collection[str]) -> str | None:
    """A member's path from the tree's root on (`Source/…`), or None when it is not below one of `tops`."""
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/"):
        return None
    for depth in (0, 1):
        if depth < len(parts) and parts[depth] in tops:
            return "/".join(parts[depth:])
    return None


def _paths_below(root: Path, selection: Selection) -> Iterator[str]:
    for top in selection.roots:
        candidates = [root / top] if (root / top).is_file() else (root / top).rglob("*")
        for file in candidates:
            path = file.relative_to(root).as_posix()
            if path in selection and file.is_file() and not file.is_symlink():
                yield path


def _download(cache: Path, package: Package, version: str | None, default: str | None, tell: Tell) -> Path:
    apt = Apt(cache / "apt", tell, package=package)
    chosen = choose(apt.versions(), version, default, package)
    if version is None and default not in (None, chosen.upstream):
        tell(Step(f"Debian lists no {package.name} {default} here; taking {chosen.upstream}", note=True))
    kept = cache / f"{package.name}_{chosen.upstream}.orig.tar"
    if (present := next(cache.glob(f"{kept.name}.*"), None)) is not None:
        return present
    downloaded = apt.download(chosen)
    kept = kept.with_name(f"{kept.name}.{downloaded.name.rsplit('.', 1)[1]}")
    downloaded.replace(kept)
    shutil.rmtree(downloaded.parent)
    return kept


def _unpack_to_cache(tarball: Path, tree: Path, selection: Selection, tell: Tell) -> None:
    """Unpack beside `tree` and move into place, so that an interrupted run leaves nothing half done.

    The tops are recorded too (`src/`): of what lies below any other, the record says nothing.
    """
    fresh = tree.with_name(f"{tree.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    names = unpack(tarball, fresh, selection, tell)
    if not any(name in selection for name in names):
        raise ScenarioError(f"{tarball} holds nothing of what is wanted: {', '.join(selection.roots)}.")
    shutil.rmtree(tree, ignore_errors=True)
    _members(tree).write_text("\n".join([*names, *(f"{top}/" for top in sorted(selection.tops))]))
    fresh.replace(tree)


def _beside(tree: Path, selection: Selection) -> Selection:
    """`selection`, and what `tree` holds already, for those who selected that."""
    present = [top.name for top in tree.iterdir()] if tree.is_dir() else []
    return Selection((*selection.roots, *present), lambda path: path in selection or (tree / path).is_file())


def _members(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.members")


def _complete(tree: Path, selection: Selection) -> bool:
    """Whether all that is selected now was unpacked: the profile may have grown since."""
    if not tree.is_dir() or not _members(tree).is_file():
        return False
    names = _members(tree).read_text().splitlines()
    recorded = {name.split("/", 1)[0] for name in names}
    files = (name for name in names if not name.endswith("/"))
    return selection.tops <= recorded and all((tree / name).is_file() for name in files if name in selection)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; others wait."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
