"""What a build has left becomes artifacts; all of it is a stranger's."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from workers.build import artifacts
from workers.build.artifacts import collect, output_of, plain_names
from workers.build.driver import BuildError, State


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "built").mkdir()
    return tmp_path / "built"


def test_files_become_artifacts_with_their_executable_bit(built: Path, tmp_path: Path) -> None:
    (built / "jsc").write_bytes(b"\x7fELF")
    (built / "jsc").chmod(0o777)
    (built / "notes.txt").write_text("notes")
    collect(built, tmp_path / "out", "preview-linux-arm64")
    out = {path.name: (path.read_bytes(), path.stat().st_mode & 0o777) for path in (tmp_path / "out").iterdir()}
    assert out == {"jsc": (b"\x7fELF", 0o755), "notes.txt": (b"notes", 0o644)}


def test_links_devices_and_pipes_are_no_artifacts(built: Path, tmp_path: Path) -> None:
    (built / "libpas.so.1").write_bytes(b"library")
    (built / "libpas.so").symlink_to("libpas.so.1")
    (built / "passwd").symlink_to("/etc/passwd")
    (built / "loop").symlink_to("loop")
    os.mkfifo(built / "pipe")
    if os.geteuid() == 0:
        os.mknod(built / "zero", 0o20666, os.makedev(1, 5))
    collect(built, tmp_path / "out", "preview")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["libpas.so.1"]


def test_an_empty_folder_gives_no_artifacts(built: Path, tmp_path: Path) -> None:
    collect(built, tmp_path / "out", "preview")
    assert list((tmp_path / "out").iterdir()) == []


def fill(folder: Path) -> None:
    (folder / "bin").mkdir()
    (folder / "bin/jsc").write_bytes(b"\x7fELF")
    (folder / "bin/jsc").chmod(0o700)
    (folder / "lib").mkdir()
    (folder / "lib/libpas.so.1").write_bytes(b"library")
    (folder / "lib/libpas.so").symlink_to("libpas.so.1")
    (folder / "lib/missing").symlink_to("nowhere")
    (folder / "bin/up").symlink_to("../lib/libpas.so")
    (folder / "bin/out").symlink_to("../../../etc/passwd")
    (folder / "absolute").symlink_to(folder / "bin/jsc")
    # Seen as text it stays inside: the folder that it goes up from is a link.
    (folder / "lib/deep").mkdir()
    (folder / "lib/deep/top").symlink_to("../..")
    (folder / "lib/sly").symlink_to("deep/top/../..")
    os.mkfifo(folder / "lib/pipe")
    (folder / "empty").mkdir()


def test_folders_become_one_archive_that_leads_nowhere_else(built: Path, tmp_path: Path) -> None:
    fill(built)
    collect(built, tmp_path / "out", "preview-linux-arm64")
    (archive,) = (tmp_path / "out").iterdir()
    assert archive.name == "preview-linux-arm64.tar.gz"
    with tarfile.open(archive) as members:
        told = [(each.name, each.type, oct(each.mode), each.linkname) for each in members]
        assert {(each.uid, each.gid, each.uname, each.gname, each.mtime) for each in members} == {(0, 0, "", "", 0)}
        members.extractall(tmp_path / "unpacked", filter="data")
    assert told == [
        ("bin", b"5", "0o755", ""),
        ("bin/jsc", b"0", "0o755", ""),
        ("bin/up", b"2", "0o777", "../lib/libpas.so"),
        ("empty", b"5", "0o755", ""),
        ("lib", b"5", "0o755", ""),
        ("lib/deep", b"5", "0o755", ""),
        ("lib/deep/top", b"2", "0o777", "../.."),
        ("lib/libpas.so", b"2", "0o777", "libpas.so.1"),
        ("lib/libpas.so.1", b"0", "0o644", ""),
        ("lib/missing", b"2", "0o777", "nowhere"),
    ]
    assert (tmp_path / "unpacked/bin/up").read_bytes() == b"library"


def test_equal_content_gives_an_equal_archive(tmp_path: Path) -> None:
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        fill(folder)
        os.utime(folder / "bin/jsc", (number, number))
        collect(folder, tmp_path / f"out-{number}", "preview")
    one, other = (tmp_path / f"out-{number}/preview.tar.gz" for number in range(2))
    assert one.read_bytes() == other.read_bytes()


def test_many_files_are_packed(built: Path, tmp_path: Path) -> None:
    for number in range(artifacts.MOST_ARTIFACTS + 1):
        (built / f"{number}.o").touch()
    collect(built, tmp_path / "out", "preview")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["preview.tar.gz"]


def test_names_that_are_no_utf_8_and_long_ones_are_packed_as_they_are(built: Path, tmp_path: Path) -> None:
    folder = built / "/".join(["d" * 200] * 8)
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\n")).write_bytes(b"x")
    collect(built, tmp_path / "out", "preview")
    with tarfile.open(tmp_path / "out/preview.tar.gz") as members:
        assert os.fsencode(members.getnames()[-1]).endswith(b"d/\xff\n")


def test_names_are_made_plain_and_stay_apart() -> None:
    names = ["jsc", "JSC", "lib c++.so", "lib@c++.so", "..", ".hidden", "-rf", "a.tar.gz", "é\udcff", "x" * 400 + ".so"]
    assert plain_names(names) == [
        *("jsc", "JSC-2", "lib_c_.so", "lib_c_-2.so", "file", "hidden", "rf", "a.tar.gz", "file-2", "x" * 120 + ".so")
    ]


@pytest.mark.parametrize(
    ("limit", "most", "reason"),
    [
        ("MOST_BYTES", 5, "takes 6 bytes; at most 5"),
        ("MOST_FILES", 1, "more than 1 files"),
        ("MOST_BYTES_OF_ONE", 3, "GitHub takes no such file"),
        ("LONGEST_PATH", 2, "a path of more than 2 bytes"),
    ],
)
def test_what_is_too_much_is_said_to_be(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, reason: str
) -> None:
    (built / "one").write_bytes(b"12")
    (built / "more").write_bytes(b"1234")
    monkeypatch.setattr(artifacts, limit, most)
    with pytest.raises(BuildError, match=reason) as caught:
        collect(built, tmp_path / "out", "preview")
    assert caught.value.state is State.FAILED


def test_a_file_with_holes_counts_by_its_length(built: Path, tmp_path: Path) -> None:
    with (built / "holes").open("wb") as file:
        file.truncate(artifacts.MOST_BYTES + 1)
    with pytest.raises(BuildError, match="what was built takes"):
        collect(built, tmp_path / "out", "preview")


def test_who_stops_it_is_heard(built: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    (built / "file").touch()
    with pytest.raises(Stop):
        collect(built, tmp_path / "out", "preview", stop)


def test_folders_too_deep_for_a_path_are_said_to_be(built: Path, tmp_path: Path) -> None:
    at = os.open(built, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=at)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    with pytest.raises(BuildError, match="a path of more than"):
        collect(built, tmp_path / "out", "preview")


def test_the_output_folder_is_found(built: Path) -> None:
    (built / "out/arm64").mkdir(parents=True)
    (built / "out/arm64/jsc").touch()
    assert output_of(built, "out/arm64") == built / "out/arm64"
    assert output_of(built, ".") == built


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("none", "made no folder 'none'"),
        ("file", "made no folder 'file'"),
        ("empty", "left nothing in 'empty'"),
        ("link", "'link' is a symbolic link"),
        ("link/dpkg", "'link/dpkg' is a symbolic link"),
    ],
)
def test_an_output_folder_that_is_none_is_named(built: Path, path: str, reason: str) -> None:
    (built / "file").touch()
    (built / "empty").mkdir()
    (built / "link").symlink_to("/etc")
    with pytest.raises(BuildError, match=reason) as caught:
        output_of(built, path)
    assert caught.value.state is State.FAILED
