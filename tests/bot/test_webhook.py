"""The webhook over real HTTP, with a real Valkey behind it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr
from werkzeug.serving import make_server

from bot.embedded import free_port
from bot.webhook import create_web
from config.settings import Settings, SettingsError
from tests.bot.payloads import HEAD, PREVIOUS_SECRET, encoded, headers, pull_request, settings, signature
from workers.inbox import Inbox

MAX_PAYLOAD = 100_000
BODY = encoded(pull_request())


@dataclass(frozen=True)
class Server:
    """A pagewarden's web server and the Redis behind it."""

    port: int
    redis: redis.Redis

    def post(self, body: bytes, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and decoded answer of a delivery."""
        return self._ask("POST", "/webhook", body, sent)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _ask(self, method: str, path: str, body: bytes, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    @property
    def queued(self) -> int:
        """Messages that wait for a worker."""
        return int(str(self.redis.llen("fast")))


@contextmanager
def _serving(with_settings: Settings) -> Iterator[Server]:
    web = make_server("127.0.0.1", 0, create_web(with_settings), threaded=True)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        assert with_settings.redis_url is not None
        with redis.Redis.from_url(with_settings.redis_url, decode_responses=True) as client:
            yield Server(web.server_port, client)
    finally:
        web.shutdown()
        thread.join()


@pytest.fixture
def server(redis_url: str, tmp_path: Path) -> Iterator[Server]:
    with _serving(settings(redis_url, tmp_path, max_payload=MAX_PAYLOAD)) as running:
        yield running


def test_a_delivery_is_kept_queued_and_answered(server: Server) -> None:
    assert server.post(BODY, headers(BODY)) == (202, {"status": "queued", "delivery": "d-1"})
    delivery = Inbox(server.redis).get("d-1")
    assert delivery is not None
    assert (delivery.event, delivery.request["head_sha"]) == ("pull_request", HEAD)
    assert delivery.request["clone_url"] == "https://github.com/oven-sh/WebKit.git"
    assert server.queued == 1


def test_the_queue_gets_the_id_and_nothing_else(server: Server) -> None:
    server.post(BODY, headers(BODY))
    message = str(server.redis.lindex("fast", 0))
    assert "oven-sh" not in message
    assert len(message) < 2000


def test_the_secret_before_is_accepted_too(server: Server) -> None:
    status, _ = server.post(BODY, headers(BODY, secret=PREVIOUS_SECRET))
    assert status == 202


def test_a_repeated_delivery_is_answered_and_not_done_twice(server: Server) -> None:
    server.post(BODY, headers(BODY))
    assert server.post(BODY, headers(BODY)) == (202, {"status": "already received", "delivery": "d-1"})
    Inbox(server.redis).done("d-1")
    assert server.post(BODY, headers(BODY))[1]["status"] == "already received"
    assert server.queued == 1


def test_twenty_equal_deliveries_at_once_are_kept_once(server: Server) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: server.post(BODY, headers(BODY)), range(20)))
    assert [status for status, _ in answers] == [202] * 20
    assert sorted(answer["status"] for _, answer in answers) == ["already received"] * 19 + ["queued"]
    assert server.queued == 1


def test_ping_is_answered(server: Server) -> None:
    body = encoded({"zen": "Keep it logically awesome.", "hook_id": 1})
    assert server.post(body, headers(body, event="ping")) == (202, {"status": "pong"})
    assert server.queued == 0


@pytest.mark.parametrize(
    ("event", "payload", "reason"),
    [
        ("star", {"action": "created"}, "nothing to do for the event star"),
        ("pull_request", pull_request("labeled"), "nothing to do for the action labeled"),
        ("pull_request", pull_request("edited"), "edited, but not its base"),
    ],
)
def test_what_does_not_matter_is_ignored(server: Server, event: str, payload: dict[str, Any], reason: str) -> None:
    body = encoded(payload)
    assert server.post(body, headers(body, event=event)) == (202, {"status": "ignored", "reason": reason})
    assert server.queued == 0


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (None, "is missing"),
        ("", "is not sha256="),
        ("sha1=" + "0" * 40, "is not sha256="),
        ("sha256=" + "0" * 64, "matches neither"),
        (signature(BODY).upper(), "is not sha256="),
        (signature(BODY, "some other secret"), "matches neither"),
        (signature(BODY, ""), "matches neither"),
        (signature(BODY + b" "), "matches neither"),
    ],
)
def test_who_cannot_sign_is_refused(server: Server, sent: str | None, reason: str) -> None:
    fields = {name: value for name, value in headers(BODY).items() if name != "X-Hub-Signature-256"}
    status, answer = server.post(BODY, fields if sent is None else {**fields, "X-Hub-Signature-256": sent})
    assert status == 401
    assert reason in answer["reason"]
    assert server.queued == 0


def test_nothing_is_parsed_before_the_signature_holds(server: Server) -> None:
    body = b"{" * 1000
    fields = {**headers(body, secret="wrong"), "X-GitHub-Event": "", "Content-Type": "text/plain"}
    assert server.post(body, fields)[0] == 401


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"X-GitHub-Event": ""}, "X-GitHub-Event is missing"),
        ({"X-GitHub-Event": "pull request"}, "X-GitHub-Event is missing or is no event's name"),
        ({"X-GitHub-Delivery": ""}, "X-GitHub-Delivery is missing"),
        ({"X-GitHub-Delivery": "a" * 101}, "is no delivery's id"),
        ({"X-GitHub-Delivery": "../../etc:*"}, "is no delivery's id"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "set the webhook's content type to application/json"),
        ({"Content-Type": "text/plain"}, "set the webhook's content type to application/json"),
    ],
)
def test_a_signed_delivery_in_disorder_is_told_what_is_wrong(
    server: Server, change: dict[str, str], reason: str
) -> None:
    status, answer = server.post(BODY, {**headers(BODY), **change})
    assert (status, reason in answer["reason"]) == (400, True)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[" * 50_000, "the body is not JSON"),
        (b"9" * 50_000, "the body is not JSON"),
        (b"[]", "$: expected an object, not an array"),
        (b"{}", "$.action: expected a string, not nothing"),
        (encoded(pull_request(number="x")), "$.number: Input should be a valid integer"),
    ],
)
def test_a_bad_payload_is_told_where(server: Server, body: bytes, reason: str) -> None:
    status, answer = server.post(body, headers(body))
    assert (status, answer["reason"]) == (400, reason)
    assert server.queued == 0


def test_a_charset_beside_the_content_type_is_fine(server: Server) -> None:
    status, _ = server.post(BODY, {**headers(BODY), "Content-Type": "application/json; charset=utf-8"})
    assert status == 202


def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_not(server: Server) -> None:
    body = encoded(pull_request(padding=""))
    body = encoded(pull_request(padding="x" * (MAX_PAYLOAD - len(body))))
    assert len(body) == MAX_PAYLOAD
    assert server.post(body, headers(body))[0] == 202
    longer = body + b" "
    assert server.post(longer, headers(longer))[0] == 413


def test_a_declared_length_is_refused_before_the_body_is_read(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.putrequest("POST", "/webhook")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_a_body_of_undeclared_length_is_refused_when_it_has_grown_too_long(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request(
        "POST", "/webhook", iter([b"x" * 50_000] * 3), {"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    assert connection.getresponse().status == 413


def test_a_body_of_undeclared_length_is_taken(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    sent = {**headers(BODY), "Transfer-Encoding": "chunked"}
    connection.request("POST", "/webhook", iter([BODY[:100], BODY[100:]]), sent, encode_chunked=True)
    assert connection.getresponse().status == 202


def test_other_methods_and_paths_are_refused_as_json(server: Server) -> None:
    status, body = server.get("/webhook")
    assert (status, json.loads(body)["status"]) == (405, "refused")
    assert server.get("/.env")[0] == 404


def test_health_and_landing(server: Server) -> None:
    assert server.get("/healthz") == (200, b'{"status":"ok"}\n')
    status, body = server.get("/")
    assert (status, b"pagewarden" in body) == (200, True)


def test_without_redis_deliveries_fail_visibly(tmp_path: Path) -> None:
    with _serving(settings(f"redis://127.0.0.1:{free_port()}/0", tmp_path)) as server:
        status, answer = server.post(BODY, headers(BODY))
        assert (status, answer["reason"]) == (503, "the inbox cannot be reached; redeliver this later")
        assert server.get("/healthz")[0] == 503


def test_a_redis_that_hangs_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.webhook.REDIS_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        web = create_web(settings(f"redis://127.0.0.1:{hanging.getsockname()[1]}/0", tmp_path))
        answer = web.test_client().post("/webhook", data=BODY, headers=headers(BODY))
        assert (answer.status_code, answer.get_json()["status"]) == (503, "refused")
        hanging.settimeout(0.2)
        hanging.accept()[0].close()
        with pytest.raises(TimeoutError):
            hanging.accept()


def test_a_delivery_that_cannot_be_queued_is_kept_and_accepted(redis_url: str, tmp_path: Path) -> None:
    address = redis_url.removeprefix("redis://")
    with redis.Redis.from_url(redis_url, decode_responses=True) as admin:
        # May do anything but put a message into a queue.
        admin.execute_command("ACL", "SETUSER", "inboxonly", "on", ">pw", "~*", "&*", "+@all", "-lpush", "-rpush")
    with _serving(settings(f"redis://inboxonly:pw@{address}", tmp_path)) as server:
        assert server.post(BODY, headers(BODY))[0] == 202
        assert Inbox(server.redis).pending(-1) == ["d-1"]
        assert server.queued == 0


@pytest.mark.parametrize("secrets", [{"webhook_secret_previous": ""}, {"webhook_secret_previous": "short"}])
def test_a_secret_that_anybody_could_guess_is_refused(tmp_path: Path, secrets: dict[str, str]) -> None:
    usable = settings("redis://127.0.0.1:1/0", tmp_path)
    weak = usable.model_copy(update={name: SecretStr(value) for name, value in secrets.items()})
    with pytest.raises(SettingsError, match="webhook_secret"):
        create_web(weak)


def test_without_a_secret_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.webhook import application

    for name, value in {"APP_ID": "1", "PRIVATE_KEY": "x", "REDIS_URL": "redis://127.0.0.1:1/0"}.items():
        monkeypatch.setenv(f"PAGEWARDEN_{name}", value)
    monkeypatch.delenv("PAGEWARDEN_WEBHOOK_SECRET", raising=False)
    with pytest.raises(SettingsError, match="PAGEWARDEN_WEBHOOK_SECRET"):
        application()


def test_without_redis_in_the_settings_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="redis_url"):
        create_web(settings(None, tmp_path))
