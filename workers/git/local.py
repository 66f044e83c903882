"""Trees of a repository on this machine, for the command line: of a revision, the working tree, a line of commits."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from checker.check import CommitTree
from checker.report import Commit
from checker.tree import MAX_BLOB_BYTES, Blob, Entry, Kind, Tree
from workers.git import objects
from workers.git.command import Git, GitError
from workers.git.objects import Selects

WORKTREE = "WORKTREE"
NOT_COMMITTED = "what is not committed yet"


def local_tree(repo: Path, revision: str, selection: Selects) -> Tree:
    """The tree of a revision, or for `WORKTREE` of the tracked files and the untracked ones not ignored.

    Raises `GitError` when `repo` is no repository, has no such revision, or lacks headers (a partial clone).
    """
    git = _opened(repo)
    return _working_tree(git, selection) if revision == WORKTREE else _committed_tree(git, revision, selection)


def local_commits(repo: Path, base: str, head: str, selection: Selects) -> tuple[CommitTree, ...]:
    """The commits that lead from `base` to `head` by first parents, oldest first; for `WORKTREE` it as the last.

    Raises `GitError` as `local_tree` does, and when `base` is no ancestor of `head`.
    """
    git = _opened(repo)
    start, end = _sha(git, base), _sha(git, "HEAD" if head == WORKTREE else head)
    forks = _forks(git, start, end)
    if start not in forks:
        fork = f"; they fork at {forks[0][:12]}; use --base {forks[0][:12]}" if forks else ""
        raise GitError(f"{base} is no ancestor of {head}, so no line of commits leads from it{fork}")
    listing = git.run("rev-list", "--first-parent", "--reverse", "--format=%H %s", f"{start}..{end}", "--")
    told = [line.partition(" ") for line in listing.decode(errors="replace").splitlines()]
    commits = [Commit(sha=sha, subject=subject or None) for sha, _, subject in told if sha != "commit"]
    trees = _trees(git, [commit.sha for commit in commits], f"the commits from {base} to {head}", selection)
    steps = tuple(CommitTree(commit, tree) for commit, tree in zip(commits, trees, strict=True))
    if head != WORKTREE:
        return steps
    return (*steps, CommitTree(Commit(sha=WORKTREE, subject=NOT_COMMITTED), _working_tree(git, selection)))


def fork(repo: Path, base: str, head: str) -> str | None:
    """Where two revisions part, a full commit id; `None` where one is an ancestor of the other, or nothing is shared.

    Raises `GitError` as `local_tree` does. `WORKTREE` stands on its HEAD.
    """
    git = _opened(repo)
    ends = [_sha(git, "HEAD" if revision == WORKTREE else revision) for revision in (base, head)]
    forks = _forks(git, *ends)
    return forks[0] if forks and not set(ends) & set(forks) else None


def _opened(repo: Path) -> Git:
    if not repo.is_dir():
        raise GitError(f"{repo} is not a directory")
    # The person named this repository, so its owner does not matter; nothing its configuration names is run.
    git = Git(repo, {"safe.directory": "*"})
    try:
        git.run("rev-parse", "--git-dir")
    except GitError as error:
        raise GitError(f"{repo}: {error}") from None
    return git


def _forks(git: Git, one: str, other: str) -> list[str]:
    """The best common ancestors of two commits; none where their histories are unrelated."""
    try:
        return git.run("merge-base", "--all", one, other).decode().split()
    except GitError:
        return []


def _sha(git: Git, revision: str) -> str:
    try:
        found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except GitError:
        raise GitError(f"{git.directory} has no commit {revision!r}") from None
    return found.decode().strip()


def _committed_tree(git: Git, revision: str, selection: Selects) -> Tree:
    (tree,) = _trees(git, [_sha(git, revision)], revision, selection)
    return tree


def _trees(git: Git, shas: Sequence[str], what: str, selection: Selects) -> list[Tree]:
    """The trees of commits; whether their headers are there is asked once for all."""
    entries = [objects.entries(git, sha, selection) for sha in shas]
    if not _has(git, {oid for each in entries for oid in objects.contents(each.values(), selection)}):
        raise GitError(
            f"{git.directory} lacks headers of {what}: a partial clone? "
            "Check the revision out there once, or run `git fetch --refetch --no-filter`"
        )

    def read(oids: Sequence[str], limit: int) -> Mapping[str, Blob]:
        return objects.read(git, oids, limit)

    return [Tree(sha, each, read) for sha, each in zip(shas, entries, strict=True)]


def _has(git: Git, oids: set[str]) -> bool:
    try:
        return objects.sizes(git, oids).keys() == oids
    except GitError:  # an older git insists on fetching what a partial clone lacks, which it may not
        return False


def _working_tree(git: Git, selection: Selects) -> Tree:
    try:
        top = Path(os.fsdecode(git.run("rev-parse", "--show-toplevel").removesuffix(b"\n")))
    except GitError:
        raise GitError(f"{git.directory} has no working tree") from None
    algorithm = git.run("rev-parse", "--show-object-format").decode().strip()
    entries: dict[str, Entry] = {}
    blobs: dict[str, Blob] = {}
    for path in _present(Git(top, git.config), selection):
        if not objects.concerns(selection, path) or not _is_inside(top, path):
            continue
        if content := _content(top / path, algorithm):
            kind, oid, blob = content
            entries[path] = Entry(path, oid, kind)
            blobs[oid] = blob

    def read(oids: Sequence[str], limit: int) -> Mapping[str, Blob]:
        return {oid: blobs[oid] if blobs[oid].size <= limit else Blob(blobs[oid].size, None) for oid in oids}

    return Tree(WORKTREE, entries, read)


def _present(git: Git, selection: Selects) -> list[str]:
    roots = [f":(top,literal){root}" for root in selection.tree_roots if root]
    listing = git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *roots)
    return sorted({os.fsdecode(path).rstrip("/") for path in listing.split(b"\0") if path})


def _is_inside(top: Path, path: str) -> bool:
    """Whether no directory on the way is a symlink: behind one the files are not the repository's."""
    return not any((top / parent).is_symlink() for parent in Path(path).parents)


def _content(path: Path, algorithm: str) -> tuple[Kind, str, Blob] | None:
    """Kind, object id and content as git would store them; `None` for what is gone or what git does not store.

    Content above `MAX_BLOB_BYTES` is hashed but not kept.
    """
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            kind, chunks = Kind.SYMLINK, iter([os.fsencode(path.readlink())])
        elif stat.S_ISREG(status.st_mode):
            kind, chunks = Kind.FILE, _chunks(path)
        elif stat.S_ISDIR(status.st_mode):
            return Kind.SUBMODULE, "", Blob(0, None)
        else:
            return None
        if status.st_size > MAX_BLOB_BYTES:
            return kind, _blob_id(chunks, status.st_size, algorithm), Blob(status.st_size, None)
        data = b"".join(chunks)
        return kind, _blob_id([data], len(data), algorithm), Blob(len(data), data)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GitError(f"cannot read {path}: {error.strerror}") from None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def _blob_id(chunks: Iterable[bytes], size: int, algorithm: str) -> str:
    """The object id git would give to this content, so that unchanged files have equal ids in commits."""
    digest = hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
