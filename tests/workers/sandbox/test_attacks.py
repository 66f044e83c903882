"""A hostile build: each attack is a Makefile, and each is shown to work where nothing holds it."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.workers.sandbox.marked import bubblewraps, marked, new_mark, within
from workers.sandbox import Finished, Limits, Sandbox, launch

_REPOSITORY = Path(__file__).parents[3]


def _makefile(tmp_path: Path, *steps: str) -> Path:
    """A Makefile whose steps all run, whatever becomes of the others."""
    path = tmp_path / "Makefile"
    path.write_text("SHELL = /bin/bash\nall:\n" + "".join(f"\t-{step}\n" for step in steps))
    return path


def _inside(makefile: Path, mark: dict[str, str] | None = None, limits: Limits | None = None) -> Finished:
    box = Sandbox({"/build/Makefile": makefile}, environment=mark or {}, limits=limits or Limits(seconds=30))
    return box.run(["make", "-s", "-f", "/build/Makefile"])


def _outside(makefile: Path) -> str:
    return subprocess.run(["make", "-s", "-f", makefile], capture_output=True, text=True, check=True).stdout


def test_reading_the_hosts_files_and_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "app.pem"
    secret.write_text("key-on-disk")
    monkeypatch.setenv("PAGEWARDEN_WEBHOOK_SECRET", "key-in-environment")
    makefile = _makefile(
        tmp_path,
        f"cat {secret}",
        "env",
        "cat /proc/[0-9]*/environ | tr '\\0' '\\n'",
        "cat /etc/passwd /etc/shadow",
        "ls -d /home /root /var /run /sys /etc/*",
    )
    outside = _outside(makefile)
    assert "key-on-disk" in outside
    assert "key-in-environment" in outside
    assert "root:" in outside

    done = _inside(makefile)
    everything = (done.stdout + done.stderr).decode()
    assert done.status == 0
    assert "key-on-disk" not in everything
    assert "key-in-environment" not in everything
    assert "root:" not in everything
    listed = {line for line in done.stdout.decode().splitlines() if line.startswith("/")}
    assert listed <= {"/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"}
    names = {line.partition("=")[0] for line in done.stdout.decode().splitlines() if "=" in line}
    assert not [name for name in names if name.startswith("PAGEWARDEN")]


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """A port on the host's loopback and whoever connected to it."""
    callers: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, caller = server.accept()
                except OSError:
                    return
                callers.append(caller)
                with closing(connection):
                    connection.sendall(b"welcome\n")

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], callers
        server.shutdown(socket.SHUT_RDWR)


def test_reaching_loopback(tmp_path: Path, listener: tuple[int, list[object]]) -> None:
    port, callers = listener
    makefile = _makefile(tmp_path, f"cat < /dev/tcp/127.0.0.1/{port}", "cut -d: -f1 /proc/net/dev | tail -n +3")
    assert "welcome" in _outside(makefile)
    assert len(callers) == 1

    done = _inside(makefile)
    assert b"welcome" not in done.stdout
    assert b"Connection refused" in done.stderr
    assert done.stdout.split() == [b"lo"]
    assert len(callers) == 1


def _explode(tmp_path: Path, processes: int) -> int:
    """The most processes that a fork bomb had at one time."""
    mark = new_mark()
    makefile = _makefile(tmp_path, "bomb() { bomb & bomb & sleep 9; }; bomb")
    box = Sandbox({"/build/Makefile": makefile}, environment=mark, limits=Limits(seconds=20, processes=processes))
    most = 0
    with box.start(["make", "-s", "-f", "/build/Makefile"]):
        end = time.monotonic() + 2
        while time.monotonic() < end:
            most = max(most, len(marked(mark)))
        subprocess.run(["true"], check=True)
    assert marked(mark) == []
    return most


def test_forking_without_end(tmp_path: Path) -> None:
    assert 10 < _explode(tmp_path, 20) <= 20
    assert 40 < _explode(tmp_path, 60) <= 60, "without a lower limit it has more, so the limit is what holds it"


_WRITE_EVERYWHERE = (
    "for place in $$(cut -d' ' -f5 /proc/self/mountinfo | sort -u); do "
    "if [ -d $$place ] && echo > $$place/written; then echo could write $$place; fi; done"
)


def test_filling_the_disk(tmp_path: Path) -> None:
    makefile = _makefile(
        tmp_path, _WRITE_EVERYWHERE, "head -c 40M /dev/zero > /tmp/most; stat -c 'size %s' /tmp/most", "echo > /build/x"
    )
    done = _inside(makefile, limits=Limits(seconds=30, disk=16 << 20))
    assert [line for line in done.stdout.decode().splitlines() if "could" in line] == ["could write /tmp"]
    assert b"No space left on device" in done.stderr
    assert (16 << 20) - 65536 < int(done.stdout.split(b"size ")[1]) <= 16 << 20
    assert not (tmp_path / "x").exists()

    roomy = _inside(makefile, limits=Limits(seconds=30, disk=64 << 20))
    assert f"size {40 << 20}" in roomy.stdout.decode()


def test_one_file_too_large(tmp_path: Path) -> None:
    makefile = _makefile(tmp_path, "head -c 4M /dev/zero > /tmp/large; stat -c 'size %s' /tmp/large")
    done = _inside(makefile, limits=Limits(seconds=30, file_size=1 << 20))
    assert b"File size limit exceeded" in done.stderr
    assert int(done.stdout.split(b"size ")[1]) <= 1 << 20
    assert f"size {4 << 20}" in _inside(makefile).stdout.decode()


def test_a_file_system_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    makefile = _makefile(tmp_path, "unshare --user --map-root-user --mount mount -t tmpfs none /tmp && echo mounted")
    assert b"mounted" not in _inside(makefile).stdout
    allow_all = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
    monkeypatch.setattr(launch, "seccomp_program", lambda: allow_all)
    assert b"mounted" in _inside(makefile).stdout, "it is the filter that forbids it"


def _daemon_makefile(tmp_path: Path, then: str) -> tuple[Path, Path]:
    """A build that leaves a daemon, which writes a marker a second later."""
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    daemon = "setsid sh -c 'sleep 1; echo alive > /out/marker; sleep 30' < /dev/null > /dev/null 2>&1 & disown"
    return _makefile(tmp_path, f"{daemon}; echo started; {then}"), out


def test_outliving_the_build(tmp_path: Path) -> None:
    def build(then: str) -> Path:
        makefile, out = _daemon_makefile(tmp_path, then)
        mark = new_mark()
        box = Sandbox({"/build/Makefile": makefile}, {"/out": out}, mark, Limits(seconds=30))
        assert box.run(["make", "-s", "-f", "/build/Makefile"]).stdout == b"started\n"
        assert marked(mark) == []
        return out / "marker"

    marker = build("true")
    time.sleep(1.5)
    assert not marker.exists()
    assert build("sleep 2").exists(), "the daemon does write where it is left alone"


_HOST = """
import sys
from pathlib import Path
from workers.sandbox import Limits, Sandbox
makefile, out, mark = sys.argv[1:]
box = Sandbox({"/build/Makefile": Path(makefile)}, {"/out": Path(out)}, {"SANDBOX_MARK": mark}, Limits(seconds=60))
with box.start(["make", "-s", "-f", "/build/Makefile"]) as running:
    print(running.stdout.readline().decode(), flush=True)
    running.wait()
"""


def test_outliving_a_killed_worker(tmp_path: Path) -> None:
    makefile, out = _daemon_makefile(tmp_path, "sleep 60")
    mark = new_mark()
    command = [sys.executable, "-c", _HOST, str(makefile), str(out), mark["SANDBOX_MARK"]]
    with subprocess.Popen(command, cwd=_REPOSITORY, env=dict(os.environ), stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"started\n"
        assert len(marked(mark)) >= 3
        host.send_signal(signal.SIGKILL)
    assert within(1.0, lambda: not marked(mark))
    time.sleep(1.2)
    assert not (out / "marker").exists()


_HASTY_HOST = """
import sys
from workers.sandbox import Sandbox
box = Sandbox(environment={"SANDBOX_MARK": sys.stdin.readline().strip()})
box.run(["true"])
print("ready", flush=True)
sys.stdin.readline()
box.run(["sh", "-c", "setsid sleep 60 & sleep 60"])
"""


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 3, 5, 7, 9, 12, 15, 20, 30, 50])
def test_a_worker_killed_while_it_starts_a_sandbox(milliseconds: int) -> None:
    """The moments at which the kernel's signal for a parent's death alone leaves processes behind."""
    mark = new_mark()
    command = [sys.executable, "-c", _HASTY_HOST]
    with subprocess.Popen(command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        # By stdin, for the mark must not be in this command line.
        host.stdin.write(mark["SANDBOX_MARK"].encode() + b"\n")
        host.stdin.flush()
        assert host.stdout.readline() == b"ready\n"
        host.stdin.write(b"\n")
        host.stdin.flush()
        time.sleep(milliseconds / 1000)
        host.kill()
    time.sleep(0.1)
    assert within(2.0, lambda: not marked(mark) and not bubblewraps(mark))


def test_a_killed_guardian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_GUARDIAN", launch._Guardian())
    mark = new_mark()
    with Sandbox(environment=mark).start(["sh", "-c", "echo begun; sleep 60"]) as running:
        assert running.stdout.readline() == b"begun\n"
        guardian = launch._GUARDIAN._process
        assert guardian is not None
        guardian.kill()
        assert running.wait(5).signal == signal.SIGKILL
    assert marked(mark) == []
    assert Sandbox().run(["echo", "again"]).stdout == b"again\n"
