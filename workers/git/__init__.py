"""Trees from git: nothing is checked out, and nothing of a repository is run."""

from workers.git.cache import CommitGone, ObjectCache
from workers.git.command import GitError
from workers.git.local import WORKTREE, fork, local_commits, local_tree

__all__ = ["WORKTREE", "CommitGone", "GitError", "ObjectCache", "fork", "local_commits", "local_tree"]
