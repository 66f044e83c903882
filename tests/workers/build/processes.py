"""The house as it runs: a web server, a worker of Celery's and the processes that it starts, over a real Valkey."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from config.settings import bare_environment
from simulator.faults import Fault
from simulator.server import Simulator
from tests.workers.build.previewing import PREVIEW, Previewing
from tests.workers.build.test_preview import releases, tag_of
from tests.workers.heard import AUTHOR, hearing
from tests.workers.house import REPOSITORY, Message
from tests.workers.sandbox.marked import bubblewraps, marked, new_mark
from workers.build.drivers import directory, scratch_of
from workers.build.manifest import MANIFEST, read_manifest
from workers.store import LOCK_SECONDS

PATIENCE = 180.0
"""Seconds for anything on a machine that has other work to do."""
HASTY = """
import workers.app, workers.parts, workers.reconcile, workers.store, workers.tasks
from config.settings import load
from workers.build import job
job.LOCAL_SECONDS, job.BUSY_SECONDS, job.QUIET_SECONDS = 0.5, 1.0, 2.0
workers.parts.STALE_SECONDS, workers.store.LOCK_SECONDS, workers.reconcile.OLD_SECONDS = 6.0, 10, 1
for module in (workers.app, workers.reconcile, workers.tasks):
    module.SWEEP_SECONDS = 1
workers.app.run_worker(load())
"""
"""A worker whose times are all shorter: what it waits for is the same."""
SETTINGS = """
preview:
  command:
    run:
      - sleep 3600 || true
      - aarch64-linux-gnu-gcc -Wl,-z,max-page-size=65536 -o engine engine.c
      - mkdir out
      - mv engine out/{more}
    output: out
    environment:
      SANDBOX_MARK: {mark}
"""
"""The build goes on when somebody ends the `sleep`."""


def until(come_true: Callable[[], bool], what: str = "it") -> None:
    """Waits for real processes."""
    deadline = time.monotonic() + PATIENCE
    while not come_true():
        assert time.monotonic() < deadline, f"{what} never came true"
        time.sleep(0.05)


@dataclass
class Working(Previewing):
    """A house whose jobs a real worker does."""

    log: Path = Path()
    mark: dict[str, str] = field(default_factory=new_mark)
    worker: subprocess.Popen[bytes] | None = None

    def settle(self, most: int = 0) -> list[Message]:
        """What GitHub tells has arrived; the worker does the jobs."""
        assert self.simulator.wait_for_deliveries()
        return []

    def start_worker(self) -> None:
        """Starts the worker, (again)."""
        environment = {**bare_environment(), **self.house.tools.settings.environment()}
        with self.log.open("ab") as output:
            self.worker = subprocess.Popen(
                [sys.executable, "-c", HASTY], env=environment, stdout=output, stderr=output, start_new_session=True
            )

    def kill_worker(self) -> None:
        """The worker, with the children that do its jobs, is gone at once."""
        assert self.worker is not None
        os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.wait()

    def is_sleeping(self) -> bool:
        """Whether a build is under way in the sandbox."""
        return bool(self._sleeps())

    def go_on(self) -> None:
        """Once a build is under way, it need not wait any more."""
        until(self.is_sleeping, "a build")
        for process in self._sleeps():
            os.kill(process, signal.SIGTERM)

    def _sleeps(self) -> list[int]:
        return [process for process in marked(self.mark) if _reads(process, "comm").strip() == b"sleep"]

    def is_sandbox_gone(self) -> bool:
        """Whether nothing is left of any sandbox."""
        return not marked(self.mark) and not bubblewraps(self.mark)

    def in_sandbox(self) -> set[int]:
        """Ids of all processes in a sandbox."""
        return {*marked(self.mark)}

    def runners(self, sha: str) -> list[int]:
        """Ids of the processes that work on the build of a head."""
        run_ids = [run_id.encode() for run_id in self.house.tools.builds.runs_of_commit(REPOSITORY, sha)]
        found = []
        for process in (int(each.name) for each in Path("/proc").glob("[0-9]*")):
            command = _reads(process, "cmdline").split(b"\0")
            if b"workers.build.runner" in command and any(run_id in command for run_id in run_ids):
                found.append(process)
        return found

    def kill_runner(self, sha: str) -> None:
        """The process that works on the build of a head is gone at once."""
        (process,) = self.runners(sha)
        os.kill(process, signal.SIGKILL)
        until(lambda: not self.runners(sha), "its end")

    def unlock_release(self) -> None:
        """Time passes for the lock of who died while he wrote the release."""
        redis, lock = self.house.tools.store._redis, f"pagewarden:lock:{self.place}:release"
        assert 0 < int(str(redis.ttl(lock))) <= LOCK_SECONDS
        redis.delete(lock)

    def starts(self) -> int:
        """How many processes took the build of the present head on."""
        return self.build().work.starts

    def left(self) -> list[Path]:
        """What builds have left on this host, but for what is kept."""
        tools = self.house.tools
        work, kept = directory(tools) / "work", directory(tools) / "kept"
        return [*scratch_of(tools).iterdir(), *work.iterdir(), *kept.glob(".*")]

    def is_told(self, sha: str) -> bool:
        """Whether GitHub shows the end of the build of a head, and nobody has anything more to say."""
        runs: list[Mapping[str, Any]] = self.simulator.check_runs(REPOSITORY, sha)
        is_over = any(run["name"] == PREVIEW and run["conclusion"] is not None for run in runs)
        tools = self.house.tools
        return is_over and not tools.builds.open_runs(-3600) and not tools.store.open_runs(-3600)

    def assert_released_once(self, sha: str) -> None:
        """Waits for the end of the build of a head, and sees that there is one of everything, and that it is whole."""
        until(lambda: self.is_told(sha), "the end of the build")
        tag = tag_of(self, sha)
        assert set(releases(self)) == {tag}
        (release,) = self.simulator.releases(REPOSITORY)
        assert (release["draft"], release["prerelease"], release["target_commitish"]) == (False, True, sha)
        assert self.simulator.tags(REPOSITORY) == {tag: sha}
        manifest = read_manifest(self.simulator.release_asset(REPOSITORY, tag, MANIFEST))
        files = [(each.name, each.size, each.sha256) for each in manifest.artifacts]
        files += [(each.name, each.size, each.sha256) for each in (manifest.report, manifest.log) if each is not None]
        for name, size, digest in files:
            content = self.simulator.release_asset(REPOSITORY, tag, name)
            assert (len(content), sha256(content).hexdigest()) == (size, digest)
        assert {asset["name"] for asset in release["assets"]} == {MANIFEST, *(name for name, _, _ in files)}
        assert {asset["state"] for asset in release["assets"]} == {"uploaded"}
        names = [run["name"] for run in self.simulator.check_runs(REPOSITORY, sha)]
        assert names.count(PREVIEW) == 1
        assert self.conclusion(sha) == "success"
        assert len(self.house.comments()) == 1
        assert tag in self.table()[0]
        until(lambda: not self.runners(sha) and self.is_sandbox_gone(), "the end of its processes")
        assert self.left() == []


def _reads(process: int, file: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{file}").read_bytes()
    except OSError:
        return b""


@dataclass
class Held:
    """A request to GitHub that is not answered until it may be. `came` once it is there."""

    came: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Until the request is there."""
        assert self.came.wait(PATIENCE), "the request never came"


@contextmanager
def holding(simulator: Simulator, method: str, path: str, when: Callable[[], bool] = lambda: True) -> Iterator[Held]:
    """Holds the first request of that method to a path that the regular expression `path` is found in, as soon as
    `when` is true. A body is not read meanwhile."""
    held, faults = Held(), simulator._faults
    take = faults.take

    def hold(its_method: str, its_path: str) -> Fault | None:
        is_it = its_method == method and re.search(path, its_path) is not None
        if is_it and not held.came.is_set() and when():
            held.came.set()
            held.let_go.wait(PATIENCE)
        return take(its_method, its_path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(faults, "take", hold)
        try:
            yield held
        finally:
            held.let_go.set()


@contextmanager
def working(directory: Path, simulator: Simulator, redis_url: str) -> Iterator[Working]:
    """A house in `directory` with a worker; its repository has an engine that is built as the settings say."""
    with hearing(directory, simulator, redis_url, stress=False, advice=False) as heard:
        house = Working(heard, log=directory / "worker.log")
        simulator.set_association(AUTHOR, "MEMBER")
        house.start_worker()
        try:
            yield house
        finally:
            house.kill_worker()
            for run_id in house.house.tools.builds.open_runs(-3600):
                house.house.tools.builds.end(run_id)
            until(house.is_sandbox_gone, "the end of what was started")
