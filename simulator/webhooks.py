"""Webhooks: who is told of an event, and a thread that signs and sends what they are told."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import requests

from simulator import describe, events, resources
from simulator.records import Account, App, Delivery, Installation, Repository, Violation
from simulator.resources import Links
from simulator.state import State

Json = Any
# GitHub gives a receiver ten seconds, then hangs up and never tries again by itself.
TIMEOUT = 10.0
LONGEST_KEPT_RESPONSE = 64 * 1024


@dataclass(frozen=True)
class _Outgoing:
    app: App
    url: str
    guid: str
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    payload: bytes
    redelivery: bool


class Sender:
    """Sends one delivery after another, in order; redeliveries go at once, beside them."""

    def __init__(self, state: State, links: Links) -> None:
        self._state = state
        self._links = links
        self._in_order = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhooks")
        self._again = ThreadPoolExecutor(max_workers=4, thread_name_prefix="redelivery")
        self._pending: set[Future[None]] = set()
        self._lock = threading.Lock()

    def ping(self, app: App) -> None:
        """What GitHub sends when a webhook is set."""
        self._send(app, "ping", None, events.ping(self._links, app, self._state))

    def installation(
        self, installation: Installation, action: str, sender: Account, added: frozenset[str] = frozenset()
    ) -> None:
        """Tell an App of its installation, or of repositories (full names) that were `added` to it."""
        app = self._state.apps[installation.app_id]
        if app.webhook_url is not None:
            said = events.installation(self._links, installation, app, self._state, added)
            payload = {"action": action, "sender": resources.account(self._links, sender), **said}
            event = "installation_repositories" if added else "installation"
            self._send(app, event, action, payload, installation=installation)

    def tell(
        self,
        repository: Repository,
        event: str,
        action: str | None,
        sender: Account,
        payload: Callable[[], Mapping[str, Json]],
        only: int | None = None,
    ) -> None:
        """Tell every App on the repository that listens, or of these `only` the one with that id.

        `payload` makes what is this event's own; it is called only where somebody listens.
        """
        listening = [one for one in self._state.installations_on(repository) if self._listens(one, event, only)]
        said = payload() if listening else {}
        for installation in listening:
            common = {
                "repository": resources.repository(self._links, repository, self._state),
                "sender": resources.account(self._links, sender),
                "installation": {
                    "id": installation.id,
                    "node_id": resources.node_id("MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9u", installation.id),
                },
            }
            whole = {**({"action": action} if action else {}), **said, **common}
            app = self._state.apps[installation.app_id]
            self._send(app, event, action, whole, installation=installation, repository=repository)

    def redeliver(self, delivery: Delivery) -> None:
        """Send the same payload under the same guid once more, to where the App's webhook is now."""
        app = self._state.apps[delivery.app_id]
        again = _Outgoing(
            app,
            app.webhook_url or delivery.url,
            delivery.guid,
            delivery.event,
            delivery.action,
            delivery.installation_id,
            delivery.repository_id,
            delivery.payload,
            redelivery=True,
        )
        self._submit(self._again, again)

    def wait(self, timeout: float) -> bool:
        """Wait until everything is sent; false when that takes longer than `timeout` seconds."""
        with self._lock:
            pending = set(self._pending)
        return not wait(pending, timeout).not_done

    def close(self) -> None:
        """Drop what is not sent yet and stop."""
        for pool in (self._in_order, self._again):
            pool.shutdown(wait=False, cancel_futures=True)

    def _listens(self, installation: Installation, event: str, only: int | None) -> bool:
        app = self._state.apps[installation.app_id]
        return app.webhook_url is not None and event in app.events and only in {None, app.id}

    def _send(
        self,
        app: App,
        event: str,
        action: str | None,
        payload: Json,
        *,
        installation: Installation | None = None,
        repository: Repository | None = None,
    ) -> None:
        if problem := describe.payload_problem(event, action, payload):
            self._state.violations.append(Violation("webhook", event, action or "", problem))
        if app.webhook_url is None:
            return
        outgoing = _Outgoing(
            app,
            app.webhook_url,
            str(uuid.uuid4()),
            event,
            action,
            installation.id if installation else None,
            repository.id if repository else None,
            json.dumps(payload, separators=(",", ":")).encode(),
            redelivery=False,
        )
        self._submit(self._in_order, outgoing)

    def _submit(self, pool: ThreadPoolExecutor, outgoing: _Outgoing) -> None:
        future = pool.submit(self._deliver, outgoing)
        with self._lock:
            self._pending = {one for one in self._pending if not one.done()} | {future}

    def _deliver(self, outgoing: _Outgoing) -> None:
        headers = _headers(outgoing)
        delivered_at, start = self._state.now(), time.monotonic()
        status, code, response_headers, body = _post(outgoing.url, headers, outgoing.payload)
        delivery = Delivery(
            self._state.next_id("delivery"),
            outgoing.guid,
            outgoing.app.id,
            outgoing.event,
            outgoing.action,
            outgoing.installation_id,
            outgoing.repository_id,
            outgoing.redelivery,
            outgoing.url,
            headers,
            outgoing.payload,
            delivered_at,
            time.monotonic() - start,
            status,
            code,
            response_headers,
            body,
        )
        with self._state.lock:
            self._state.deliveries.append(delivery)


def sign(secret: str, payload: bytes) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


def _headers(outgoing: _Outgoing) -> dict[str, str]:
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/0000000",
        "X-GitHub-Delivery": outgoing.guid,
        "X-GitHub-Event": outgoing.event,
        "X-GitHub-Hook-ID": str(outgoing.app.id),
        "X-GitHub-Hook-Installation-Target-ID": str(outgoing.app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }
    if outgoing.app.webhook_secret:
        headers["X-Hub-Signature-256"] = sign(outgoing.app.webhook_secret, outgoing.payload)
    return headers


def _post(url: str, headers: Mapping[str, str], payload: bytes) -> tuple[str, int, dict[str, str], str]:
    """Status in words, status code, headers and body of the answer; 502 or 504 where there is none."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(url, payload, headers=dict(headers), timeout=TIMEOUT, allow_redirects=False)
        except requests.Timeout:
            return "timed out", 504, {}, ""
        except requests.RequestException:
            return "failed to connect to host", 502, {}, ""
    status = "OK" if answer.ok else f"Invalid HTTP Response: {answer.status_code}"
    return status, answer.status_code, dict(answer.headers), answer.text[:LONGEST_KEPT_RESPONSE]
