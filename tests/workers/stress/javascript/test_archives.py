from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Literal, cast

import pytest

from workers.stress.javascript.archives import unpack
from workers.stress.subjects import SubjectError


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0, mode: int = 0o644
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, link, size, mode
    return info


def archive(*members: tarfile.TarInfo, packed: str = "gz") -> io.BytesIO:
    output = io.BytesIO()
    mode = cast(Literal["w:", "w:gz", "w:xz"], f"w:{packed}")
    with tarfile.open(fileobj=output, mode=mode) as tar:
        for info in members:
            tar.addfile(info, io.BytesIO(b"x" * info.size) if info.isreg() else None)
    output.seek(0)
    return output


@pytest.mark.parametrize("packed", ["gz", "xz", ""])
def test_files_directories_and_links_within_are_written(tmp_path: Path, packed: str) -> None:
    members = [
        member("./usr/bin", tarfile.DIRTYPE, mode=0o755),
        member("./usr/bin/jsc", size=5, mode=0o4755),
        member("./usr/bin/js", tarfile.SYMTYPE, "jsc"),
    ]
    assert unpack(archive(*members, packed=packed), "good.tar", tmp_path) == ["usr/bin/jsc"]
    assert (tmp_path / "usr/bin/js").read_bytes() == b"xxxxx"
    assert (tmp_path / "usr/bin/jsc").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    "members",
    [
        [member("../escaped", size=1)],
        [member("a/../../escaped", size=1)],
        [member("out", tarfile.SYMTYPE, ".."), member("out/escaped", size=1)],
        [member("out", tarfile.SYMTYPE, "../escaped")],
        [member("hard", tarfile.LNKTYPE, "../escaped")],
    ],
)
def test_what_leads_out_of_the_directory_is_refused(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    directory = tmp_path / "in"
    with pytest.raises(SubjectError, match=r"evil\.tar is no archive to be trusted"):
        unpack(archive(*members), "evil.tar", directory)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_an_absolute_path_lands_below_the_directory(tmp_path: Path) -> None:
    unpack(archive(member("/etc/escaped", size=1)), "a.tar", tmp_path)
    assert (tmp_path / "etc/escaped").is_file()


def test_absolute_links_and_special_files_are_left_out(tmp_path: Path) -> None:
    members = [
        member("passwd", tarfile.SYMTYPE, "/etc/passwd"),
        member("zero", tarfile.CHRTYPE),
        member("kept", size=1),
    ]
    assert unpack(archive(*members), "a.tar", tmp_path) == ["kept"]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_too_much_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="holds more than"):
        unpack(archive(member("small", size=10), member("large", size=2000)), "a.tar", tmp_path, most_bytes=1000)
    assert not (tmp_path / "large").exists()
    many = [member(f"d{number}", tarfile.DIRTYPE, mode=0o755) for number in range(21)]
    with pytest.raises(SubjectError, match="holds more than"):
        unpack(archive(*many), "a.tar", tmp_path / "many", most_members=20)


@pytest.mark.parametrize("content", [b"no tarball at all", b"\x1f\x8bnot really gzip"])
def test_what_is_no_tarball_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SubjectError, match="cannot be unpacked"):
        unpack(io.BytesIO(content), "a.tar", tmp_path)


def test_a_tarball_that_was_cut_off_is_an_error(tmp_path: Path) -> None:
    whole = archive(member("a", size=100_000), packed="").getvalue()
    with pytest.raises(SubjectError, match="cannot be unpacked"):
        unpack(io.BytesIO(whole[:50_000]), "a.tar", tmp_path)
