from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from workers.scenario.apt import Apt, Kind, Package, SourceVersion, choose, debian_stanzas
from workers.scenario.errors import ScenarioError
from workers.scenario.progress import silent

LISTED = [SourceVersion(full) for full in ("2.42.2-1~deb12u1", "2.50.6-1~deb12u1", "2.50.6-1~deb12u2")]


def etc_apt(directory: Path, **files: str) -> Path:
    (directory / "sources.list.d").mkdir(parents=True)
    for name, text in files.items():
        stem, kind = name.rsplit("_", 1)
        place = directory / "sources.list" if stem == "main" else directory / "sources.list.d" / f"{stem}.{kind}"
        place.write_text(text)
    return directory


DEB822 = """\
Types: deb
# a comment
URIs: https://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb deb-src
URIs: https://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
Enabled: yes
"""


def test_sources_of_both_styles_become_deb_src(tmp_path: Path) -> None:
    one_line = "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # near\n"
    etc = etc_apt(tmp_path, main_list=one_line, debian_sources=DEB822)
    assert debian_stanzas(etc, Kind.SOURCE) == snapshot(
        """\
Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main contrib
Signed-By: /k.gpg

Types: deb-src
URIs: https://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb-src
URIs: https://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
"""
    )


@pytest.mark.parametrize(
    "uri",
    [
        "http://security.debian.org",
        "http://deb.debian.org/debian/",
        "mirror+file:/etc/apt/mirrors/debian.list",
        "http://snapshot.debian.org/archive/debian/20250520T000000Z",
    ],
)
def test_debian_is_known_by_its_uri(tmp_path: Path, uri: str) -> None:
    assert f"URIs: {uri}\n" in debian_stanzas(etc_apt(tmp_path, main_list=f"deb {uri} bookworm main\n"), Kind.SOURCE)


@pytest.mark.parametrize(
    "line",
    [
        "deb https://deb.nodesource.com/node_20.x nodistro main",
        "deb https://download.docker.com/linux/debian-like bookworm stable",
        "deb http://archive.ubuntu.com/ubuntu noble main universe",
        "# deb http://deb.debian.org/debian bookworm main",
        "nonsense",
    ],
)
def test_other_sources_are_left_out(tmp_path: Path, line: str) -> None:
    assert debian_stanzas(etc_apt(tmp_path, other_list=f"{line}\n"), Kind.SOURCE) == ""


def test_disabled_sources_are_left_out(tmp_path: Path) -> None:
    text = "Enabled: no\nTypes: deb\nURIs: http://deb.debian.org/debian\nSuites: sid\nComponents: main\n"
    assert debian_stanzas(etc_apt(tmp_path, debian_sources=text), Kind.SOURCE) == ""


def test_for_binary_packages_the_sources_stay_deb(tmp_path: Path) -> None:
    etc = etc_apt(tmp_path, main_list="deb-src http://deb.debian.org/debian bookworm main\n")
    assert debian_stanzas(etc, Kind.BINARY) == snapshot("""\
Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main
""")


def test_a_version_is_upstream_s_and_its_newest_revision_is_taken() -> None:
    assert choose(LISTED, "2.50.6", "2.50.6") == SourceVersion("2.50.6-1~deb12u2")
    assert choose(LISTED, "2.42.2", "2.50.6") == SourceVersion("2.42.2-1~deb12u1")
    assert SourceVersion("1:2.50.6-rc-1").upstream == "2.50.6-rc"


def test_a_version_that_is_not_listed_is_refused_only_when_asked_for() -> None:
    assert choose(LISTED[:1], None, "2.50.6") == SourceVersion("2.42.2-1~deb12u1")
    with pytest.raises(ScenarioError, match=r"list webkit2gtk 2\.42\.2, 2\.50\.6, not 2\.99\.0"):
        choose(LISTED, "2.99.0", "2.50.6")


def test_without_apt_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ScenarioError) as error:
        Apt(tmp_path, silent)
    assert str(error.value) == snapshot("""\
This machine has no apt-get and no apt-cache and no dpkg, so webkit2gtk cannot be fetched from Debian.
Run this on Debian. Or give the source yourself: --source PATH, a WebKit checkout or a tarball of one
(with Source/bmalloc, Source/WTF and Source/JavaScriptCore).\
""")


def test_without_debian_sources_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"(?s)No Debian package source .*deb-src.*--source"):
        Apt(tmp_path / "state", silent, etc_apt(tmp_path / "etc"))


def test_offline_apt_s_own_words_are_shown(tmp_path: Path) -> None:
    etc = etc_apt(tmp_path / "etc", main_list="deb http://127.0.0.1:9/debian bookworm main\n")
    apt = Apt(tmp_path / "state", silent, etc)
    with pytest.raises(ScenarioError, match=r"(?s)lists no source package webkit2gtk.*127\.0\.0\.1.*--source PATH"):
        apt.versions()


def test_offline_a_binary_package_is_called_one(tmp_path: Path) -> None:
    etc = etc_apt(tmp_path / "etc", main_list="deb http://127.0.0.1:9/debian bookworm main\n")
    apt = Apt(tmp_path / "state", silent, etc, Package("linux-source-0.0", kind=Kind.BINARY))
    with pytest.raises(ScenarioError, match=r"lists no binary package linux-source-0\.0"):
        apt.versions()
