"""Real worker processes on a real queue."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.workers.house import BAD, GOOD, SECRET, House
from workers.app import STOP_SIGNAL, create_app
from workers.host import alone
from workers.inbox import Delivery
from workers.store import LOCK_SECONDS
from workers.tasks import connect, enqueue_intake
from workers.tools import Job

WORKER = "from config.settings import load; from workers.app import run_worker; run_worker(load())"


def until(true: Callable[[], bool], seconds: float = 40) -> None:
    """Waits for a real process."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def spying_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `git` first in PATH that notes its command line; returns the notes."""
    notes, directory = tmp_path / "command-lines", tmp_path / "bin"
    directory.mkdir()
    spy = directory / "git"
    spy.write_text(f'#!/bin/sh\necho "$@" >> "{notes}"\nexec "{shutil.which("git")}" "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return notes


@pytest.fixture
def worker(house: House, tmp_path: Path, spying_git: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process with two children; its log is in `worker.log`."""
    settings = house.tools.settings
    environment = {
        **os.environ,
        "PAGEWARDEN_APP_ID": str(settings.app_id),
        "PAGEWARDEN_PRIVATE_KEY": settings.read_private_key(),
        "PAGEWARDEN_WEBHOOK_SECRET": SECRET,
        "PAGEWARDEN_API_URL": settings.api_url,
        "PAGEWARDEN_REDIS_URL": str(settings.redis_url),
        "PAGEWARDEN_CACHE_DIR": str(settings.cache_dir),
        "PAGEWARDEN_DATA_DIR": str(settings.data_dir),
        "PAGEWARDEN_PROFILE": str(settings.profile),
    }
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_same_delivery_at_once_is_one_run_one_check_and_one_comment(
    house: House, worker: subprocess.Popen[bytes], spying_git: Path, tmp_path: Path
) -> None:
    first = house.open(BAD)
    app = create_app(house.tools.settings)
    inbox = house.tools.inbox
    for number in range(3):
        assert inbox.put(Delivery(f"guid-{number}", "pull_request", house.event("opened").to_json(), time.time()))
    for _ in range(3):
        for number in range(3):
            assert enqueue_intake(app, f"guid-{number}")
    until(lambda: house.conclusions(first) == ["failure"] and bool(house.comments()))
    last = house.push(GOOD)
    inbox.put(Delivery("guid-last", "pull_request", house.event().to_json(), time.time()))
    for _ in range(3):
        assert enqueue_intake(app, "guid-last")
    until(lambda: house.conclusions(last) == ["success"] and "65536" in house.comments()[0])
    until(lambda: not inbox.pending(-1) and connect(house.tools.settings).llen("fast") == 0)
    worker.send_signal(STOP_SIGNAL)
    assert worker.wait(30) == 0
    assert house.conclusions(first) == ["failure"]
    assert house.conclusions(last) == ["success"]
    assert len(house.comments()) == 1
    assert house.calls("POST", "/check-runs") == 2
    assert house.calls("POST", "/comments") == 1
    assert house.tools.store.open_runs(-1) == []
    _assert_nothing_tells_the_token(house, spying_git, tmp_path)


def _assert_nothing_tells_the_token(house: House, command_lines: Path, directory: Path) -> None:
    token = house.tools.tokens.token(house.installation_id)
    assert token is not None
    assert "fetch" in command_lines.read_text()
    files = [command_lines, directory / "worker.log", *(path for path in (directory / "cache").rglob("*"))]
    for path in files:
        if path.is_file():
            content = path.read_bytes()
            assert token.encode() not in content, path
            assert SECRET.encode() not in content, path
            assert b"PRIVATE KEY" not in content, path


def test_many_pushes_while_workers_work_end_with_the_last_head(house: House, worker: subprocess.Popen[bytes]) -> None:
    heads = [house.open(BAD)]
    app = create_app(house.tools.settings)

    def deliver(number: int) -> None:
        house.tools.inbox.put(Delivery(f"guid-{number}", "pull_request", house.event().to_json(), time.time()))
        enqueue_intake(app, f"guid-{number}")

    deliver(0)
    until(lambda: bool(house.checks(heads[0])))
    for number in range(1, 5):
        heads.append(house.push({"Source/page.h": f"#define PAGE {4096 * 2**number}\n"}))
        deliver(number)
    until(lambda: house.conclusions(heads[-1]) == ["success"] and "65536" in "".join(house.comments()))
    until(lambda: not house.tools.inbox.pending(-1) and not house.tools.store.open_runs(-1))
    assert len(house.comments()) == 1
    assert all(None not in house.conclusions(head) for head in heads)


def test_a_worker_killed_in_its_work_leaves_nothing_undone(house: House, worker: subprocess.Popen[bytes]) -> None:
    sha = house.open(BAD)
    app = create_app(house.tools.settings)
    house.tools.inbox.put(Delivery("guid", "pull_request", house.event().to_json(), time.time()))
    enqueue_intake(app, "guid")
    until(lambda: bool(house.checks(sha)))
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    connection = connect(house.tools.settings)
    for lock in connection.scan_iter("pagewarden:lock:*"):
        assert 0 < connection.ttl(lock) <= LOCK_SECONDS
        connection.delete(lock)
    house.sweep(after=300)
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert len(house.comments()) == 1


def test_a_queue_that_cannot_be_told_is_no_error(house: House) -> None:
    app = create_app(house.tools.settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    assert not enqueue_intake(app, "guid")


def test_the_app_for_the_celery_command_has_its_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "APP_ID": "1",
        "PRIVATE_KEY": "x",
        "WEBHOOK_SECRET": SECRET,
        "REDIS_URL": "redis://x/0",
    }.items():
        monkeypatch.setenv(f"PAGEWARDEN_{name}", value)
    app = importlib.import_module("workers.worker").app
    assert app.conf.broker_url == "redis://x/0"
    assert set(Job) <= app.tasks.keys()


def test_the_settings_that_lose_least_are_in_force(house: House) -> None:
    conf = create_app(house.tools.settings).conf
    assert conf.task_acks_late and conf.task_retry_on_worker_lost and not conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert conf.task_soft_time_limit < conf.task_time_limit < conf.broker_transport_options["visibility_timeout"]
    tasks = create_app(house.tools.settings).tasks
    assert all(tasks[job].max_retries is not None for job in Job)


def test_a_worker_killed_in_a_study_leaves_nothing_undone_and_doubles_nothing(
    house: House, worker: subprocess.Popen[bytes]
) -> None:
    sha = house.open(BAD)
    app = create_app(house.tools.settings)
    house.tools.inbox.put(Delivery("guid", "pull_request", house.event().to_json(), time.time()))
    enqueue_intake(app, "guid")
    until(lambda: house.calls("GET", "/pulls/1/commits") > 0 or bool(house.suggestions()))
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    connection = connect(house.tools.settings)
    for lock in connection.scan_iter("pagewarden:lock:*"):
        connection.delete(lock)
    assert house.conclusions(sha) == ["failure"]
    # What the worker had started ends a little later than it, and holds the machine until then.
    until(lambda: _is_free(house.tools.settings.cache_dir / "study.lock"))
    house.sweep(after=300)
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert (len(house.comments()), len(house.suggestions())) == (1, 1)
    assert house.tools.store.wanted_studies(-1000) == []


def _is_free(lock: Path) -> bool:
    with alone(lock) as free:
        return free
