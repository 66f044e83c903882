"""Which lines a pull request's diff shows. Pure."""

from __future__ import annotations

import re

_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def lines_at_head(patch: str) -> dict[int, str]:
    """The lines of a file at head that its patch, as GitHub gives it out, shows: number → text."""
    shown: dict[int, str] = {}
    number = 0
    for line in patch.split("\n"):
        if hunk := _HUNK.match(line):
            number = int(hunk[1])
        elif line.startswith(("+", " ")):
            shown[number] = line[1:].removesuffix("\r")
            number += 1
    return shown
