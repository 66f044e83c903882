"""Which files a session takes from the host, and which it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workers.stress.trees import TreeError, collect


def test_a_file_and_a_tree(tmp_path: Path) -> None:
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/file").write_text("x")
    (tmp_path / "tree/deep/up").symlink_to("../deep/file")
    (tmp_path / "tool").write_text("x")
    (tmp_path / "tool").chmod(0o755)
    found = collect({"a/b": tmp_path / "tree", "tool": tmp_path / "tool"})
    assert list(found) == ["a/b", "a/b/deep", "a/b/deep/file", "a/b/deep/up", "tool"]
    assert found["a/b/deep"].is_directory
    assert found["a/b/deep/up"].target == "../deep/file"
    assert (found["tool"].executable, found["a/b/deep/file"].executable) == (True, False)


def test_what_is_named_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    assert collect({"link": tmp_path / "link"})["link"].source == tmp_path / "real"


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "deep/../../outside", ".."])
def test_links_that_leave_their_tree(tmp_path: Path, target: str) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(target)
    with pytest.raises(TreeError, match="outside its tree"):
        collect({"tree": tmp_path / "tree"})


@pytest.mark.parametrize("path", ["", ".", "..", "/etc", "../x", "a/../b", "a//b", "a/", "x\0y"])
def test_paths_that_are_none(tmp_path: Path, path: str) -> None:
    with pytest.raises(TreeError, match="path"):
        collect({path: tmp_path})


def test_one_in_another(tmp_path: Path) -> None:
    with pytest.raises(TreeError, match="a/b lies in a"):
        collect({"a": tmp_path, "a/b": tmp_path})


def test_what_is_neither_file_nor_directory(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TreeError, match="neither a file"):
        collect({"a": tmp_path})


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TreeError, match="none, wanted as /subject/a, cannot be read: No such file or directory"):
        collect({"a": tmp_path / "none"})
