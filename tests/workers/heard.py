"""The house with its ears: the simulated GitHub's webhooks go over HTTP to the real web server, and into the inbox.

The queue is still drained by hand: what a test wants to happen between two jobs, happens between two steps.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from bot.webhook import create_web
from simulator.server import Simulator
from tests.workers.house import REPOSITORY, SECRET, House, Message, build
from workers.tools import Job

AUTHOR = "octocat"
"""Who opens pull requests."""


@dataclass
class Heard:
    """A house that hears what happens on GitHub."""

    house: House
    queued: set[str] = field(default_factory=set)

    @property
    def simulator(self) -> Simulator:
        """GitHub."""
        return self.house.simulator

    def hear(self) -> None:
        """Waits for all webhooks so far, and puts what they left in the inbox into the queue."""
        assert self.simulator.wait_for_deliveries()
        for delivery_id in self.house.tools.inbox.pending(-1):
            if delivery_id not in self.queued:
                self.queued.add(delivery_id)
                self.house.tools.send(Job.INTAKE, delivery_id)

    def settle(self, most: int = 60) -> list[Message]:
        """Hears, does all jobs, and hears what those caused, until nothing is left."""
        done: list[Message] = []
        self.hear()
        while self.house.queue:
            assert len(done) < most, f"the queue does not end: {done[-3:]}"
            done.append(self.house.step())
            self.hear()
        return done

    def open(self, files: Mapping[str, str | None]) -> str:
        """A pull request of one commit, and all that follows from it; the commit's sha."""
        sha = self.house.open(files)
        self.settle()
        return sha

    def push(self, files: Mapping[str, str | None], *, start: str | None = None) -> str:
        """A push to the pull request, and all that follows from it; the new head."""
        sha = self.house.push(files, start=start)
        self.settle()
        return sha

    def land(self, files: Mapping[str, str | None]) -> str:
        """A push to `main`, and all that follows from it; the commit's sha."""
        sha = self.house.land(files)
        self.settle()
        return sha

    def say(self, author: str, body: str) -> int:
        """A person's comment on the pull request, and all that follows from it; the comment's id."""
        comment_id = self.simulator.comment(REPOSITORY, self.house.number, author, body)
        self.settle()
        return comment_id

    def reactions(self, comment_id: int) -> set[str]:
        """What is shown under a comment."""
        return {reaction["content"] for reaction in self.simulator.reactions(comment_id)}

    def replies(self) -> list[str]:
        """Bodies of our comments, but for the one about the run, oldest first."""
        return [body for body in self.house.comments() if "<!-- answers " in body]

    def answers(self) -> list[tuple[int, Any]]:
        """Status and body of what each webhook was answered."""
        return [(delivery.status_code, delivery.response_body) for delivery in self.simulator.deliveries]


@contextmanager
def hearing(directory: Path, simulator: Simulator, redis_url: str, **more: Any) -> Iterator[Heard]:
    """A house in `directory` whose web server gets the App's webhooks; `more` is for `build`."""
    house = build(directory, simulator, redis_url, **more)
    server = make_server("127.0.0.1", 0, create_web(house.tools.settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        app_id = house.tools.settings.app_id
        simulator.set_webhook(app_id, f"http://127.0.0.1:{server.server_port}/webhook", SECRET)
        yield Heard(house)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
