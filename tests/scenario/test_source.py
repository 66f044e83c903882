from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from workers.scenario import (
    ScenarioError,
    Selection,
    Step,
    headers,
    make_scenario,
    package_source,
    profile_selection,
    silent,
)
from workers.scenario.source import default_cache_dir, unpack

EVERYTHING = Selection(("Source",), lambda path: True)
MIMALLOC = Selection(("include",), lambda path: path.endswith(".h"))
INTERNAL_CONFIG = "Source/bmalloc/libpas/src/libpas/pas_internal_config.h"


def tarball(path: Path, *members: tarfile.TarInfo | str, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # the mode is a variable
        for member in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            content = b"content"
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    return path


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def files_below(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir()}


def test_the_headers_are_what_the_profile_selects_and_nothing_else(webkit_2_50: Path, webkit_2_42: Path) -> None:
    selection = profile_selection()
    for root in (webkit_2_50, webkit_2_42):
        files = files_below(root)
        assert INTERNAL_CONFIG in files
        assert "Source/JavaScriptCore/heap/MarkedBlock.h" in files
        assert all(path in selection for path in files)


def test_cached_headers_need_no_apt(webkit_2_50: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert headers("2.50.6") == webkit_2_50


@pytest.mark.parametrize("version", ["*", "../2.50.6", "", "latest"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ScenarioError, match=r"is no version of WebKit; say one such as 2\.50\.6"):
        headers(version)


def test_headers_are_unpacked_again_when_the_profile_wants_more(webkit_2_42: Path, tmp_path: Path) -> None:
    cache = tmp_path / "sources"
    cache.mkdir()
    (downloaded,) = (default_cache_dir() / "sources").glob("webkit2gtk_2.42.2.orig.tar.*")
    os.link(downloaded, cache / downloaded.name) if _same_device(downloaded, cache) else shutil.copy(downloaded, cache)
    steps: list[str] = []

    def fetch() -> Path:
        steps.clear()
        return headers("2.42.2", tmp_path, lambda step: steps.append(step.text))

    root = fetch()
    assert set(steps) == {f"unpacking {downloaded.name}"}
    fetch()
    assert not steps
    (root / INTERNAL_CONFIG).unlink()
    fetch()
    assert steps
    assert files_below(root) == files_below(webkit_2_42)


def test_another_package_of_debian_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    def tell(step: Step) -> None:
        steps.append(step.text)

    root = package_source("mimalloc", "2.0.9+ds", MIMALLOC, tmp_path, tell)
    assert "downloading mimalloc from Debian" in steps
    assert files_below(root) >= {"include/mimalloc.h", "include/mimalloc-types.h"}
    assert all(path in MIMALLOC for path in files_below(root))

    monkeypatch.setenv("PATH", "")
    steps.clear()
    assert package_source("mimalloc", "2.0.9+ds", MIMALLOC, tmp_path, tell) == root
    assert not steps
    others = Selection(("src",), lambda path: path.endswith(".c"))
    package_source("mimalloc", "2.0.9+ds", others, tmp_path, tell)
    assert set(steps) == {"unpacking mimalloc_2.0.9+ds.orig.tar.xz"}
    assert {"include/mimalloc.h", "src/segment.c"} <= files_below(root)
    assert all(path in MIMALLOC or path in others for path in files_below(root))
    steps.clear()
    assert package_source("mimalloc", "2.0.9+ds", MIMALLOC, tmp_path, tell) == root
    assert not steps


def test_a_package_that_holds_nothing_of_what_is_wanted(tmp_path: Path) -> None:
    cache = tmp_path / "sources"
    cache.mkdir()
    tarball(cache / "other_1.0.orig.tar.bz2", "other-1.0/main.c", mode="w:bz2")
    with pytest.raises(ScenarioError, match=r"other_1\.0\.orig\.tar\.bz2 holds nothing of what is wanted: include\."):
        package_source("other", "1.0", MIMALLOC, tmp_path)
    assert not (cache / "other_1.0").exists()


@pytest.mark.parametrize(
    ("package", "version", "says"),
    [
        ("../mimalloc", "1", "is no name of a Debian source package"),
        ("-o", "1", "is no name of a Debian source package"),
        ("mimalloc", "../1", "is no version of mimalloc"),
        ("mimalloc", "", "is no version of mimalloc"),
    ],
)
def test_what_is_no_package_is_refused(tmp_path: Path, package: str, version: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        package_source(package, version, MIMALLOC, tmp_path)


def test_another_package_s_errors_name_it_and_no_webkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ScenarioError, match="so mimalloc cannot be fetched from Debian") as error:
        package_source("mimalloc", "2.0.9+ds", MIMALLOC, tmp_path)
    assert "WebKit" not in str(error.value)


@pytest.mark.parametrize("top", ["", "./", "WebKit-main/"])
@pytest.mark.parametrize("mode", ["w", "w:bz2", "w:gz", "w:xz"])
def test_the_tree_may_sit_at_the_top_or_one_below(tmp_path: Path, top: str, mode: str) -> None:
    file = tarball(tmp_path / "t", f"{top}Source/bmalloc/a.h", f"{top}Tools/b.h", mode=mode)
    steps: list[Step] = []
    assert unpack(file, tmp_path / "out", EVERYTHING, steps.append) == ["Source/bmalloc/a.h"]
    assert (tmp_path / "out/Source/bmalloc/a.h").read_bytes() == b"content"
    assert steps[-1].total == file.stat().st_size


def test_members_that_leave_the_tree_or_are_no_files_are_not_unpacked(tmp_path: Path) -> None:
    file = tarball(
        tmp_path / "t",
        "w/Source/bmalloc/a.h",
        "w/Source/../../escape.h",
        "/Source/bmalloc/absolute.h",
        link("w/Source/bmalloc/soft.h", "/etc/passwd", tarfile.SYMTYPE),
        link("w/Source/bmalloc/hard.h", "w/Source/bmalloc/a.h", tarfile.LNKTYPE),
        link("w/Source/bmalloc/fifo.h", "", tarfile.FIFOTYPE),
    )
    unpack(file, tmp_path / "out", EVERYTHING, silent)
    assert files_below(tmp_path / "out") == {"Source/bmalloc/a.h"}
    assert not (tmp_path / "escape.h").exists()


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nowhere is neither a directory nor a file.*--source PATH"):
        make_scenario(tmp_path / "s", source=tmp_path / "nowhere")


def test_a_directory_that_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no WebKit checkout: it has no directory Source/bmalloc"):
        make_scenario(tmp_path / "s", source=tmp_path)


def test_a_tarball_of_something_else(tmp_path: Path) -> None:
    file = tarball(tmp_path / "other.tar.gz", "other-1.0/main.c")
    with pytest.raises(ScenarioError, match="holds no WebKit tree: no Source/bmalloc at its top or one directory"):
        make_scenario(tmp_path / "s", source=file)


def test_a_file_that_is_no_tarball(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a tarball\n" * 100)
    with pytest.raises(ScenarioError, match=r"notes\.txt cannot be read as a tarball \(\.tar, \.tar\.bz2, "):
        make_scenario(tmp_path / "s", source=tmp_path / "notes.txt")


def test_a_truncated_tarball(tmp_path: Path) -> None:
    whole = tarball(
        tmp_path / "whole.tar.xz", *(f"w/Source/bmalloc/{n}.h" for n in range(100)), mode="w:xz"
    ).read_bytes()
    (tmp_path / "cut.tar.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ScenarioError, match=r"cut\.tar\.xz cannot be read as a tarball"):
        make_scenario(tmp_path / "s", source=tmp_path / "cut.tar.xz")


def _same_device(left: Path, right: Path) -> bool:
    return left.stat().st_dev == right.stat().st_dev
