"""GitHub's answers, as far as anything here reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

MOST_COMPARED_FILES = 300
"""A comparison lists no more."""


@dataclass(frozen=True)
class PullRequest:
    """A pull request as it is now.

    `repository` (`owner/name`) is what the repository is called now. `base_sha` is where the target branch `base_ref`
    was at some time in the past: GitHub moves it seldom. `from_fork`: the head is not in the repository itself, or
    nobody knows any more where it is; `head_owner` is then empty. `association` is GitHub's word for what the author is
    to the repository, `updated_at` in epoch seconds.
    """

    repository: str
    number: int
    open: bool
    head_sha: str
    base_ref: str
    base_sha: str
    clone_url: str
    changed_files: int
    commits: int
    review_comments: int
    from_fork: bool = False
    head_owner: str = ""
    author: str = ""
    author_is_bot: bool = False
    association: str = "NONE"
    draft: bool = False
    comments: int = 0
    updated_at: float = 0
    closed_at: float = 0

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        head_repository = answer["head"]["repo"] or {}
        author = answer["user"] or {}
        return cls(
            repository=answer["base"]["repo"]["full_name"],
            number=answer["number"],
            open=answer["state"] == "open",
            head_sha=answer["head"]["sha"],
            base_ref=answer["base"]["ref"],
            base_sha=answer["base"]["sha"],
            clone_url=answer["base"]["repo"]["clone_url"],
            changed_files=answer["changed_files"],
            commits=answer["commits"],
            review_comments=answer["review_comments"],
            from_fork=head_repository.get("id") != answer["base"]["repo"]["id"],
            head_owner=(head_repository.get("owner") or {}).get("login", ""),
            author=author.get("login", ""),
            author_is_bot=author.get("type") == "Bot",
            association=answer["author_association"],
            draft=bool(answer.get("draft")),
            comments=answer["comments"],
            updated_at=datetime.fromisoformat(answer["updated_at"]).timestamp(),
            closed_at=datetime.fromisoformat(answer["closed_at"]).timestamp() if answer.get("closed_at") else 0,
        )


@dataclass(frozen=True)
class Comparison:
    """A commit against a branch. `merge_base` is the last commit that they have in common, `tip` where the branch is.

    `files` holds each changed file's names: one, or after a rename the new and the old one; `None` where there are more
    than GitHub lists here.
    """

    merge_base: str
    tip: str
    files: tuple[tuple[str, ...], ...] | None

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        files = answer.get("files") or []
        listed = tuple(names_of(file) for file in files) if len(files) < MOST_COMPARED_FILES else None
        return cls(answer["merge_base_commit"]["sha"], answer["base_commit"]["sha"], listed)


def names_of(file: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a changed file: one, or after a rename the new and the old one."""
    old = file.get("previous_filename")
    return (file["filename"], old) if old else (file["filename"],)


@dataclass(frozen=True)
class CheckRun:
    """A check run. `conclusion` is `None` while it is under way, `bot` the login under which its App comments."""

    id: int
    app_id: int | None
    external_id: str | None
    conclusion: str | None
    title: str | None
    summary: str | None
    text: str | None
    annotations: int
    bot: str | None = None

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        output, app = answer["output"], answer["app"] or {}
        return cls(
            id=answer["id"],
            app_id=app.get("id"),
            external_id=answer["external_id"],
            conclusion=answer["conclusion"] if answer["status"] == "completed" else None,
            title=output["title"],
            summary=output["summary"],
            text=output["text"],
            annotations=output["annotations_count"],
            bot=f"{app['slug']}[bot]" if app.get("slug") else None,
        )


@dataclass(frozen=True)
class Comment:
    """A comment on a pull request. `app_id` is `None` when no App wrote it; `node_id` names it in GraphQL."""

    id: int
    node_id: str
    app_id: int | None
    body: str

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        app = answer.get("performed_via_github_app")
        return cls(answer["id"], answer["node_id"], app["id"] if app else None, answer["body"] or "")


@dataclass(frozen=True)
class PullCommit:
    """A commit of a pull request. `subject` is the first line of its message."""

    sha: str
    parents: tuple[str, ...]
    subject: str

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        message = str(answer["commit"]["message"])
        return cls(answer["sha"], tuple(parent["sha"] for parent in answer["parents"]), message.partition("\n")[0])


@dataclass(frozen=True)
class ReviewComment:
    """A comment on a line of a pull request's diff. `line` is where it is now, `None` when it is outdated.

    GitHub does not tell which App wrote it; `author` is the login of a person or bot, `None` for a deleted account.
    """

    id: int
    author: str | None
    body: str
    path: str
    line: int | None
    in_reply_to: int | None

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        author = answer["user"]
        return cls(
            id=answer["id"],
            author=author["login"] if author else None,
            body=answer["body"] or "",
            path=answer["path"],
            line=answer.get("line"),
            in_reply_to=answer.get("in_reply_to_id"),
        )


def same_text(shown: str | None, wanted: str | None) -> bool:
    """Whether GitHub shows a text: it may have trimmed it and changed its line ends."""
    return (shown or "").replace("\r\n", "\n").strip() == (wanted or "").strip()
