"""The contained child: opens artifacts and answers in JSON on stdout. It decides nothing: answers are judged outside.

`child.py inspect BOUNDS` looks at the files in `ARTIFACTS`, with `SCRATCH` to write to; it answers with an inspection.
`child.py unpack BOUNDS` writes what is in them below `INTO`; it answers {} or {"refused": text}. `BOUNDS` is JSON.
Either may answer {"failure": text}, where the machine or pagewarden is at fault.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from workers.build.inspection.bounds import Bounds
from workers.build.inspection.examine import examine
from workers.build.inspection.keep import RefusedError, keep

ARTIFACTS, SCRATCH, INTO = "/artifacts", "/scratch", "/into"
"""Directories in the sandbox."""


def main() -> None:
    """Does what the arguments say."""
    task, bounds = sys.argv[1], Bounds(**json.loads(sys.argv[2]))
    os.umask(0o022)
    try:
        answer = _done(task, sorted(Path(ARTIFACTS).iterdir()), bounds)
    except Exception as error:  # noqa: BLE001 whatever it was must reach the parent as a failure
        answer = {"failure": f"{type(error).__name__}: {error}"}
    json.dump(answer, sys.stdout)
    sys.stdout.flush()


def _done(task: str, artifacts: list[Path], bounds: Bounds) -> dict[str, Any]:
    if task == "inspect":
        return examine(artifacts, Path(SCRATCH), bounds).to_json()
    try:
        keep(artifacts, Path(INTO), bounds)
    except RefusedError as error:
        return {"refused": str(error)}
    return {}
