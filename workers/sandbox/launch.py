"""Starts bubblewrap so that it dies with this process, and holds on to its namespace until all in it is gone."""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from workers.sandbox.advice import advice
from workers.sandbox.arguments import Descriptors, Identity
from workers.sandbox.guardian import LARGEST_REQUEST
from workers.sandbox.limits import SandboxError
from workers.sandbox.seccomp import seccomp_program

_ALL_GONE = 30.0
"""Seconds that the kernel may take to end killed processes before we say so."""


class _Guardian:
    """This process's guardian, started when first wanted, and again after a fork or when it has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # The parent's guardian must see the parent's death, not wait for ours. The lock may be held by a thread that
        # isn't there any more.
        if self._socket is not None:
            self._socket.close()
        self._lock, self._socket, self._process = threading.Lock(), None, None

    def start(self, command: Sequence[str], files: Sequence[int]) -> int:
        """Starts `command` with `files` as its descriptors 0, 1, ...; a pidfd. Raises `OSError`."""
        request = json.dumps(command).encode()
        if len(request) > LARGEST_REQUEST:
            raise OSError(f"the command and its paths have {len(request)} bytes, more than {LARGEST_REQUEST}")
        with self._lock:
            try:
                return self._ask(request, files)
            except ConnectionError:
                self._hang_up()
                return self._ask(request, files)

    def _ask(self, request: bytes, files: Sequence[int]) -> int:
        if self._socket is None:
            self._begin()
        assert self._socket is not None
        socket.send_fds(self._socket, [request], files)
        answer, handles, _, _ = socket.recv_fds(self._socket, 4096, 1)
        if handles:
            return handles[0]
        if answer:
            raise OSError(answer.decode())
        raise ConnectionResetError("the sandbox's guardian died")

    def _begin(self) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * LARGEST_REQUEST)
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("guardian.py"))],
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                # A Ctrl-C at our terminal is ours to handle.
                start_new_session=True,
            )
        self._socket = ours

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.wait()
        self._socket = self._process = None


_GUARDIAN = _Guardian()


class Monitor:
    """bubblewrap's outer process: its handle (a pidfd) and the pipes of its streams."""

    def __init__(self, handle: int, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        self.handle = handle
        self.stdout = stdout
        self.stderr = stderr

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it has, or does within `seconds`."""
        return bool(select.select([self.handle], [], [], seconds)[0])


class Launched:
    """A sandbox that runs: bubblewrap outside (`monitor`) and the first process of its pid namespace."""

    def __init__(self, monitor: Monitor, first: int, first_handle: int, status: io.FileIO) -> None:
        self.monitor = monitor
        self._first = first
        self._handle = first_handle
        self._status = status
        self._lock = threading.Lock()
        self._settled = False
        self.killed = False
        """Whether somebody killed it while the command ran."""

    def resident(self) -> int:
        """Bytes resident in all processes of the sandbox, but for pages of files. 0 when they are gone.

        Shared memory counts once for each process that has it.
        """
        total = 0
        with suppress(OSError):
            listing = os.open(f"/proc/{self._first}/root/proc", os.O_RDONLY | os.O_DIRECTORY)
            try:
                # The sandbox's own /proc has its processes and no others. Until bubblewrap has mounted it, the host's
                # may be there, which is another file system.
                if os.fstat(listing).st_dev != Path("/proc").stat().st_dev:
                    with os.scandir(listing) as entries:
                        total = sum(_anonymous(listing, entry.name) for entry in entries if entry.name.isdecimal())
            finally:
                os.close(listing)
        return total

    def kill(self) -> None:
        """Kills every process of the sandbox, unless the command has ended already."""
        with self._lock:
            if not self._settled and not self.monitor.ended():
                self.killed = True
        self.end()

    def end(self) -> None:
        """Ends every process of the sandbox: the kernel ends a pid namespace with its first process."""
        with self._lock, suppress(ProcessLookupError):
            if not self._settled:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def settle(self) -> int | None:
        """Kills what is left, waits until nothing is, and returns the status that bubblewrap told, if it did.

        Raises `SandboxError` where processes survive that (they hang in the kernel).
        """
        self.end()
        try:
            # The handle of a namespace's first process is readable only after all others of it are gone.
            ready, _, _ = select.select([self._handle], [], [], _ALL_GONE)
            if not ready:
                raise SandboxError(
                    f"processes of the sandbox hang in the kernel {_ALL_GONE:.0f} s after they were killed"
                )
            self.monitor.ended(_ALL_GONE)
            return _told_status(self._status)
        finally:
            with self._lock:
                self._settled = True
                os.close(self._handle)
                os.close(self.monitor.handle)
                self._status.close()


def launch(arguments: Callable[[Descriptors], Sequence[str]], who: Identity, bwrap: str, stdin: bytes) -> Launched:
    """Starts `bwrap` with `arguments` as `who`. Its streams are pipes of `monitor`, but for stdin, which is given.

    Raises `SandboxError` where bubblewrap fails before there is a namespace.
    """
    with ExitStack() as files:
        (told, info), (block, go), (told_status, status), (stdout, its_stdout), (stderr, its_stderr) = (
            _pipe(files) for _ in range(5)
        )
        its = (
            *(_sealed(files, "stdin", stdin), its_stdout, its_stderr),
            *(info, status, block, _sealed(files, "seccomp", seccomp_program())),
        )
        command = [bwrap, *arguments(Descriptors(info=3, status=4, block=5, seccomp=6))]
        handle = _GUARDIAN.start(command, [file.fileno() for file in its])
        files.callback(os.close, handle)
        # Its ends must be the only ones, or we would not see them close.
        for file in its:
            file.close()
        try:
            first = _first_process(told)
            first_handle = os.pidfd_open(first)
            files.callback(os.close, first_handle)
            _map_users(first, who)
            # Nothing has run inside until now. When this end closes instead, no user is mapped, and bubblewrap fails.
            go.write(b"x")
        except BaseException as error:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            if isinstance(error, OSError):
                raise SandboxError(advice(stderr.readall().decode(errors="replace") or str(error))) from error
            raise
        streams = (io.BufferedReader(io.FileIO(os.dup(stream.fileno()), "rb")) for stream in (stdout, stderr))
        monitor = Monitor(os.dup(handle), *streams)
        return Launched(monitor, first, os.dup(first_handle), io.FileIO(os.dup(told_status.fileno()), "rb"))


def _pipe(files: ExitStack) -> tuple[io.FileIO, io.FileIO]:
    reading, writing = os.pipe()
    return files.enter_context(io.FileIO(reading, "rb")), files.enter_context(io.FileIO(writing, "wb"))


def _sealed(files: ExitStack, name: str, content: bytes) -> io.FileIO:
    """A file in memory, at its beginning, that nobody can write to."""
    file = files.enter_context(io.FileIO(os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "r+b"))
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]
    file.seek(0)
    fcntl.fcntl(
        file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    )
    return file


def _first_process(told: io.FileIO) -> int:
    """The process that bubblewrap tells of. Raises `OSError` when it ends without."""
    text = b""
    while b"}" not in text:
        more = told.read(4096)
        if not more:
            raise OSError("bubblewrap ended before it made a namespace")
        text += more
    found = re.search(rb'"child-pid": *(\d+)', text)
    if found is None:
        raise OSError(f"bubblewrap told no process: {text!r}")
    return int(found[1])


def _map_users(first: int, who: Identity) -> None:
    process = Path(f"/proc/{first}")
    (process / "uid_map").write_text(who.users)
    if who.command is None:
        # The kernel lets an ordinary user map a group only so.
        (process / "setgroups").write_text("deny")
    (process / "gid_map").write_text(who.groups)


def _told_status(status: io.FileIO) -> int | None:
    found = re.search(rb'"exit-code": *(\d+)', status.readall() or b"")
    return int(found[1]) if found else None


def _anonymous(listing: int, process: str) -> int:
    """Bytes of `RssAnon` and `RssShmem` of `process` in a `/proc` that is open; 0 when it has just ended."""
    with suppress(OSError), open(os.open(f"{process}/status", os.O_RDONLY, dir_fd=listing), "rb") as status:  # noqa: PTH123 no path, a descriptor
        found = re.findall(rb"^Rss(?:Anon|Shmem):\s*(\d+) kB", status.read(), re.MULTILINE)
        return 1024 * sum(int(kilobytes) for kilobytes in found)
    return 0
