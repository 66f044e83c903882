"""The sandbox: runs a command in it, or starts one, and sees to its limits."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from workers.sandbox.advice import MISSING, TOOLS_MISSING
from workers.sandbox.arguments import Descriptors, Identity, arguments, identity
from workers.sandbox.launch import Launched, launch
from workers.sandbox.limits import Finished, Limits, SandboxError
from workers.sandbox.watch import Watch

_TOOLS = ("setpriv", "prlimit")


@dataclass(frozen=True)
class Sandbox:
    """A read-only system (`/usr`, `/lib` and what loaders need of `/etc`), an own `/tmp`, and nothing else of the host.

    There is no network: the host's loopback cannot be reached either. `read_only` and `writable` map absolute paths
    inside to files or directories of the host; `writable` ones aren't bounded by `limits.disk`, and their new files
    belong to another user when we are root. `environment` comes on top of PATH, HOME=/tmp and LANG=C.UTF-8; nothing is
    inherited. Each call has a `/tmp` of its own: what is wanted must leave through stdout.
    """

    read_only: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", directory: str = "/tmp") -> Finished:  # noqa: S108 inside
        """Runs `argv` to its end, in `directory` of the sandbox. Afterwards no process of it is left.

        Raises `SandboxError` where bubblewrap cannot work, `FileNotFoundError` for a host path that isn't there.
        """
        launched = self._launch(argv, stdin, directory)
        return Watch(launched, self.limits, capture=True).until_finished()

    def start(self, argv: Sequence[str], *, directory: str = "/tmp") -> Running:  # noqa: S108 a path inside
        """Starts `argv`, whose stdin is empty; its stdout is the caller's to read. Raises as `run` does."""
        launched = self._launch(argv, b"", directory)
        return Running(launched, self.limits)

    def _launch(self, argv: Sequence[str], stdin: bytes, directory: str) -> Launched:
        for inside, host in (*self.read_only.items(), *self.writable.items()):
            if not inside.startswith("/"):
                raise ValueError(f"a path inside the sandbox must be absolute: {inside}")
            if not host.exists():
                raise FileNotFoundError(f"{host}, wanted in the sandbox as {inside}, isn't there")
        who = _identity()

        def words(descriptors: Descriptors) -> list[str]:
            return arguments(
                argv, directory, self.read_only, self.writable, self.environment, self.limits, who, descriptors
            )

        return launch(words, who, _bubblewrap(), stdin)


class Running:
    """A command in a sandbox. `stdout` is a binary pipe, ended by the command or by a limit. A context manager: leaving
    it stops the command. A thread sees to the limits and collects stderr."""

    def __init__(self, launched: Launched, limits: Limits) -> None:
        self.stdout: IO[bytes] = launched.monitor.stdout
        self._launched = launched
        self._watch = Watch(launched, limits, capture=False)
        self._finished: Finished | BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="sandbox-watch", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._finished = self._watch.until_finished()
        except BaseException as error:  # noqa: BLE001 raised again in wait()
            self._finished = error

    def wait(self, timeout: float | None = None) -> Finished:
        """How it ended; its `stdout` is empty. Raises `TimeoutError` after `timeout` seconds, and `SandboxError`."""
        self._thread.join(timeout)
        if self._finished is None:
            raise TimeoutError(f"the command still runs after {timeout} s")
        if isinstance(self._finished, BaseException):
            raise self._finished
        return self._finished

    def stop(self) -> None:
        """Kills the command and all that it started, and returns when they are gone. Does nothing when they are."""
        self._launched.kill()
        self._thread.join()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.stdout.close()


def require_sandbox() -> None:
    """Proves that a sandbox can be made here and that its limit on processes holds. Raises `SandboxError` if not."""
    trial = "for i in 1 2 3 4 5 6 7 8; do sleep 30 & echo $i; done"
    done = Sandbox(limits=Limits(seconds=10, processes=4)).run(["sh", "-c", trial])
    started = done.stdout.split()
    said = done.stderr.decode(errors="replace").strip()
    if not started:
        raise SandboxError(
            "the sandbox cannot start processes; its limit may count those outside, as before Linux 5.14. "
            f"The trial ended with status {done.status}: {said}"
        )
    if len(started) >= 8:
        raise SandboxError(
            "the kernel doesn't hold the sandbox to its limit on processes, as for root without other users; "
            "run this as an ordinary user, or as root where /proc/self/uid_map has more users than root"
        )


def command_user() -> int | None:
    """The user and group of the host that commands run as, which is to own what they are to change; None for our own.

    What belongs to root they can write to, but not give other modes or times.
    """
    return _identity().outside


def _identity() -> Identity:
    return identity(os.geteuid(), os.getegid(), Path("/proc/self/uid_map").read_text())


def _bubblewrap() -> str:
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxError(MISSING)
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            raise SandboxError(TOOLS_MISSING.format(tool))
    return found
