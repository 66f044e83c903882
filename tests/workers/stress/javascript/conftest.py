"""Small binaries for aarch64, and real engines."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from workers.stress.javascript.sources import prepare
from workers.stress.javascript.subject import JavaScriptSubject
from workers.stress.supervisor import COMPILER

Link = Callable[..., Path]


@pytest.fixture
def link(tmp_path: Path) -> Link:
    """Links `source` (C) with the cross compiler to a file below the test's directory, and gives its path."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"{COMPILER} is missing (Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross)")

    def linked(output: str, source: str, *flags: str | Path, libraries: Sequence[Path] = ()) -> Path:
        file = tmp_path / output
        file.parent.mkdir(parents=True, exist_ok=True)
        code = tmp_path / "code.c"
        code.write_text(source)
        shared = [f"-Wl,-soname,{file.name}", "-shared", "-fPIC", "-nostdlib"] if ".so" in file.name else []
        undefined = ["-Wl,--unresolved-symbols=ignore-all"]
        subprocess.run([COMPILER, *shared, *flags, code, *libraries, *undefined, "-o", file], check=True)
        return file

    return linked


@pytest.fixture(scope="session")
def bun() -> JavaScriptSubject:
    """bun 1.3.12 of npm, with a tenth of the work."""
    return prepare("npm:@oven/bun-linux-aarch64@1.3.12", scale=0.1)


@pytest.fixture(scope="session")
def jsc() -> JavaScriptSubject:
    """Debian's jsc for arm64, with a tenth of the work."""
    return prepare("debian:libjavascriptcoregtk-4.0-bin", scale=0.1)
