"""The patch of one file, as GitHub gives it out, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
KINDS = {"+": "added", "-": "removed", "\\": "note"}


@dataclass(frozen=True)
class Line:
    """A line of a patch with its numbers, where it has any; `kind` is added, removed, context, hunk or note."""

    kind: str
    old: int | None
    new: int | None
    text: str

    def is_at(self, side: str, number: int) -> bool:
        """Whether it shows that line of that side, LEFT or RIGHT."""
        return number == (self.new if side == "RIGHT" else self.old)


def lines(patch: str) -> Iterator[Line]:
    """All lines of a patch, the hunks' headers too."""
    old = new = 0
    for line in patch.split("\n") if patch else ():
        if match := HUNK.match(line):
            old, new = int(match[1]), int(match[2])
            yield Line("hunk", None, None, line)
            continue
        kind = KINDS.get(line[:1], "context")
        yield Line(
            kind, old if kind in {"removed", "context"} else None, new if kind in {"added", "context"} else None, line
        )
        old += kind in {"removed", "context"}
        new += kind in {"added", "context"}


def position(patch: str, side: str, number: int) -> int | None:
    """How many rows below the patch's first hunk header a line is, `None` where the patch does not show it."""
    return next((row for row, line in enumerate(lines(patch)) if line.is_at(side, number)), None)


def hunk_until(patch: str, row: int) -> str:
    """The hunk that a row is in, from its header to that row."""
    above = [line for _, line in zip(range(row + 1), lines(patch), strict=False)]
    start = max(number for number, line in enumerate(above) if line.kind == "hunk")
    return "\n".join(line.text for line in above[start:])
