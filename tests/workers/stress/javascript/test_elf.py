from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.workers.stress.javascript.conftest import Link
from workers.stress.javascript.elf import read_elf
from workers.stress.subjects import SubjectError

MAIN = "int main(void) { return 0; }"


def test_an_executable_says_its_loader_and_libraries(link: Link) -> None:
    elf = read_elf(link("bin/main", MAIN, "-Wl,-rpath,$ORIGIN/../lib:/opt/lib"))
    assert elf.interpreter == "/lib/ld-linux-aarch64.so.1"
    assert elf.needed == ("libc.so.6",)
    assert elf.paths == ("$ORIGIN/../lib", "/opt/lib")
    assert elf.versions["libc.so.6"] >= {"GLIBC_2.17"}
    assert elf.executable


def test_a_library_says_which_versions_it_has(link: Link, tmp_path: Path) -> None:
    script = tmp_path / "versions"
    script.write_text("V1 { one; }; V2 { two; } V1;")
    source = "int one(void) { return 1; } int two(void) { return 2; }"
    elf = read_elf(link("lib/libv.so.1", source, f"-Wl,--version-script={script}"))
    assert elf.defines is not None
    assert elf.defines >= {"V1", "V2"}
    assert not elf.executable


def test_a_static_executable_needs_nothing(link: Link) -> None:
    elf = read_elf(link("main", MAIN, "-static"))
    assert (elf.interpreter, elf.needed, elf.executable) == ("", (), True)


def test_other_files_are_told_by_what_they_are(link: Link, tmp_path: Path) -> None:
    text = tmp_path / "script.js"
    text.write_text("print(1)")
    with pytest.raises(SubjectError, match=r"script\.js is no ELF file; expected an ELF file for aarch64"):
        read_elf(text)
    with pytest.raises(SubjectError, match=r"nothing: No such file"):
        read_elf(tmp_path / "nothing")
    with pytest.raises(SubjectError, match="of type ET_REL; expected an executable"):
        read_elf(link("main.o", MAIN, "-c"))


@pytest.mark.skipif("x86_64" not in sys.implementation._multiarch, reason="takes this Python for a foreign binary")
def test_a_binary_for_another_machine_is_refused() -> None:
    with pytest.raises(SubjectError, match="is a 64-bit little-endian ELF file for x86-64; expected"):
        read_elf(Path(sys.executable).resolve())


def test_a_damaged_file_is_an_error_of_the_subject_whatever_is_damaged(link: Link, tmp_path: Path) -> None:
    good = link("bin/main", MAIN, "-Wl,-rpath,$ORIGIN").read_bytes()
    damaged = tmp_path / "damaged"
    refused = 0
    for at in range(16, len(good), 61):
        damaged.write_bytes(good[:at] + b"\xff" * 8 + good[at + 8 :] if at % 2 else good[:at])
        try:
            read_elf(damaged)
        except SubjectError:
            refused += 1
    assert refused > 10
