"""Webhook events, read into plain requests. Pure: a name and a payload in, a request out.

The models declare the fields that are used and no others; GitHub may add what it likes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from workers.runs import PullRequestEvent

ACTIONS = frozenset({"opened", "synchronize", "reopened", "ready_for_review", "edited", "closed"})
"""The actions of `pull_request` that can change what a check has to say."""


@dataclass(frozen=True)
class Ignored:
    """An event that is none of pagewarden's business, and why."""

    reason: str


class PayloadError(Exception):
    """A payload that is not what GitHub sends. The text begins with the JSON path of the first mistake."""


Sha = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Number = Annotated[int, Field(gt=0, lt=1 << 63, strict=True)]
FullName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$")]
Ref = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
# No user name or password in it, so that nothing secret can end up in a log.
CloneUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s@?#]+$", max_length=2048)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Installation(_Model):
    id: Number


class _Repository(_Model):
    full_name: FullName
    clone_url: CloneUrl


class _Head(_Model):
    sha: Sha


class _Base(_Model):
    ref: Ref
    sha: Sha


class _PullRequest(_Model):
    head: _Head
    base: _Base


class _PullRequestPayload(_Model):
    """`repository` is the one that the pull request is opened on, also when its head is in a fork."""

    action: Literal["opened", "synchronize", "reopened", "ready_for_review", "edited", "closed"]
    number: Number
    installation: _Installation
    repository: _Repository
    pull_request: _PullRequest


def read(event: str, payload: object) -> PullRequestEvent | Ignored:
    """The request that an event stands for. `payload` is what the JSON decoder gave.

    Raises `PayloadError`.
    """
    if event != "pull_request":
        return Ignored(f"nothing to do for the event {event[:100]}")
    if not isinstance(payload, Mapping):
        raise PayloadError(f"$: expected an object, not {_kind(payload)}")
    action = payload.get("action")
    if not isinstance(action, str):
        raise PayloadError(f"$.action: expected a string, not {_kind(action)}")
    if action not in ACTIONS:
        return Ignored(f"nothing to do for the action {action[:100]}")
    if action == "edited" and not _moves_base(payload):
        return Ignored("edited, but not its base")
    return _request(payload)


def _moves_base(payload: Mapping[str, Any]) -> bool:
    changes = payload.get("changes")
    return isinstance(changes, Mapping) and bool(changes.get("base"))


def _request(payload: Mapping[str, Any]) -> PullRequestEvent:
    try:
        read = _PullRequestPayload.model_validate(payload)
    except ValidationError as error:
        raise PayloadError(_explain(error)) from None
    return PullRequestEvent(
        action=read.action,
        installation_id=read.installation.id,
        repository=read.repository.full_name,
        number=read.number,
        head_sha=read.pull_request.head.sha,
        base_ref=read.pull_request.base.ref,
        base_sha=read.pull_request.base.sha,
        clone_url=read.repository.clone_url,
    )


def _explain(error: ValidationError) -> str:
    """The first mistake, without the value: it may be as long and as strange as its sender likes."""
    problem = error.errors(include_input=False, include_url=False)[0]
    path = "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in problem["loc"])
    message = "expected an object" if problem["type"] == "model_type" else problem["msg"]
    hint = "; is this the webhook of a GitHub App?" if path == ".installation" else ""
    return f"${path}: {message}{hint}"


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "nothing"}
    return names.get(type(value), "a number")
