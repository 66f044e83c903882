from __future__ import annotations

import gzip
import lzma
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workers.build.inspection.made import (
    encrypted,
    entry,
    faults,
    hard_link,
    kinds,
    looked,
    overlapping,
    symlink,
    tar_of,
    tarred,
    zipped,
    zipped_link,
)
from workers.build.inspection.bounds import Bounds
from workers.build.result import Inspection

EMPTY = [("empty", "", "")]


@pytest.fixture
def good(binaries: Path) -> bytes:
    """A program that may be anywhere."""
    return (binaries / "stripped").read_bytes()


def found(inspection: Inspection) -> list[tuple[str, str, str, int]]:
    return [(each.artifact, each.path, each.kind, each.alignment) for each in inspection.binaries]


@pytest.mark.parametrize("packed", ["", "gz", "bz2", "xz"])
def test_tarballs_are_looked_into(good: bytes, tmp_path: Path, packed: str) -> None:
    inspection = looked({"a.tar": tarred({"./bin/bun": good, "README": b"text"}, packed)}, tmp_path)
    assert found(inspection) == [("a.tar", "bin/bun", "executable", 65536)]
    assert inspection.problems == ()
    assert inspection.binaries[0].file == len(good)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips_are_looked_into(good: bytes, tmp_path: Path, method: int) -> None:
    inspection = looked({"a": zipped({"bin/bun": good}, method=method)}, tmp_path)
    assert (found(inspection), faults(inspection)) == ([("a", "bin/bun", "executable", 65536)], [])


def test_archives_in_archives_are_looked_into(binaries: Path, good: bytes, tmp_path: Path) -> None:
    inner = tarred({"lib/old.so": (binaries / "unaligned").read_bytes(), "bun": good}, "gz")
    inspection = looked({"a.zip": zipped({"dist/inner.tgz": inner})}, tmp_path)
    assert [path for _, path, _, _ in found(inspection)] == ["dist/inner.tgz/bun", "dist/inner.tgz/lib/old.so"]
    assert faults(inspection) == [("alignment", "a.zip: dist/inner.tgz/lib/old.so", "4096")]


def test_a_packed_program_is_unpacked(good: bytes, tmp_path: Path) -> None:
    inspection = looked({"bun.gz": gzip.compress(good), "other.xz": lzma.compress(good)}, tmp_path)
    assert [(artifact, path) for artifact, path, _, _ in found(inspection)] == [
        ("bun.gz", "bun"),
        ("other.xz", "other"),
    ]


def test_a_static_library_is_one_binary_with_all_its_objects(binaries: Path, tmp_path: Path) -> None:
    inspection = looked(binaries / "library.a", tmp_path)
    assert faults(inspection) == []
    (library,) = inspection.binaries
    done = subprocess.run(["aarch64-linux-gnu-size", "-t", binaries / "library.a"], capture_output=True, check=True)
    assert [library.text, library.data, library.bss] == [int(word) for word in done.stdout.split()[-6:-3]]
    assert (library.kind, library.file) == ("object", (binaries / "library.a").stat().st_size)


def test_objects_for_another_machine_are_named(binaries: Path, tmp_path: Path) -> None:
    inspection = looked(binaries / "mixed.a", tmp_path)
    assert faults(inspection) == [("machine", "mixed.a: other.o", "32-bit ARM")]
    assert len(inspection.binaries) == 1
    inspection = looked({"x.zip": zipped({"other.o": (binaries / "other.o").read_bytes()})}, tmp_path)
    assert faults(inspection) == [("machine", "x.zip: other.o", "32-bit ARM"), *EMPTY]


def test_a_library_that_only_names_files_is_damaged(binaries: Path, tmp_path: Path) -> None:
    inspection = looked(binaries / "thin.a", tmp_path)
    assert faults(inspection) == [("damaged", "thin.a", "a thin archive: it only names files, which are not in it")]


def test_nothing_for_aarch64_is_a_problem(binaries: Path, tmp_path: Path) -> None:
    assert faults(looked({"README": b"text", "a.tar": tarred({"b": b"text"})}, tmp_path)) == EMPTY
    assert faults(looked({"a": b""}, tmp_path)) == EMPTY
    assert faults(looked(binaries / "static-pie.debug", tmp_path)) == EMPTY
    assert faults(looked(binaries / "x86-64", tmp_path)) == [("machine", "x86-64", "x86-64"), *EMPTY]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (tarred({"../x": b"1"}), "../x"),
        (tarred({"a/../../x": b"1"}), "a/../../x"),
        (tarred({"/etc/x": b"1"}), "/etc/x"),
        (tar_of(symlink("a/out", "../..")), "a/out"),
        (tar_of(symlink("out", "/etc/passwd")), "out"),
        (tar_of(hard_link("hard", "../x")), "hard"),
        (tar_of(hard_link("hard", "/etc/passwd")), "hard"),
        (tar_of(entry("null", tarfile.CHRTYPE)), "null"),
        (tar_of(entry("disk", tarfile.BLKTYPE)), "disk"),
        (tar_of(entry("pipe", tarfile.FIFOTYPE)), "pipe"),
        (tar_of(symlink("out", "a/b/../../x"), symlink("a/b", "../c")), "out"),
        (tarred({"0": symlink("a/b/up", "../.."), "a/b/up/../x": b"1"}), "a/b/up/../x"),
        (zipped({"../x": b"1"}), "../x"),
        (zipped({"/x": b"1"}), "/x"),
        (zipped({"..\\x": b"1"}), "..\\x"),
        (zipped({"C:\\x": b"1"}), "C:\\x"),
        (zipped_link("out", "../x"), "out"),
        (zipped({"device": b""}, stat.S_IFCHR | 0o644), "device"),
    ],
)
def test_what_leads_out_is_named(good: bytes, tmp_path: Path, content: bytes, name: str) -> None:
    inspection = looked({"evil": content, "good": good}, tmp_path)
    assert [(problem.fault, problem.found) for problem in inspection.problems] == [("escapes", name)]
    assert len(inspection.binaries) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil", "good"]


def test_what_comes_after_a_member_that_leads_out_is_looked_at(binaries: Path, tmp_path: Path) -> None:
    bad = (binaries / "unaligned").read_bytes()
    inspection = looked({"a.tar": tarred({"../x": bad, "bun": bad})}, tmp_path)
    assert kinds(inspection) == {"escapes", "alignment"}


def test_links_within_are_fine(good: bytes, tmp_path: Path) -> None:
    links = {"1": symlink("bin/bun", "../lib/bun"), "2": hard_link("bin/hard", "lib/bun")}
    assert faults(looked({"a.tar": tarred({"lib/bun": good, **links})}, tmp_path)) == []


def test_bytes_that_come_out_are_counted_and_not_believed(tmp_path: Path) -> None:
    bounds = Bounds(most_bytes=1 << 20)
    zeros = bytes(2 << 20)
    tar = tarred({"zeros": zeros})
    small = {
        "zip": zipped({"zeros": zeros}),
        "tar.gz": gzip.compress(tar),
        "two.zip": zipped({"a": bytes(600 << 10), "b": bytes(600 << 10)}),
        "gz": gzip.compress(zeros),
        "nested.zip": zipped({"inner.zip": zipped({"zeros": zeros})}),
        "after.tar.gz": gzip.compress(tarred({"a": b"1"}) + zeros),
        "name.tar.gz": gzip.compress(_long_name(2 << 20)),
    }
    for name, content in small.items():
        assert faults(looked({name: content}, tmp_path, bounds)) == [("too-large", name, str(1 << 20))], name


def _long_name(size: int) -> bytes:
    """A tarball of a member whose name has so many bytes."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, size
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(size) + tarred({"a": b""})


def test_a_sparse_file_counts_with_its_holes(tmp_path: Path) -> None:
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["tar", "-cSf", "a.tar", "sparse"], cwd=tmp_path, check=True)
    assert (tmp_path / "a.tar").stat().st_size < 20_000
    assert kinds(looked(tmp_path / "a.tar", tmp_path, Bounds(most_bytes=1 << 20))) == {"too-large"}


def test_files_are_counted_in_all_archives_together(tmp_path: Path) -> None:
    bounds = Bounds(most_files=20)
    ten = {str(number): b"" for number in range(10)}
    assert faults(looked({"a": tarred(ten)}, tmp_path, bounds)) == EMPTY
    for name, content in {
        "tar": tarred({**ten, **{f"more{key}": b"" for key in ten}}),
        "zip": zipped({str(number): b"" for number in range(21)}),
        "nested": zipped({"a": tarred(ten), "b": tarred(ten)}),
    }.items():
        assert faults(looked({name: content}, tmp_path, bounds)) == [("too-many", name, "20")], name
    many = {str(number): b"" for number in range(21)}
    assert kinds(looked(many, tmp_path, bounds)) == {"too-many"}


def test_a_directory_of_a_zip_that_no_memory_holds_is_not_read(tmp_path: Path) -> None:
    size = 40 << 20
    end = b"PK\x05\x06" + bytes(8) + size.to_bytes(4, "little") + bytes(6)
    with (tmp_path / "a.zip").open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(size)
        file.seek(size)
        file.write(end)
    assert kinds(looked(tmp_path / "a.zip", tmp_path)) == {"too-many"}


def test_archives_in_archives_end_at_a_depth(good: bytes, tmp_path: Path) -> None:
    content = zipped({"bun": good})
    for _ in range(7):
        content = zipped({"a.zip": content})
    assert len(looked({"deep": content}, tmp_path).binaries) == 1
    inspection = looked({"deeper": zipped({"a.zip": content})}, tmp_path)
    assert kinds(inspection) == {"damaged"}
    assert inspection.problems[0].found == "archives in archives, more than 8 deep"


def test_an_archive_that_holds_itself_ends(tmp_path: Path) -> None:
    # What a quine does to a reader: however often it is unpacked, there is as much as before.
    content = gzip.compress(b"")
    for _ in range(40):
        content = gzip.compress(content)
    assert kinds(looked({"quine.gz": content}, tmp_path)) == {"damaged"}


@pytest.mark.parametrize(
    "content",
    [
        encrypted(zipped({"a": b"secret"})),
        overlapping(zipped({"a": b"x" * 1000})),
        zipped({"a": b"x" * 1000})[:-10],
        zipped({"a": b"x" * 1000}, method=zipfile.ZIP_BZIP2),
        b"PK\x03\x04 and nothing else",
        gzip.compress(bytes(100_000))[:50],
        gzip.compress(tarred({"a": b"x" * 10_000}))[:-20],
        gzip.compress(b"abc")[:-8] + bytes(8),
        lzma.compress(b"abc")[:-4],
        tarred({"a": b"x" * 10_000})[:5000],
        tarred({"a": b"x"})[:1024] + b"rubbish" * 200,
        b"!<arch>\n" + b"rubbish " * 20,
        b"!<arch>\n" + f"{'a.o/':<48}{'100':<10}`\n".encode() + b"short",
        b"!<arch>\n" + f"{'/99x':<48}{'0':<10}`\n".encode(),
        b"!<arch>\ndebian-binary   " + b"rubbish",
        b"!<arch>\n" + f"{'debian-binary':<48}{'4':<10}`\n2.0\n".encode(),
        b"!<arch>\n"
        + f"{'debian-binary':<48}{'0':<10}`\n{'data.tar.zst':<48}{'4':<10}`\n".encode()
        + b"\x28\xb5\x2f\xfd",
        b"\x28\xb5\x2f\xfd zstd",
        b"7z\xbc\xaf\x27\x1c",
        b"\x7fELF",
        b"\x7fELF" + b"\xff" * 100,
    ],
)
def test_damaged_files_are_told_and_the_others_looked_at(good: bytes, tmp_path: Path, content: bytes) -> None:
    inspection = looked({"a-bad": content, "good": good}, tmp_path)
    assert kinds(inspection) == {"damaged"}
    assert all(problem.file.startswith("a-bad") and problem.found for problem in inspection.problems)
    assert len(inspection.binaries) == 1


def test_what_is_encrypted_says_so(tmp_path: Path) -> None:
    inspection = looked({"a.zip": encrypted(zipped({"a": b"secret"}))}, tmp_path)
    assert faults(inspection) == [("damaged", "a.zip", "encrypted members")]


def test_a_damaged_archive_in_an_archive_does_not_hide_what_comes_after(good: bytes, tmp_path: Path) -> None:
    content = {"a.zip": b"PK\x03\x04 and nothing else", "bun": good}
    for archive in (tarred(content, "gz"), zipped(content)):
        inspection = looked({"x": archive}, tmp_path)
        assert [(each.fault, each.file) for each in inspection.problems] == [("damaged", "x: a.zip")]
        assert len(inspection.binaries) == 1


def test_what_is_packed_otherwise_is_passed_over_in_an_archive(good: bytes, tmp_path: Path) -> None:
    assert faults(looked({"a": zipped({"x.zst": b"\x28\xb5\x2f\xfd", "bun": good})}, tmp_path)) == []


def test_problems_and_binaries_are_bounded_but_counted(binaries: Path, tmp_path: Path) -> None:
    bad = (binaries / "unaligned").read_bytes()
    content = zipped({f"{number:03}": bad for number in range(20)})
    inspection = looked({"a": content}, tmp_path, Bounds(most_binaries=15, most_problems=10))
    assert (len(inspection.binaries), inspection.more, len(inspection.problems)) == (15, 5, 10)


def test_hostile_names_become_plain_text(binaries: Path, tmp_path: Path) -> None:
    bad = (binaries / "unaligned").read_bytes()
    names = ["\x1b[31mred\n", "\udcff", "x" * 5000, "\u202eright-to-left"]
    inspection = looked({"a": tarred(dict.fromkeys(names, bad))}, tmp_path)
    assert len(inspection.problems) == 4
    for text in (*(each.path for each in inspection.binaries), *(each.file for each in inspection.problems)):
        assert text.isprintable()
        assert len(text) < 410


_SEEDS = [
    zipped({"a": b"x" * 300, "b/c": b"y" * 10}),
    tarred({"a": b"x" * 300, "b": symlink("b", "a")}),
    tarred({"x" * 300: b"x"}, "gz"),
    tarred({"a": b"x"}, "xz"),
    gzip.compress(b"x" * 100),
    b"!<arch>\n"
    + f"{'//':<48}{'20':<10}`\n".encode()
    + b"a-very-long-name.o/\n"
    + f"{'/0':<48}{'4':<10}`\nbody".encode(),
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(_SEEDS), st.data())
def test_whatever_is_damaged_in_an_archive_is_a_problem_at_most(
    tmp_path: Path, seed: bytes, data: st.DataObject
) -> None:
    content = bytearray(seed)
    for at in data.draw(st.lists(st.integers(0, len(seed) - 1), min_size=1, max_size=8)):
        content[at] = data.draw(st.integers(0, 255))
    del content[data.draw(st.just(len(content)) | st.integers(0, len(content))) :]
    bounds = Bounds(most_bytes=1 << 22)
    assert kinds(looked({"a": bytes(content)}, tmp_path, bounds)) <= {
        *("empty", "damaged", "escapes", "too-large", "too-many", "machine"),
    }
