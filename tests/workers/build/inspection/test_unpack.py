from __future__ import annotations

import gzip
import json
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.workers.build.inspection.made import Content, entry, hard_link, symlink, tar_of, tarred, zipped, zipped_link
from workers.build.driver import BuildError, State
from workers.build.inspection import contained
from workers.build.inspection.bounds import Bounds
from workers.build.inspection.forms import Form
from workers.build.inspection.inspect import find_binary, unpack
from workers.build.inspection.keep import folder_of


def unpacked(tmp_path: Path, files: dict[str, bytes | Path], bounds: Bounds = Bounds()) -> Path:  # noqa: B008 frozen
    artifacts, into = tmp_path / "artifacts", tmp_path / "into"
    artifacts.mkdir()
    for name, content in files.items():
        if isinstance(content, Path):
            shutil.copy(content, artifacts / name)
        else:
            (artifacts / name).write_bytes(content)
    unpack(artifacts, into, bounds=bounds)
    return into


def listed(into: Path) -> list[str]:
    return sorted(str(path.relative_to(into)) for path in into.rglob("*") if not path.is_dir() or path.is_symlink())


def test_one_archive_is_unpacked_into_the_directory_itself(binaries: Path, tmp_path: Path) -> None:
    script = entry("bin/script", tarfile.REGTYPE, mode=0o4755)
    program = (binaries / "stripped").read_bytes()
    content = tarred({"./bin/bun": program, "README": b"text", "s": script}, "gz")
    into = unpacked(tmp_path, {"bun-linux.tar.gz": content})
    assert listed(into) == ["README", "bin/bun", "bin/script"]
    assert (into / "bin/bun").read_bytes() == program
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in into.rglob("*")}
    assert modes == {"bin": 0o755, "README": 0o644, "bun": 0o755, "script": 0o755}


def test_several_artifacts_lie_beside_one_another(binaries: Path, tmp_path: Path) -> None:
    program = (binaries / "stripped").read_bytes()
    files: dict[str, bytes | Path] = {
        "bun.zip": zipped({"bun-linux/bun": program}),
        "lib.a": binaries / "library.a",
        "bun2.gz": gzip.compress(program),
        "program": program,
        "notes.txt": b"text",
    }
    into = unpacked(tmp_path, files)
    assert listed(into) == ["bun/bun-linux/bun", "bun2/bun2", "lib.a", "notes.txt", "program"]
    assert (into / "program").stat().st_mode & 0o111
    assert not (into / "notes.txt").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("forms", "folders"),
    [
        ({"a.tar.gz": Form.GZIP}, [""]),
        ({"a.tar.gz": Form.GZIP, "b": None}, ["a"]),
        ({"a.tgz": Form.GZIP, "a.zip": Form.ZIP}, ["a.tgz", "a.zip"]),
        ({"a": None, "a.zip": Form.ZIP}, ["a.zip"]),
        ({"v1.2": Form.ZIP, ".zip": Form.ZIP}, ["v1.2", ".zip"]),
    ],
)
def test_folders_are_called_as_their_artifacts(forms: dict[str, Form | None], folders: list[str]) -> None:
    assert [folder_of(name, forms) for name, form in forms.items() if form is not None] == folders


def test_archives_within_stay_as_they_are(tmp_path: Path) -> None:
    inner = tarred({"a": b"1"}, "gz")
    into = unpacked(tmp_path, {"x.zip": zipped({"inner.tgz": inner})})
    assert (into / "inner.tgz").read_bytes() == inner


def test_a_package_of_debian_is_as_dpkg_unpacks_it(hello: Path, tmp_path: Path) -> None:
    into = unpacked(tmp_path, {hello.name: hello})
    subprocess.run(["dpkg-deb", "-x", hello, tmp_path / "told"], check=True)
    assert listed(into) == listed(tmp_path / "told")
    assert (into / "usr/bin/hello").read_bytes() == (tmp_path / "told/usr/bin/hello").read_bytes()


def test_links_that_stay_inside_are_links(tmp_path: Path) -> None:
    links = {
        "0": symlink("bin/bun", "../lib/current/bun"),
        "1": symlink("lib/current", "v2"),
        "2": symlink("nowhere", "missing"),
    }
    content: Content = {**links, "lib/current/bun": b"program", "3": hard_link("again", "lib/v2/bun")}
    into = unpacked(tmp_path, {"a.tar": tarred(content)})
    assert listed(into) == ["again", "bin/bun", "lib/current", "lib/v2/bun", "nowhere"]
    assert (into / "bin/bun").read_bytes() == (into / "again").read_bytes() == b"program"


def test_a_link_in_a_zip_is_a_link(tmp_path: Path) -> None:
    assert (unpacked(tmp_path, {"a.zip": zipped_link("link", "x")}) / "link").readlink() == Path("x")


def test_a_member_that_comes_twice_is_there_as_it_came_last(tmp_path: Path) -> None:
    twice = tarred({"a": b"first", "0": symlink("b", "a")})[:1536] + tarred({"a": b"second", "b": b"no link"})
    into = unpacked(tmp_path, {"a.tar": twice})
    assert (into / "a").read_bytes() == b"second"
    assert not (into / "b").is_symlink()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (tarred({"../x": b"1"}), r"a: \.\./x leads out of it"),
        (tarred({"/x": b"1"}), "a: /x leads out of it"),
        (tar_of(symlink("a/out", "../..")), "a: .* leads out of it"),
        (tarred({"0": symlink("out", ".."), "out/x": b"1"}), "leads out of it"),
        (tarred({"0": symlink("a/b/up", "../.."), "a/b/up/../x": b"1"}), "leads out of it"),
        (tar_of(symlink("out", "a/b/../../x"), symlink("a/b", "../c")), "leads out of it"),
        (tar_of(hard_link("hard", "../../etc/passwd")), "leads out of it"),
        (tar_of(hard_link("hard", "nothing")), "No such file"),
        (tar_of(entry("null", tarfile.CHRTYPE)), "null leads out of it"),
        (zipped({"..\\x": b"1"}), "leads out of it"),
        (zipped({"C:/x": b"1"}), "leads out of it"),
        (zipped_link("out", "/etc/passwd"), "leads out of it"),
        (tarred({"a": b"1", "a/b": b"2"}), "Not a directory|File exists"),
        (tarred({"a/b": b"1", "a": b"2"}), "Is a directory"),
        (tarred({"a/b": b"1", "0": symlink("a", "c")}), "File exists"),
        (tarred({"x" * 300: b"1"}), "File name too long"),
        (gzip.compress(tarred({"a": b"1" * 10_000}))[:-20], "a: "),
        (zipped({"a": bytes(2 << 20)}), f"a: more than {1 << 20} bytes"),
        (zipped({str(number): b"" for number in range(60)}), "a: more than 50 files"),
    ],
)
def test_what_cannot_be_unpacked_safely_leaves_nothing(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(BuildError, match=why) as raised:
        unpacked(tmp_path, {"a": content}, Bounds(most_bytes=1 << 20, most_files=50))
    assert raised.value.state is State.FAILED
    assert str(tmp_path) not in str(raised.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "into"]
    assert list((tmp_path / "into").iterdir()) == []


@pytest.mark.parametrize(
    "made",
    [
        "os.symlink('/etc/passwd', '/into/out')",
        "os.mkfifo('/into/pipe')",
        "os.makedirs('/into/a'); os.symlink('../..', '/into/a/up')",
    ],
)
def test_a_child_that_was_taken_over_gets_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    monkeypatch.setattr(contained, "_BOOT", f"import os; {made}; print('{{}}')")
    with pytest.raises(BuildError, match="what was built leads out of itself"):
        unpacked(tmp_path, {"a": b"x"})
    assert list((tmp_path / "into").iterdir()) == []


def test_what_a_child_says_reaches_nobody_unbounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = json.dumps({"refused": "\x1b[2J" + "x" * 100_000})
    monkeypatch.setattr(contained, "_BOOT", f"print({said!r})")
    with pytest.raises(BuildError) as raised:
        unpacked(tmp_path, {"a": b"x"})
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500


def test_the_binary_is_found_where_the_settings_say(tmp_path: Path) -> None:
    (tmp_path / "bun-linux-aarch64" / "bin").mkdir(parents=True)
    file = tmp_path / "bun-linux-aarch64" / "bin" / "bun"
    file.touch()
    assert find_binary(tmp_path, "bun-linux-aarch64/bin/bun") == file
    assert find_binary(tmp_path, "bin/bun") == file
    assert find_binary(tmp_path, "bun") is None
    assert find_binary(tmp_path, "bin") is None
    (tmp_path / "README").touch()
    assert find_binary(tmp_path, "bin/bun") is None


def test_a_binary_outside_is_not_found(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch()
    into = tmp_path / "into"
    (into / "bin").mkdir(parents=True)
    (into / "bin" / "real").touch()
    (into / "bin" / "bun").symlink_to("real")
    (into / "bin" / "out").symlink_to("../../outside")
    (into / "circle").symlink_to("circle")
    assert find_binary(into, "bin/bun") == into / "bin" / "bun"
    for path in ("bin/out", "../outside", "circle", str(outside), "x" * 300):
        assert find_binary(into, path) is None
