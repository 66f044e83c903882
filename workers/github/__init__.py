"""GitHub's REST interface as far as the jobs use it."""

from workers.github.access import GitHub
from workers.github.client import Client
from workers.github.failures import GitHubError, NotThere, RateLimited, Rejected, Unavailable
from workers.github.release_calls import AssetInfo, ReleaseInfo
from workers.github.resources import (
    CheckRun,
    Comment,
    Comparison,
    PullCommit,
    PullRequest,
    ReviewComment,
    same_text,
)

__all__ = [
    "AssetInfo",
    "CheckRun",
    "Client",
    "Comment",
    "Comparison",
    "GitHub",
    "GitHubError",
    "NotThere",
    "PullCommit",
    "PullRequest",
    "RateLimited",
    "Rejected",
    "ReleaseInfo",
    "ReviewComment",
    "Unavailable",
    "same_text",
]
