"""Requests: what webhooks ask for. Plain data, which the inbox keeps until it is done.

Each may be old when it is read: GitHub's own answer counts, not this. `repository` is `owner/name`, shas are full,
people and bots are named by their logins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from workers.conversation.commands import Command, Unclear
from workers.plain import Plain


@dataclass(frozen=True)
class PullRequestEvent(Plain):
    """News of a pull request. `action` is GitHub's word: opened, synchronize, reopened, ready_for_review,
    converted_to_draft, edited or closed."""

    action: str
    installation_id: int
    repository: str
    number: int
    head_sha: str
    base_ref: str
    base_sha: str
    clone_url: str

    @property
    def pull(self) -> str:
        """Names the pull request."""
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True)
class CommentEvent(Plain):
    """A new comment on a pull request, which was `open`, with what it asks for, in its order; never empty."""

    installation_id: int
    repository: str
    number: int
    clone_url: str
    comment_id: int
    author: str
    pull_author: str
    open: bool
    asked: tuple[Command | Unclear, ...]

    @property
    def pull(self) -> str:
        """Names the pull request."""
        return f"{self.repository}#{self.number}"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `KeyError` when a field is missing."""
        asked = tuple((Command if "verb" in each else Unclear).from_json(each) for each in data["asked"])
        return super().from_json({**data, "asked": asked})


@dataclass(frozen=True)
class CheckEvent(Plain):
    """Somebody pressed a button of one of our check runs. `asked` is rerun, recheck, stress, preview or
    cancel."""

    asked: str
    installation_id: int
    repository: str
    clone_url: str
    sender: str
    check_name: str
    external_id: str
    head_sha: str


@dataclass(frozen=True)
class SuiteEvent(Plain):
    """Somebody asked for all our checks of a commit again."""

    installation_id: int
    repository: str
    clone_url: str
    sender: str
    head_sha: str


@dataclass(frozen=True)
class MergeGroupEvent(Plain):
    """News of a group in a merge queue. `action` is checks_requested or destroyed; refs are without refs/heads/."""

    action: str
    installation_id: int
    repository: str
    clone_url: str
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str


@dataclass(frozen=True)
class PushEvent(Plain):
    """A push to the default branch `ref` (without refs/heads/), from `before` to `after`."""

    installation_id: int
    repository: str
    clone_url: str
    ref: str
    before: str
    after: str


@dataclass(frozen=True)
class WorkflowRunEvent(Plain):
    """News of a workflow run that somebody dispatched. `action` is requested, in_progress or completed; `title` is what
    the workflow's `run-name` came to."""

    action: str
    installation_id: int
    repository: str
    workflow_run_id: int
    title: str


@dataclass(frozen=True)
class UninstalledEvent(Plain):
    """The App may no longer act in an account: it was removed or suspended there."""

    installation_id: int


Request = (
    PullRequestEvent
    | CommentEvent
    | CheckEvent
    | SuiteEvent
    | MergeGroupEvent
    | PushEvent
    | WorkflowRunEvent
    | UninstalledEvent
)
KINDS: Mapping[str, type[Plain]] = {
    "pull_request": PullRequestEvent,
    "issue_comment": CommentEvent,
    "check_run": CheckEvent,
    "check_suite": SuiteEvent,
    "merge_group": MergeGroupEvent,
    "push": PushEvent,
    "workflow_run": WorkflowRunEvent,
    "installation": UninstalledEvent,
}
"""Which request each of GitHub's events becomes."""
