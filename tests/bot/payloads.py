"""Deliveries as GitHub sends them, cut down, and the settings that take them."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from config.settings import Settings

SECRET = "the secret of these tests"
PREVIOUS_SECRET = "the secret before that one"
HEAD, BASE = "b" * 40, "a" * 40


def settings(redis_url: str | None, directory: Path, **values: Any) -> Settings:
    """Settings of a pagewarden whose files lie below `directory`."""
    defaults: dict[str, Any] = {
        "app_id": 7,
        "private_key": "not a key: nothing here talks to GitHub",
        "webhook_secret": SECRET,
        "webhook_secret_previous": PREVIOUS_SECRET,
        "redis_url": redis_url,
        "data_dir": directory / "data",
        "cache_dir": directory / "cache",
    }
    return Settings.model_validate({**defaults, **values})


def pull_request(action: str = "opened", **more: Any) -> dict[str, Any]:
    """A `pull_request` payload of a fork's pull request, with fields that nobody reads among them."""
    return {
        "action": action,
        "number": 176,
        "pull_request": {
            "id": 1,
            "title": "Support 64 KiB pages",
            "head": {
                "ref": "linux-arm64-64k",
                "sha": HEAD,
                "repo": {"full_name": "fork/WebKit", "clone_url": "https://github.com/fork/WebKit.git"},
            },
            "base": {
                "ref": "main",
                "sha": BASE,
                "repo": {"full_name": "oven-sh/WebKit", "clone_url": "https://github.com/oven-sh/WebKit.git"},
            },
        },
        "repository": {
            "id": 2,
            "full_name": "oven-sh/WebKit",
            "clone_url": "https://github.com/oven-sh/WebKit.git",
        },
        "installation": {"id": 42, "node_id": "MDIz"},
        "sender": {"login": "octocat"},
        **more,
    }


def comment(body: str, **more: Any) -> dict[str, Any]:
    """An `issue_comment` payload of a new comment on a pull request; `more` are fields of the comment."""
    return {
        "action": "created",
        "issue": {
            "number": 176,
            "state": "open",
            "user": {"login": "octocat"},
            "pull_request": {"url": "https://api.github.com/repos/oven-sh/WebKit/pulls/176"},
        },
        "comment": {
            "id": 9,
            "user": {"login": "hubot[bot]"},
            "body": body,
            "performed_via_github_app": None,
            **more,
        },
        **_origin(),
    }


def check_run(action: str = "rerequested", app: int = 7, **more: Any) -> dict[str, Any]:
    """A `check_run` payload of a check of this App."""
    run = {"id": 5, "name": "pagewarden", "head_sha": HEAD, "external_id": "0123abcd", "app": {"id": app}}
    return {"action": action, "check_run": run, **_origin(), **more}


def check_suite(action: str = "rerequested", app: int = 7) -> dict[str, Any]:
    """A `check_suite` payload of a suite of this App."""
    return {"action": action, "check_suite": {"id": 6, "head_sha": HEAD, "app": {"id": app}}, **_origin()}


def merge_group(action: str = "checks_requested") -> dict[str, Any]:
    """A `merge_group` payload."""
    refs = {"base_ref": "refs/heads/main", "head_ref": f"refs/heads/gh-readonly-queue/main/pr-176-{BASE}"}
    return {"action": action, "merge_group": {**refs, "base_sha": BASE, "head_sha": HEAD}, **_origin()}


def push(**more: Any) -> dict[str, Any]:
    """A `push` payload, to the default branch."""
    origin = _origin()
    repository = {**origin["repository"], "default_branch": "main"}
    pushed = {"ref": "refs/heads/main", "before": BASE, "after": HEAD, "deleted": False}
    return {**pushed, **origin, "repository": repository, **more}


def workflow_run(action: str = "completed", event: str = "workflow_dispatch", **more: Any) -> dict[str, Any]:
    """A `workflow_run` payload; `more` are fields of the run."""
    title = "Preview build autobuild-preview-pr-176-bbbbbbbb-0123456789abcdef"
    run = {"id": 30433642, "event": event, "display_title": title, "status": action, "head_branch": "main", **more}
    return {"action": action, "workflow_run": run, **_origin()}


def installation(action: str = "deleted") -> dict[str, Any]:
    """An `installation` payload, which is of no repository."""
    return {"action": action, "installation": {"id": 42}, "repositories": [], "sender": {"login": "octocat"}}


def _origin() -> dict[str, Any]:
    payload = pull_request()
    return {key: payload[key] for key in ("repository", "installation", "sender")}


def signature(body: bytes, secret: str = SECRET) -> str:
    """The value of X-Hub-Signature-256."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def headers(body: bytes, *, event: str = "pull_request", delivery: str = "d-1", secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": signature(body, secret),
    }


def encoded(payload: object) -> bytes:
    """A payload as the body of a request."""
    return json.dumps(payload).encode()
