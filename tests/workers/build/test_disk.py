"""Builds do not fill the disk, and what they leave can be removed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from workers.build import disk
from workers.build.disk import Room, remove, scratch, used
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


DYING = """
import os, pathlib, sys
from workers.build.disk import scratch
with scratch(pathlib.Path(sys.argv[1]), "new-") as folder:
    (folder / "file").touch()
    print(folder)
    os._exit(1)
"""


def test_a_scratch_folder_is_there_for_as_long_as_the_block_lasts(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch(tmp_path, "new-") as folder:
        assert folder.parent == tmp_path
        (folder / "file").touch()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_process_has_left_that_died_goes_and_what_others_use_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    with scratch(tmp_path, "new-") as mine:
        died = subprocess.run([sys.executable, "-c", DYING, tmp_path], capture_output=True, text=True, check=False)
        left = Path(died.stdout.strip())
        assert (left / "file").exists()
        with scratch(tmp_path, "new-") as other:
            assert {*tmp_path.iterdir()} == {tmp_path / "kept", mine, other}
    assert {*tmp_path.iterdir()} == {tmp_path / "kept"}


def test_a_scratch_folder_that_somebody_took_for_left_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tempfile.mkdtemp
    taken: list[str] = []

    def make_and_lose(**where: Any) -> str:
        folder: str = made(**where)
        if not taken:
            taken.append(folder)
            with scratch(tmp_path):
                assert not Path(folder).exists()
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_lose)
    with scratch(tmp_path) as folder:
        assert [str(folder)] != taken
        assert [*tmp_path.iterdir()] == [folder]
