"""Real sources of other allocators, mutated in one place, and what a second compiler makes of the same probe."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from checker.evaluation import Evaluation, evaluate
from checker.probe import SLICES, Wanted, build
from checker.profile import Profile
from checker.rules import Cell, CellKey, Status, cells
from tests.checker.trees import files_below, memory_tree
from workers.scenario import package_source, profile_selection

PAGE_SIZES = (4096, 16384, 65536)
GXX = {
    "x86_64-unknown-linux-gnu": "x86_64-linux-gnu-g++",
    "aarch64-unknown-linux-gnu": "aarch64-linux-gnu-g++",
    "armv7-unknown-linux-gnueabihf": "arm-linux-gnueabihf-g++",
    "powerpc64le-unknown-linux-gnu": "powerpc64le-linux-gnu-g++",
    "riscv64-unknown-linux-gnu": "riscv64-linux-gnu-g++",
}
STAND_INS = "stand-ins"
"""Where a profile keeps what it gives in the C++ library's stead; g++ has its own."""

END = 'static_assert(sizeof(char) == 2, "the end of the probe");'
"""Fails, and so shows that the compiler came this far."""

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Mutation:
    """One number of one file: `old` stands there once."""

    path: str
    old: str
    new: str

    def of(self, files: Files) -> dict[str, bytes]:
        """The tree with the mutation."""
        assert files[self.path].count(self.old.encode()) == 1, f"{self.old!r} in {self.path}"
        return {**files, self.path: files[self.path].replace(self.old.encode(), self.new.encode())}


def sources(profile: Profile, version: str) -> dict[str, bytes]:
    """What the profile reads of Debian's source package of the same name."""
    return files_below(package_source(profile.name, version, profile_selection(profile.name)), profile)


def evaluated(profile: Profile, files: Files, target: str) -> Evaluation:
    """Everything that the profile wants to know, without an error."""
    evaluation = evaluate(memory_tree(files), profile, profile.targets[target])
    assert evaluation.stopped is None
    assert not evaluation.failures
    return evaluation


def all_cells(profile: Profile, files: Files, target: str) -> dict[CellKey, Cell]:
    """Every cell on every page size."""
    return cells(profile, profile.targets[target], evaluated(profile, files, target), PAGE_SIZES)


def failing(profile: Profile, files: Files, target: str) -> set[tuple[str, int | None]]:
    """The rules that fail, each with the page sizes (bytes) it fails on."""
    found = all_cells(profile, files, target).items()
    assert all(cell.status is not Status.UNKNOWN and cell.status is not Status.IMPOSSIBLE for _, cell in found)
    return {(key.rule, key.os_page) for key, cell in found if cell.status is Status.FAILS}


def gxx_for(profile: Profile, target: str) -> str:
    """A g++ for the target; skips the test where there is none."""
    name = GXX[profile.targets[target].triple]
    if (path := shutil.which(name)) is None:
        pytest.skip(f"no {name} here; CONTRIBUTING.md names the packages")
    return path


def objections(
    compiler: str, profile: Profile, files: Files, target: str, values: Mapping[Wanted, int], scratch: Path
) -> list[str]:
    """The compiler's errors in the probe when it is told that these are its values: none if it agrees.

    It has the host's system headers, and of sliced files their preprocessor directives alone. Errors in headers do not
    count: inline functions, whose bodies libclang skips, use more of what configure writes than a profile gives.
    """
    chosen = profile.targets[target]
    for path, content in {**files, **_given(profile, target)}.items():
        (scratch / path).parent.mkdir(parents=True, exist_ok=True)
        (scratch / path).write_bytes(content)
    sliced = scratch / "sliced"
    for path in (path for section in profile.sections for path in section.slices if path in files):
        (sliced / path).parent.mkdir(parents=True, exist_ok=True)
        (sliced / path).write_text(_directives(files[path].decode()))
    probe = build(profile, files.keys(), "probe")
    asserted = [
        f"static_assert({variable} == {values[wanted]}ull);"
        for variable, wanted in probe.variables.items()
        if wanted in values
    ]
    command = [
        *(compiler, "-x", "c++", "-std=c++20", "-w", "-fsyntax-only"),
        *(f"-D{name}={value}" for name, value in {**profile.defines, **chosen.defines}.items()),
        *(f"-I{scratch / directory}" for directory in profile.include if directory != STAND_INS),
        "-",
    ]
    text = probe.text.replace(f'"{SLICES}/', f'"{sliced}/') + "\n".join([*asserted, END])
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    *errors, end = [line for line in done.stderr.splitlines() if line.startswith("<stdin>:") and ": error: " in line]
    assert "the end of the probe" in end, done.stderr[:4000]
    return errors


def _given(profile: Profile, target: str) -> dict[str, bytes]:
    given = {**profile.files, **profile.targets[target].files}
    return {path: text.encode() for path, text in given.items() if not path.startswith(f"{STAND_INS}/")}


def _directives(source: str) -> str:
    """The preprocessor directives of a file, but for what it includes."""
    joined = source.replace("\\\n", " ").splitlines()
    return "\n".join(line for line in joined if line.lstrip().startswith("#") and "include" not in line)
