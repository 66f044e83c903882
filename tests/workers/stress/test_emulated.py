"""The machine `user`, with real programs for aarch64 under qemu-user."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.workers.stress.conftest import Compiled, descendants
from workers.stress.emulated import EMULATOR, UserEmulation
from workers.stress.processes import MOST_OUTPUT, Cancelled, MachineError, Process

HERE = "/subject/behaviour"


@pytest.fixture
def machine() -> UserEmulation:
    if shutil.which(EMULATOR) is None:
        pytest.skip(f"{EMULATOR} is missing (Debian: apt-get install qemu-user-static)")
    return UserEmulation(4096)


@pytest.fixture
def behaviour(compiled: Compiled) -> Path:
    return compiled("behaviour")


def test_processes_end_as_they_do(machine: UserEmulation, behaviour: Path) -> None:
    processes = [
        Process("good", (HERE, "exit", "0")),
        Process("seven", (HERE, "exit", "7")),
        Process("trap", (HERE, "signal", str(int(signal.SIGTRAP)))),
        Process("abort", (HERE, "signal", str(int(signal.SIGABRT)))),
        Process("nothing", ("/subject/nothing",)),
        Process("hang", (HERE, "hang"), seconds=2),
        Process("eat", (HERE, "eat"), memory=300 << 20),
        Process("print", (HERE, "print"), seconds=2),
        Process("stay", (HERE, "stay")),
        Process("after", (HERE, "files", "/tmp/stayed")),
        Process("environment", (HERE, "environment"), environment=(("A", "b=c"),)),
    ]
    watched: list[str] = []
    session = machine.run({"behaviour": behaviour}, processes, watched.append)
    assert session.trouble is None
    assert session.page_size == 4096
    ended = {each.id: each for each in session.ended}
    assert list(ended) == [process.id for process in processes] == [each for each in watched if each]
    assert "" in watched
    assert (ended["good"].status, ended["good"].signal) == (0, None)
    assert ended["good"].stdout == "pages of 4096 bytes, user ordinary\n"
    assert ended["good"].stderr == "to stderr\n"
    assert ended["seven"].status == 7
    assert (ended["trap"].status, ended["trap"].signal) == (None, signal.SIGTRAP)
    assert ended["trap"].stdout == "before the end\n"
    assert ended["abort"].signal == signal.SIGABRT
    assert ended["nothing"].refusal == "it could not be started: No such file or directory"
    assert (ended["hang"].timed_out, ended["hang"].signal) == (True, signal.SIGKILL)
    assert ended["hang"].wall >= 2
    assert (ended["eat"].out_of_memory, ended["eat"].timed_out) == (True, False)
    assert ended["print"].timed_out
    assert "bytes left out]" in ended["print"].stdout
    assert len(ended["print"].stdout) <= MOST_OUTPUT
    assert (ended["stay"].status, ended["stay"].timed_out) == (0, False)
    assert ended["after"].stdout == "/tmp/stayed 0 -1 : \n"
    assert "A=b=c" in ended["environment"].stdout.splitlines()
    assert "PATH=/usr/bin:/bin" in ended["environment"].stdout.splitlines()


def test_cancelled_at_once(machine: UserEmulation, behaviour: Path) -> None:
    def watch(process_id: str) -> None:
        if not process_id:
            raise Cancelled

    before = time.monotonic()
    with pytest.raises(Cancelled):
        machine.run({"behaviour": behaviour}, [Process("hang", (HERE, "hang"), seconds=600)], watch)
    assert time.monotonic() - before < 60
    assert not descendants(os.getpid(), "qemu-aarch64")


@pytest.mark.parametrize("page_size", [16384, 65536])
def test_other_pages_are_refused_with_the_reason(page_size: int) -> None:
    with pytest.raises(MachineError, match=r"the machine user has 4K pages only, not .* Use the machine vm"):
        UserEmulation(page_size)


def test_without_the_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="apt-get install qemu-user-static"):
        UserEmulation(4096)
