"""libpas of any tree for aarch64, and the driver linked with it, statically.

Objects are kept by what they are made from: the compiler, its flags and the preprocessed text. A header that a tree
changes costs a compilation only of the files whose text it changes.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from os import cpu_count
from pathlib import Path

from benchmarks.libpas_driver.source import BMALLOC, LIBPAS, Sources

DRIVER = Path(__file__).parent / "c"
AS_CPLUSPLUS = frozenset(
    {
        "bmalloc_heap.c",
        "bmalloc_heap_config.c",
        "jit_heap.c",
        "pas_bitfit_page_config_kind.c",
        "pas_heap_config_kind.c",
        "pas_segregated_page_config_kind.c",
    }
)
"""Files that WebKit's CMake compiles as C++."""

INCLUDE = tuple(f"-I{directory}" for directory in (LIBPAS, "Source/bmalloc", BMALLOC))
DEFINES = ("-DPAS_BMALLOC=1", "-D_GNU_SOURCE", "-DNDEBUG")
# -O1 cannot inline all that must be inlined. Merged traps would name one assertion for another. The driver walks
# frame records.
CODE = ("-O2", "-g1", "-w", "-fno-crossjumping", "-fno-omit-frame-pointer")
C = ("-std=gnu11",)
CPLUSPLUS = ("-std=c++20", "-fno-exceptions", "-fno-rtti")
LIBRARIES = ("-lpthread", "-latomic")


class MissingToolError(Exception):
    """A program that is not on this machine. The text names it and Debian's package."""


class CompileError(Exception):
    """A source that does not compile, or objects that do not link. The text is the compiler's first error."""


@dataclass(frozen=True)
class Toolchain:
    """Debian's cross compilers for aarch64, by name or path."""

    gcc: str
    gxx: str
    addr2line: str

    @cached_property
    def version(self) -> str:
        """As the C compiler tells it; the C++ compiler is of the same package version."""
        told = subprocess.run([self.gcc, "--version"], capture_output=True, text=True, check=True).stdout
        return told.splitlines()[0]


def find_toolchain() -> Toolchain:
    """Raises `MissingToolError`."""
    names = ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++", "aarch64-linux-gnu-addr2line")
    for name in names:
        if shutil.which(name) is None:
            raise MissingToolError(f"{name} is not on PATH (Debian: apt-get install g++-aarch64-linux-gnu)")
    return Toolchain(*names)


def driver_digest() -> str:
    """Changes with the driver's own sources and with how all is compiled."""
    digest = hashlib.sha256(repr((DEFINES, CODE, C, CPLUSPLUS, LIBRARIES)).encode())
    for path in sorted(DRIVER.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Unit:
    """One file to compile, relative to the directory of the build."""

    path: str
    cplusplus: bool


@dataclass(frozen=True)
class Build:
    """Builds into `cache`; `jobs` compilers at a time."""

    toolchain: Toolchain
    cache: Path
    jobs: int = cpu_count() or 1

    def driver(self, sources: Sources, binary: Path) -> None:
        """Writes the driver linked with libpas of `sources` to `binary`. Raises `CompileError`."""
        with tempfile.TemporaryDirectory(prefix="pagewarden-build-") as name:
            directory = Path(name)
            for path, content in sources.items():
                _write(directory / path, content)
            for own in DRIVER.iterdir():
                _write(directory / "driver" / own.name, own.read_bytes())
            units = [*_libpas(sources), *(Unit(f"driver/{path.name}", False) for path in sorted(DRIVER.glob("*.c")))]
            with ThreadPoolExecutor(self.jobs) as pool:
                objects = list(pool.map(lambda unit: self._object(unit, directory), units))
            self._link(objects, binary)

    def _object(self, unit: Unit, directory: Path) -> Path:
        compiler = [self.toolchain.gxx, "-x", "c++", *CPLUSPLUS] if unit.cplusplus else [self.toolchain.gcc, *C]
        # Paths in the text are relative to the build's directory, so equal files are equal text wherever they lie.
        text = _run([*compiler, *DEFINES, *CODE, *INCLUDE, "-fno-working-directory", "-E", unit.path], directory)
        key = hashlib.sha256(repr((self.toolchain.version, compiler[1:], CODE)).encode() + text).hexdigest()
        kept = self.cache / "objects" / key[:2] / f"{key}.o"
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            compiler = [self.toolchain.gxx, *CPLUSPLUS] if unit.cplusplus else [self.toolchain.gcc, *C]
            language = "c++-cpp-output" if unit.cplusplus else "cpp-output"
            with tempfile.NamedTemporaryFile(dir=kept.parent) as fresh:
                _run([*compiler, *CODE, "-x", language, "-c", "-", "-o", fresh.name], directory, text)
                shutil.copyfile(fresh.name, f"{fresh.name}.whole")
                Path(f"{fresh.name}.whole").replace(kept)
        return kept

    def _link(self, objects: Sequence[Path], binary: Path) -> None:
        binary.parent.mkdir(parents=True, exist_ok=True)
        _run([self.toolchain.gxx, "-static", "-o", str(binary), *map(str, objects), *LIBRARIES], binary.parent)


def _libpas(sources: Sources) -> list[Unit]:
    """libpas's own files; those in C++ take longest, so they come first."""
    paths = [path for path in sources if path.startswith(f"{LIBPAS}/") and path.endswith(".c")]
    units = [Unit(path, Path(path).name in AS_CPLUSPLUS) for path in sorted(paths)]
    return sorted(units, key=lambda unit: not unit.cplusplus)


def _run(command: Sequence[str], directory: Path, stdin: bytes = b"") -> bytes:
    done = subprocess.run(command, cwd=directory, input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise CompileError(first_error(done.stderr.decode(errors="replace")))
    return done.stdout


def first_error(text: str) -> str:
    """The first line of a compiler's or linker's output that is an error, without the directory of libpas."""
    lines = [line for line in text.splitlines() if re.search(r"error:|undefined reference", line)]
    return (lines or text.splitlines() or ["no reason given"])[0].replace(f"{LIBPAS}/", "")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
