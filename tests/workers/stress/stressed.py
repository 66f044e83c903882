"""The jobs with the reference scenario behind them, and stress in real processes under qemu's user mode.

The queue is drained by hand, in real time: who works on a part is another process, and its heart beats in real time.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from config.settings import Settings
from simulator.server import Simulator
from tests.workers.house import SECRET, Clock, Message, event_of
from workers.attempts import perform
from workers.inbox import Delivery
from workers.parts import STALE_SECONDS
from workers.scenario import BASE_BRANCH, CHANGE_BRANCH, Scenario
from workers.scenario.source import default_cache_dir
from workers.stress.store import Plan, Stress
from workers.tools import Job, Tools

REPOSITORY = "example/WebKit"
FORK = "stranger/WebKit"
STRESS = "pagewarden / stress"
PATIENCE = 900.0
"""Seconds for all of a stress run on a machine that has other work to do; a build from nothing takes the most."""


@dataclass
class Stressed:
    """GitHub with the scenario, and jobs that a test does one by one."""

    simulator: Simulator
    scenario: Scenario
    installation_id: int
    tools: Tools
    clock: Clock
    queue: deque[Message]
    number: int = 0
    delivered: int = 0

    def push(self, commit: str, *, fork: bool = False) -> str:
        """Pushes B, C or D, opens the pull request with the first, delivers the news; the head's sha."""
        repository = FORK if fork else REPOSITORY
        sha = self.scenario.shas[commit]
        self.simulator.push(repository, CHANGE_BRANCH, sha)
        if not self.number:
            pull = self.simulator.open_pull(
                REPOSITORY, CHANGE_BRANCH, BASE_BRANCH, "64 KiB pages", head_repository=FORK if fork else None
            )
            self.number = pull.number
        self.deliver()
        return sha

    def deliver(self, action: str = "synchronize") -> None:
        """Tells of the pull request as it is now."""
        event = event_of(self.simulator, REPOSITORY, self.number, self.installation_id, action)
        self.delivered += 1
        delivery_id = f"delivery-{self.delivered}"
        assert self.tools.inbox.put(Delivery(delivery_id, "pull_request", event.to_json(), self.tools.clock()))
        self.tools.send(Job.INTAKE, delivery_id)

    def until(self, come_true: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Does jobs, those that are to come later a little later, until it has come true."""
        deadline = time.monotonic() + patience
        while not come_true():
            assert time.monotonic() < deadline, f"it never came true; queued: {list(self.queue)}"
            if not self.queue:
                time.sleep(0.05)
                continue
            message = self.queue.popleft()
            time.sleep(min(message.seconds, 0.2))
            perform(self.tools, message.job, message.key)

    def watch(self, come_true: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Does no job until it has come true: others work."""
        deadline = time.monotonic() + patience
        while not come_true():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.05)

    def drain(self) -> None:
        """Does all jobs that nobody waits for."""
        self.until(lambda: not self.queue)

    def run_id(self) -> str:
        """The current run's."""
        found = self.tools.store.current(f"{REPOSITORY}#{self.number}")
        assert found is not None
        return found

    def state(self) -> Stress:
        """The stress of the current run; an empty one before it is known."""
        run_id = self.tools.store.current(f"{REPOSITORY}#{self.number}")
        state = self.tools.stresses.get(run_id) if run_id is not None else None
        return state or Stress(Plan((), (), "user"), 0.0)

    def check(self, sha: str) -> Mapping[str, Any] | None:
        """The newest stress check of a commit."""
        runs = [run for run in self.simulator.check_runs(REPOSITORY, sha) if run["name"] == STRESS]
        return runs[-1] if runs else None

    def concluded(self, sha: str) -> Mapping[str, Any]:
        """The stress check of a commit, once it has a conclusion and there is nothing more to do."""
        self.until(lambda: (self.check(sha) or {}).get("status") == "completed")
        self.drain()
        check = self.check(sha)
        assert check is not None
        return check

    def runners(self) -> list[int]:
        """Process ids of those who work on parts of the current run, as far as they live."""
        run_id = self.tools.store.current(f"{REPOSITORY}#{self.number}") or ""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"workers.stress.runner" in command and run_id.encode() in command:
                found.append(int(process.name))
        return found

    def lose_runners(self, part: str) -> None:
        """As a machine that is switched off; until another has taken the part on, where that may be."""
        before = self.state().part(part).starts
        for process in self.runners():
            os.kill(process, signal.SIGKILL)
        self.until(lambda: not self.runners())
        assert self.state().part(part).is_alive(self.clock()), "nobody knows yet"
        self.clock.ahead = STALE_SECONDS + 1
        self.until(lambda: self.state().over or self.state().part(part).starts == before + 1)
        # The hearts of others beat in real time.
        self.clock.ahead = 0.0


def build(directory: Path, simulator: Simulator, redis_url: str, scenario: Scenario, **more: Any) -> Stressed:
    """Nothing is pushed yet. Objects and drivers come from the cache that all tests share."""
    app = simulator.create_app("pagewarden")
    simulator.create_repository(REPOSITORY, scenario.path)
    simulator.create_repository(FORK, scenario.path)
    installation_id = simulator.install(app.id, REPOSITORY)
    values: dict[str, Any] = {
        "app_id": app.id,
        "private_key": app.private_key_pem,
        "webhook_secret": SECRET,
        "api_url": simulator.api_url,
        "redis_url": redis_url,
        "data_dir": directory / "data",
        "cache_dir": default_cache_dir(),
        "targets": ("linux-arm64",),
        "page_sizes": (4096,),
        "advice": False,
        "stress": True,
        "stress_machine": "user",
        "public_url": "https://pagewarden.example",
    }
    settings = Settings(**{**values, **more})
    queue: deque[Message] = deque()

    def send(job: Job, key: str, seconds: float = 0) -> None:
        queue.append(Message(job, key, seconds))

    clock = Clock()
    tools = Tools.of(settings, Redis.from_url(redis_url, decode_responses=True), send, clock)
    return Stressed(simulator, scenario, installation_id, tools, clock, queue)
