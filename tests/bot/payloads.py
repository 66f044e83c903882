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
