"""The ears: takes a webhook delivery, verifies it, puts it in the inbox, answers.

Nothing here talks to GitHub. Whatever happens after the delivery is in the inbox, it will be done.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from celery import Celery
from flask import Flask, Response, jsonify, request
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from bot.events import Ignored, read
from bot.leash import die_with_parent
from bot.pages.routes import add_pages
from bot.payloads import PayloadError
from config.settings import Settings, SettingsError, load
from workers import logs
from workers.app import create_app
from workers.inbox import Delivery, Inbox
from workers.tasks import enqueue_intake

SHORTEST_SECRET = 16
REDIS_SECONDS = 3.0
"""How long to wait for Redis. GitHub gives up on a delivery after ten seconds."""

_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_DELIVERY_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_EVENT = re.compile(r"[a-z0-9_]{1,100}")

LANDING = """pagewarden guards the page-size constants of memory allocators and JavaScript engines.

POST /webhook   GitHub's deliveries
GET  /healthz   whether deliveries can be taken
"""

log = structlog.get_logger("pagewarden.webhook")


class Refused(Exception):
    """A request that is answered with an error `status` and this reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Letter:
    """A verified delivery: GitHub's id for it, the event's name, the decoded payload."""

    id: str
    event: str
    payload: object


def verify(body: bytes, signature: str | None, secrets: Sequence[str]) -> None:
    """Raises `Refused` unless one of `secrets` signed `body`. Takes equally long for each of them."""
    if signature is None:
        raise Refused(401, "X-Hub-Signature-256 is missing: set the webhook's secret in the App's settings")
    if not _SIGNATURE.fullmatch(signature):
        raise Refused(401, "X-Hub-Signature-256 is not sha256= and 64 hexadecimal digits")
    expected = [f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}" for secret in secrets]
    matches = [hmac.compare_digest(each, signature) for each in expected]
    if not any(matches):
        raise Refused(401, "the signature matches neither the webhook's secret nor the one before it")


def open_letter(event: str, delivery_id: str, mimetype: str, body: bytes) -> Letter:
    """What a verified request says. Raises `Refused`."""
    if not _EVENT.fullmatch(event):
        raise Refused(400, "X-GitHub-Event is missing or is no event's name")
    if not _DELIVERY_ID.fullmatch(delivery_id):
        raise Refused(400, "X-GitHub-Delivery is missing or is no delivery's id")
    if mimetype != "application/json":
        raise Refused(400, "set the webhook's content type to application/json in the App's settings")
    try:
        return Letter(delivery_id, event, json.loads(body))
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON") from None


class Desk:
    """Takes letters in: keeps them in the inbox and tells the workers. `app_id` is our App's."""

    def __init__(self, redis: Redis, celery: Celery, app_id: int) -> None:
        self._redis = redis
        self._inbox = Inbox(redis)
        self._celery = celery
        self._app_id = app_id

    def ready(self) -> bool:
        """Whether deliveries can be kept."""
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False

    def take(self, letter: Letter) -> dict[str, str]:
        """The answer to a letter. Raises `Refused` when it cannot be read or kept."""
        if letter.event == "ping":
            return {"status": "pong"}
        try:
            wanted = read(letter.event, letter.payload, self._app_id)
        except PayloadError as error:
            raise Refused(400, str(error)) from error
        if isinstance(wanted, Ignored):
            return {"status": "ignored", "reason": wanted.reason}
        delivery = Delivery(letter.id, letter.event, wanted.to_json(), time.time())
        try:
            is_new = self._inbox.put(delivery)
        except RedisError as error:
            log.warning("inbox unreachable", delivery=letter.id, error=str(error))
            raise Refused(503, "the inbox cannot be reached; redeliver this later") from error
        if is_new:
            self._tell_workers(letter.id)
        return {"status": "queued" if is_new else "already received", "delivery": letter.id}

    def _tell_workers(self, delivery_id: str) -> None:
        """When the queue cannot be told, the delivery is safe all the same: a sweep finds it in the inbox."""
        try:
            enqueue_intake(self._celery, delivery_id)
        except RedisError as error:
            log.warning("not queued, left to the sweep", delivery=delivery_id, error=str(error))


def require(settings: Settings) -> str:
    """The address of Redis. Raises `SettingsError` when there is none, or no usable webhook secret."""
    secrets = settings.webhook_secrets
    if not secrets or any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise SettingsError(f"webhook_secret: needs {SHORTEST_SECRET} characters or more, the previous one too")
    if settings.redis_url is None:
        raise SettingsError("redis_url: needed by the web server; `pagewarden serve` brings a Valkey of its own")
    return settings.redis_url


def create_web(settings: Settings) -> Flask:
    """The web application. Raises `SettingsError`."""
    redis = Redis.from_url(
        require(settings),
        decode_responses=True,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        # A connection may have been lost since it was last used. Who does not answer in time would not the next time,
        # and other deliveries wait for this thread.
        retry=Retry(ConstantBackoff(0.1), 1, supported_errors=(RedisConnectionError,)),
    )
    web = Flask("pagewarden", static_folder=None)
    # Of a body without a declared length Werkzeug reads so much and no more, in silence: one byte over the limit tells.
    web.config["MAX_CONTENT_LENGTH"] = settings.max_payload + 1
    _add_routes(web, Desk(redis, create_app(settings), settings.app_id), settings)
    add_pages(web, settings, redis)
    return web


def _add_routes(web: Flask, desk: Desk, settings: Settings) -> None:
    @web.post("/webhook")
    def webhook() -> tuple[Response, int]:
        body = request.get_data(cache=False)
        if len(body) > settings.max_payload:
            raise RequestEntityTooLarge
        verify(body, request.headers.get("X-Hub-Signature-256"), settings.webhook_secrets)
        event, delivery_id = (request.headers.get(f"X-GitHub-{name}", "") for name in ("Event", "Delivery"))
        letter = open_letter(event, delivery_id, request.mimetype, body)
        return jsonify(desk.take(letter)), 202

    @web.get("/healthz")
    def healthz() -> tuple[Response, int]:
        if desk.ready():
            return jsonify(status="ok"), 200
        return jsonify(status="unavailable", reason="Redis does not answer"), 503

    @web.get("/")
    def landing() -> Response:
        return Response(LANDING, mimetype="text/plain")

    @web.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int]:
        return jsonify(status="refused", reason=str(error)), error.status

    @web.errorhandler(HTTPException)
    def failed(error: HTTPException) -> tuple[Response, int]:
        return jsonify(status="refused", reason=error.description or error.name), error.code or 500


def application() -> Flask:
    """The web application of the settings in the environment: what granian starts in each of its processes."""
    die_with_parent()
    settings = load()
    logs.configure(settings)
    return create_web(settings)
