"""Commits of remote repositories, kept by object id.

A commit costs two requests: its trees, then all blobs at once that the selection reads and the cache lacks.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from checker.tree import Blob, Kind, Tree
from workers.git import objects
from workers.git.command import FETCH_SECONDS, Git, GitError, authorization
from workers.git.objects import Selects

MAX_COMMITS = 500
"""A cached repository with more commits is thrown away and begun anew, so that none grows for ever."""

_GONE = ("not our ref", "unadvertised object", "couldn't find remote ref")
_REMOTE = ("could not read from remote", "could not read username", "could not read password")
_DAMAGED = (
    "bad object",
    "bad packed",
    "bad signature",
    "bad tree",
    "bad config",
    "corrupt",
    "could not read",
    "does not match index",
    "file exists",
    "inflate",
    "is empty",
    "not a git repository",
    "packfile",
    "shallow file",
    "unable to read",
)

T = TypeVar("T")


class CommitGone(GitError):
    """The commit cannot be had any more, as after a force-push: a normal end, not a fault."""


class _DamagedError(GitError):
    """The cached repository cannot be used; it holds nothing that could not be fetched again."""


class ObjectCache:
    """Commits of remote repositories, as far as a selection reads them; processes may share the directory."""

    def __init__(self, directory: Path, protocols: Sequence[str] = ("https", "http")) -> None:
        """`protocols` are those that git may speak."""
        self._directory = directory / "git"
        self._protocols = tuple(protocols)

    def fetch(self, clone_url: str, token: str | None, shas: Sequence[str], selection: Selects) -> None:
        """Makes sure that `tree` can answer for these full commit ids.

        Raises `CommitGone` when the remote has one no more, `GitError` for anything else.
        """
        remote = _remote(clone_url, token, self._protocols)
        kept = self._kept(clone_url)
        with kept.locked():
            try:
                _complete(kept, remote, shas, selection)
            except _DamagedError:
                shutil.rmtree(kept.root)
                _complete(kept, remote, shas, selection)

    def tree(self, clone_url: str, sha: str, selection: Selects) -> Tree:
        """The tree of a commit fetched before. Raises `GitError` when it is not, or no longer, there."""
        kept = self._kept(clone_url)

        def read(oids: Sequence[str], limit: int) -> Mapping[str, Blob]:
            return kept.carefully(lambda git: objects.read(git, oids, limit))

        return Tree(sha, kept.carefully(lambda git: objects.entries(git, sha, selection)), read)

    def tip(self, clone_url: str, token: str | None, branch: str) -> str | None:
        """The commit that a branch is at now, `None` when the remote has no such branch. Raises `GitError`."""
        remote = _remote(clone_url, token, self._protocols)
        kept = self._kept(clone_url)
        with kept.locked():
            kept.prepare()
        return remote.tip(kept.store, f"refs/heads/{branch}")

    def _kept(self, clone_url: str) -> _Kept:
        return _Kept(self._directory / hashlib.sha256(clone_url.encode()).hexdigest()[:32])


@dataclass(frozen=True)
class _Kept:
    """One remote repository, as far as it is kept.

    Git fetches into `store`, and notes there that the remote would hand out missing objects on demand.
    `reader` is an empty repository that borrows the store's objects: seen from it what is missing is missing,
    and nothing is fetched behind our back.
    """

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "store.git"

    @property
    def reader(self) -> Git:
        borrowed = {"GIT_OBJECT_DIRECTORY": str((self.store / "objects").absolute())}
        return Git(self.root / "reader.git", environment=borrowed)

    def prepare(self) -> None:
        """Makes the repositories where they are missing, and begins anew when there are too many commits."""
        refs = self.store / "refs" / "kept"
        if refs.is_dir() and sum(1 for _ in refs.iterdir()) > MAX_COMMITS:
            shutil.rmtree(self.root)
        for repository in (self.store, self.reader.directory):
            if not (repository / "HEAD").is_file():
                repository.mkdir(parents=True, exist_ok=True)
                Git(repository).run("init", "--quiet", "--bare", "--template=", ".")

    def carefully(self, use: Callable[[Git], T]) -> T:
        """Reads; what turns out to be damaged is forgotten, so that a retry fetches it anew."""
        if not self.reader.directory.is_dir():
            raise GitError("the commit was not fetched, or its cache was cleared meanwhile")
        try:
            return use(self.reader)
        except (GitError, KeyError) as error:
            with self.locked():
                shutil.rmtree(self.root, ignore_errors=True)
            raise GitError(f"the cached repository is damaged: {error}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time; the lock ends with the process that holds it."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        with self.root.with_suffix(".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class _Remote:
    url: str
    authorization: Mapping[str, str] = field(repr=False)
    protocols: Sequence[str]

    def fetch(self, store: Path, wanted: Sequence[str], *options: str, config: Mapping[str, str] | None = None) -> None:
        git = Git(store, {**self.authorization, **(config or {})}, protocols=self.protocols)
        lines = "".join(f"{refspec}\n" for refspec in wanted).encode()
        fixed = ("--quiet", "--no-tags", "--filter=blob:none", "--no-write-fetch-head", "--stdin")
        try:
            git.run("fetch", *fixed, *options, "--", self.url, stdin=lines, seconds=FETCH_SECONDS)
        except GitError as error:
            raise _named(error) from None

    def tip(self, store: Path, ref: str) -> str | None:
        git = Git(store, self.authorization, protocols=self.protocols)
        listing = git.run("ls-remote", "--quiet", "--", self.url, ref, seconds=FETCH_SECONDS).decode(errors="replace")
        shas = (line.split("\t", 1) for line in listing.splitlines())
        return next((sha for sha, name in shas if name == ref), None)


def _remote(clone_url: str, token: str | None, protocols: Sequence[str]) -> _Remote:
    parts = urlsplit(clone_url)
    if parts.username or parts.password:
        raise GitError("a clone address must not contain a user or a password")
    if parts.scheme not in protocols:
        raise GitError(f"git may not fetch over {parts.scheme!r}")
    return _Remote(clone_url, authorization(clone_url, token) if token else {}, protocols)


def _complete(kept: _Kept, remote: _Remote, shas: Sequence[str], selection: Selects) -> None:
    """Fetches what is missing: first the commits with their trees, then blobs."""
    kept.prepare()
    if absent := _absent(kept.reader, shas):
        # References keep the commits known, so that the next fetch need only send what differs from them.
        remote.fetch(kept.store, [f"+{sha}:refs/kept/{sha}" for sha in absent], "--depth=1")
    headers = _headers(kept.reader, shas, selection)
    if missing := _absent(kept.reader, headers):
        # Blobs have no history that the two sides could agree on.
        remote.fetch(kept.store, missing, config={"fetch.negotiationAlgorithm": "noop"})
        if not_sent := _absent(kept.reader, headers):
            raise _DamagedError(f"the remote did not send {len(not_sent)} of {len(missing)} blobs")


def _absent(git: Git, oids: Collection[str]) -> list[str]:
    try:
        there = objects.sizes(git, oids)
    except GitError as error:
        raise _DamagedError(str(error)) from None
    return sorted(set(oids) - there.keys())


def _headers(git: Git, shas: Sequence[str], selection: Selects) -> set[str]:
    try:
        trees = [objects.entries(git, sha, selection).values() for sha in shas]
    except GitError as error:
        raise _DamagedError(str(error)) from None
    # A symlink's blob is where it leads.
    return set().union(*(objects.contents(tree, selection, Kind.SYMLINK) for tree in trees))


def _named(error: GitError) -> GitError:
    """What a failed fetch means; only git's words tell."""
    words = str(error).lower()
    if any(hint in words for hint in _GONE):
        return CommitGone(str(error))
    if any(hint in words for hint in _DAMAGED) and not any(hint in words for hint in _REMOTE):
        return _DamagedError(str(error))
    return error
