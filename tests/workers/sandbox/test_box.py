"""What a sandbox gives to a command, how it tells of its end, and its limits."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.workers.sandbox.marked import marked, new_mark, within
from workers.sandbox import Limits, Running, Sandbox

_REPOSITORY = Path(__file__).parents[3]


def test_streams_directory_and_environment() -> None:
    script = "cat; pwd; echo complaint >&2; env | sort"
    done = Sandbox(environment={"SEED": "7"}).run(["sh", "-c", script], stdin=b"given\n", directory="/usr")
    assert done.status == 0
    assert done.signal is None
    assert done.stopped is None
    assert done.stderr == b"complaint\n"
    path = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    assert done.stdout.decode().splitlines() == [
        "given",
        "/usr",
        "HOME=/tmp",
        "LANG=C.UTF-8",
        path,
        "PWD=/usr",
        "SEED=7",
    ]


def test_files_that_only_their_owner_may_read(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "source.c").write_text("int main(void) { return 42; }\n")
    (private / "source.c").chmod(0o600)
    done = Sandbox({"/source": private}).run(["sh", "-c", "cat /source/source.c; echo > /source/source.c"])
    assert done.stdout == b"int main(void) { return 42; }\n"
    assert b"Read-only file system" in done.stderr
    assert (private / "source.c").read_text() != ""


def test_a_compiler_works_inside(tmp_path: Path) -> None:
    source = tmp_path / "source.c"
    source.write_text("int main(void) { return 42; }\n")
    done = Sandbox({"/source.c": source}).run(["sh", "-c", "cc -O1 /source.c -o program && ./program"])
    assert done.status == 42, done.stderr


def test_writable_directory(tmp_path: Path) -> None:
    assert Sandbox(writable={"/out": tmp_path}).run(["sh", "-c", "echo made > /out/file"]).status == 0
    assert (tmp_path / "file").read_text() == "made\n"


@pytest.mark.parametrize(
    ("script", "status", "signal"),
    [
        ("exit 3", 3, None),
        ("exit 255", 255, None),
        ("kill -SEGV $$", None, 11),
        ("sh -c 'kill -ABRT $$'; exit $?", None, 6),
    ],
)
def test_how_a_command_ended(script: str, status: int | None, signal: int | None) -> None:
    done = Sandbox().run(["sh", "-c", script])
    assert (done.status, done.signal, done.stopped) == (status, signal, None)


def test_a_command_that_is_not_there() -> None:
    done = Sandbox().run(["no-such-compiler"])
    assert done.status == 127
    assert b"no-such-compiler" in done.stderr


def test_host_paths_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="wanted in the sandbox as /source"):
        Sandbox({"/source": tmp_path / "nothing"}).run(["true"])
    with pytest.raises(ValueError, match="must be absolute: source"):
        Sandbox({"source": tmp_path}).run(["true"])


def test_time() -> None:
    mark = new_mark()
    before = time.monotonic()
    done = Sandbox(environment=mark, limits=Limits(seconds=0.5)).run(["sh", "-c", "echo begun; sleep 60 & sleep 60"])
    assert (done.status, done.signal, done.stopped) == (None, 9, "time")
    assert done.stdout == b"begun\n"
    assert 0.5 <= time.monotonic() - before < 5
    assert marked(mark) == []


_HOARD = "dd if=/dev/zero bs=100M count=1 status=none | sleep 20"
"""`dd` keeps its one block of 100 MiB in memory, since nobody takes it."""


def test_memory_of_all_processes_together() -> None:
    script = f"for i in 1 2 3 4; do {_HOARD} & done; wait"
    done = Sandbox(limits=Limits(seconds=15, memory=250 << 20)).run(["sh", "-c", script])
    assert (done.signal, done.stopped) == (9, "memory")
    roomy = Sandbox(limits=Limits(seconds=2, memory=1000 << 20)).run(["sh", "-c", script])
    assert roomy.stopped == "time"


def test_memory_of_the_host_is_not_the_sandboxs() -> None:
    """Not even in the first moments, when bubblewrap still sees the host's /proc."""
    size = 64 << 20
    hoard = bytearray(b"x") * size
    with Sandbox().start(["sleep", "60"]) as running:
        end = time.monotonic() + 0.3
        most = 0
        while time.monotonic() < end:
            most = max(most, running._launched.resident())
    assert 0 < most < size
    assert hoard


def test_memory_of_one_process() -> None:
    script = "dd if=/dev/zero of=/dev/null bs=100M count=1"
    done = Sandbox(limits=Limits(seconds=15, memory=50 << 20)).run(["sh", "-c", script])
    assert done.status not in (0, None)
    assert b"memory exhausted" in done.stderr
    assert Sandbox(limits=Limits(memory=500 << 20)).run(["sh", "-c", script]).status == 0


@pytest.mark.parametrize(("script", "stream"), [("yes", "stdout"), ("yes >&2", "stderr")])
def test_output(script: str, stream: str) -> None:
    done = Sandbox(limits=Limits(seconds=20, output=1 << 20)).run(["sh", "-c", script])
    assert done.stopped == "output"
    assert len(getattr(done, stream)) == 1 << 20


def test_a_started_command_streams() -> None:
    with Sandbox().start(["sh", "-c", "echo one; sleep 0.3; echo two; echo low >&2; exit 5"]) as running:
        assert running.stdout.readline() == b"one\n"
        with pytest.raises(TimeoutError):
            running.wait(0.01)
        assert running.stdout.read() == b"two\n"
        done = running.wait(5)
    assert (done.status, done.stderr) == (5, b"low\n")


def test_stopping_a_started_command() -> None:
    mark = new_mark()
    running = Sandbox(environment=mark).start(["sh", "-c", "echo begun; setsid sleep 60 & sleep 60"])
    assert running.stdout.readline() == b"begun\n"
    assert within(2, lambda: len(marked(mark)) >= 3)
    running.stop()
    assert marked(mark) == []
    running.stop()
    done = running.wait()
    assert (done.signal, done.stopped) == (9, None)
    running.stdout.close()


def test_limits_hold_a_started_command() -> None:
    with Sandbox(limits=Limits(seconds=0.3)).start(["sleep", "60"]) as running:
        assert running.stdout.read() == b""
        assert running.wait(5).stopped == "time"
    with Sandbox(limits=Limits(seconds=15, memory=50 << 20, address_space=1 << 30)).start(
        ["sh", "-c", _HOARD]
    ) as running:
        assert running.wait(10).stopped == "memory"


def test_the_starting_thread_may_end() -> None:
    started: list[Running] = []
    thread = threading.Thread(target=lambda: started.append(Sandbox().start(["sh", "-c", "sleep 0.5; echo alive"])))
    thread.start()
    thread.join()
    with started[0] as running:
        assert running.stdout.read() == b"alive\n"
        assert running.wait().status == 0


def test_many_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda number: Sandbox().run(["echo", str(number)]), range(40)))
    assert [each.stdout for each in done] == [f"{number}\n".encode() for number in range(40)]


_FORKED = """
import os
from workers.sandbox import Sandbox
assert Sandbox().run(["true"]).status == 0
child = os.fork()
if child == 0:
    os._exit(Sandbox().run(["sh", "-c", "exit 7"]).status)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_worker_makes_sandboxes_too() -> None:
    done = subprocess.run([sys.executable, "-c", _FORKED], cwd=_REPOSITORY, capture_output=True, timeout=30, check=True)
    assert done.stdout == b"7\n"


def test_nothing_stays_open() -> None:
    Sandbox().run(["true"])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        Sandbox().run(["true"])
        with Sandbox().start(["sleep", "9"]):
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before
