"""Builds by commands in the sandbox: no network, the cross compilers of the machine, and the checkout to work in."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.build.artifacts import output_of
from workers.build.disk import Room, entries
from workers.build.driver import BuildError, State, Workshop
from workers.build.log import Transcript
from workers.build.order import Order
from workers.build.stream import LOOK_SECONDS, follow
from workers.sandbox import Finished, Limits, Running, Sandbox, SandboxError, command_user

BUILD = "/build"
"""Where the checkout is in the sandbox."""

MOST_TASKS = 4096
MOST_BYTES_OF_A_FILE = 8 << 30
MOST_BYTES_IN_TMP = 1 << 30
SHARE_OF_MEMORY = 0.75
"""Of what the machine has."""

_ADDRESS_SPACE = 1 << 47
"""All that there is: sanitizers and engines reserve much more than they use."""
_SHOWN = 80
"""Characters of a command in a sentence."""


@dataclass(frozen=True)
class CommandMaker:
    """A `Maker` for `preview.command`. `memory` in bytes, for all processes of a command."""

    memory: int = int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * SHARE_OF_MEMORY)
    clock: Callable[[], float] = time.monotonic

    def make(self, order: Order, source: Path, workshop: Workshop) -> Path:
        """See `Maker`. Each command has a sandbox, and a `/tmp`, of its own: what it leaves running ends with it."""
        settings = order.settings.command
        if settings is None:
            raise BuildError("this repository's settings name no commands that build")
        _hand_over(source)
        room = Room(source)
        transcript = Transcript(workshop.log)

        def look() -> None:
            workshop.require()
            room.require()

        end = self.clock() + workshop.seconds
        environment = {**settings.environment, **variables(order)}
        for line in settings.run:
            left = end - self.clock()
            transcript.command(line)
            try:
                finished = self._run(line, source, environment, left, transcript, look)
            except SandboxError as error:
                raise BuildError(str(error)) from error
            if why := failure(line, finished, self.memory):
                raise BuildError(why, _state(finished), transcript.tail)
        return output_of(source, settings.output)

    def _run(
        self,
        line: str,
        source: Path,
        environment: Mapping[str, str],
        seconds: float,
        transcript: Transcript,
        look: Callable[[], None],
    ) -> Finished:
        if seconds <= 0:
            return Finished(None, int(signal.SIGKILL), b"", b"", "time")
        limits = Limits(
            seconds=seconds,
            memory=self.memory,
            processes=MOST_TASKS,
            file_size=MOST_BYTES_OF_A_FILE,
            disk=MOST_BYTES_IN_TMP,
            address_space=_ADDRESS_SPACE,
        )
        sandbox = Sandbox(writable={BUILD: source}, environment=environment, limits=limits)
        with sandbox.start(["sh", "-c", 'exec 2>&1; exec sh -euc "$1"', "sh", line], directory=BUILD) as running:
            follow(running.stdout, transcript.write, look, self.clock)
            return _awaited(running, look)


def _awaited(running: Running, look: Callable[[], None]) -> Finished:
    """A command may close its output and go on."""
    while True:
        try:
            return running.wait(LOOK_SECONDS)
        except TimeoutError:
            look()


def variables(order: Order) -> Mapping[str, str]:
    """What the commands are told, as environment variables."""
    return {
        "PAGEWARDEN_PULL_REQUEST": str(order.number),
        "PAGEWARDEN_HEAD": order.head,
        "PAGEWARDEN_BASE": order.base,
        "PAGEWARDEN_TARGET": order.settings.target,
    }


def failure(line: str, finished: Finished, memory: int) -> str:
    """Why a command counts as failed, for people; "" where it doesn't."""
    command = f"`{shown(line)}`"
    match finished.stopped:
        case "time":
            return f"{command} was stopped when the time for the build was over"
        case "memory":
            return (
                f"{command} was stopped: it took more than {memory >> 20} MiB of memory, or left the machine too little"
            )
        case str():
            return f"{command} was stopped: it said too much"
    if finished.signal is not None:
        return f"{command} was ended by {_signal(finished.signal)}"
    return f"{command} ended with status {finished.status}" if finished.status else ""


def shown(line: str) -> str:
    """A command in a sentence: its first line, cut."""
    first, _, more = line.strip().partition("\n")
    return f"{first[:_SHOWN]}..." if more or len(first) > _SHOWN else first


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _state(finished: Finished) -> State:
    return State.TIMED_OUT if finished.stopped == "time" else State.FAILED


def _hand_over(source: Path) -> None:
    """The checkout is the command's to change, in modes and times too."""
    user = command_user()
    if user is None:
        return
    os.chown(source, user, user)
    for entry in entries(str(source)):
        os.chown(entry.path, user, user, follow_symlinks=False)
