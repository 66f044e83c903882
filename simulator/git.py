"""Reading and moving a bare git repository with the `git` command, as GitHub's interface shows it."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# Files above this size (bytes) have no patch on GitHub; git then treats them as binary, which is cheap.
LARGEST_PATCHED_FILE = 1_000_000
LARGEST_SHOWN_BLOB = 5_000_000
MOST_PUSHED_COMMITS = 2048
COMMIT_FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B")
STATUSES = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "C": "copied", "T": "changed"}
PATCH_START = re.compile(rb"^diff --git ", re.MULTILINE)
HUNK_RANGES = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
HUNK_START = re.compile(r"^@@ ", re.MULTILINE)
# The source may belong to somebody else, and may hold the commit on no branch.
SERVE_ANY_COMMIT = "git -c safe.directory=* -c uploadpack.allowAnySHA1InWant=true upload-pack"


class GitError(Exception):
    """git failed; the text is what it printed."""


@dataclass(frozen=True)
class Signature:
    """Who and when, of a commit."""

    name: str
    email: str
    date: datetime


@dataclass(frozen=True)
class Commit:
    """A commit, without its changes."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True)
class FileChange:
    """One file of a diff, as GitHub lists it. `patch` is `None` for what is binary, large or only renamed."""

    filename: str
    previous_filename: str | None
    status: str
    blob: str
    additions: int
    deletions: int
    patch: str | None


@dataclass(frozen=True)
class GitRepository:
    """A bare repository. Methods raise `GitError` where they promise nothing else."""

    directory: Path

    def create(self, source: Path) -> None:
        """Copy all branches and tags of the repository at `source`, and its HEAD."""
        _git(None, "init", "--quiet", "--bare", str(self.directory))
        self._run("fetch", "--quiet", str(source), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        self._run("symbolic-ref", "HEAD", self._head_of(source))
        for key in ("allowFilter", "allowAnySHA1InWant", "allowReachableSHA1InWant"):
            self._run("config", f"uploadpack.{key}", "true")

    def _head_of(self, source: Path) -> str:
        try:
            return _git(source, "symbolic-ref", "--quiet", "HEAD").decode().strip()
        except GitError:  # detached
            return f"refs/heads/{self.branches()[0]}"

    def default_branch(self) -> str:
        """The branch that HEAD names."""
        return self._run("symbolic-ref", "--short", "HEAD").decode().strip()

    def fetch(self, source: Path, revision: str) -> str:
        """Bring the commit that `revision` names in `source` here, and return its sha."""
        sha = GitRepository(source).resolve(revision)
        if sha is None:
            raise GitError(f"{source} has no commit {revision!r}")
        if self.resolve(sha) is None:
            self._run("fetch", "--quiet", f"--upload-pack={SERVE_ANY_COMMIT}", str(source), sha)
        return sha

    def set_ref(self, ref: str, sha: str) -> None:
        """Point `ref` (full name) at a commit that is here."""
        self._run("update-ref", ref, sha)

    def delete_ref(self, ref: str) -> None:
        """Remove `ref` (full name)."""
        self._run("update-ref", "-d", ref)

    def ref(self, ref: str) -> tuple[str, str] | None:
        """The kind (commit or tag) and the sha of the object that `ref` (full name) is at, or `None`."""
        try:
            sha = self._run("show-ref", "--verify", "--hash", ref).decode().strip()
        except GitError:
            return None
        return self._run("cat-file", "-t", sha).decode().strip(), sha

    def refs(self, prefix: str) -> list[str]:
        """Full names of the refs that begin like this."""
        listed = self._run("for-each-ref", "--format=%(refname)").decode().splitlines()
        return [name for name in listed if name.startswith(prefix)]

    def is_ref_name(self, ref: str) -> bool:
        """Whether git allows a ref of that full name."""
        try:
            self._run("check-ref-format", ref)
        except GitError:
            return False
        return True

    def tags(self) -> dict[str, str]:
        """The commit of each tag, by its name."""
        listed = self._run("for-each-ref", "--format=%(refname:lstrip=2)", "refs/tags").decode().splitlines()
        found = {name: self.resolve(f"refs/tags/{name}") for name in listed}
        return {name: sha for name, sha in found.items() if sha}

    def annotate(self, tag: str, sha: str, message: str, time: datetime) -> None:
        """Make a tag that is an object of its own, with a message."""
        self._run("tag", "--annotate", "-m", message, "--", tag, sha, extra=_merged_by_github(time))

    def tag_object(self, sha: str) -> dict[str, str] | None:
        """The header of an annotated tag (`object`, `type`, `tag`, `tagger`) and its `message`, or `None`."""
        try:
            printed = self._run("cat-file", "tag", sha).decode(errors="replace")
        except GitError:
            return None
        head, _, message = printed.partition("\n\n")
        return {**dict(line.split(" ", 1) for line in head.splitlines()), "message": message.rstrip("\n")}

    def names_in(self, revision: str, folder: str) -> list[str]:
        """The names of what is in a folder of a commit; none where there is no such folder."""
        try:
            return list(_fields(self._run("ls-tree", "-z", "--name-only", f"{revision}:{folder}")))
        except GitError:
            return []

    def object_at(self, revision: str, path: str) -> str | None:
        """The sha of what is at a path in a commit, or `None`."""
        try:
            return self._run("rev-parse", "--verify", "--quiet", f"{revision}:{path}").decode().strip()
        except GitError:
            return None

    def merge(self, base: str, head: str, message: str, time: datetime) -> str:
        """A commit that merges `head` into `base` (shas), on no branch. Raises `GitError` where they conflict."""
        try:
            tree = self._run("merge-tree", "--write-tree", "--no-messages", base, head).decode().strip()
        except GitError as error:
            raise GitError(f"{head} does not merge into {base} without conflicts") from error
        parents = ("-p", base, "-p", head)
        return self._run("commit-tree", tree, *parents, "-m", message, extra=_merged_by_github(time)).decode().strip()

    def prune(self) -> None:
        """Drop the objects that no ref reaches, as GitHub does some time after a force-push."""
        self._run("-c", "gc.reflogExpire=now", "gc", "--quiet", "--prune=now")

    def branches(self) -> list[str]:
        """The names of all branches."""
        return self._run("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").decode().splitlines()

    def branch(self, name: str) -> str | None:
        """The commit at the tip of a branch, or `None`."""
        return self.resolve(f"refs/heads/{name}")

    def branch_at(self, sha: str) -> str | None:
        """A branch whose tip is that commit, or `None`."""
        listed = self._run("for-each-ref", "--format=%(refname:lstrip=2)", f"--points-at={sha}", "refs/heads")
        return next(iter(listed.decode().splitlines()), None)

    def is_ancestor(self, one: str, other: str) -> bool:
        """Whether the history of `other` holds `one` (shas)."""
        return self.merge_base(one, other) == one

    def resolve(self, revision: str) -> str | None:
        """The sha of the commit that `revision` names, or `None`."""
        try:
            found = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except GitError:
            return None
        return found.decode().strip()

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits (shas), or `None`."""
        try:
            return self._run("merge-base", one, other).decode().strip()
        except GitError:
            return None

    def commit(self, sha: str) -> Commit:
        """A commit by its sha."""
        return self.log("--max-count=1", sha)[0]

    def between(self, base: str, head: str) -> list[Commit]:
        """Commits that `head` has and `base` has not, oldest first."""
        return self.log("--reverse", "--topo-order", f"{base}..{head}")

    def log(self, *arguments: str) -> list[Commit]:
        """What `git log` with these arguments lists."""
        printed = self._run("log", "-z", "--format=" + "%x00".join(COMMIT_FIELDS), *arguments, "--")
        fields = printed.decode(errors="replace").split("\0")
        size = len(COMMIT_FIELDS)
        return [_commit(fields[start : start + size]) for start in range(0, len(fields) - 1, size)]

    def changes(self, base: str | None, head: str) -> tuple[FileChange, ...]:
        """What differs between the trees of two commits (shas), or between nothing and `head`."""
        return _changes(self.directory, base, head)

    def pushed(self, before: str | None, after: str, branch: str) -> list[Commit]:
        """The newest commits that a push brought, oldest first: since `before`, or for a new branch of no other one."""
        known = (before,) if before else (f"--exclude={branch}", "--branches")
        return self.log("--reverse", "--topo-order", f"--max-count={MOST_PUSHED_COMMITS}", after, "--not", *known)

    def names(self, commit: Commit) -> Mapping[str, list[str]]:
        """The files that a commit added, removed and modified against its first parent, under these three words."""
        between = (commit.parents[0], commit.sha) if commit.parents else ("--root", commit.sha)
        arguments = ("-r", "--no-renames", "--no-commit-id", "--name-status", "-z")
        fields = _fields(self._run("diff-tree", *arguments, *between))
        found: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
        for letter in fields:
            found[{"A": "added", "D": "removed"}.get(letter, "modified")].append(next(fields))
        return found

    def line_now(self, path: str, line: int, then: str, now: str) -> int | None:
        """Where a line of a file in one commit is in another, `None` where it was changed or is gone."""
        if then == now:
            return line
        if self.resolve(then) is None:
            return None
        printed = self._run("diff-tree", "-r", "-p", "-U0", "--no-color", "--no-ext-diff", then, now, "--", path)
        moved = 0
        for hunk in HUNK_RANGES.finditer(printed.decode(errors="replace")):
            start, length, _, added = (1 if number is None else int(number) for number in hunk.groups())
            # Of an insertion git names the line before it.
            if line < start + (length == 0):
                break
            if line < start + length:
                return None
            moved += added - length
        return line + moved

    def blob(self, revision: str, path: str) -> bytes | None:
        """The bytes of a file in a commit, or `None` where there is none, or one too large to show."""
        try:
            size = int(self._run("cat-file", "-s", f"{revision}:{path}"))
            return self._run("cat-file", "blob", f"{revision}:{path}") if size <= LARGEST_SHOWN_BLOB else None
        except GitError:
            return None

    def _run(self, *arguments: str, extra: Mapping[str, str] | None = None) -> bytes:
        return _git(self.directory, *arguments, extra=extra)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment variables for git that keep this machine's own configuration and repositories out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    fixed = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    return {**kept, **fixed, **(extra or {})}


def git_program() -> str:
    """The path of git. Raises `GitError` where there is none."""
    program = shutil.which("git")
    if program is None:
        raise GitError("git is not installed")
    return program


def _git(directory: Path | None, *arguments: str, extra: Mapping[str, str] | None = None) -> bytes:
    where = ["-C", str(directory)] if directory else []
    try:
        done = subprocess.run(
            [git_program(), "-c", "safe.directory=*", *where, *arguments],
            env=environment(extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise GitError(error.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed") from error
    return done.stdout


def _merged_by_github(time: datetime) -> dict[str, str]:
    """Author and committer of the merges that GitHub makes, at `time`."""
    who = {"NAME": "GitHub", "EMAIL": "noreply@github.com", "DATE": time.isoformat()}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}


def _commit(fields: list[str]) -> Commit:
    sha, tree, parents, author, author_email, authored, committer, committer_email, committed, message = fields
    return Commit(
        sha,
        tree,
        tuple(parents.split()),
        Signature(author, author_email, _time(authored)),
        Signature(committer, committer_email, _time(committed)),
        message.rstrip("\n"),
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@functools.lru_cache(maxsize=128)
def _changes(directory: Path, base: str | None, head: str) -> tuple[FileChange, ...]:
    """Commits do not change, so neither does what is between two of them."""
    diff = ["-c", f"core.bigFileThreshold={LARGEST_PATCHED_FILE}", "diff-tree", "-r", "-M", "--no-commit-id"]
    between = [base, head] if base else ["--root", head]
    names = _fields(_git(directory, *diff, "-z", "--raw", "--no-abbrev", *between))
    counts = _fields(_git(directory, *diff, "-z", "--numstat", *between))
    printed = _git(directory, *diff, "-p", "--no-color", "--no-ext-diff", "--no-textconv", *between)
    patches = iter(PATCH_START.split(printed)[1:])
    return tuple(
        FileChange(name, previous, STATUSES[letter], blob, *_line_counts(counts), _patch(patches, letter))
        for name, previous, letter, blob in _names(names)
    )


def _fields(printed: bytes) -> Iterator[str]:
    return iter(printed.decode(errors="replace").split("\0")[:-1])


def _names(fields: Iterator[str]) -> Iterator[tuple[str, str | None, str, str]]:
    """Name, previous name, letter of the status and blob of each file of `--raw -z`."""
    for field in fields:
        _, _, old_blob, new_blob, status = field.split(" ")
        name, previous, letter = next(fields), None, status[0]
        if letter in "RC":
            name, previous = next(fields), name
        yield name, previous, letter, old_blob if letter == "D" else new_blob


def _line_counts(fields: Iterator[str]) -> tuple[int, int]:
    """Lines added and deleted of the next file of `--numstat -z`; binary files count none."""
    added, deleted, name = next(fields).split("\t", 2)
    if not name:
        next(fields)  # a renamed file's two names follow in fields of their own
        next(fields)
    return (0, 0) if added == "-" else (int(added), int(deleted))


def _patch(patches: Iterator[bytes], letter: str) -> str | None:
    """The hunks of the next file. git prints a changed type as a deletion and a creation."""
    printed = next(patches) + (next(patches) if letter == "T" else b"")
    text = printed.decode(errors="replace")
    start = HUNK_START.search(text)
    return text[start.start() :].removesuffix("\n") if start else None
