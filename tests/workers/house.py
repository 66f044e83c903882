"""The jobs between a simulated GitHub and a real Valkey, with a queue that is drained by hand.

What a test wants to happen between two jobs, happens between two calls of `House.step`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

from config.settings import Settings
from simulator.server import PERMISSIONS, Simulator
from tests.workers.gitrepos import PROFILE, commit, git, repository
from workers.attempts import perform
from workers.inbox import Delivery
from workers.reconcile import sweep
from workers.requests import PullRequestEvent
from workers.tools import Job, Tools

REPOSITORY = "acme/engine"
SECRET = "a secret of the webhook"
BASE = {"Source/page.h": "#define PAGE 16384\n", "README.md": "An engine.\n"}
GOOD = {"Source/page.h": "#define PAGE 65536\n"}
BAD = {"Source/page.h": "#define PAGE 4096\n"}


@dataclass(frozen=True)
class Message:
    """A job in the queue."""

    job: Job
    key: str
    seconds: float


class Clock:
    """Real time and however much a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """Epoch seconds."""
        return time.time() + self.ahead


@dataclass
class House:
    """One repository `acme/engine` with `main`, and a pull request from `change` after `open`."""

    simulator: Simulator
    source: Path
    installation_id: int
    tools: Tools
    clock: Clock
    queue: deque[Message]
    number: int = 0
    sent: list[Message] = field(default_factory=list)
    delivered: int = 0

    def change(self, files: Mapping[str, str | None], *, start: str | None = None) -> str:
        """Commits on `change` in the source, after `start` when that is given, and returns the sha."""
        git(self.source, "checkout", "--quiet", *(["-B", "change", start] if start else ["change"]))
        return commit(self.source, files)

    def open(self, files: Mapping[str, str | None]) -> str:
        """Opens the pull request with one commit and returns its sha."""
        sha = self.change(files, start="main")
        self.simulator.push(REPOSITORY, "change", sha)
        self.number = self.simulator.open_pull(REPOSITORY, "change", "main", "A change").number
        return sha

    def push(self, files: Mapping[str, str | None], *, start: str | None = None) -> str:
        """Pushes one more commit (or, with `start`, another history) and returns its sha."""
        sha = self.change(files, start=start)
        self.simulator.push(REPOSITORY, "change", sha)
        return sha

    def land(self, files: Mapping[str, str | None]) -> str:
        """Commits on `main`, pushes that, and returns the sha."""
        git(self.source, "checkout", "--quiet", "main")
        return self.simulator.push(REPOSITORY, "main", commit(self.source, files))

    def event(self, action: str = "synchronize") -> PullRequestEvent:
        """The news of the pull request as it is now."""
        return event_of(self.simulator, REPOSITORY, self.number, self.installation_id, action)

    def deliver(self, event: PullRequestEvent | None = None) -> str:
        """Puts news into inbox and queue, as the webhook does, and returns the delivery's id."""
        self.delivered += 1
        delivery_id = f"delivery-{self.delivered}"
        request = (event or self.event()).to_json()
        assert self.tools.inbox.put(Delivery(delivery_id, "pull_request", request, self.clock()))
        self.tools.send(Job.INTAKE, delivery_id)
        return delivery_id

    def step(self) -> Message:
        """Does the next job, whatever it was to wait for."""
        message = self.queue.popleft()
        self.clock.ahead += message.seconds
        perform(self.tools, message.job, message.key)
        return message

    def drain(self, most: int = 50) -> list[Message]:
        """Does all jobs, and those that they send."""
        done: list[Message] = []
        while self.queue:
            assert len(done) < most, f"the queue does not end: {done[-3:]}"
            done.append(self.step())
        return done

    def sweep(self, after: float) -> list[Message]:
        """Lets time pass, sweeps, and returns what that put into the queue."""
        self.clock.ahead += after
        before = len(self.queue)
        sweep(self.tools)
        return list(self.queue)[before:]

    def checks(self, sha: str) -> list[tuple[str, str | None, str]]:
        """Status, conclusion and title of each check run on a commit, oldest first."""
        runs = self.simulator.check_runs(REPOSITORY, sha)
        return [(run["status"], run["conclusion"], run["output"]["title"]) for run in runs]

    def conclusions(self, sha: str) -> list[str | None]:
        """Conclusion of each check run on a commit, oldest first."""
        return [conclusion for _, conclusion, _ in self.checks(sha)]

    def told(self, sha: str) -> str:
        """Title, summary and text of the last check run on a commit."""
        output = self.simulator.check_runs(REPOSITORY, sha)[-1]["output"]
        return "\n".join(output[part] or "" for part in ("title", "summary", "text"))

    def annotated(self, sha: str) -> list[tuple[str, int]]:
        """Path and line of each annotation of the last check run on a commit."""
        run = self.simulator.check_runs(REPOSITORY, sha)[-1]
        return [(note["path"], note["start_line"]) for note in self.simulator.annotations(run["id"])]

    def comments(self) -> list[str]:
        """Bodies of the pull request's comments."""
        return [comment["body"] for comment in self.simulator.comments(REPOSITORY, self.number)]

    def suggestions(self) -> list[tuple[str, int | None, str]]:
        """Path, line and text of each comment on a line of the diff, oldest first."""
        comments = self.simulator.review_comments(REPOSITORY, self.number)
        return [(comment["path"], comment["line"], comment["body"]) for comment in comments]

    def calls(self, method: str, part: str = "") -> int:
        """How many REST calls there were of this kind."""
        return sum(1 for call in self.simulator.calls if call.method == method and part in call.path)


def event_of(
    simulator: Simulator, repository: str, number: int, installation_id: int, action: str = "synchronize"
) -> PullRequestEvent:
    """The news of a pull request as it is now."""
    pull = simulator.pull(repository, number)
    return PullRequestEvent(
        action=action,
        installation_id=installation_id,
        repository=repository,
        number=number,
        head_sha=pull.head_sha,
        base_ref=pull.base_ref,
        base_sha=pull.base_sha,
        clone_url=f"{simulator.url}/{repository}.git",
    )


def build(
    directory: Path,
    simulator: Simulator,
    redis_url: str,
    permissions: Mapping[str, str] = PERMISSIONS,
    **more: Any,
) -> House:
    """A house in `directory`, with a pull request yet to be opened; `permissions` are the App's, `more` settings."""
    source = repository(directory / "source")
    commit(source, BASE)
    git(source, "branch", "change")
    app = simulator.create_app("pagewarden", permissions=permissions)
    simulator.create_repository(REPOSITORY, source, private=True)
    installation_id = simulator.install(app.id, REPOSITORY)
    settings = settings_for(directory, simulator, redis_url, app.id, app.private_key_pem, **more)
    clock = Clock()
    queue: deque[Message] = deque()
    sent: list[Message] = []

    def send(job: Job, key: str, seconds: float = 0) -> None:
        queue.append(Message(job, key, seconds))
        sent.append(Message(job, key, seconds))

    tools = Tools.of(settings, Redis.from_url(redis_url, decode_responses=True), send, clock)
    return House(simulator, source, installation_id, tools, clock, queue, sent=sent)


def settings_for(directory: Path, simulator: Simulator, redis_url: str, app_id: int, key: str, **more: Any) -> Settings:
    """Settings for jobs against a simulator."""
    values: dict[str, Any] = {
        "app_id": app_id,
        "private_key": key,
        "webhook_secret": SECRET,
        "api_url": simulator.api_url,
        "redis_url": redis_url,
        "data_dir": directory / "data",
        "cache_dir": directory / "cache",
        "profile": str(PROFILE),
    }
    return Settings(**{**values, **more})
