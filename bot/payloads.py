"""What is used of GitHub's webhook payloads.

The models declare the fields that are used and no others; GitHub may add what it likes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError


class PayloadError(Exception):
    """A payload that is not what GitHub sends. The text begins with the JSON path of the first mistake."""


Sha = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Number = Annotated[int, Field(gt=0, lt=1 << 63)]
FullName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$")]
Branch = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
FullRef = Annotated[str, StringConstraints(pattern=r"^refs/[^/]+/.", max_length=1024)]
BranchRef = Annotated[str, StringConstraints(pattern=r"^refs/heads/.", max_length=1024)]
# No user name or password in it, so that nothing secret can end up in a log.
CloneUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s@?#]+$", max_length=2048)]
# Enterprises' users have an underscore in their names, bots end in [bot].
Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}(?:\[bot\])?$")]
# GitHub takes 65,536 characters. A length is demanded also because it is only then that lone surrogates are refused.
Body = Annotated[str, StringConstraints(max_length=1 << 20)]
Short = Annotated[str, StringConstraints(max_length=1000)]
# A workflow's run-name may hold any of its inputs, which have 65,535 characters together.
Title = Annotated[str, StringConstraints(max_length=1 << 17)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Identified(_Model):
    """An App, or its installation in an account."""

    id: Number


class User(_Model):
    """A person or a bot."""

    login: Login


class Repository(_Model):
    """The one that the event is of; for a pull request the one it is opened on, also when its head is in a fork."""

    full_name: FullName
    clone_url: CloneUrl


class Installed(_Model):
    """Only Apps are sent this."""

    installation: Identified


class Head(_Model):
    """The commit that a pull request offers."""

    sha: Sha


class Base(_Model):
    """The branch that a pull request is for, and its commit."""

    ref: Branch
    sha: Sha


class PullRequest(_Model):
    """A pull request, in its own events."""

    head: Head
    base: Base


class PullRequestPayload(_Model):
    """Of the event `pull_request`."""

    number: Number
    repository: Repository
    pull_request: PullRequest


class Issue(_Model):
    """An issue. Those that are pull requests say so; whoever is gone from GitHub is nobody."""

    number: Number
    state: Literal["open", "closed"]
    user: User | None
    pull_request: dict[str, Any] | None = None


class Comment(_Model):
    """A comment, by a person or through an App."""

    id: Number
    user: User
    body: Body
    performed_via_github_app: Identified | None = None


class CommentPayload(_Model):
    """Of the event `issue_comment`."""

    repository: Repository
    issue: Issue
    comment: Comment


class CheckRun(_Model):
    """A check run. `external_id` is what its App gave it."""

    name: Short
    head_sha: Sha
    external_id: Short | None
    app: Identified | None


class CheckPayload(_Model):
    """Of the event `check_run`."""

    repository: Repository
    sender: User
    check_run: CheckRun


class Button(_Model):
    """What its App called a button."""

    identifier: Short


class Pressed(_Model):
    """Of the event `check_run` when a button was pressed."""

    requested_action: Button


class CheckSuite(_Model):
    """All checks of an App for a commit."""

    head_sha: Sha
    app: Identified | None


class SuitePayload(_Model):
    """Of the event `check_suite`."""

    repository: Repository
    sender: User
    check_suite: CheckSuite


class MergeGroup(_Model):
    """Pull requests that a merge queue tries together."""

    base_ref: BranchRef
    base_sha: Sha
    head_ref: BranchRef
    head_sha: Sha


class MergeGroupPayload(_Model):
    """Of the event `merge_group`."""

    repository: Repository
    merge_group: MergeGroup


class PushedRepository(Repository):
    """In a push GitHub says which branch is the default one."""

    default_branch: Branch


class PushPayload(_Model):
    """Of the event `push`. Where there was or is nothing, the sha is all zeros."""

    ref: FullRef
    before: Sha
    after: Sha
    deleted: bool
    repository: PushedRepository


class WorkflowRun(_Model):
    """A run of a workflow of GitHub Actions; `event` is what it was run for."""

    id: Number
    event: Short
    display_title: Title = ""


class WorkflowRunPayload(_Model):
    """Of the event `workflow_run`."""

    repository: Repository
    workflow_run: WorkflowRun


Payload = TypeVar("Payload", bound=_Model)


def parse(model: type[Payload], payload: object) -> Payload:
    """Raises `PayloadError`."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        raise PayloadError(_explain(error)) from None


def kind(value: object) -> str:
    """What JSON calls it, for errors."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "nothing"}
    return names.get(type(value), "a number")


def _explain(error: ValidationError) -> str:
    """The first mistake, without the value: it may be as long and as strange as its sender likes."""
    problem = error.errors(include_input=False, include_url=False)[0]
    path = "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in problem["loc"])
    message = "expected an object" if problem["type"] in {"model_type", "dict_type"} else problem["msg"]
    hint = "; is this the webhook of a GitHub App?" if path == ".installation" else ""
    return f"${path}: {message}{hint}"
