"""The archives' form. That a kernel unpacks them, `test_machine` shows."""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from workers.stress import initramfs
from workers.stress.trees import collect


def _members(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Path → mode and content, read by the format's own description; several archives are read as one."""
    at, members = 0, {}
    while at < len(archive):
        if archive[at] == 0:
            at += 1
            continue
        assert at % 4 == 0
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        begin = -(-(at + 110 + name_size) // 4) * 4
        if name[:-1] != b"TRAILER!!!":
            members[name[:-1].decode()] = (mode, archive[begin : begin + size])
        assert fields[2:4] == [0, 0]
        at = -(-(begin + size) // 4) * 4
    return members


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    for size in range(9):
        (tree / f"{'x' * (size + 1)}").write_bytes(bytes(range(size)))
    (tree / "bin/tool").write_bytes(b"\x7fELF")
    (tree / "bin/tool").chmod(0o4755)
    (tree / "current").symlink_to("bin/tool")
    return tree


def _archive(tree: Path, tmp_path: Path) -> bytes:
    init = tmp_path / "init"
    init.write_bytes(b"supervisor")
    output = io.BytesIO()
    initramfs.write_base(output, init)
    initramfs.write_subject(output, collect({"one/two": tree}))
    initramfs.write_plan(output, b"plan")
    return output.getvalue()


def test_modes_links_and_contents(tree: Path, tmp_path: Path) -> None:
    members = _members(_archive(tree, tmp_path))
    assert members["init"] == (stat.S_IFREG | 0o700, b"supervisor")
    assert members["plan"] == (stat.S_IFREG | 0o400, b"plan")
    assert members["subject/one"] == (stat.S_IFDIR | 0o755, b"")
    assert members["subject/one/two/bin"] == (stat.S_IFDIR | 0o755, b"")
    assert members["subject/one/two/current"] == (stat.S_IFLNK | 0o777, b"bin/tool")
    for size in range(9):
        name = f"subject/one/two/{'x' * (size + 1)}"
        assert members[name] == (stat.S_IFREG | 0o644, bytes(range(size)))


def test_no_rights_come_with_a_file(tree: Path, tmp_path: Path) -> None:
    assert _members(_archive(tree, tmp_path))["subject/one/two/bin/tool"][0] == stat.S_IFREG | 0o755


def test_directories_come_first_and_once(tree: Path, tmp_path: Path) -> None:
    output = io.BytesIO()
    archive = initramfs.Archive(output)
    archive.file("a/b/c", b"")
    archive.file("a/b/d", b"")
    archive.directory("a/b")
    archive.end()
    assert list(_members(output.getvalue())) == ["a", "a/b", "a/b/c", "a/b/d"]
    assert output.getvalue().count(b"a/b\0") == 1


def test_equal_trees_give_equal_bytes(tree: Path, tmp_path: Path) -> None:
    first = _archive(tree, tmp_path)
    (tree / "x").touch()
    assert _archive(tree, tmp_path) == first


def test_each_archive_is_one_for_cpio(tree: Path) -> None:
    if shutil.which("cpio") is None:
        pytest.skip("cpio is missing (Debian: apt-get install cpio)")
    output = io.BytesIO()
    initramfs.write_subject(output, collect({"t": tree}))
    listed = subprocess.run(["cpio", "-it"], input=output.getvalue(), capture_output=True, check=True).stdout.decode()
    assert listed.splitlines() == list(_members(output.getvalue()))
