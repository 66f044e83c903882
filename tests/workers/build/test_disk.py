"""Builds do not fill the disk, and what they leave can be removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workers.build import disk
from workers.build.disk import Room, remove, used
from workers.build.driver import BuildError, State


def test_a_folder_takes_what_its_files_take_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "deep/folder").mkdir(parents=True)
    (tmp_path / "deep/folder/file").write_bytes(bytes(1 << 20))
    (tmp_path / "link").symlink_to("/usr")
    assert 1 << 20 <= used(tmp_path) < 2 << 20


def test_a_folder_that_grows_too_large_stops_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 100 << 30
    monkeypatch.setattr(disk, "_free", lambda folder: free)
    room = Room(tmp_path, most=1 << 20)
    (tmp_path / "file").write_bytes(bytes(2 << 20))
    # Until the disk has lost a GiB nothing is counted.
    room.require()
    free -= 1 << 30
    with pytest.raises(BuildError, match="more than 1 MiB of disk") as caught:
        room.require()
    assert caught.value.state is State.FAILED


def test_what_others_write_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 100 << 30
    monkeypatch.setattr(disk, "_free", lambda folder: free)
    room = Room(tmp_path, most=1 << 20)
    for _ in range(5):
        free -= 10 << 30
        room.require()


def test_a_disk_that_is_nearly_full_stops_the_build_and_is_not_its_fault(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="runs out of disk") as caught:
        Room(tmp_path, kept_free=1 << 60).require()
    assert caught.value.state is None


def test_what_is_too_deep_for_a_path_is_counted_and_removed(tmp_path: Path) -> None:
    top = tmp_path / "built"
    top.mkdir()
    at = os.open(top, os.O_RDONLY)
    for _ in range(2100):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    (top / "closed").mkdir()
    (top / "closed/file").touch()
    (top / "closed").chmod(0)
    used(top)
    remove(top)
    assert not top.exists()


def test_nothing_behind_a_link_is_removed_or_opened_up(tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others/file").touch(mode=0o400)
    (tmp_path / "built").mkdir()
    (tmp_path / "built/link").symlink_to("../others")
    remove(tmp_path / "built")
    assert (tmp_path / "others/file").stat().st_mode & 0o777 == 0o400
    remove(tmp_path / "built")
