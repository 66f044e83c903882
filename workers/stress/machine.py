"""The machine `vm`: QEMU with a real kernel whose pages have the size that was asked for.

The guest has a kernel, an initramfs with our supervisor as its first process, a serial port on which that reports, and
a disk on which it leaves evidence. It has no network device. QEMU itself runs in the sandbox.
"""

from __future__ import annotations

import mmap
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from workers.sandbox import Finished, Limits, Running, Sandbox, SandboxError
from workers.stress import initramfs, trees
from workers.stress.console import Console
from workers.stress.evidence_disk import frames
from workers.stress.plan import Plan
from workers.stress.processes import MachineError, Process, Session, Watch, unwatched
from workers.stress.serial import BOOT_SECONDS, IDLE_SECONDS, KEEP_SECONDS, Heard, Stage, hear, in_trouble
from workers.stress.session import session_of
from workers.stress.supervisor import supervisor

QEMU = "qemu-system-aarch64"
GUEST_MEMORY = 2048 << 20
"""Bytes."""
DISK_SIZE = 512 << 20
"""Bytes that evidence may take. The file has holes: only what is written takes place."""

_TRANSLATED = 512 << 20
"""Bytes that QEMU keeps of translated code."""
_OWN_MEMORY = 512 << 20
"""Bytes resident that QEMU needs for itself, beside the guest and translated code."""
_OWN_SPACE = 2 << 30
"""Bytes of address space that it needs for itself."""
_DISK_THREADS = 4
"""Left to itself QEMU starts up to 64 when much is written, such as cores, and ends itself where it may not."""
_TICK = 1.0
_APPEND = "console=ttyAMA0 quiet loglevel=4 panic=-1 oops=panic"


@dataclass(frozen=True)
class Vm:
    """Runs processes under a `kernel` (an arm64 Image of the host) with pages of `page_size` bytes.

    `init` is the guest's first process, None for our supervisor. `memory` and `disk_size` (a multiple of 512) in bytes.
    `boot_seconds`: until the page size must be proven.
    """

    page_size: int
    kernel: Path
    init: Path | None = None
    memory: int = GUEST_MEMORY
    disk_size: int = DISK_SIZE
    boot_seconds: float = BOOT_SECONDS
    name: str = field(default="vm", init=False)

    def run(self, files: Mapping[str, Path], processes: Sequence[Process], watch: Watch = unwatched) -> Session:
        """See `Machine.run`. Raises `ValueError` for processes that no machine can be asked for."""
        self._require_tools()
        plan = Plan(secrets.token_hex(16), self.page_size, tuple(processes))
        entries = trees.collect(files)
        with tempfile.TemporaryDirectory(prefix="pagewarden-vm-") as directory:
            initrd, disk = Path(directory) / "initrd", Path(directory) / "disk"
            with initrd.open("wb") as output:
                initramfs.write_base(output, self.init or supervisor())
                initramfs.write_subject(output, entries)
                initramfs.write_plan(output, plan.content)
            with disk.open("wb") as output:
                output.truncate(self.disk_size)
            try:
                heard, log = self._converse(plan, initrd, disk, watch)
            except SandboxError as error:
                raise MachineError(str(error)) from error
            with (
                disk.open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
                memoryview(mapped) as content,
            ):
                return session_of(heard, frames(content, plan.nonce), log)

    def _require_tools(self) -> None:
        if shutil.which(QEMU) is None:
            raise MachineError(
                f"{QEMU} is missing, which runs the machine vm (Debian: apt-get install qemu-system-arm)"
            )
        if not self.kernel.is_file():
            raise MachineError(f"there is no kernel {self.kernel}; `pagewarden kernels build` makes them")

    def _converse(self, plan: Plan, initrd: Path, disk: Path, watch: Watch) -> tuple[Heard, str]:
        sandbox = Sandbox(
            read_only={"/machine/kernel": self.kernel, "/machine/initrd": initrd},
            writable={"/machine/disk": disk},
            limits=Limits(
                seconds=self._seconds(plan),
                memory=self.memory + _TRANSLATED + _OWN_MEMORY,
                address_space=self.memory + _TRANSLATED + _OWN_SPACE,
                file_size=self.disk_size,
            ),
            # Each arena reserves address space for itself.
            environment={"MALLOC_ARENA_MAX": "2"},
        )
        with sandbox.start(_arguments(self.memory)) as running:
            console = Console(running.stdout, most=(1 << 20) + (8 << 10) * len(plan.processes))
            heard = Heard(plan, since=time.monotonic(), boot_seconds=self.boot_seconds)
            heard = _listened(heard, console, watch)
            return _closed(heard, console, running), console.log

    def _seconds(self, plan: Plan) -> float:
        each = sum(process.seconds + KEEP_SECONDS + IDLE_SECONDS for process in plan.processes)
        return self.boot_seconds + each + 2 * IDLE_SECONDS


def _arguments(memory: int) -> list[str]:
    return [
        *(QEMU, "-M", "virt,gic-version=3", "-cpu", "cortex-a76", "-smp", "2", "-m", f"{memory >> 20}M"),
        *("-accel", f"tcg,thread=multi,tb-size={_TRANSLATED >> 20}", "-nodefaults", "-nic", "none", "-display", "none"),
        *("-monitor", "none", "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial", "-no-reboot"),
        *("-object", f"main-loop,id=main-loop,thread-pool-max={_DISK_THREADS}"),
        # A disk that the host has no room for must fail in the guest, not stop it.
        *("-drive", "file=/machine/disk,format=raw,if=none,id=evidence,cache=unsafe,werror=report,rerror=report"),
        *("-device", "virtio-blk-device,drive=evidence"),
        *("-kernel", "/machine/kernel", "-initrd", "/machine/initrd", "-append", _APPEND),
    ]


def _listened(heard: Heard, console: Console, watch: Watch) -> Heard:
    """What was heard until the machine ended, was late, or was in trouble."""
    watched = time.monotonic()
    while heard.trouble is None and not console.ended:
        now = time.monotonic()
        line = console.next(min(heard.deadline - now, watched + _TICK - now))
        before = heard
        if line is not None:
            heard = hear(heard, line.content, line.at)
        elif not console.ended and time.monotonic() >= heard.deadline:
            heard = in_trouble(heard, f"the machine hangs: {heard.awaited} was awaited")
        begins = heard.stage is Stage.RUNNING and before.stage is not Stage.RUNNING
        if begins or time.monotonic() >= watched + _TICK:
            watched = time.monotonic()
            watch(heard.process.id if begins and heard.process is not None else "")
    if console.flooded:
        return in_trouble(heard, "the machine floods its serial port")
    return heard


def _closed(heard: Heard, console: Console, running: Running) -> Heard:
    """The same after the end of QEMU, whose exit status must be good, too."""
    if not console.ended or console.flooded:
        running.stop()
        return heard
    finished = running.wait()
    if heard.stage is not Stage.DONE:
        heard = in_trouble(heard, f"the machine ended early: {heard.awaited} was awaited")
    if finished.status != 0:
        # An emulator that breaks says nothing of what it emulated before.
        return replace(heard, lied=True, trouble=_listed(heard.trouble, _told(finished)))
    return heard


def _told(finished: Finished) -> str:
    if finished.stopped is not None:
        return f"QEMU was stopped: its limit of {finished.stopped}"
    how = f"signal {finished.signal}" if finished.signal is not None else f"status {finished.status}"
    return _listed(f"QEMU ended with {how}", finished.stderr.decode("utf-8", "replace")[-500:].strip())


def _listed(*texts: str | None) -> str:
    return "; ".join(text for text in texts if text)
