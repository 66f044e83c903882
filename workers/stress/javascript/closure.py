"""Which libraries a binary is run with: its loader and all that it needs, from named trees only.

A binary may come from a stranger, and what it needs is copied to where it runs. So a library is looked for by its bare
name, in the trees that the caller names, and a run path or a link that leads out of them leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from workers.stress.javascript.elf import Elf, is_elf, read_elf
from workers.stress.subjects import SubjectError

LIBRARY_DIRECTORIES = (
    "lib",
    "lib64",
    "lib/aarch64-linux-gnu",
    "usr/lib",
    "usr/lib64",
    "usr/lib/aarch64-linux-gnu",
    "usr/local/lib",
)
"""Where libraries lie in a tree, beside its top."""
LOADED_LATER = {"libc.so.6": ("libgcc_s.so.1",)}
"""What a library loads while it runs, without asking for it in its headers: glibc does to end a thread."""
MOST_LIBRARIES = 400


@dataclass(frozen=True)
class Lack:
    """A library that nobody has, or not as new as `asker` wants it (`versions`)."""

    library: str
    asker: str
    versions: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = f"{self.library} with {', '.join(self.versions)}" if self.versions else self.library
        return f"{what} (for {self.asker})"


@dataclass(frozen=True)
class Closure:
    """A binary with its libraries by the name they are asked for; `loader` is one of these names, "" where static."""

    binary: Path
    loader: str
    libraries: Mapping[str, Path] = field(hash=False)
    lacks: tuple[Lack, ...] = ()


def resolve(binary: Path, trees: Sequence[Path]) -> Closure:
    """The closure of `binary`, its libraries taken from the first of `trees` that has them; what lacks is told.

    Raises `SubjectError` where the binary or a library of that name is nothing that could run on aarch64.
    """
    return _Search(tuple(tree.resolve() for tree in trees)).closure(read_elf(binary))


@dataclass
class _Search:
    trees: tuple[Path, ...]
    found: dict[str, Elf] = field(default_factory=dict)
    lacks: dict[tuple[str, str], Lack] = field(default_factory=dict)

    def closure(self, binary: Elf) -> Closure:
        loader = PurePosixPath(binary.interpreter).name
        if binary.needed and not loader:
            raise SubjectError(f"{binary.path} needs libraries but names no loader; expected an executable.")
        if loader:
            self._take(loader, binary, binary)
        waiting = [("", binary)]
        while waiting:
            called, asker = waiting.pop()
            for name in (*asker.needed, *LOADED_LATER.get(called, ())):
                known = name in self.found
                elf = self._take(name, asker, binary)
                if elf is not None and not known:
                    waiting.append((name, elf))
        libraries = {name: elf.path for name, elf in self.found.items()}
        return Closure(binary.path, loader, libraries, tuple(self.lacks.values()))

    def _take(self, name: str, asker: Elf, binary: Elf) -> Elf | None:
        if "/" in name or name in {"", ".", ".."}:
            raise SubjectError(f"{asker.path} needs the library {name!r}; expected a bare name.")
        elf = self.found.get(name) or self._find(name, asker, binary)
        if elf is None:
            self.lacks.setdefault((name, ""), Lack(name, asker.path.name))
            return None
        if name not in self.found and len(self.found) == MOST_LIBRARIES:
            raise SubjectError(f"{binary.path} needs more than {MOST_LIBRARIES} libraries.")
        self.found[name] = elf
        wanted = asker.versions.get(name, frozenset()) - (elf.defines or frozenset())
        if wanted and elf.defines is not None:
            lack = Lack(name, asker.path.name, tuple(sorted(wanted)))
            self.lacks.setdefault((name, asker.path.name), lack)
        return elf

    def _find(self, name: str, asker: Elf, binary: Elf) -> Elf | None:
        for directory in self._directories(asker, binary):
            file = (directory / name).resolve()
            if file.is_file() and any(file.is_relative_to(tree) for tree in self.trees) and is_elf(file):
                return read_elf(file)
        return None

    def _directories(self, asker: Elf, binary: Elf) -> Iterator[Path]:
        for elf in (asker, binary):
            for path in elf.paths:
                yield from self._run_path(path, elf)
        for tree in self.trees:
            yield tree
            yield from (tree / directory for directory in LIBRARY_DIRECTORIES)

    def _run_path(self, path: str, elf: Elf) -> Iterator[Path]:
        for origin in ("$ORIGIN", "${ORIGIN}"):
            if path == origin or path.startswith(f"{origin}/"):
                yield elf.path.resolve().parent / path.removeprefix(origin).lstrip("/")
                return
        if path.startswith("/"):
            yield from (tree / path.lstrip("/") for tree in self.trees)
