"""Reviews of a pull request and comments on its lines: where these are now, and their JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.git import GitError
from simulator.patch import position
from simulator.records import Pull, Repository, Review, ReviewComment
from simulator.resources import Links, account, node_id, timestamp
from simulator.state import State

Json = Any


@dataclass(frozen=True)
class Place:
    """Where a comment is in the diff as it is now."""

    line: int
    position: int


def patch_of(repository: Repository, pull: Pull, sha: str, path: str) -> str | None:
    """What a pull request does to a file up to one of its commits; `None` where GitHub has no patch for it."""
    git = repository.git
    base = git.merge_base(repository.base_of(pull), sha)
    found = (change for change in git.changes(base, sha) if change.filename == path)
    return next((change.patch for change in found), None)


def place(repository: Repository, pull: Pull, one: ReviewComment) -> Place | None:
    """Where a comment is now, `None` when it is outdated: its line was changed, or is no longer in the diff."""
    git, line = repository.git, one.line
    if one.side == "RIGHT":
        try:
            moved = git.line_now(one.path, one.line, one.commit_sha, pull.head_sha)
        except GitError:
            return None
        if moved is None:
            return None
        line = moved
    row = position(patch_of(repository, pull, pull.head_sha, one.path) or "", one.side, line)
    return Place(line, row) if row is not None else None


def review_comment(links: Links, one: ReviewComment, state: State) -> Json:
    """`pull-request-review-comment`. As on GitHub it does not tell which App wrote it."""
    its = state.repository(one.repository)
    assert its is not None, f"{one.repository} was deleted"
    pull = state.pull(its, one.number)
    assert pull is not None, f"{one.repository} has no pull request {one.number}"
    now = place(its, pull, one)
    page = f"{links.page(its)}/pull/{one.number}#discussion_r{one.id}"
    api = f"{links.repository(its)}/pulls"
    body = {
        "url": f"{api}/comments/{one.id}",
        "pull_request_review_id": one.review_id,
        "id": one.id,
        "node_id": node_id("PRRC", one.id),
        "diff_hunk": one.diff_hunk,
        "path": one.path,
        "commit_id": pull.head_sha if now else one.commit_sha,
        "original_commit_id": one.commit_sha,
        "user": account(links, one.author),
        "body": one.body,
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.updated_at),
        "html_url": page,
        "pull_request_url": f"{api}/{one.number}",
        "author_association": state.association(one.author, "NONE"),
        "_links": {
            "self": {"href": f"{api}/comments/{one.id}"},
            "html": {"href": page},
            "pull_request": {"href": f"{api}/{one.number}"},
        },
        "start_line": None,
        "original_start_line": None,
        "start_side": None,
        "line": now.line if now else None,
        "original_line": one.line,
        "side": one.side,
        "position": now.position if now else None,
        "original_position": one.position,
        "subject_type": "line",
    }
    if one.in_reply_to is not None:
        body["in_reply_to_id"] = one.in_reply_to
    return body


def review(links: Links, one: Review, state: State) -> Json:
    """`pull-request-review`."""
    its = state.repository(one.repository)
    assert its is not None, f"{one.repository} was deleted"
    page = f"{links.page(its)}/pull/{one.number}#pullrequestreview-{one.id}"
    pull = f"{links.repository(its)}/pulls/{one.number}"
    return {
        "id": one.id,
        "node_id": node_id("PRR", one.id),
        "user": account(links, one.author),
        "body": one.body,
        "state": one.state,
        "html_url": page,
        "pull_request_url": pull,
        "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
        "submitted_at": timestamp(one.submitted_at),
        "commit_id": one.commit_sha,
        "author_association": state.association(one.author, "NONE"),
    }
