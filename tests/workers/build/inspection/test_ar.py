from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from workers.build.inspection.ar import ar_members
from workers.build.inspection.bounds import DamagedError


def names_and_contents(content: bytes) -> dict[str, bytes]:
    return {name: member.read() for name, member in ar_members(io.BytesIO(content), lambda _count: None)}


def header(name: str, size: int | str) -> bytes:
    return f"{name:<48}{size:<10}`\n".encode()


def test_what_binutils_wrote_is_read(tmp_path: Path) -> None:
    contents = {"odd": b"odd", "even": b"even", "a-name-of-more-than-sixteen.o": b"x" * 1001, "empty": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    subprocess.run(["ar", "qc", "library.a", *contents], cwd=tmp_path, check=True)
    assert names_and_contents((tmp_path / "library.a").read_bytes()) == contents


def test_members_are_passed_over_when_nobody_reads_them(binaries: Path) -> None:
    with (binaries / "library.a").open("rb") as stream:
        names = [name for name, _ in ar_members(stream, lambda _count: None)]
    assert names == ["library.o", "an-object-with-a-long-name.o"]


def test_long_names_as_bsd_writes_them_are_read() -> None:
    content = b"!<arch>\n" + header("#1/20", 24) + b"a-very-long-name.o\0\0" + b"body"
    assert names_and_contents(content) == {"a-very-long-name.o": b"body"}


def test_what_comes_out_is_counted() -> None:
    counted: list[int] = []
    for _, member in ar_members(io.BytesIO(b"!<arch>\n" + header("a/", 100) + bytes(100)), counted.append):
        member.read()
    assert sum(counted) == 100


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"!<thin>\n", "a thin archive"),
        (b"!<arch>\nshort", "no header"),
        (b"!<arch>\n" + header("a/", "-4"), "no header"),
        (b"!<arch>\n" + header("a/", "\xb2"), "no header"),
        (b"!<arch>\n" + header("a/", 10) + b"short", "ends 5 bytes early"),
        (b"!<arch>\n" + header("/1x", 0), "a name that is no name"),
        (b"!<arch>\n" + header("#1/-1", 4) + b"body", "a name that is no name"),
        (b"!<arch>\n" + header("//", 100 << 20), "a table of long names that no library has"),
    ],
)
def test_what_is_damaged_says_why(content: bytes, why: str) -> None:
    with pytest.raises(DamagedError, match=why):
        names_and_contents(content)
