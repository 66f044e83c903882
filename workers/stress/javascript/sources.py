"""From what a person says (a path, `npm:…`, `debian:…`) to a subject that can be run."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from workers.scenario.progress import Tell, silent
from workers.scenario.source import default_cache_dir
from workers.stress.javascript.closure import Closure, resolve
from workers.stress.javascript.debian import debian_package
from workers.stress.javascript.elf import is_elf, read_elf
from workers.stress.javascript.npm import npm_package
from workers.stress.javascript.packages import Package
from workers.stress.javascript.subject import JavaScriptSubject, Kind, make_subject
from workers.stress.subjects import SubjectError

CROSS_TREE = Path("/usr/aarch64-linux-gnu")
"""Where Debian's cross compiler keeps libraries for aarch64 (libc6-arm64-cross)."""
WHAT_A_SUBJECT_IS = "a path, npm:NAME@VERSION or debian:NAME[=VERSION], each of these with #FILE where it has several"


def prepare(
    spec: str,
    *,
    kind: Kind | None = None,
    name: str | None = None,
    sysroot: Path | None = None,
    scale: float = 1.0,
    cache_dir: Path | None = None,
    tell: Tell = silent,
) -> JavaScriptSubject:
    """The subject that `spec` names: `WHAT_A_SUBJECT_IS`.

    `kind` is taken from the binary's name unless said, and so is `name`, with a version or a digest. Libraries are
    looked for beside the binary, in `sysroot`, in an aarch64 libc of this machine, and in Debian's. What is fetched is
    kept in `cache_dir`. Raises `SubjectError`.
    """
    cache = (cache_dir or default_cache_dir()).absolute() / "stress" / "subjects"
    if spec.startswith(("npm:", "debian:")):
        package, wanted = _package(spec, cache, tell)
        binary = _binary(package, wanted, spec)
        called = name or f"{binary.name} {package.version}"
        return prepare_tree(
            binary, package.tree, called, kind=kind, sysroot=sysroot, scale=scale, cache_dir=cache_dir, tell=tell
        )
    binary = Path(spec)
    if not binary.is_file():
        raise SubjectError(f"{spec}: no such file; expected {WHAT_A_SUBJECT_IS}.")
    binary = binary.resolve()
    return prepare_tree(
        binary, _tree_of(binary), name, kind=kind, sysroot=sysroot, scale=scale, cache_dir=cache_dir, tell=tell
    )


def prepare_tree(
    binary: Path,
    tree: Path,
    name: str | None = None,
    *,
    kind: Kind | None = None,
    sysroot: Path | None = None,
    scale: float = 1.0,
    cache_dir: Path | None = None,
    tell: Tell = silent,
) -> JavaScriptSubject:
    """A subject of a binary in a tree of its own, as a preview build leaves one; libraries as `prepare` finds them.

    Nothing of this machine but its aarch64 libc becomes part of it. Raises `SubjectError`.
    """
    if not 0 < scale <= 100:
        raise SubjectError(f"a scale of {scale:g}; expected a number above 0 and up to 100.")
    if sysroot is not None and not sysroot.is_dir():
        raise SubjectError(f"{sysroot}: no such directory; expected a tree of libraries for aarch64.")
    if not binary.resolve().is_relative_to(tree.resolve()):
        raise SubjectError(f"{binary} leads out of {tree}.")
    cache = (cache_dir or default_cache_dir()).absolute() / "stress" / "subjects"
    given = (tree,) if sysroot is None else (tree, sysroot)
    closure = _complete(binary, given, cache, tell)
    subject = make_subject(name or binary.name, kind or Kind.of(binary), closure, scale)
    if name is not None:
        return subject
    return make_subject(f"{binary.name} {subject.directory.rsplit('-', 1)[1][:8]}", subject.kind, closure, scale)


def _tree_of(binary: Path) -> Path:
    """The tree that a binary was installed in: `/opt/x` for `/opt/x/bin/bun` and `/opt/x/usr/bin/bun`."""
    tree = binary.parent.parent if binary.parent.name in {"bin", "sbin"} else binary.parent
    return tree.parent if tree.name == "usr" and tree != Path("/usr") else tree


def _package(spec: str, cache: Path, tell: Tell) -> tuple[Package, str]:
    """The package, and the file that was asked for, or ""."""
    source, _, rest = spec.partition(":")
    rest, _, wanted = rest.partition("#")
    if source == "npm":
        name, _, version = rest.rpartition("@")
        if not name:
            raise SubjectError(f"{spec} names no version; expected npm:NAME@VERSION (or @latest).")
        return npm_package(name, version, cache / "npm", tell), wanted
    name, equals, version = rest.partition("=")
    return debian_package(name, version if equals else None, cache / "debian", tell), wanted


def _binary(package: Package, wanted: str, spec: str) -> Path:
    """The package's executable: the one that was asked for, else the only one."""
    if wanted:
        chosen = [file for file in package.files if file == wanted or file.endswith(f"/{wanted}")]
    else:
        chosen = [file for file in package.files if _executable(package.tree / file)]
    if len(chosen) == 1:
        return package.tree / chosen[0]
    if wanted:
        raise SubjectError(f"{spec}: {len(chosen)} files of the package are called {wanted}; expected one.")
    found = ", ".join(chosen[:10]) or "none"
    raise SubjectError(f"{spec}: executables for aarch64 in the package: {found}; expected one, or #FILE to say which.")


def _executable(file: Path) -> bool:
    if not is_elf(file):
        return False
    try:
        return read_elf(file).executable
    except SubjectError:
        return False


def _complete(binary: Path, given: Sequence[Path], cache: Path, tell: Tell) -> Closure:
    """The closure from `given`, and one libc where they have none: never two, as a loader wants its own libc."""
    read_elf(binary)
    closure = resolve(binary, given)
    if not closure.lacks:
        return closure
    tried = closure
    for libc in _libcs(cache, tell):
        tried = resolve(binary, (*given, libc))
        if not tried.lacks:
            return tried
    lacking = "; ".join(str(lack) for lack in tried.lacks)
    places = ", ".join(str(tree) for tree in given)
    raise SubjectError(
        f"{binary} cannot be run, as libraries for aarch64 are missing: {lacking}. They are neither below {places} "
        "nor in Debian's libc for arm64. Put them beside the binary (in lib), or name a tree that has them as sysroot."
    )


def _libcs(cache: Path, tell: Tell) -> Iterator[Path]:
    """Trees with a libc for aarch64: this machine's, then Debian's."""
    if platform.machine() == "aarch64":
        yield Path("/")
    if CROSS_TREE.is_dir():
        yield CROSS_TREE
    yield debian_package("libc6", None, cache / "debian", tell).tree
