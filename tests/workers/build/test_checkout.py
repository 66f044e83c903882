"""A commit's files on the disk: what git has, and nothing outside."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.workers.gitrepos import ENVIRONMENT, commit, git, repository
from workers.build import checkout
from workers.build.checkout import check_out, roots_of
from workers.build.driver import BuildError, State
from workers.git import ObjectCache


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "remote")


def checked_out(repo: Path, sha: str, paths: Sequence[str] = ()) -> Path:
    """The folder that a commit was written into."""
    number = len(list(repo.parent.glob("source-*")))
    source = repo.parent / f"source-{number}"
    source.mkdir()
    cache = ObjectCache(repo.parent / "cache", protocols=("file",))
    check_out(cache, repo.as_uri(), None, sha, paths, source, lambda: None)
    return source


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Path → content, where a link leads, or `None` for a folder."""

    def content(path: Path) -> bytes | str | None:
        if path.is_symlink():
            return str(path.readlink())
        return None if path.is_dir() else path.read_bytes()

    return {str(path.relative_to(folder)): content(path) for path in sorted(folder.rglob("*"))}


def crafted(repo: Path, entries: Sequence[tuple[str, str, bytes]]) -> str:
    """A commit whose one tree has (mode, object id, name), as nobody's git would make it."""
    raw = b"".join(b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(oid)) for mode, oid, name in entries)
    made = subprocess.run(
        ["git", "-C", str(repo), "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
        *(),
        input=raw,
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
    )
    sha = git(repo, "commit-tree", "-m", "crafted", made.stdout.decode().strip())
    git(repo, "update-ref", "refs/heads/crafted", sha)
    return sha


def blob(repo: Path, content: bytes) -> str:
    made = subprocess.run(
        ["git", "-C", str(repo), "hash-object", "-w", "--stdin"],
        input=content,
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
    )
    return made.stdout.decode().strip()


def test_files_links_modes_and_submodules_are_as_git_has_them(repo: Path) -> None:
    (repo / "bin").mkdir()
    (repo / "bin/configure").write_text("#!/bin/sh\n")
    (repo / "bin/configure").chmod(0o755)
    (repo / "bin/run").symlink_to("configure")
    (repo / "dangling").symlink_to("bin/nowhere")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{'2' * 40},third/party")
    git(repo, "add", "bin", "dangling")
    git(repo, "commit", "--quiet", "--message=all kinds")
    sha = commit(repo, {"empty": "", "binary": b"\0\r\n\xff", "Source/a.c": "a", "Source/same.c": "a"})
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{'2' * 40},third/party")
    git(repo, "commit", "--quiet", "--message=module")
    sha = git(repo, "rev-parse", "HEAD")
    source = checked_out(repo, sha)
    assert tree(source) == {
        "Source": None,
        "Source/a.c": b"a",
        "Source/same.c": b"a",
        "bin": None,
        "bin/configure": b"#!/bin/sh\n",
        "bin/run": "configure",
        "binary": b"\0\r\n\xff",
        "dangling": "bin/nowhere",
        "empty": b"",
        "third": None,
        "third/party": None,
    }
    assert os.access(source / "bin/configure", os.X_OK)
    assert not (source / "binary").stat().st_mode & 0o111


def test_only_the_named_folders_and_files_are_fetched_and_written(repo: Path) -> None:
    files = {"Source/bmalloc/a.c": "a", "Source/bmallocator.c": "b", "Source/JSC/c.c": "c", "CMakeLists.txt": "d"}
    sha = commit(repo, {**files, "LayoutTests/large": "x" * 9999})
    source = checked_out(repo, sha, ["Source/bmalloc", "CMakeLists.txt", "./Source/bmalloc/a.c"])
    assert tree(source) == {
        "CMakeLists.txt": b"d",
        "Source": None,
        "Source/bmalloc": None,
        "Source/bmalloc/a.c": b"a",
    }
    (store,) = repo.parent.glob("cache/git/*/store.git")
    listed = git(store, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").split()
    assert listed.count("blob") == 2


@pytest.mark.parametrize(
    ("paths", "roots"),
    [
        ([], [""]),
        (["."], [""]),
        (["Source", "."], [""]),
        (["Source/b", "Source", "Sources", "./x"], ["Source", "Sources", "x"]),
    ],
)
def test_the_roots_of_paths(paths: list[str], roots: list[str]) -> None:
    assert list(roots_of(paths)) == roots


def test_links_that_lead_out_are_left_out(repo: Path) -> None:
    (repo / "a/b").mkdir(parents=True)
    links = {
        "absolute": "/etc/passwd",
        "up": "../outside",
        "a/b/fine": "../../file",
        "a/b/out": "../../../outside",
        # By text it leads to `a`, but `a/b/top` is the top.
        "a/b/top": "../..",
        "sly": "a/b/top/../x",
        "first": "second",
        "second": "../../outside",
        "self": "self",
    }
    for path, target in links.items():
        (repo / path).symlink_to(target)
    sha = commit(repo, {"file": "content"})
    (source := repo.parent / "source").mkdir()
    cache = ObjectCache(repo.parent / "cache", protocols=("file",))
    left_out = check_out(cache, repo.as_uri(), None, sha, (), source, lambda: None)
    assert left_out == ("a/b/out", "absolute", "first", "second", "self", "sly", "up")
    assert tree(source) == {
        "a": None,
        "a/b": None,
        "a/b/fine": "../../file",
        "a/b/top": "../..",
        "file": b"content",
    }


def test_links_that_lead_through_many_others_are_left_out(repo: Path) -> None:
    for number in range(300):
        (repo / f"l{number}").symlink_to(f"l{number + 1}")
    (repo / "long").symlink_to("a/../" * 500 + "file")
    sha = commit(repo, {"file": "content"})
    left = tree(checked_out(repo, sha))
    assert {"file", "l299"} <= left.keys()
    assert not {"long", "l0", "l20"} & left.keys()


@pytest.mark.parametrize(
    "name", [b".git", b".GIT", b"..", b".", b"a" * 256, b"../../outside", b"/etc/outside", b"x/.git/config"]
)
def test_paths_that_git_would_not_check_out_are_refused(repo: Path, name: bytes) -> None:
    commit(repo, {"file": "content"})
    sha = crafted(repo, [("100644", blob(repo, b"[core]\n"), name)])
    with pytest.raises(BuildError) as caught:
        checked_out(repo, sha)
    assert caught.value.state is State.FAILED
    assert not list(repo.parent.rglob("outside"))


@pytest.mark.parametrize("kinds", [("120000", "40000"), ("100644", "40000"), ("160000", "40000")])
def test_nothing_is_written_through_a_link_that_is_a_folder_too(repo: Path, kinds: tuple[str, str]) -> None:
    commit(repo, {"below/file": "content"})
    folder = git(repo, "rev-parse", "HEAD:below")
    first, second = kinds
    oid = blob(repo, b"../outside") if first != "160000" else "2" * 40
    (repo.parent / "outside").mkdir()
    sha = crafted(repo, [(first, oid, b"twice"), (second, folder, b"twice")])
    if first == "160000":
        assert tree(checked_out(repo, sha)) == {"twice": None, "twice/file": b"content"}
    else:
        with pytest.raises(BuildError, match="a path twice"):
            checked_out(repo, sha)
    assert list((repo.parent / "outside").iterdir()) == []


def test_names_that_are_no_utf_8_are_written_as_they_are(repo: Path) -> None:
    commit(repo, {"file": "content"})
    sha = crafted(repo, [("100644", blob(repo, b"x"), b'\xff\n\t"')])
    assert [os.fsencode(path.name) for path in checked_out(repo, sha).iterdir()] == [b'\xff\n\t"']


def test_a_link_with_a_target_that_is_none_is_left_out(repo: Path) -> None:
    commit(repo, {"file": "content"})
    targets = [b"", b"a\0b", b"x" * 4000]
    entries = [("120000", blob(repo, target), b"l%d" % number) for number, target in enumerate(targets)]
    sha = crafted(repo, [("100644", blob(repo, b"x"), b"file"), *entries])
    assert tree(checked_out(repo, sha)) == {"file": b"x"}


@pytest.mark.parametrize(
    ("limit", "most", "reason"),
    [
        ("MOST_BYTES", 5, "the files take more than 0 MiB; name the folders .* in preview.command.paths"),
        ("MOST_FILES", 1, "more than 1 files; name the folders"),
        ("MOST_BYTES_OF_A_FILE", 3, "a.c has 4 bytes; name the folders"),
    ],
)
def test_what_is_too_much_tells_which_setting_to_narrow(
    repo: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, reason: str
) -> None:
    sha = commit(repo, {"a.c": "1234", "b.c": "12"})
    monkeypatch.setattr(checkout, limit, most)
    with pytest.raises(BuildError, match=reason) as caught:
        checked_out(repo, sha)
    assert caught.value.state is State.FAILED


def test_many_files_come_in_pieces(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "_FETCHED_AT_ONCE", 7)
    monkeypatch.setattr(checkout, "_READ_AT_ONCE", 20)
    (repo / "link").symlink_to("f1")
    sha = commit(repo, {f"f{number}": f"content {number}" for number in range(30)})
    written = tree(checked_out(repo, sha))
    assert written == {"link": "f1", **{f"f{number}": f"content {number}".encode() for number in range(30)}}


def test_a_path_that_the_commit_does_not_have_is_named(repo: Path) -> None:
    sha = commit(repo, {"a.c": "a"})
    with pytest.raises(BuildError, match="this commit does not have 'Source/bmalloc'") as caught:
        checked_out(repo, sha, ["a.c", "Source/bmalloc"])
    assert caught.value.state is State.FAILED


def test_a_commit_that_was_pushed_away_is_gone(repo: Path) -> None:
    commit(repo, {"a.c": "a"})
    with pytest.raises(BuildError) as caught:
        checked_out(repo, "1" * 40)
    assert caught.value.state is State.GONE


def test_who_stops_it_is_heard(repo: Path) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    sha = commit(repo, {"a.c": "a"})
    source = repo.parent / "source"
    source.mkdir()
    with pytest.raises(Stop):
        check_out(ObjectCache(repo.parent / "c", protocols=("file",)), repo.as_uri(), None, sha, (), source, stop)
