"""`pagewarden kernels` as people run it: a process, its output and its exit status."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest


def pagewarden(cache: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", "kernels", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PAGEWARDEN_CACHE_DIR": str(cache), "COLUMNS": "80", **environment},
    )


@pytest.fixture
def images(tmp_path: Path) -> Path:
    directory = tmp_path / "images"
    directory.mkdir()
    for name, bits in (("4K", 1), ("16K", 2), ("64K", 3)):
        (directory / f"Image-{name}").write_bytes(struct.pack("<24xQ24x4s", bits << 1, b"ARM\x64"))
    return directory


def test_what_is_not_built_is_listed_with_the_command(tmp_path: Path, images: Path) -> None:
    done = pagewarden(tmp_path, "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split("; ")[-1] for line in done.stdout.splitlines()] == [
        f"pagewarden kernels build --page-size {name}" for name in ("4K", "16K", "64K")
    ]


def test_prebuilt_kernels_are_taken_and_listed(tmp_path: Path, images: Path) -> None:
    taken = pagewarden(tmp_path, "build", "--from", images, "--page-size", "64K,4k")
    assert (taken.returncode, taken.stderr) == (0, "")
    sixteen = " 16K  not built; pagewarden kernels build --page-size 16K".strip()
    listed = pagewarden(tmp_path, "list").stdout.splitlines()
    assert listed[1].strip() == sixteen
    assert sorted(taken.stdout.splitlines()) == sorted(listed[::2])
    line = re.fullmatch(r"64K  prebuilt  60 bytes  \d{4}-\d\d-\d\d \d\d:\d\d  (.*)", listed[2])
    assert line is not None
    assert Path(line[1]).read_bytes() == (images / "Image-64K").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "{images}", "--page-size", "32K"], "--page-size: '32K' is no page size; say some of 4K,16K,64K"),
        (["--from", "{images}/none"], "images/none/Image-4K: No such file or directory; expected"),
        (["--from", "{images}", "--latest"], "--from builds nothing"),
    ],
)
def test_what_is_wrong_ends_with_status_2_and_a_line(
    tmp_path: Path, images: Path, arguments: list[str], said: str
) -> None:
    done = pagewarden(tmp_path, "build", *(argument.format(images=images) for argument in arguments))
    assert done.returncode == 2
    assert done.stderr.startswith("pagewarden: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_tools_one_message_names_the_packages(tmp_path: Path) -> None:
    done = pagewarden(tmp_path / "cache", "build", "--page-size", "64K", PATH=str(tmp_path))
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("apt-get install "))
    assert {"gcc-aarch64-linux-gnu", "flex", "bison", "bc", "xz-utils", "make"} <= set(line.split())
