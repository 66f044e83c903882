"""The running pagewarden: web server, worker and embedded Valkey as one supervised tree, or each apart."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.embedded import embedded, exclusive, free_port
from bot.leash import die_with_parent
from bot.supervisor import Kept, Program
from config.settings import Settings, SettingsError, bare_environment

WEB_PROCESSES = 2
WEB_THREADS = 4
"""Threads of each web process. A request waits for Redis and for little else."""
START_SECONDS = 60.0
POLL_SECONDS = 0.1


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a child: this process's own, and every setting. Children take secrets from nowhere else."""
    return {**bare_environment(), **settings.environment()}


def web(settings: Settings) -> None:
    """Runs the web server in this process and its children, until a signal ends it. Raises `SettingsError`."""
    from granian import Granian
    from granian.constants import Interfaces

    from bot.webhook import require

    require(settings)
    os.environ.update(environment(settings))
    Granian(
        "bot.webhook:application",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=WEB_PROCESSES,
        blocking_threads=WEB_THREADS,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=5,
    ).serve()


def worker(settings: Settings) -> None:
    """Runs a worker in this process and its children, until a signal ends it. Raises `SettingsError`."""
    from celery.signals import worker_process_init

    from workers.app import run_worker
    from workers.tools import require

    if settings.redis_url is None:
        raise SettingsError("redis_url: needed by a worker; `pagewarden serve` brings a Valkey of its own")
    require(settings)
    settings = with_stress_decided(settings)
    say_what_previews_lack(settings)

    def leash(**_: object) -> None:
        die_with_parent()

    worker_process_init.connect(leash, weak=False)
    run_worker(settings)


def with_stress_decided(settings: Settings) -> Settings:
    """Whether changes are stressed, where the settings leave that to what the machine has; it says so if not.

    Raises `SettingsError` where they demand what the machine has not.
    """
    if settings.stress is False or "stress" not in settings.queues:
        return settings
    from workers.stress.machines import lacking

    missing = lacking(settings.stress_machine, settings.page_sizes, settings.cache_dir)
    if missing is not None and settings.stress:
        raise SettingsError(f"stress: {missing}")
    if missing is not None:
        say(f"changes are not stressed: {missing}")
    return settings.model_copy(update={"stress": missing is None})


def say_what_previews_lack(settings: Settings) -> None:
    """Says so where a worker takes builds and has no sandbox. It works all the same: perhaps no repository wants
    previews, and the check of one that does tells the reason."""
    if "build" not in settings.queues:
        return
    from workers.sandbox import SandboxError, require_sandbox

    try:
        require_sandbox()
    except SandboxError as error:
        say(f"no previews can be built or looked at: {error}")


def say(line: str) -> None:
    """One line about the tree, for whoever watches it."""
    sys.stderr.write(f"pagewarden: {line}\n")
    sys.stderr.flush()


def serve(settings: Settings) -> int:
    """Runs the whole tree until SIGTERM or SIGINT, which stop it in order; a second one, at once.

    Returns the exit status. Raises `SettingsError` when something is missing or in use.
    """
    from workers.tools import require

    settings = settings.model_copy(update={"port": settings.port or free_port(settings.host)})
    _require_free(settings.host, settings.port)
    with exclusive(settings.data_dir) as lock:
        require(settings)
        return asyncio.run(_run_tree(with_stress_decided(settings), lock))


def _require_free(host: str, port: int) -> None:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsError(f"port: cannot listen on {host}:{port}: {error.strerror}") from error


async def _run_tree(settings: Settings, lock: int) -> int:
    tree = _Tree()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, tree.interrupt)
    try:
        if settings.redis_url is None:
            valkey = embedded(settings.data_dir)
            settings = settings.model_copy(update={"redis_url": valkey.url})
            tree.start(
                Program("valkey", valkey.command, bare_environment(), stdin=valkey.config, pass_fds=(lock,)),
            )
            if not await tree.comes_true(lambda: _answers_ping(valkey.url)):
                return _gave_up(tree)
        tree.start(_worker_program(settings))
        tree.start(Program("web", _command("web"), environment(settings)))
        if await tree.comes_true(lambda: asyncio.to_thread(_is_healthy, settings)):
            say(f"ready at http://{settings.host}:{settings.port}")
        elif not tree.stopping.is_set():
            say("deliveries cannot be taken yet; GET /healthz says why")
        await tree.stopping.wait()
        return 0
    finally:
        await tree.stop()


def _worker_program(settings: Settings) -> Program:
    from workers.app import SHUTDOWN_SECONDS, STOP_SIGNAL

    grace = SHUTDOWN_SECONDS + 5.0
    return Program("worker", _command("worker"), environment(settings), stop_signal=STOP_SIGNAL, grace=grace)


def _command(part: str) -> tuple[str, ...]:
    return sys.executable, "-m", "bot.cli", part


class _Tree:
    """The programs that run, and whether they are to stop."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._kept: list[Kept] = []

    def start(self, program: Program) -> None:
        """Keeps it running from now on."""
        kept = Kept(program, say)
        self._kept.append(kept)
        kept.start()

    def interrupt(self) -> None:
        """The first time: stop in order. After that: at once."""
        if self.stopping.is_set():
            for kept in self._kept:
                kept.kill()
        else:
            say("stopping; once more to stop at once")
            self.stopping.set()

    async def stop(self) -> None:
        """The last started stops first: no delivery comes in that no worker and no server is there for."""
        self.stopping.set()
        for kept in reversed(self._kept):
            await kept.stop()

    async def comes_true(self, question: Callable[[], Awaitable[bool]]) -> bool:
        """Asks until the answer is yes, for `START_SECONDS` at most or until the tree is to stop."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not self.stopping.is_set() and asyncio.get_running_loop().time() < deadline:
            if await question():
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False


def _gave_up(tree: _Tree) -> int:
    if tree.stopping.is_set():
        return 0
    say(f"valkey has not answered within {START_SECONDS:g} s")
    return 1


async def _answers_ping(url: str) -> bool:
    try:
        async with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as redis:
            return bool(await redis.ping())
    except (RedisError, OSError):
        return False


def _is_healthy(settings: Settings) -> bool:
    address = f"http://{_reachable(settings.host)}:{settings.port}/healthz"
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _reachable(host: str) -> str:
    """Where to reach, from here, a server that listens on `host`; as part of a URL."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"
