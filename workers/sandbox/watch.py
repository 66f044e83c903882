"""Sees a sandbox to its end: collects its streams, holds it to its limits, and tells how it ended."""

from __future__ import annotations

import os
import selectors
import signal
import time
from pathlib import Path
from typing import IO

from workers.sandbox.advice import advice
from workers.sandbox.launch import Launched
from workers.sandbox.limits import TICK, Finished, Limits, SandboxError

_CHUNK = 1 << 16
_HOST_NEEDS = 256 << 20
"""Bytes of memory that must stay available on the host. Not all memory shows as resident (buffers of pipes and sockets,
names in a tmpfs), so a sandbox that runs when the host gets below is stopped."""


class Watch:
    """One sandbox from its start to its end."""

    def __init__(self, launched: Launched, limits: Limits, *, capture: bool) -> None:
        """`capture`: whether stdout is ours to collect, beside stderr."""
        self._launched = launched
        self._limits = limits
        self._stopped: str | None = None
        self._streams: dict[str, bytearray] = {"stderr": bytearray()}
        if capture:
            self._streams["stdout"] = bytearray()

    def until_finished(self) -> Finished:
        """Returns when no process of the sandbox is left. Raises `SandboxError` where bubblewrap itself failed."""
        try:
            self._collect()
        finally:
            status = self._launched.settle()
            for name in self._streams:
                self._pipe(name).close()
        stdout, stderr = (bytes(self._streams.get(name, b"")) for name in ("stdout", "stderr"))
        if self._stopped is None and status is None and stderr.startswith(b"bwrap: "):
            raise SandboxError(advice(stderr.decode(errors="replace")))
        if self._stopped is not None or self._launched.killed or status is None:
            return Finished(None, int(signal.SIGKILL), stdout, stderr, self._stopped)
        if 128 < status <= 128 + signal.NSIG - 1:
            return Finished(None, status - 128, stdout, stderr)
        return Finished(status, None, stdout, stderr)

    def _pipe(self, name: str) -> IO[bytes]:
        pipe: IO[bytes] = getattr(self._launched.monitor, name)
        return pipe

    def _stop(self, why: str) -> None:
        self._stopped = self._stopped or why
        self._launched.kill()

    def _collect(self) -> None:
        """Reads until the command has ended and its streams are closed."""
        end = time.monotonic() + self._limits.seconds
        look = time.monotonic() + TICK
        monitor = self._launched.monitor.handle
        with selectors.DefaultSelector() as selector:
            selector.register(monitor, selectors.EVENT_READ, None)
            for name in self._streams:
                selector.register(self._pipe(name), selectors.EVENT_READ, name)
            while selector.get_map():
                for key, _ in selector.select(max(0.0, min(look, end) - time.monotonic())):
                    if key.data is None:
                        # What the command left behind goes with it, and closes the streams.
                        self._launched.end()
                        selector.unregister(monitor)
                    elif not self._read(key.fd, key.data):
                        selector.unregister(key.fileobj)
                now = time.monotonic()
                if now >= look:
                    self._check_memory()
                    look = now + TICK
                if now >= end:
                    self._stop("time")
                    end = float("inf")

    def _read(self, descriptor: int, name: str) -> bool:
        """Whether the stream goes on."""
        data = os.read(descriptor, _CHUNK)
        kept = self._streams[name]
        room = self._limits.output - len(kept)
        kept += data[:room]
        if len(data) > room:
            self._stop("output")
        return bool(data)

    def _check_memory(self) -> None:
        if self._launched.resident() > self._limits.memory or _available() < _HOST_NEEDS:
            self._stop("memory")


def _available() -> int:
    """Bytes of memory that the host could still give."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    raise SandboxError("/proc/meminfo tells no MemAvailable; Linux 3.14 or newer is needed")
