"""GitHub's answers, as far as anything here reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class PullRequest:
    """A pull request as it is now.

    `repository` (`owner/name`) is what the repository is called now. `base_sha` is where the target branch `base_ref`
    was at some time in the past: GitHub moves it seldom.
    """

    repository: str
    number: int
    open: bool
    head_sha: str
    base_ref: str
    base_sha: str
    clone_url: str
    changed_files: int

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        return cls(
            repository=answer["base"]["repo"]["full_name"],
            number=answer["number"],
            open=answer["state"] == "open",
            head_sha=answer["head"]["sha"],
            base_ref=answer["base"]["ref"],
            base_sha=answer["base"]["sha"],
            clone_url=answer["base"]["repo"]["clone_url"],
            changed_files=answer["changed_files"],
        )


@dataclass(frozen=True)
class CheckRun:
    """A check run. `conclusion` is `None` while it is under way."""

    id: int
    app_id: int | None
    external_id: str | None
    conclusion: str | None
    title: str | None
    summary: str | None
    text: str | None
    annotations: int

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        output = answer["output"]
        return cls(
            id=answer["id"],
            app_id=answer["app"]["id"] if answer["app"] else None,
            external_id=answer["external_id"],
            conclusion=answer["conclusion"] if answer["status"] == "completed" else None,
            title=output["title"],
            summary=output["summary"],
            text=output["text"],
            annotations=output["annotations_count"],
        )


@dataclass(frozen=True)
class Comment:
    """A comment on a pull request. `app_id` is `None` when no App wrote it."""

    id: int
    app_id: int | None
    body: str

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        app = answer.get("performed_via_github_app")
        return cls(id=answer["id"], app_id=app["id"] if app else None, body=answer["body"] or "")
