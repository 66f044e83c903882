#!/usr/bin/env python3
"""Stands in for docker's command line, or for its plugin buildx: records how it is called, and plays a recorded output.

What it does stands in `play.json` beside it; what it saw goes to `calls.jsonl` there, a line for each call. Output goes
where buildx's own does: progress and errors to stderr.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Its status."""
    play = json.loads((HERE / "play.json").read_text())
    if sys.argv[1:] == ["docker-cli-plugin-metadata"]:
        print(json.dumps({"SchemaVersion": "0.1.0", "Vendor": "tests", "Version": "v0.24.0"}))
        return 0
    note({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": str(Path.cwd())})
    if sys.argv[-1] == "version":
        print("github.com/docker/buildx v0.24.0 d0e5e86c8b88ae4865040bc96917c338f4dd673c")
        return int(play.get("version_status", 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN if play.get("is_deaf") else interrupted)
    sys.stderr.write((HERE / play["transcript"]).read_text())
    sys.stderr.flush()
    for path, content in play.get("output", {}).items():
        write(destination() / path, content)
    for layer in play.get("layers", []):
        write(folder("cache-to", "dest") / layer, layer)
    while play.get("is_endless"):
        note({"running": os.getpid()})
        sys.stderr.write("#7 1.000 going on\n" * int(play.get("flood", 1)))
        sys.stderr.flush()
        time.sleep(0.0 if "flood" in play else 0.05)
    return int(play.get("status", 0))


def interrupted(_signal: int, _frame: object) -> None:
    """As buildx does when it is asked to end."""
    note({"signal": "SIGINT"})
    sys.stderr.write("#7 CANCELED\nERROR: failed to build: failed to solve: Canceled: context canceled\n")
    sys.exit(130)


def note(what: object) -> None:
    """Adds a line to what it saw."""
    with (HERE / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(what) + "\n")


def destination() -> Path:
    """The folder that the build's files are to go to."""
    return folder("output", "dest")


def folder(option: str, field: str) -> Path:
    """The folder that a field of an option names."""
    value = next(word for word in sys.argv if word.startswith(f"--{option}=")).split("=", 1)[1]
    return Path(next(part for part in value.split(",") if part.startswith(f"{field}=")).split("=", 1)[1])


def write(path: Path, content: str) -> None:
    """A file, or a link where the content is an arrow and where it leads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if content.startswith("-> "):
        path.symlink_to(content.removeprefix("-> "))
    else:
        path.write_text(content)


if __name__ == "__main__":
    sys.exit(main())
