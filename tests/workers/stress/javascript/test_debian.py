"""apt itself, with a repository of ours on disk: packages for arm64, one of which needs another."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from workers.scenario.progress import silent
from workers.stress.javascript.debian import debian_package
from workers.stress.subjects import SubjectError


def package(repository: Path, name: str, version: str, files: dict[str, str], depends: str = "") -> str:
    """Builds a package into `repository`; its stanza in the list of packages."""
    tree = repository.parent / f"{name}-{version}"
    fields = {"Package": name, "Version": version, "Architecture": "arm64", "Maintainer": "a <a@b.c>"}
    fields |= {"Depends": depends} if depends else {}
    fields |= {"Description": "a package of the tests"}
    control = "".join(f"{key}: {value}\n" for key, value in fields.items())
    for path, text in {"DEBIAN/control": control, **files}.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    archive = repository / f"{name}_{version}_arm64.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, archive], check=True, capture_output=True)
    return stanza(archive, control)


def stanza(archive: Path, control: str) -> str:
    content = archive.read_bytes()
    return f"{control}Filename: {archive.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("apt-get or dpkg-deb is missing; run this on Debian")
    repository = tmp_path / "debian"
    repository.mkdir()
    return repository


@pytest.fixture
def etc(tmp_path: Path, repository: Path) -> Path:
    etc = tmp_path / "etc"
    (etc / "sources.list.d").mkdir(parents=True)
    (etc / "sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    return etc


def publish(repository: Path, *stanzas: str) -> None:
    (repository / "Packages").write_text("\n".join(stanzas))


def test_a_package_comes_with_all_that_it_needs(repository: Path, etc: Path, tmp_path: Path) -> None:
    publish(
        repository,
        package(repository, "engine", "1:2.50.6-1~deb12u2", {"usr/bin/engine": "engine"}, "libengine (>= 2)"),
        package(repository, "libengine", "2.0-1", {"usr/lib/libengine.so": "library"}),
        package(repository, "unrelated", "1.0-1", {"usr/bin/unrelated": "unrelated"}),
    )
    found = debian_package("engine", None, tmp_path / "cache", silent, etc)
    assert (found.version, found.files) == ("2.50.6", ("usr/bin/engine",))
    present = {str(path.relative_to(found.tree)) for path in found.tree.rglob("*") if path.is_file()}
    assert present == {"usr/bin/engine", "usr/lib/libengine.so"}


def test_newer_versions_are_seen_and_what_is_there_is_kept(repository: Path, etc: Path, tmp_path: Path) -> None:
    first = package(repository, "engine", "1.0-1", {"usr/bin/engine": "old"})
    publish(repository, first)
    old = debian_package("engine", None, tmp_path / "cache", silent, etc)
    (repository / "engine_1.0-1_arm64.deb").rename(repository / "gone")
    assert debian_package("engine", None, tmp_path / "cache", silent, etc) == old
    publish(repository, first, package(repository, "engine", "1.1-1", {"usr/bin/engine": "new"}))
    new = debian_package("engine", None, tmp_path / "cache", silent, etc)
    assert (new.tree / "usr/bin/engine").read_text() == "new"
    assert debian_package("engine", "1.0-1", tmp_path / "cache", silent, etc) == old


def test_a_package_with_another_hash_is_refused(repository: Path, etc: Path, tmp_path: Path) -> None:
    publish(repository, package(repository, "engine", "1.0-1", {"usr/bin/engine": "good"}))
    package(repository, "engine", "1.0-1", {"usr/bin/engine": "evil"})
    with pytest.raises(SubjectError, match=r"apt could not download engine=1\.0-1"):
        debian_package("engine", None, tmp_path / "cache", silent, etc)
    assert list((tmp_path / "cache").glob("engine*/tree")) == []


def test_a_package_that_writes_elsewhere_is_refused(repository: Path, etc: Path, tmp_path: Path) -> None:
    fields = "Package: engine\nVersion: 1.0-1\nArchitecture: arm64\n"
    archive = repository / "engine_1.0-1_arm64.deb"
    members = {"debian-binary": b"2.0\n", "control.tar": tar("control", fields), "data.tar": tar("../escaped", "x")}
    content = b"!<arch>\n"
    for name, data in members.items():
        content += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    archive.write_bytes(content)
    publish(repository, stanza(archive, fields))
    with pytest.raises(SubjectError, match=r"engine_1\.0-1_arm64\.deb is no archive to be trusted"):
        debian_package("engine", None, tmp_path / "cache", silent, etc)
    assert list(tmp_path.rglob("escaped")) == []


def tar(name: str, text: str) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    return output.getvalue()


def test_what_debian_has_not_is_said_in_apts_words(repository: Path, etc: Path, tmp_path: Path) -> None:
    publish(repository, package(repository, "engine", "1.0-1", {}, "libnowhere"))
    with pytest.raises(SubjectError, match=r"cannot resolve nothing for arm64(.|\n)*Unable to locate package nothing"):
        debian_package("nothing", None, tmp_path / "cache", silent, etc)
    with pytest.raises(SubjectError, match=r"cannot resolve engine for arm64(.|\n)*libnowhere"):
        debian_package("engine", None, tmp_path / "cache", silent, etc)


@pytest.mark.parametrize(("name", "version"), [("-o=x", None), ("../x", None), ("engine", "1 2"), ("engine", "-x")])
def test_only_names_and_versions_reach_apt(name: str, version: str | None, tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="expected debian:NAME or debian:NAME=VERSION"):
        debian_package(name, version, tmp_path, silent)


def test_a_machine_without_debians_sources_says_so(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="No Debian package source is configured"):
        debian_package("engine", None, tmp_path / "cache", silent, tmp_path / "etc")
