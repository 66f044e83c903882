from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from checker.tree import Kind
from tests.workers.gitrepos import commit, git, profile, repository
from workers.git import CommitGone, GitError, ObjectCache
from workers.git import cache as cache_module


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "remote")


@pytest.fixture
def cache(tmp_path: Path) -> ObjectCache:
    return ObjectCache(tmp_path / "cache", protocols=("file",))


def read(cache: ObjectCache, url: str, sha: str) -> dict[str, bytes | None]:
    tree = cache.tree(url, sha, profile())
    blobs = tree.read([entry.oid for entry in tree.entries.values() if profile().reads(entry.path)], 1000)
    return {path: blobs[entry.oid].data for path, entry in tree.entries.items() if entry.oid in blobs}


def packed(directory: Path) -> int:
    """How many objects the cache holds."""
    stores = list(directory.glob("cache/git/*/store.git"))
    return sum(len(git(store, "cat-file", "--batch-all-objects", "--batch-check").splitlines()) for store in stores)


def test_fetches_two_commits_and_only_the_blobs_that_are_read(repo: Path, cache: ObjectCache, tmp_path: Path) -> None:
    base = commit(repo, {"Source/a.h": "a", "Source/b.h": "b", "Source/watched.c": "c", "Other/large.bin": "x" * 9999})
    head = commit(repo, {"Source/b.h": "B"})
    cache.fetch(repo.as_uri(), None, [base, head], profile())
    assert read(cache, repo.as_uri(), base) == {"Source/a.h": b"a", "Source/b.h": b"b"}
    assert read(cache, repo.as_uri(), head) == {"Source/a.h": b"a", "Source/b.h": b"B"}
    assert "Source/watched.c" in cache.tree(repo.as_uri(), head, profile()).entries
    commits, trees, blobs = 2, 2 + 2 + 1, 3
    assert packed(tmp_path) == commits + trees + blobs


def test_what_is_cached_needs_no_remote(repo: Path, cache: ObjectCache) -> None:
    base = commit(repo, {"Source/a.h": "a"})
    url = repo.as_uri()
    cache.fetch(url, None, [base], profile())
    shutil.rmtree(repo)
    cache.fetch(url, None, [base], profile())
    assert read(cache, url, base) == {"Source/a.h": b"a"}


def test_a_commit_that_no_branch_has_any_more_is_still_fetched(repo: Path, cache: ObjectCache) -> None:
    commit(repo, {"Source/a.h": "a"})
    pushed_away = commit(repo, {"Source/a.h": "b"})
    git(repo, "reset", "--quiet", "--hard", "HEAD~")
    cache.fetch(repo.as_uri(), None, [pushed_away], profile())
    assert read(cache, repo.as_uri(), pushed_away) == {"Source/a.h": b"b"}


def test_a_commit_that_is_gone_is_said_to_be(repo: Path, cache: ObjectCache) -> None:
    base = commit(repo, {"Source/a.h": "a"})
    with pytest.raises(CommitGone):
        cache.fetch(repo.as_uri(), None, [base, "1" * 40], profile())


def test_a_remote_that_does_not_answer_is_no_reason_to_call_a_commit_gone(tmp_path: Path, cache: ObjectCache) -> None:
    with pytest.raises(GitError) as caught:
        cache.fetch((tmp_path / "nowhere").as_uri(), None, ["1" * 40], profile())
    assert type(caught.value) is GitError


@pytest.mark.parametrize("url", ["ssh://host/x", "ext::sh -c true", "/local/path", "https://user:password@host/x"])
def test_speaks_no_other_protocol_and_sends_no_password_in_an_address(tmp_path: Path, url: str) -> None:
    with pytest.raises(GitError):
        ObjectCache(tmp_path).fetch(url, None, ["1" * 40], profile())


def test_symlinks_and_submodules_are_entries_without_content(repo: Path, cache: ObjectCache) -> None:
    (repo / "Source").mkdir()
    (repo / "Source/link.h").symlink_to("a.h")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{'2' * 40},Source/module.h")
    git(repo, "add", "Source/link.h")
    git(repo, "commit", "--quiet", "--message=links")
    sha = git(repo, "rev-parse", "HEAD")
    cache.fetch(repo.as_uri(), None, [sha], profile())
    entries = cache.tree(repo.as_uri(), sha, profile()).entries
    assert {path: entry.kind for path, entry in entries.items()} == {
        "Source/link.h": Kind.SYMLINK,
        "Source/module.h": Kind.SUBMODULE,
    }


def damage_config(store: Path) -> None:
    (store / "config").write_text("[core\n")


def damage_packs(store: Path) -> None:
    for pack in store.glob("objects/pack/*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:-10])


def damage_everything(store: Path) -> None:
    shutil.rmtree(store / "objects")


def leave_a_lock(store: Path) -> None:
    (store / "shallow.lock").touch()


@pytest.mark.parametrize("damage", [damage_config, damage_packs, damage_everything, leave_a_lock])
def test_a_damaged_cache_is_made_anew(repo: Path, cache: ObjectCache, tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    base = commit(repo, {"Source/a.h": "a"})
    head = commit(repo, {"Source/a.h": "b"})
    cache.fetch(repo.as_uri(), None, [base], profile())
    (store,) = tmp_path.glob("cache/git/*/store.git")
    damage(store)
    cache.fetch(repo.as_uri(), None, [base, head], profile())
    assert read(cache, repo.as_uri(), base) == {"Source/a.h": b"a"}
    assert read(cache, repo.as_uri(), head) == {"Source/a.h": b"b"}


def test_damage_found_while_reading_is_healed_by_the_next_fetch(repo: Path, cache: ObjectCache, tmp_path: Path) -> None:
    sha = commit(repo, {"Source/a.h": "a"})
    cache.fetch(repo.as_uri(), None, [sha], profile())
    tree = cache.tree(repo.as_uri(), sha, profile())
    for pack in tmp_path.glob("cache/git/*/store.git/objects/pack/*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(b"")
    with pytest.raises(GitError):
        tree.read([entry.oid for entry in tree.entries.values()], 1000)
    cache.fetch(repo.as_uri(), None, [sha], profile())
    assert read(cache, repo.as_uri(), sha) == {"Source/a.h": b"a"}


def test_a_cache_that_has_grown_too_large_is_begun_anew(
    repo: Path, cache: ObjectCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "MAX_COMMITS", 1)
    shas = [commit(repo, {"Source/a.h": str(number)}) for number in range(3)]
    for sha in shas:
        cache.fetch(repo.as_uri(), None, [sha], profile())
    (kept,) = tmp_path.glob("cache/git/*/store.git/refs/kept")
    assert [ref.name for ref in kept.iterdir()] == [shas[2]]
    assert read(cache, repo.as_uri(), shas[2]) == {"Source/a.h": b"2"}


def test_several_may_fetch_at_once(repo: Path, cache: ObjectCache) -> None:
    shas = [commit(repo, {"Source/a.h": str(number)}) for number in range(6)]
    failures: list[Exception] = []

    def fetch(sha: str) -> None:
        try:
            cache.fetch(repo.as_uri(), None, [sha], profile())
        except GitError as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch, args=(sha,)) for sha in shas for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [read(cache, repo.as_uri(), sha) for sha in shas] == [{"Source/a.h": b"%d" % number} for number in range(6)]


def test_a_branch_is_where_it_is_now(repo: Path, cache: ObjectCache) -> None:
    first = commit(repo, {"Source/a.h": "a"})
    assert cache.tip(repo.as_uri(), None, "main") == first
    second = commit(repo, {"Source/a.h": "b"})
    assert cache.tip(repo.as_uri(), None, "main") == second


def test_a_branch_is_found_by_its_whole_name(repo: Path, cache: ObjectCache) -> None:
    first = commit(repo, {"Source/a.h": "a"})
    git(repo, "branch", "gh-readonly-queue/main/pr-1", first)
    git(repo, "branch", "release/main", first)
    git(repo, "tag", "v1")
    second = commit(repo, {"Source/a.h": "b"})
    url = repo.as_uri()
    assert cache.tip(url, None, "main") == second
    assert cache.tip(url, None, "release/main") == first
    assert cache.tip(url, None, "gh-readonly-queue/main/pr-1") == first
    assert cache.tip(url, None, "v1") is None
    assert cache.tip(url, None, "release") is None


@pytest.mark.parametrize("name", ["nowhere", "*", "m*n", "", "../heads/main", "--upload-pack=false", "-h"])
def test_a_branch_that_is_not_there_is_none_whatever_its_name(repo: Path, cache: ObjectCache, name: str) -> None:
    commit(repo, {"Source/a.h": "a"})
    assert cache.tip(repo.as_uri(), None, name) is None


def test_a_remote_that_does_not_answer_is_no_reason_to_call_a_branch_gone(tmp_path: Path, cache: ObjectCache) -> None:
    with pytest.raises(GitError):
        cache.tip((tmp_path / "nowhere").as_uri(), None, "main")


@pytest.mark.parametrize("url", ["ssh://host/x", "ext::sh -c true", "/local/path", "https://user:password@host/x"])
def test_a_branch_is_asked_for_over_no_other_protocol(tmp_path: Path, url: str) -> None:
    with pytest.raises(GitError):
        ObjectCache(tmp_path).tip(url, None, "main")


def test_where_a_branch_is_costs_no_objects(repo: Path, cache: ObjectCache, tmp_path: Path) -> None:
    commit(repo, {"Source/a.h": "a"})
    cache.tip(repo.as_uri(), None, "main")
    assert packed(tmp_path) == 0
