"""Runs processes in the sandbox of the host, for machines that are no machine of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from workers.sandbox import Finished, Limits, Running, Sandbox, SandboxError
from workers.stress import trees
from workers.stress.plan import environment, require_sound
from workers.stress.processes import Ended, MachineError, Process, Session, Watch
from workers.stress.streams import Stream, cut

MOST_TASKS = 512
"""Processes and threads at one time, as in the guest of `vm`."""
_ADDRESS_SPACE = 1 << 47
"""All that there is: engines reserve much more than they use."""
_MOST_ERRORS = 64 << 20
"""Bytes on stderr after which a process is stopped."""
_TICK = 1.0

Command = Callable[[Process], Sequence[str]]
"""What runs a process: its argv, or that of an emulator."""


def run_each(
    page_size: int, files: Mapping[str, Path], processes: Sequence[Process], watch: Watch, command: Command
) -> Session:
    """See `Machine.run`. Raises `ValueError` for processes that no machine can be asked for."""
    require_sound(processes)
    trees.collect(files)
    ended: list[Ended] = []
    troubles: list[str] = []
    for process in processes:
        watch(process.id)
        refusal = _refusal(process, files)
        if refusal is not None:
            ended.append(Ended(process.id, refusal=refusal))
            continue
        try:
            done = _run(files, process, watch, command)
        except SandboxError as error:
            raise MachineError(str(error)) from error
        if isinstance(done, Ended):
            ended.append(done)
        else:
            troubles.append(done)
    return Session(page_size, tuple(ended), "; ".join(troubles) or None)


def _refusal(process: Process, files: Mapping[str, Path]) -> str | None:
    """Why it cannot be started. The sandbox would tell that by a status that a process can have, too."""
    program = process.argv[0].removeprefix("/subject/")
    for path, source in files.items():
        if program == path or program.startswith(f"{path}/"):
            found = source.joinpath(program[len(path) :].lstrip("/"))
            if not found.is_file():
                return "it could not be started: No such file or directory"
            if not found.stat().st_mode & 0o111:
                return "it could not be started: Permission denied"
            return None
    return None if program == process.argv[0] else "it could not be started: No such file or directory"


def _run(files: Mapping[str, Path], process: Process, watch: Watch, command: Command) -> Ended | str:
    """How it ended, or why that is no result."""
    sandbox = Sandbox(
        read_only={f"/subject/{path}": source for path, source in files.items()},
        environment=dict(environment(process)),
        limits=Limits(
            seconds=process.seconds,
            memory=process.memory,
            processes=MOST_TASKS,
            output=_MOST_ERRORS,
            address_space=_ADDRESS_SPACE,
        ),
    )
    begun = time.monotonic()
    with sandbox.start(command(process)) as running:
        stdout = Stream()
        reader = threading.Thread(target=_read, args=(running.stdout, stdout), name="stdout", daemon=True)
        reader.start()
        finished = _awaited(running, watch)
        wall = time.monotonic() - begun
        reader.join()
    if finished.stopped == "output":
        return f"{process.id} printed more than {_MOST_ERRORS >> 20} MiB to stderr"
    return Ended(
        process.id,
        status=finished.status,
        signal=finished.signal,
        timed_out=finished.stopped == "time",
        out_of_memory=finished.stopped == "memory",
        wall=wall,
        stdout=stdout.text,
        stderr=cut(finished.stderr),
    )


def _read(pipe: IO[bytes], stream: Stream) -> None:
    with suppress(OSError, ValueError):  # closed where we stop
        while piece := getattr(pipe, "read1", pipe.read)(65536):
            stream.add(piece)


def _awaited(running: Running, watch: Watch) -> Finished:
    while True:
        with suppress(TimeoutError):
            return running.wait(_TICK)
        watch("")
