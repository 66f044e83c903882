"""The machine `vm`, with real kernels under QEMU: what it sees of processes, good and hostile."""

from __future__ import annotations

import gzip
import os
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.workers.stress.conftest import Compiled, descendants
from workers.stress.machine import Vm
from workers.stress.processes import MOST_OUTPUT, Cancelled, Ended, MachineError, Process, Session

PAGES = pytest.mark.parametrize("page_size", [4096, 65536])
HERE = "/subject/behaviour"


@pytest.fixture
def behaviour(compiled: Compiled) -> Path:
    return compiled("behaviour")


def _by_id(session: Session) -> dict[str, Ended]:
    assert session.trouble is None, session.log
    return {ended.id: ended for ended in session.ended}


@PAGES
def test_processes_end_as_they_do(kernel_images: Mapping[int, Path], behaviour: Path, page_size: int) -> None:
    processes = [
        Process("good", (HERE, "exit", "0")),
        Process("seven", (HERE, "exit", "7")),
        *(Process(f"status-{status}", (HERE, "exit", str(status))) for status in (126, 127, 255)),
        Process("trap", (HERE, "signal", str(int(signal.SIGTRAP)))),
        Process("killed-itself", (HERE, "signal", str(int(signal.SIGKILL)))),
        Process("nothing", ("/subject/nothing",)),
        Process("hang", (HERE, "hang"), seconds=1),
        Process("work", (HERE, "work"), seconds=1),
    ]
    watched: list[str] = []
    session = Vm(page_size, kernel_images[page_size]).run({"behaviour": behaviour}, processes, watched.append)
    ended = _by_id(session)

    assert session.page_size == page_size
    assert list(ended) == [process.id for process in processes] == [each for each in watched if each]
    assert "" in watched
    good = ended["good"]
    assert (good.status, good.signal, good.refusal, good.timed_out, good.out_of_memory) == (0, None, None, False, False)
    assert good.stdout == f"pages of {page_size} bytes, user ordinary\n"
    assert good.stderr == "to stderr\n"
    assert good.core is None
    assert 0 < good.peak_memory < 64 << 20
    assert [ended[f"status-{status}"].status for status in (126, 127, 255)] == [126, 127, 255]
    assert ended["seven"].status == 7
    assert ended["nothing"].refusal == "it could not be started: No such file or directory"
    assert (ended["nothing"].status, ended["nothing"].signal) == (None, None)
    assert (ended["killed-itself"].signal, ended["killed-itself"].out_of_memory) == (signal.SIGKILL, False)

    trap = ended["trap"]
    assert (trap.status, trap.signal, trap.timed_out) == (None, signal.SIGTRAP, False)
    assert trap.stdout == "before the end\n"
    assert f"fatal signal {int(signal.SIGTRAP)}" in trap.kernel_log
    assert "fatal signal" not in ended["seven"].kernel_log
    assert trap.core is not None
    assert gzip.decompress(trap.core).startswith(b"\x7fELF")

    for stuck, state in (ended["hang"], "S (sleeping)"), (ended["work"], "R (running)"):
        assert (stuck.timed_out, stuck.signal, stuck.out_of_memory) == (True, signal.SIGKILL, False)
        assert stuck.wall >= 1
        assert f"behaviour: {state}" in stuck.maps
        assert re.search(rf"r-xp .*{HERE}\n", stuck.maps)
    assert ended["work"].user > 0.3 > ended["hang"].user


@PAGES
def test_a_hostile_process_gets_nothing(kernel_images: Mapping[int, Path], compiled: Compiled, page_size: int) -> None:
    processes = [Process("hostile", ("/subject/hostile",)), Process("again", ("/subject/hostile",))]
    session = Vm(page_size, kernel_images[page_size]).run({"hostile": compiled("hostile")}, processes)
    ended = _by_id(session)
    for each in ended.values():
        assert (each.stdout, each.status) == ("tried\n", 3)
        assert '"say":"end"' in each.stderr
    assert session.log.count('"say":"end"') == 2


def test_greedy_processes_leave_nothing_behind(kernel_images: Mapping[int, Path], behaviour: Path) -> None:
    processes = [
        Process("fork", (HERE, "fork"), seconds=2),
        Process("stay", (HERE, "stay")),
        Process("print", (HERE, "print"), seconds=1),
        Process("eat", (HERE, "eat"), memory=200 << 20),
        Process("fill", (HERE, "fill")),
        Process("after", (HERE, "files", "/tmp/stayed", "/tmp/filling")),
    ]
    ended = _by_id(Vm(4096, kernel_images[4096]).run({"behaviour": behaviour}, processes))
    assert ended["fork"].timed_out
    assert (ended["stay"].status, ended["stay"].timed_out) == (0, False)
    assert ended["print"].timed_out
    assert ended["print"].stdout.startswith("line 0 of a program")
    assert "bytes left out]" in ended["print"].stdout
    assert MOST_OUTPUT * 0.9 < len(ended["print"].stdout) <= MOST_OUTPUT
    assert (ended["eat"].out_of_memory, ended["eat"].timed_out, ended["eat"].signal) == (True, False, signal.SIGKILL)
    assert ended["eat"].peak_memory > 150 << 20
    assert ended["fill"].stdout == "256\n"
    assert ended["after"].stdout.splitlines() == ["/tmp/stayed 0 -1 : ", "/tmp/filling 0 -1 : "]


def test_the_kernel_out_of_memory(kernel_images: Mapping[int, Path], behaviour: Path) -> None:
    processes = [Process("eat", (HERE, "eat"), memory=8 << 30), Process("after", (HERE, "exit", "0"))]
    ended = _by_id(Vm(65536, kernel_images[65536], memory=256 << 20).run({"behaviour": behaviour}, processes))
    assert (ended["eat"].out_of_memory, ended["eat"].timed_out, ended["eat"].signal) == (True, False, signal.SIGKILL)
    assert "Out of memory" in ended["eat"].kernel_log
    assert (ended["after"].status, ended["after"].out_of_memory) == (0, False)


def test_files_arguments_and_environment_arrive(
    kernel_images: Mapping[int, Path], behaviour: Path, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    (tree / "deep/er").mkdir(parents=True)
    (tree / "deep/er/odd name\n").write_text("odd")
    (tree / "script").write_text("text")
    (tree / "script").chmod(0o755)
    (tree / "link").symlink_to("deep/er")
    paths = ["/subject/a/tree/script", "/subject/a/tree/link", "/subject/a/tree/link/odd name\n"]
    processes = [
        Process("files", (HERE, "files", *paths)),
        Process("arguments", (HERE, "arguments", "", "two words", "ü")),
        Process("environment", (HERE, "environment"), environment=(("HOME", "/elsewhere"), ("A", "b=c"))),
    ]
    ended = _by_id(Vm(4096, kernel_images[4096]).run({"behaviour": behaviour, "a/tree": tree}, processes))
    assert ended["files"].stdout == (
        "/subject/a/tree/script 100755 -1 : text\n"
        "/subject/a/tree/link 120777 -1 deep/er: \n"
        "/subject/a/tree/link/odd name\n 100644 -1 : odd\n"
    )
    assert ended["arguments"].stdout == "[]\n[two words]\n[ü]\n"
    assert set(ended["environment"].stdout.splitlines()) == {
        "PATH=/usr/bin:/bin",
        "HOME=/elsewhere",
        "LANG=C.UTF-8",
        "A=b=c",
    }


def test_a_core_that_does_not_compress_is_left_out(kernel_images: Mapping[int, Path], behaviour: Path) -> None:
    process = Process("large", (HERE, "large", "16"))
    ended = _by_id(Vm(4096, kernel_images[4096]).run({"behaviour": behaviour}, [process]))["large"]
    assert ended.signal == signal.SIGABRT
    assert ended.core is None
    assert "the core is not kept: it has more than" in ended.kernel_log


def test_cancelled_at_once(kernel_images: Mapping[int, Path], behaviour: Path) -> None:
    def watch(process_id: str) -> None:
        if process_id == "hang":
            raise Cancelled

    before = time.monotonic()
    with pytest.raises(Cancelled):
        Vm(4096, kernel_images[4096]).run(
            {"behaviour": behaviour}, [Process("hang", (HERE, "hang"), seconds=600)], watch
        )
    assert time.monotonic() - before < 60
    assert not descendants(os.getpid(), "qemu-system")


def test_tools_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MachineError, match="pagewarden kernels build"):
        Vm(4096, tmp_path / "none").run({}, [])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="apt-get install qemu-system-arm"):
        Vm(4096, tmp_path / "none").run({}, [])
