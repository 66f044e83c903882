"""The cross compilers for aarch64, and how libpas is compiled with them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from workers.stress.libpas.sources import BMALLOC, LIBPAS, ROOT
from workers.stress.subjects import SubjectError

PACKAGES = "g++-aarch64-linux-gnu"
"""Debian's; it brings the C compiler, the C library and binutils."""

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

INCLUDE = tuple(f"-I{directory}" for directory in (LIBPAS, ROOT, BMALLOC))
DEFINES = ("-DPAS_BMALLOC=1", "-D_GNU_SOURCE", "-DNDEBUG")
# -O1 cannot inline all that must be inlined. Merged traps would name one assertion for another. The driver walks
# frame records.
CODE = ("-O2", "-g1", "-w", "-fmax-errors=5", "-fno-crossjumping", "-fno-omit-frame-pointer")
C = ("-std=gnu11",)
CPLUSPLUS = ("-std=c++20", "-fno-exceptions", "-fno-rtti")
LIBRARIES = ("-lpthread", "-latomic")
FLAGS = (INCLUDE, DEFINES, CODE, C, CPLUSPLUS, LIBRARIES)


@dataclass(frozen=True)
class Unit:
    """One file to compile, by its path in the directory of the build. `sees_tree`: it may include the tree's files."""

    path: str
    cplusplus: bool = False
    sees_tree: bool = True


@dataclass(frozen=True)
class Toolchain:
    """Debian's cross compilers for aarch64, by name."""

    gcc: str = "aarch64-linux-gnu-gcc"
    gxx: str = "aarch64-linux-gnu-g++"
    addr2line: str = "aarch64-linux-gnu-addr2line"

    @cached_property
    def version(self) -> str:
        """As the C compiler tells it; the C++ compiler is of the same package version."""
        told = subprocess.run([self.gcc, "--version"], capture_output=True, text=True, check=True).stdout
        return told.splitlines()[0]

    def preprocess(self, unit: Unit) -> Sequence[str]:
        """Writes the preprocessed text to stdout. Paths in it are relative, so equal files are equal text anywhere."""
        language = (self.gxx, "-x", "c++", *CPLUSPLUS) if unit.cplusplus else (self.gcc, *C)
        include = INCLUDE if unit.sees_tree else ()
        return (*language, *DEFINES, *CODE, *include, "-fno-working-directory", "-E", unit.path)

    def compile(self, unit: Unit) -> Sequence[str]:
        """Compiles preprocessed text from stdin; what follows says where to."""
        language = (self.gxx, *CPLUSPLUS) if unit.cplusplus else (self.gcc, *C)
        kind = "c++-cpp-output" if unit.cplusplus else "cpp-output"
        return (*language, *CODE, "-fdebug-prefix-map=/tmp=.", "-x", kind, "-c", "-")


def find_toolchain() -> Toolchain:
    """Raises `SubjectError` that names Debian's packages."""
    toolchain = Toolchain()
    for name in (toolchain.gcc, toolchain.gxx, toolchain.addr2line):
        if shutil.which(name) is None:
            raise SubjectError(
                f"{name} is not on PATH, so libpas cannot be built for aarch64 (Debian: apt-get install {PACKAGES})"
            )
    return toolchain
