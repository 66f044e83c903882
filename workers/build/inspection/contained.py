"""Runs the child that opens artifacts in the sandbox, and holds it to its time."""

from __future__ import annotations

import json
import select
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import elftools
import structlog

import workers
from workers.build.driver import BuildError, State
from workers.build.inspection.bounds import Bounds
from workers.build.inspection.child import ARTIFACTS
from workers.sandbox import Finished, Limits, Running, Sandbox, SandboxError

log = structlog.get_logger(__name__)

MOST_ANSWER_BYTES = 4 << 20
_TICK = 1.0
_CODE = "/code"
_BOOT = f"import sys; sys.path.insert(0, {_CODE!r}); from workers.build.inspection.child import main; main()"
_MEMORY = 1536 << 20
_ADDRESS_SPACE = 1 << 30
"""Below `_MEMORY`, so that what takes too much is an error in the child before it is its end."""


def contained(
    task: Literal["inspect", "unpack"],
    artifacts: Path,
    writable: Mapping[str, Path],
    bounds: Bounds,
    require: Callable[[], None],
) -> dict[str, Any]:
    """What the child answers: a JSON object, which a stranger may have written.

    `writable` as for the sandbox. `require` is called about once a second, and what it raises ends the child. Raises
    `BuildError`: FAILED where what was built made the child fail, else without a state.
    """
    sandbox = Sandbox(
        read_only={**_code(), ARTIFACTS: artifacts},
        writable=writable,
        limits=Limits(
            seconds=bounds.seconds,
            memory=_MEMORY,
            processes=4,
            file_size=bounds.most_bytes,
            disk=1 << 20,
            address_space=_ADDRESS_SPACE,
        ),
    )
    argv = [str(_interpreter()), "-I", "-S", "-B", "-c", _BOOT, task, json.dumps(asdict(bounds))]
    try:
        with sandbox.start(argv) as running:
            answer = _read(running, require)
            finished = running.wait()
    except SandboxError as error:
        raise BuildError(f"what was built cannot be looked at: {error}") from error
    return _judged(answer, finished, bounds)


def _interpreter() -> Path:
    """This Python outside its virtual environment, of which nothing is needed."""
    return Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")


def _code() -> Mapping[str, Path]:
    """What the child runs, and no more: keys and settings may lie beside it."""
    code = {f"{_CODE}/{module.__name__}": Path(module.__path__[0]) for module in (workers, elftools)}
    base = Path(sys.base_prefix)
    return code if base.is_relative_to("/usr") else {**code, str(base): base}


def _read(running: Running, require: Callable[[], None]) -> bytes:
    """stdout to its end, or a little more than may be."""
    answer = b""
    while len(answer) <= MOST_ANSWER_BYTES:
        require()
        ready, _, _ = select.select([running.stdout], [], [], _TICK)
        if ready:
            piece = getattr(running.stdout, "read1", running.stdout.read)(1 << 16)
            if not piece:
                return answer
            answer += piece
    running.stop()
    return answer


def _judged(answer: bytes, finished: Finished, bounds: Bounds) -> dict[str, Any]:
    if finished.stopped == "time":
        raise BuildError(f"what was built could not be looked at within {bounds.seconds:.0f} s", State.FAILED)
    if finished.stopped == "memory":
        raise BuildError(f"to look at what was built takes more than {_MEMORY >> 20} MiB of memory", State.FAILED)
    too_long = len(answer) > MOST_ANSWER_BYTES
    try:
        told = json.loads(answer) if finished.status == 0 and not too_long else None
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict) and "failure" not in told:
        return told
    log.error(
        "the inspection failed",
        answer=answer[:2000],
        status=finished.status,
        signal=finished.signal,
        stderr=finished.stderr[-2000:],
    )
    if finished.signal is not None and not too_long:
        ending = signal.Signals(finished.signal).name
        raise BuildError(f"what was built made its inspection crash ({ending})", State.FAILED)
    raise BuildError("the inspection of what was built failed; whoever runs pagewarden finds more in its log")
