from __future__ import annotations

import os
from pathlib import Path

import pytest

from checker.tree import MAX_BLOB_BYTES, Kind, Tree
from tests.workers.gitrepos import commit, git, profile, repository
from workers.git import WORKTREE, GitError, local_commits, local_tree

HOSTILE_PATHS = (
    "Source/a b.h",
    'Source/"quoted".h',
    "Source/new\nline.h",
    "Source/tab\t.h",
    os.fsdecode(b"Source/\xff.h"),
)


def contents(tree: Tree, limit: int = MAX_BLOB_BYTES) -> dict[str, bytes | None]:
    files = {path: entry.oid for path, entry in tree.entries.items() if entry.kind is not Kind.SUBMODULE}
    blobs = tree.read(list(files.values()), limit)
    return {path: blobs[oid].data for path, oid in files.items()}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo")


def test_reads_a_revision_as_committed_whatever_lies_in_the_working_tree(repo: Path) -> None:
    sha = commit(repo, {"Source/a.h": "one", "Source/x.cpp": "no", "Other/b.h": "no", "Source/watched.c": "yes"})
    (repo / "Source/a.h").write_text("edited")
    tree = local_tree(repo, "main", profile())
    assert tree.sha == sha
    assert contents(tree) == {"Source/a.h": b"one", "Source/watched.c": b"yes"}


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_any_path_survives(repo: Path, path: str) -> None:
    commit(repo, {path: "x"})
    for revision in ("HEAD", WORKTREE):
        assert contents(local_tree(repo, revision, profile())) == {path: b"x"}


def test_the_working_tree_has_tracked_and_untracked_files_but_no_ignored_or_deleted_ones(repo: Path) -> None:
    commit(repo, {".gitignore": "ignored.h", "Source/kept.h": "1", "Source/edited.h": "1", "Source/deleted.h": "1"})
    (repo / "Source/edited.h").write_text("2")
    (repo / "Source/deleted.h").unlink()
    (repo / "Source/new.h").write_text("3")
    (repo / "Source/ignored.h").write_text("4")
    tree = local_tree(repo / "Source", WORKTREE, profile())
    assert tree.sha == "WORKTREE"
    assert contents(tree) == {"Source/kept.h": b"1", "Source/edited.h": b"2", "Source/new.h": b"3"}


def test_an_unchanged_file_has_the_same_id_in_the_working_tree_as_in_the_commit(repo: Path) -> None:
    commit(repo, {"Source/a.h": "same\n", "Source/big.h": b"x" * (MAX_BLOB_BYTES + 1)})
    (repo / "Source/link.h").symlink_to("a.h")
    commit(repo, {})
    assert local_tree(repo, WORKTREE, profile()).entries == local_tree(repo, "HEAD", profile()).entries


@pytest.mark.parametrize("revision", ["HEAD", WORKTREE])
def test_a_blob_above_the_limit_is_not_loaded(repo: Path, revision: str) -> None:
    commit(repo, {"Source/small.h": "x" * 10, "Source/large.h": "x" * 11, "Source/huge.h": b"x" * 50_000_000})
    tree = local_tree(repo, revision, profile())
    blobs = tree.read([tree.entries[f"Source/{name}.h"].oid for name in ("small", "large", "huge")], 10)
    assert [(blob.size, blob.data) for blob in blobs.values()] == [(10, b"x" * 10), (11, None), (50_000_000, None)]


@pytest.mark.parametrize("revision", ["HEAD", WORKTREE])
def test_symlinks_and_submodules_are_what_they_are(repo: Path, revision: str) -> None:
    inner = repository(repo.parent / "inner")
    commit(inner, {"x.h": "x"})
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "Source/module.h")
    (repo / "Source/link.h").symlink_to("/etc/passwd")
    commit(repo, {})
    tree = local_tree(repo, revision, profile())
    assert {path: entry.kind for path, entry in tree.entries.items()} == {
        "Source/link.h": Kind.SYMLINK,
        "Source/module.h": Kind.SUBMODULE,
    }
    assert contents(tree) == {"Source/link.h": b"/etc/passwd"}


def test_nothing_is_read_through_a_symlinked_directory(repo: Path, tmp_path: Path) -> None:
    commit(repo, {"Source/inside/a.h": "a"})
    secret = tmp_path / "elsewhere"
    secret.mkdir()
    (secret / "a.h").write_text("of the host")
    (repo / "Source/inside/a.h").unlink()
    (repo / "Source/inside").rmdir()
    (repo / "Source/inside").symlink_to(secret)
    assert contents(local_tree(repo, WORKTREE, profile())) == {}


def test_a_pipe_in_the_working_tree_is_passed_over(repo: Path) -> None:
    commit(repo, {"Source/a.h": "a"})
    (repo / "Source/a.h").unlink()
    os.mkfifo(repo / "Source/a.h")
    assert contents(local_tree(repo, WORKTREE, profile())) == {}


def test_nothing_that_a_repository_configures_is_run(repo: Path, tmp_path: Path) -> None:
    commit(repo, {"Source/a.h": "a"})
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "uploadpack.packObjectsHook"):
        git(repo, "config", key, str(script))
    for revision in ("HEAD", WORKTREE):
        assert contents(local_tree(repo, revision, profile())) == {"Source/a.h": b"a"}
    assert not ran.exists()


@pytest.mark.parametrize("revision", ["nowhere", "--all", "HEAD~5", "", "a..b", "HEAD:Source/a.h", "x\ny"])
def test_an_unknown_revision_is_named(repo: Path, revision: str) -> None:
    commit(repo, {"Source/a.h": "a"})
    with pytest.raises(GitError, match="has no commit"):
        local_tree(repo, revision, profile())


def test_says_when_there_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        local_tree(tmp_path, "HEAD", profile())
    with pytest.raises(GitError, match="not a directory"):
        local_tree(tmp_path / "nowhere", "HEAD", profile())


def test_says_when_there_is_no_working_tree(repo: Path, tmp_path: Path) -> None:
    commit(repo, {"Source/a.h": "a"})
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "bare")
    with pytest.raises(GitError, match="no working tree"):
        local_tree(tmp_path / "bare", WORKTREE, profile())


def test_a_partial_clone_is_told_of_not_fetched_into(repo: Path, tmp_path: Path) -> None:
    commit(repo, {"Source/a.h": "a", "Source/b.h": "b"})
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", repo.as_uri(), "partial")
    with pytest.raises(GitError, match="lacks headers of HEAD: a partial clone"):
        local_tree(tmp_path / "partial", "HEAD", profile())


def steps(repo: Path, base: str, head: str) -> list[tuple[str, str | None, dict[str, bytes | None]]]:
    found = local_commits(repo, base, head, profile())
    assert [each.commit.sha for each in found] == [each.tree.sha for each in found]
    return [(each.commit.sha, each.commit.subject, contents(each.tree)) for each in found]


def test_the_commits_from_base_to_head_with_subject_and_tree(repo: Path) -> None:
    base = commit(repo, {"Source/a.h": "1"})
    one = commit(repo, {"Source/a.h": "2"})
    git(repo, "commit", "--quiet", "--amend", "--message=commit of |pipes| and `ticks`\n\nbody")
    one = git(repo, "rev-parse", "HEAD")
    two = commit(repo, {"README": "no header"})
    assert steps(repo, base, "main") == [
        (one, "commit of |pipes| and `ticks`", {"Source/a.h": b"2"}),
        (two, "change", {"Source/a.h": b"2"}),
    ]
    assert steps(repo, "main", "main") == []


def test_the_working_tree_is_the_last_step(repo: Path) -> None:
    base = commit(repo, {"Source/a.h": "1"})
    one = commit(repo, {"Source/a.h": "2"})
    (repo / "Source/a.h").write_text("3")
    assert [(sha, content["Source/a.h"]) for sha, _, content in steps(repo, base, WORKTREE)] == [
        (one, b"2"),
        (WORKTREE, b"3"),
    ]


def test_a_merge_is_one_step_with_all_that_it_brings(repo: Path) -> None:
    base = commit(repo, {"Source/a.h": "1"})
    git(repo, "checkout", "--quiet", "-b", "side")
    commit(repo, {"Source/side.h": "s"})
    git(repo, "checkout", "--quiet", "main")
    one = commit(repo, {"Source/a.h": "2"})
    git(repo, "merge", "--quiet", "--no-edit", "side")
    merge = git(repo, "rev-parse", "HEAD")
    assert [sha for sha, _, _ in steps(repo, base, "main")] == [one, merge]


def test_without_a_line_of_commits_it_says_where_they_fork(repo: Path) -> None:
    fork = commit(repo, {"Source/a.h": "1"})
    git(repo, "checkout", "--quiet", "-b", "side")
    commit(repo, {"Source/side.h": "s"})
    git(repo, "checkout", "--quiet", "main")
    commit(repo, {"Source/a.h": "2"})
    with pytest.raises(
        GitError, match=rf"side is no ancestor of main, .*; they fork at {fork[:12]}; use --base {fork[:12]}$"
    ):
        local_commits(repo, "side", "main", profile())
    git(repo, "checkout", "--quiet", "--orphan", "other")
    commit(repo, {"Source/a.h": "3"})
    with pytest.raises(GitError, match=r"main is no ancestor of other, so no line of commits leads from it$"):
        local_commits(repo, "main", "other", profile())
    with pytest.raises(GitError, match="has no commit 'WORKTREE'"):
        local_commits(repo, WORKTREE, "main", profile())


def test_a_commit_whose_headers_are_missing_is_told_of(repo: Path, tmp_path: Path) -> None:
    base = commit(repo, {"Source/a.h": "a"})
    commit(repo, {"Source/a.h": "b"})
    commit(repo, {"Source/a.h": "a"})
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", repo.as_uri(), "partial")
    with pytest.raises(GitError, match=f"lacks headers of the commits from {base} to main: a partial clone"):
        local_commits(tmp_path / "partial", base, "main", profile())
