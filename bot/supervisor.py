"""Keeps programs running: starts them, starts them again when they die, stops them in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
FORGIVEN_AFTER = 120.0
"""Seconds after which a death no longer counts."""

Say = Callable[[str], None]


def pause_before_restart(deaths: Sequence[float], now: float) -> float:
    """Seconds to wait before a program that died at these times is started again: twice as long each time."""
    recent = sum(now - death < FORGIVEN_AFTER for death in deaths)
    return 0.0 if recent == 0 else float(min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0 ** (recent - 1)))


def how_it_ended(status: int) -> str:
    """A process's exit status in words; negative ones are signals."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


@dataclass(frozen=True)
class Program:
    """What to run and how to stop it.

    `environment` is the whole of it. `stdin` is written to the program, so that a secret need not be an argument.
    `grace` is how many seconds it has after `stop_signal` before it is killed.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    stdin: bytes = field(default=b"", repr=False)
    pass_fds: tuple[int, ...] = ()


class Kept:
    """One program that is kept running from `start` to `stop`, with all processes that it starts in its session."""

    def __init__(self, program: Program, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self.program = program
        self._say = say
        self._clock = clock
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to keep it running. Needs a running event loop."""
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """Returns when it has ended, and with it whatever it left behind."""
        self._stopping.set()
        if self._keeping is not None:
            await self._keeping

    def kill(self) -> None:
        """Ends it now, without grace; `stop` then has nothing to wait for."""
        self._stopping.set()
        if self._process is not None:
            _kill_session(self._process.pid)

    async def _keep(self) -> None:
        deaths: list[float] = []
        while not self._stopping.is_set():
            ending = await self._run()
            if self._stopping.is_set():
                self._say(f"{self.program.name} stopped")
                return
            now = self._clock()
            deaths = [death for death in deaths if now - death < FORGIVEN_AFTER] + [now]
            pause = pause_before_restart(deaths, now)
            self._say(f"{self.program.name} {ending}; starting it again in {pause:g} s")
            await _happens_within(self._stopping, pause)

    async def _run(self) -> str:
        """Runs it once, until it ends or is to be stopped, and says how it ended."""
        try:
            process = self._process = await self._spawn()
        except OSError as error:
            return f"could not be started ({error.strerror})"
        self._say(f"{self.program.name} started (process {process.pid})")
        ended = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            await self._end(process, ended)
        # Whatever it started and did not take with it.
        _kill_session(process.pid)
        self._process = None
        return how_it_ended(await ended)

    async def _spawn(self) -> asyncio.subprocess.Process:
        program = self.program
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.leash", str(os.getpid()), *program.command),
            env=dict(program.environment),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=program.pass_fds,
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(program.stdin)
        process.stdin.close()
        return process

    async def _end(self, process: asyncio.subprocess.Process, ended: asyncio.Future[int]) -> None:
        process.send_signal(self.program.stop_signal)
        done, _ = await asyncio.wait({ended}, timeout=self.program.grace)
        if not done:
            self._say(f"{self.program.name} did not end within {self.program.grace:g} s and is killed")
            _kill_session(process.pid)


async def _happens_within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _kill_session(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nobody is left. macOS says so with EPERM.
        return
