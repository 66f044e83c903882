"""Webhook events, read into plain requests. Pure: a name and a payload in, a request out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot import payloads
from bot.commands import asked_for
from bot.payloads import Identified, Installed, PayloadError, kind, parse
from workers.requests import (
    CheckEvent,
    CommentEvent,
    MergeGroupEvent,
    PullRequestEvent,
    PushEvent,
    Request,
    SuiteEvent,
    UninstalledEvent,
    WorkflowRunEvent,
)

ACTIONS: Mapping[str, frozenset[str]] = {
    "pull_request": frozenset(
        {"opened", "synchronize", "reopened", "ready_for_review", "converted_to_draft", "edited", "closed"}
    ),
    # What is edited into a comment afterwards asks for nothing: it may not be its author who did.
    "issue_comment": frozenset({"created"}),
    "check_run": frozenset({"requested_action", "rerequested"}),
    # A suite is first requested for each push, which says it itself.
    "check_suite": frozenset({"rerequested"}),
    "merge_group": frozenset({"checks_requested", "destroyed"}),
    "workflow_run": frozenset({"requested", "in_progress", "completed"}),
    "installation": frozenset({"deleted", "suspend"}),
}
"""The events that have actions, and which of these can change what there is to do."""
BUTTONS = frozenset({"recheck", "stress", "preview", "cancel"})
"""The identifiers of the buttons that a check run of ours can have."""
NOBODY = "ghost"
"""GitHub's own account for what those have written who are gone."""
BRANCHES = "refs/heads/"
DISPATCHED = "workflow_dispatch"
"""What workflows are run for that somebody, such as pagewarden, asked for."""
LONGEST_TITLE = 1000
"""Characters of the title of a workflow run that are kept."""


@dataclass(frozen=True)
class Ignored:
    """An event that is none of pagewarden's business, and why."""

    reason: str


def read(event: str, payload: object, app_id: int) -> Request | Ignored:
    """The request that an event stands for. `payload` is what the JSON decoder gave, `app_id` our App's id.

    Raises `PayloadError`.
    """
    reader = _READERS.get(event)
    if reader is None:
        return Ignored(f"nothing to do for the event {event[:100]}")
    if not isinstance(payload, Mapping):
        raise PayloadError(f"$: expected an object, not {kind(payload)}")
    if event in ACTIONS:
        action = payload.get("action")
        if not isinstance(action, str):
            raise PayloadError(f"$.action: expected a string, not {kind(action)}")
        if action not in ACTIONS[event]:
            return Ignored(f"nothing to do for the action {action[:100]}")
    return reader(payload, app_id)


def _pull_request(payload: Mapping[str, Any], _app_id: int) -> PullRequestEvent | Ignored:
    if payload["action"] == "edited" and not _moves_base(payload):
        return Ignored("edited, but not its base")
    read = parse(payloads.PullRequestPayload, payload)
    return PullRequestEvent(
        action=payload["action"],
        installation_id=_installation(payload),
        repository=read.repository.full_name,
        number=read.number,
        head_sha=read.pull_request.head.sha,
        base_ref=read.pull_request.base.ref,
        base_sha=read.pull_request.base.sha,
        clone_url=read.repository.clone_url,
    )


def _moves_base(payload: Mapping[str, Any]) -> bool:
    changes = payload.get("changes")
    return isinstance(changes, Mapping) and bool(changes.get("base"))


def _comment(payload: Mapping[str, Any], app_id: int) -> CommentEvent | Ignored:
    read = parse(payloads.CommentPayload, payload)
    if read.issue.pull_request is None:
        return Ignored("a comment on an issue, not on a pull request")
    if _is_ours(read.comment.performed_via_github_app, app_id):
        return Ignored("a comment of our own")
    asked = asked_for(read.comment.body)
    if not asked:
        return Ignored("a comment that asks for nothing")
    return CommentEvent(
        installation_id=_installation(payload),
        repository=read.repository.full_name,
        number=read.issue.number,
        clone_url=read.repository.clone_url,
        comment_id=read.comment.id,
        author=read.comment.user.login,
        pull_author=read.issue.user.login if read.issue.user else NOBODY,
        open=read.issue.state == "open",
        asked=asked,
    )


def _check(payload: Mapping[str, Any], app_id: int) -> CheckEvent | Ignored:
    read = parse(payloads.CheckPayload, payload)
    if not _is_ours(read.check_run.app, app_id):
        return Ignored("a check of another App")
    asked = "rerun"
    if payload["action"] == "requested_action":
        asked = parse(payloads.Pressed, payload).requested_action.identifier
        if asked not in BUTTONS:
            return Ignored("a button that is none of ours")
    return CheckEvent(
        asked=asked,
        installation_id=_installation(payload),
        repository=read.repository.full_name,
        clone_url=read.repository.clone_url,
        sender=read.sender.login,
        check_name=read.check_run.name,
        external_id=read.check_run.external_id or "",
        head_sha=read.check_run.head_sha,
    )


def _suite(payload: Mapping[str, Any], app_id: int) -> SuiteEvent | Ignored:
    read = parse(payloads.SuitePayload, payload)
    if not _is_ours(read.check_suite.app, app_id):
        return Ignored("checks of another App")
    return SuiteEvent(
        installation_id=_installation(payload),
        repository=read.repository.full_name,
        clone_url=read.repository.clone_url,
        sender=read.sender.login,
        head_sha=read.check_suite.head_sha,
    )


def _merge_group(payload: Mapping[str, Any], _app_id: int) -> MergeGroupEvent:
    read = parse(payloads.MergeGroupPayload, payload)
    return MergeGroupEvent(
        action=payload["action"],
        installation_id=_installation(payload),
        repository=read.repository.full_name,
        clone_url=read.repository.clone_url,
        base_ref=read.merge_group.base_ref.removeprefix(BRANCHES),
        base_sha=read.merge_group.base_sha,
        head_ref=read.merge_group.head_ref.removeprefix(BRANCHES),
        head_sha=read.merge_group.head_sha,
    )


def _push(payload: Mapping[str, Any], _app_id: int) -> PushEvent | Ignored:
    read = parse(payloads.PushPayload, payload)
    if read.deleted or set(read.after) == {"0"}:
        return Ignored("a push that deletes")
    if read.ref != BRANCHES + read.repository.default_branch:
        return Ignored("a push, but not to the default branch")
    return PushEvent(
        installation_id=_installation(payload),
        repository=read.repository.full_name,
        clone_url=read.repository.clone_url,
        ref=read.repository.default_branch,
        before=read.before,
        after=read.after,
    )


def _workflow_run(payload: Mapping[str, Any], _app_id: int) -> WorkflowRunEvent | Ignored:
    read = parse(payloads.WorkflowRunPayload, payload)
    if read.workflow_run.event != DISPATCHED:
        return Ignored("a workflow run for another event")
    return WorkflowRunEvent(
        action=payload["action"],
        installation_id=_installation(payload),
        repository=read.repository.full_name,
        workflow_run_id=read.workflow_run.id,
        title=read.workflow_run.display_title[:LONGEST_TITLE],
    )


def _uninstalled(payload: Mapping[str, Any], _app_id: int) -> UninstalledEvent:
    return UninstalledEvent(installation_id=_installation(payload))


def _installation(payload: Mapping[str, Any]) -> int:
    return parse(Installed, payload).installation.id


def _is_ours(app: Identified | None, app_id: int) -> bool:
    return app is not None and app.id == app_id


_READERS: Mapping[str, Callable[[Mapping[str, Any], int], Request | Ignored]] = {
    "pull_request": _pull_request,
    "issue_comment": _comment,
    "check_run": _check,
    "check_suite": _suite,
    "merge_group": _merge_group,
    "push": _push,
    "workflow_run": _workflow_run,
    "installation": _uninstalled,
}
