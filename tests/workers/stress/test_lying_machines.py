"""Machines that were told to lie: each is in trouble, and nothing of it becomes a result.

The lies are real ones: another kernel, another first process, a killed QEMU, a disk without room.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.workers.stress.conftest import Compiled, descendants
from tests.workers.stress.test_machine import HERE
from workers.stress.machine import Vm
from workers.stress.processes import Process

P = [Process("p", (HERE, "exit", "0"), seconds=10)]


@pytest.fixture
def files(compiled: Compiled) -> Mapping[str, Path]:
    return {"behaviour": compiled("behaviour")}


@pytest.mark.parametrize(("asked", "had"), [(65536, 4096), (4096, 65536)])
def test_a_kernel_of_another_page_size(
    kernel_images: Mapping[int, Path], files: Mapping[str, Path], asked: int, had: int
) -> None:
    session = Vm(asked, kernel_images[had]).run(files, P)
    assert session.trouble == f"the kernel has pages of {had} bytes where {asked} were asked for"
    assert (session.page_size, session.ended) == (had, ())


@pytest.mark.parametrize(
    ("lie", "trouble"),
    [
        ("done at once", "it said done after 0 of 1 processes"),
        ("done of one that never was", "it said done after 0 of 1 processes"),
        ("end without begin", "it said end where the start of p was awaited"),
        ("takes no time", "took 20.0 s, and by the host's clock it took"),
        ("ends twice", "it said end where the end of the session was awaited"),
        ("nothing ran", "p has no evidence: its stdout is missing or damaged"),
        ("another nonce", "the machine ended early: the proof of the page size was awaited"),
        ("off before boot", "the machine ended early: the proof of the page size was awaited"),
        ("off in between", "the machine ended early: the end of p was awaited"),
    ],
)
def test_a_supervisor_that_lies(
    kernel_images: Mapping[int, Path], compiled: Compiled, files: Mapping[str, Path], lie: str, trouble: str
) -> None:
    session = Vm(65536, kernel_images[65536], init=compiled("liar", f'LIE="{lie}"')).run(files, P)
    assert session.ended == ()
    assert trouble in (session.trouble or ""), session.log


def test_the_liar_is_believed_only_for_its_form(kernel_images: Mapping[int, Path], compiled: Compiled) -> None:
    """Its lines are right but for the lie: else any test here could pass for a mistake of the liar."""
    session = Vm(65536, kernel_images[65536], init=compiled("liar", 'LIE="nothing ran"')).run({}, P)
    assert session.page_size == 65536
    assert session.trouble == "p has no evidence: its stdout is missing or damaged"


def test_a_guest_that_never_speaks(kernel_images: Mapping[int, Path], compiled: Compiled) -> None:
    init = compiled("liar", 'LIE="silent"')
    session = Vm(4096, kernel_images[4096], init=init, boot_seconds=5).run({}, P)
    assert session.trouble == "the machine hangs: the proof of the page size was awaited"
    assert (session.page_size, session.ended) == (None, ())
    assert not descendants(os.getpid(), "qemu-system")


def test_a_guest_that_hangs_in_between(
    kernel_images: Mapping[int, Path], compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.stress.serial.KEEP_SECONDS", 2.0)
    init = compiled("liar", 'LIE="hangs in between"')
    session = Vm(4096, kernel_images[4096], init=init).run({}, [Process("p", ("/p",), seconds=1)])
    assert session.trouble == "the machine hangs: the end of p was awaited"
    assert session.ended == ()
    assert not descendants(os.getpid(), "qemu-system")


def test_a_guest_that_floods(kernel_images: Mapping[int, Path], compiled: Compiled) -> None:
    session = Vm(4096, kernel_images[4096], init=compiled("liar", 'LIE="flood"')).run({}, P)
    assert session.trouble == "the machine floods its serial port"
    assert session.ended == ()
    assert len(session.log) <= 16 << 10


def test_a_first_process_that_cannot_run(kernel_images: Mapping[int, Path], tmp_path: Path) -> None:
    init = tmp_path / "init"
    init.write_bytes(b"this is no program")
    session = Vm(4096, kernel_images[4096], init=init).run({}, P)
    assert (session.page_size, session.ended) == (None, ())
    assert "the proof of the page size was awaited" in (session.trouble or "")
    assert "Kernel panic" in session.log


def test_a_killed_qemu_truncates_its_log(kernel_images: Mapping[int, Path], files: Mapping[str, Path]) -> None:
    def watch(process_id: str) -> None:
        if process_id == "hang":
            for pid in descendants(os.getpid(), "qemu-system"):
                os.kill(pid, signal.SIGKILL)

    processes = [*P, Process("hang", (HERE, "hang"), seconds=30)]
    session = Vm(65536, kernel_images[65536]).run(files, processes, watch)
    assert session.ended == ()
    assert "the machine ended early: the end of hang was awaited" in (session.trouble or "")
    assert "QEMU ended with" in (session.trouble or "")


def test_a_disk_without_room(kernel_images: Mapping[int, Path], files: Mapping[str, Path]) -> None:
    processes = [*P, Process("print", (HERE, "print"), seconds=1), Process("small", (HERE, "exit", "0"))]
    session = Vm(4096, kernel_images[4096], disk_size=64 << 10).run(files, processes)
    assert [ended.id for ended in session.ended] == ["p", "small"]
    assert session.trouble == "print has no evidence: the disk is full or broken"


def test_a_disk_without_any_room(kernel_images: Mapping[int, Path], files: Mapping[str, Path]) -> None:
    session = Vm(4096, kernel_images[4096], disk_size=512).run(files, P)
    assert session.ended == ()
    assert session.trouble == "p has no evidence: the disk is full or broken"


def test_a_disk_that_breaks(kernel_images: Mapping[int, Path], files: Mapping[str, Path]) -> None:
    """The host's file loses a byte of what the guest wrote."""

    def watch(process_id: str) -> None:
        if process_id == "hang":
            (pid,) = descendants(os.getpid(), "qemu-system")
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                if descriptor.readlink().name == "disk":
                    with descriptor.open("r+b") as disk:
                        disk.seek(100_000)
                        disk.write(b"X")

    processes = [Process("print", (HERE, "print"), seconds=1), Process("hang", (HERE, "hang"), seconds=2)]
    session = Vm(4096, kernel_images[4096]).run(files, processes, watch)
    assert [ended.id for ended in session.ended] == ["hang"]
    assert session.trouble == "print has no evidence: its stdout is missing or damaged"
