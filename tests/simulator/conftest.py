"""A simulator with one repository, one App and a client of its installation; a receiver of webhooks."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from simulator.records import App
from simulator.server import Simulator

FULL_NAME = "octo-org/engine"
NUMBERED = "".join(f"int line{number};\n" for number in range(1, 51))


@dataclass
class Clock:
    """GitHub's clock, moved by hand."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Source:
    """A local git repository, as a developer has it."""

    path: Path

    def git(self, *arguments: str) -> str:
        """Run git there and return what it printed."""
        identity = ("-c", "user.name=Mona", "-c", "user.email=mona@example.com")
        done = subprocess.run(["git", *identity, *arguments], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str, files: Mapping[str, str | None]) -> str:
        """Write (or, for `None`, remove) files, commit all and return the sha."""
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if text is None else path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@dataclass(frozen=True)
class Client:
    """Calls of one caller to the REST interface; all paths are below its root."""

    root: str
    authorization: str | None

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        """One call."""
        headers = {"Authorization": self.authorization} if self.authorization else {}
        return requests.request(method, self.root + path, json=body, params=query, headers=headers, timeout=10)

    def get(self, path: str, **query: Any) -> requests.Response:
        """GET."""
        return self.call("GET", path, **query)

    def json(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The body of a call that must succeed."""
        answer = self.call(method, path, body, **query)
        assert answer.ok, answer.text
        return answer.json()


@dataclass(frozen=True)
class Received:
    """A webhook as it came in."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> Any:
        """Its JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A server that takes webhooks and answers with `status`."""

    url: str = ""
    status: int = 202
    received: list[Received] = field(default_factory=list)


@dataclass(frozen=True)
class GitHub:
    """Everything that most tests start from."""

    sim: Simulator
    app: App
    installation_id: int
    source: Source
    clock: Clock
    client: Client
    as_app: Client
    nobody: Client

    def sha(self, revision: str) -> str:
        """A commit of the source."""
        return self.source.git("rev-parse", revision)

    def token(self) -> str:
        """A new installation token."""
        made = self.as_app.json("POST", f"/app/installations/{self.installation_id}/access_tokens")
        return str(made["token"])


def signed(app: App, now: datetime, *, key: str | None = None, **changed: Any) -> str:
    """A JWT of that App as GitHub wants it, but for the `changed` claims; `None` leaves a claim out."""
    start = int(now.timestamp())
    claims = {"iat": start - 30, "exp": start + 540, "iss": str(app.id)} | changed
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None}, key or app.private_key_pem, "RS256"
    )


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Branches `main` (two commits) and `topic` (from the first of them: an edit, a rename, an addition, a removal)."""
    path = tmp_path / "source"
    path.mkdir()
    made = Source(path)
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit("First", {"wide.h": NUMBERED, "old.h": "one\ntwo\nthree\nfour\n", "gone.h": "x\n"})
    made.git("checkout", "--quiet", "-b", "topic")
    edited = NUMBERED.replace("int line25;", "int changed;")
    made.commit("Edit", {"wide.h": edited, "old.h": None, "moved.h": "one\ntwo\nthree\nfour\n"})
    made.commit("Add and remove", {"added.h": "int added;\n", "gone.h": None})
    made.git("checkout", "--quiet", "main")
    made.commit("Second", {"meanwhile.h": "int meanwhile;\n"})
    return made


@pytest.fixture
def github(tmp_path: Path, source: Source) -> Iterator[GitHub]:
    """A simulator with the source as a private repository, and an App on it."""
    clock = Clock()
    with Simulator(tmp_path / "github", clock=clock) as sim:
        app = sim.create_app("pagewarden")
        sim.create_repository(FULL_NAME, source.path, private=True)
        installation = sim.install(app.id, FULL_NAME)
        nobody = Client(sim.api_url, None)
        as_app = Client(sim.api_url, f"Bearer {signed(app, clock.now)}")
        token = as_app.json("POST", f"/app/installations/{installation}/access_tokens")["token"]
        client = Client(sim.api_url, f"Bearer {token}")
        yield GitHub(sim, app, installation, source, clock, client, as_app, nobody)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real server that webhooks can be sent to."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.received.append(Received(dict(self.headers), body))
            self.send_response(kept.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/webhook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


def later(github: GitHub, **by: float) -> None:
    """Let time pass on GitHub."""
    github.clock.now += timedelta(**by)
