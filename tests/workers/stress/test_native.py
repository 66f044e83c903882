"""The machine `native`. On other hosts than arm64 it must refuse; how it runs is shown with their own programs."""

from __future__ import annotations

import mmap
import platform
import signal
import subprocess
from pathlib import Path

import pytest

from tests.workers.stress.conftest import GUEST
from workers.stress.native import Native
from workers.stress.processes import MachineError, Process

HERE = "/subject/tools/behaviour"


def test_a_host_of_another_architecture_is_refused() -> None:
    other = "aarch64" if platform.machine() != "aarch64" else "x86_64"
    with pytest.raises(MachineError, match=f"needs an {other} host, and this one is {platform.machine()}"):
        Native(mmap.PAGESIZE, architecture=other)


def test_pages_that_the_host_has_not_are_refused() -> None:
    other = 65536 if mmap.PAGESIZE != 65536 else 4096
    with pytest.raises(MachineError, match=f"has pages of {mmap.PAGESIZE} bytes"):
        Native(other, architecture=platform.machine())


def test_programs_of_the_host_s_own_architecture(tmp_path: Path) -> None:
    """Not of arm64, but where the tests run on one."""
    tools = tmp_path / "tools"
    tools.mkdir()
    subprocess.run(["gcc", "-O1", "-w", GUEST / "behaviour.c", "-o", tools / "behaviour"], check=True)
    (tools / "text").write_text("no program")
    processes = [
        Process("loud", (HERE, "complain"), seconds=60),
        Process("good", (HERE, "exit", "0")),
        Process("failed", (HERE, "exit", "3")),
        Process("trap", (HERE, "signal", str(int(signal.SIGTRAP)))),
        Process("text", ("/subject/tools/text",)),
        Process("none", ("/subject/none",)),
        Process("hang", (HERE, "hang"), seconds=1),
    ]
    session = Native(mmap.PAGESIZE, architecture=platform.machine()).run({"tools": tools}, processes)
    assert session.page_size == mmap.PAGESIZE
    assert session.trouble == "loud printed more than 64 MiB to stderr"
    good, failed, trap, text, none, hang = session.ended
    assert (good.status, good.stdout, good.stderr) == (
        0,
        f"pages of {mmap.PAGESIZE} bytes, user ordinary\n",
        "to stderr\n",
    )
    assert failed.status == 3
    assert trap.signal == signal.SIGTRAP
    assert text.refusal == "it could not be started: Permission denied"
    assert none.refusal == "it could not be started: No such file or directory"
    assert (hang.timed_out, hang.signal) == (True, signal.SIGKILL)
