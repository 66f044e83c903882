"""Who wrote which lines of a file, and with which pull requests, by `git blame`."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from simulator.git import GitError, GitRepository, environment, git_program
from simulator.records import Pull, Repository
from simulator.state import State

# A commit, where its lines were in it, where they are now, how many they are.
FOUND = re.compile(r"([0-9a-f]{40}) \d+ (\d+) (\d+)")


@dataclass(frozen=True)
class Range:
    """Lines `first` to `last` of a file, counted from 1, which the commit `sha` brought."""

    first: int
    last: int
    sha: str


def blame(git: GitRepository, sha: str, path: str) -> list[Range]:
    """The ranges of a file in a commit, the first line's first. Raises `GitError` where it has no such file."""
    arguments = ("blame", "--incremental", sha, "--", path)
    done = subprocess.run(
        [git_program(), "-c", "safe.directory=*", "-C", str(git.directory), *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip())
    found = (FOUND.fullmatch(line) for line in done.stdout.decode(errors="replace").split("\n"))
    ranges = [Range(int(one[2]), int(one[2]) + int(one[3]) - 1, one[1]) for one in found if one]
    return sorted(ranges, key=lambda one: one.first)


def pulls_with(state: State, repository: Repository, sha: str) -> list[Pull]:
    """The merged pull requests that brought a commit; open ones too where the default branch lacks it. Oldest first."""
    landed = repository.git.is_ancestor(sha, f"refs/heads/{repository.default_branch}")
    return [
        pull
        for pull in reversed(state.pulls_of(repository))
        if (pull.merged_sha is not None or (pull.state == "open" and not landed)) and _holds(repository, pull, sha)
    ]


def _holds(repository: Repository, pull: Pull, sha: str) -> bool:
    commits = repository.git.between(repository.base_of(pull), pull.head_sha)
    return sha == pull.merged_sha or sha in {commit.sha for commit in commits}
