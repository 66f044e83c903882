from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workers.build.inspection.bounds import DamagedError, reading
from workers.build.inspection.elf import Elf, Foreign, read_elf

ALIGNMENT, ADDRESS = 48, 16
"""Offsets in Elf64_Phdr."""


def read(file: Path | bytes) -> Elf | Foreign | None:
    return read_elf(io.BytesIO(file if isinstance(file, bytes) else file.read_bytes()))


def elf(file: Path | bytes) -> Elf:
    found = read(file)
    assert isinstance(found, Elf)
    return found


def loads(content: bytes | bytearray) -> list[int]:
    """Where the headers of the LOAD segments lie."""
    table, (size, count) = struct.unpack_from("<Q", content, 32)[0], struct.unpack_from("<HH", content, 54)
    places = [table + number * size for number in range(count)]
    return [place for place in places if struct.unpack_from("<I", content, place)[0] == 1]


def without_sections(content: bytes) -> bytes:
    """As `sstrip` leaves a file: the header tells of no sections."""
    return content[:40] + bytes(8) + content[48:58] + bytes(6) + content[64:]


def berkeley(file: Path) -> tuple[int, int, int]:
    done = subprocess.run(["aarch64-linux-gnu-size", file], capture_output=True, text=True, check=True)
    text, data, bss = done.stdout.splitlines()[1].split()[:3]
    return int(text), int(data), int(bss)


@pytest.mark.parametrize(
    ("name", "kind", "alignment"),
    [
        ("aligned", "executable", 65536),
        ("unaligned", "executable", 4096),
        ("fixed", "executable", 65536),
        ("static-pie", "executable", 65536),
        ("stripped", "executable", 65536),
        ("library.so", "library", 65536),
        ("library.o", "object", 0),
    ],
)
def test_kind_alignment_and_sizes_are_those_that_binutils_tell(
    binaries: Path, name: str, kind: str, alignment: int
) -> None:
    found = elf(binaries / name)
    assert (found.kind, found.alignment) == (kind, alignment)
    assert (found.text, found.data, found.bss) == berkeley(binaries / name)


def test_a_real_engine_and_a_real_libc_are_read(bun: Path) -> None:
    with bun.open("rb") as stream:
        found = read_elf(stream)
    assert isinstance(found, Elf)
    assert (found.text, found.data, found.bss) == berkeley(bun)
    assert (found.kind, found.alignment, len(found.build_id)) == ("executable", 65536, 40)
    libc = Path("/usr/aarch64-linux-gnu/lib/libc.so.6")
    assert elf(libc).kind == "library"  # it has a loader, too
    assert (elf(libc).text, elf(libc).data, elf(libc).bss) == berkeley(libc)


def test_the_build_id_is_the_linkers(binaries: Path) -> None:
    notes = subprocess.run(["readelf", "-n", binaries / "aligned"], capture_output=True, text=True, check=True).stdout
    assert f"Build ID: {elf(binaries / 'aligned').build_id}\n" in notes
    assert elf(binaries / "stripped").build_id == ""


def test_without_sections_the_segments_tell_the_sizes(binaries: Path) -> None:
    content = (binaries / "static-pie").read_bytes()
    whole, bare = elf(content), elf(without_sections(content))
    assert (bare.alignment, bare.build_id, bare.kind) == (whole.alignment, whole.build_id, whole.kind)
    # Segments have headers and what fills the room between sections, too; relocated read-only data is writable in both.
    assert 0 <= bare.text - whole.text < 65536
    assert abs(bare.data + bare.bss - whole.data - whole.bss) < 4096


@pytest.mark.parametrize(("name", "machine"), [("x86-64", "x86-64"), ("arm", "32-bit ARM"), ("other.o", "32-bit ARM")])
def test_other_machines_are_named(binaries: Path, name: str, machine: str) -> None:
    assert read(binaries / name) == Foreign(machine)


def test_debug_data_is_not_taken_for_a_program(binaries: Path) -> None:
    assert read(binaries / "static-pie.debug") is None


def test_an_alignment_that_the_addresses_belie_does_not_count(binaries: Path) -> None:
    content = bytearray((binaries / "unaligned").read_bytes())
    for place in loads(content):
        struct.pack_into("<Q", content, place + ALIGNMENT, 65536)
    assert elf(bytes(content)).alignment == 4096


@pytest.mark.parametrize(("stated", "counts"), [(0, 1), (1, 1), (3 << 16, 65536), (1 << 63, 1 << 63)])
def test_absurd_alignments_count_as_what_they_promise(binaries: Path, stated: int, counts: int) -> None:
    content = bytearray((binaries / "fixed").read_bytes())
    for place in loads(content):
        offset = struct.unpack_from("<Q", content, place + 8)[0]
        struct.pack_into("<Q", content, place + ADDRESS, offset)
        struct.pack_into("<Q", content, place + ALIGNMENT, stated)
    assert elf(bytes(content)).alignment == counts


def test_a_program_that_was_cut_off_is_damaged(binaries: Path) -> None:
    content = (binaries / "static-pie").read_bytes()
    for length in (17, 64, 5000, len(content) // 2, len(content) - 1):
        with pytest.raises(DamagedError), reading():
            read(content[:length])
    with pytest.raises(DamagedError, match="beyond the file's end"), reading():
        read(without_sections(content)[: len(content) // 8])


def test_tables_of_any_size_end_soon(binaries: Path) -> None:
    content = bytearray((binaries / "aligned").read_bytes())
    # No number of sections: the first one would have it, and says 2**60.
    struct.pack_into("<H", content, 60, 0)
    struct.pack_into("<Q", content, struct.unpack_from("<Q", content, 40)[0] + 32, 1 << 60)
    with pytest.raises(DamagedError, match="a table of sections that no file has"), reading():
        read(bytes(content))
    content = bytearray((binaries / "aligned").read_bytes())
    struct.pack_into("<H", content, 56, 0xFFFF)
    with pytest.raises(DamagedError, match="a table of segments that no program has"), reading():
        read(bytes(content))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_damaged_nothing_else_is_raised(binaries: Path, data: st.DataObject) -> None:
    content = bytearray((binaries / data.draw(st.sampled_from(["stripped", "library.o", "library.so"]))).read_bytes())
    tables = [*range(64), *range(64, 900), *range(len(content) - 64 * 30, len(content))]
    for at in data.draw(st.lists(st.sampled_from(tables), min_size=1, max_size=6)):
        content[at] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content)) | st.just(len(content))) :]
    try:
        with reading():
            found = read(bytes(content))
    except DamagedError:
        return
    if isinstance(found, Elf):
        assert min(found.text, found.data, found.bss, found.alignment) >= 0


def test_stripping_changes_nothing_that_is_loaded(binaries: Path, tmp_path: Path) -> None:
    shutil.copy(binaries / "static-pie", tmp_path / "program")
    subprocess.run(["aarch64-linux-gnu-strip", tmp_path / "program"], check=True)
    assert elf(tmp_path / "program") == elf(binaries / "static-pie")
