"""Rendered texts beside the tests, as files that a person can read in review."""

from __future__ import annotations

import os
from pathlib import Path

DIRECTORY = Path(__file__).parent / "snapshots"
SWITCH = "PAGEWARDEN_UPDATE_SNAPSHOTS"


def assert_snapshot(name: str, text: str) -> None:
    """Compares with `snapshots/<name>`; with the environment variable `SWITCH` set, writes it."""
    path = DIRECTORY / name
    if os.environ.get(SWITCH):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"no snapshot {name}; say {SWITCH}=1 to write it"
    assert text == path.read_text(), f"{name} has changed; say {SWITCH}=1 to write it anew"
