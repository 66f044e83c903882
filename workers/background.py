"""Processes that outlive the worker's that starts them: a restart of the workers costs no result."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from config.settings import Settings, bare_environment

LARGEST_LOG = 4 << 20
"""Bytes after which a log begins anew."""


def start(settings: Settings, module: str, arguments: Sequence[str], log: Path) -> None:
    """Runs a module of ours with settings from its environment; what it says goes to the end of `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    is_large = log.exists() and log.stat().st_size > LARGEST_LOG
    with log.open("wb" if is_large else "ab") as output:
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**bare_environment(), **settings.environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
