"""Small binaries for several machines, a real engine, and a real Debian package."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from workers.scenario.apt import SYSTEM_APT, Kind, configure, debian_stanzas
from workers.scenario.progress import silent
from workers.scenario.source import default_cache_dir
from workers.stress.javascript.npm import npm_package
from workers.stress.javascript.packages import locked

ARM64, ARM, HOST = "aarch64-linux-gnu-gcc", "arm-linux-gnueabihf-gcc", "x86_64-linux-gnu-gcc"
_SOURCE = """
int counted = 7, zeroed[100];
const char text[] = "text that is only read";
__attribute__((visibility("default"))) int sum(int other) { return counted + zeroed[other] + text[other]; }
int main(void) { return sum(1); }
"""
_LIBRARY = _SOURCE.replace("int main", "int no_main")


@pytest.fixture(scope="session")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of binaries, made once; shared, so never written to."""
    directory = tmp_path_factory.mktemp("binaries")
    missing = [tool for tool in (ARM64, ARM, HOST) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} missing (Debian: gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf)")
    program, library = directory / "program.c", directory / "library.c"
    program.write_text(_SOURCE)
    library.write_text(_LIBRARY)

    def make(*command: str | Path) -> None:
        subprocess.run(command, cwd=directory, check=True)

    aligned = "-Wl,-z,max-page-size=65536"
    make(ARM64, program, aligned, "-o", "aligned")
    make(ARM64, program, "-Wl,-z,max-page-size=4096", "-o", "unaligned")
    make(ARM64, program, aligned, "-no-pie", "-o", "fixed")
    make(ARM64, program, aligned, "-static-pie", "-g", "-o", "static-pie")
    make(ARM64, program, aligned, "-s", "-Wl,--build-id=none", "-o", "stripped")
    make(ARM64, library, aligned, "-shared", "-fPIC", "-o", "library.so")
    make(ARM64, library, "-c", "-o", "library.o")
    make(ARM, library, "-c", "-o", "other.o")
    make(HOST, program, "-o", "x86-64")
    make(ARM, program, "-o", "arm")
    shutil.copy(directory / "library.o", directory / "an-object-with-a-long-name.o")
    make("ar", "rc", "library.a", "library.o", "an-object-with-a-long-name.o")
    make("ar", "rc", "mixed.a", "library.o", "other.o")
    make("ar", "rcT", "thin.a", "library.o")
    make("aarch64-linux-gnu-objcopy", "--only-keep-debug", "static-pie", "static-pie.debug")
    return directory


@pytest.fixture(scope="session")
def bun() -> Path:
    """bun 1.3.12 of npm: the executable."""
    cache = default_cache_dir() / "stress" / "subjects" / "npm"
    return npm_package("@oven/bun-linux-aarch64", "1.3.12", cache, silent).tree / "package" / "bin" / "bun"


@pytest.fixture(scope="session")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian's package hello for arm64, as it is: kept in the cache."""
    stanzas = debian_stanzas(SYSTEM_APT, Kind.BINARY)
    if not stanzas or shutil.which("apt-get") is None:
        pytest.skip("this machine has no Debian package source")
    kept = default_cache_dir() / "inspection"
    with locked(kept):
        if not any(kept.glob("hello_*_arm64.deb")):
            settings = configure(tmp_path_factory.mktemp("apt"), stanzas, "arm64")
            for words in (["update"], ["download", "hello"]):
                subprocess.run(["apt-get", "-q", "-c", settings, *words], cwd=kept, check=True)
        return next(kept.glob("hello_*_arm64.deb"))
