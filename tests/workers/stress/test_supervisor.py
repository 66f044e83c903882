"""The guest's first process is built once, and its absence is explained."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

from workers.stress import supervisor as module
from workers.stress.processes import MachineError
from workers.stress.supervisor import COMPILER, supervisor

FIELDS = ("<H", 18), ("<Q", 32), ("<H", 54), ("<H", 56)


@pytest.fixture
def _compiler() -> None:
    if shutil.which(COMPILER) is None:
        pytest.skip(f"{COMPILER} is missing (Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross)")


@pytest.mark.usefixtures("_compiler")
def test_a_static_program_for_aarch64_built_once(tmp_path: Path) -> None:
    built = supervisor(tmp_path)
    content = built.read_bytes()
    assert content[:6] == b"\x7fELF\x02\x01"
    machine, begin, size, count = (struct.unpack_from(form, content, at)[0] for form, at in FIELDS)
    assert machine == 183  # EM_AARCH64
    kinds = {struct.unpack_from("<I", content, begin + number * size)[0] for number in range(count)}
    assert 1 in kinds  # PT_LOAD
    assert 3 not in kinds  # PT_INTERP: a dynamic program names its loader
    assert supervisor(tmp_path) == built
    assert list((tmp_path / "supervisors").iterdir()) == [built]


@pytest.mark.usefixtures("_compiler")
def test_other_flags_make_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = supervisor(tmp_path)
    monkeypatch.setattr(module, "_FLAGS", (*module._FLAGS, "-DMORE=1"))
    assert supervisor(tmp_path) != built


@pytest.mark.usefixtures("_compiler")
def test_what_does_not_compile_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FLAGS", (*module._FLAGS, "-Dmain=+"))
    with pytest.raises(MachineError, match="cannot build"):
        supervisor(tmp_path)
    assert list((tmp_path / "supervisors").iterdir()) == []


def test_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="apt-get install gcc-aarch64-linux-gnu"):
        supervisor(tmp_path)
