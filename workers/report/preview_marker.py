"""The line by which a release is known to be a preview of pagewarden's, and of which commit."""

from __future__ import annotations

import re
from typing import NamedTuple

_MARKER = re.compile(
    r"<!-- pagewarden preview (?P<repository>[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)#(?P<number>[1-9][0-9]{0,17})"
    r" (?P<sha>[0-9a-f]{40}|[0-9a-f]{64}) -->"
)


class Marked(NamedTuple):
    """What a release is of. `sha` is the full id of the commit."""

    repository: str
    number: int
    sha: str


def release_marker(repository: str, number: int, sha: str) -> str:
    """The last line of a release's body; it is not shown."""
    return f"<!-- pagewarden preview {repository}#{number} {sha} -->"


def marked(body: str) -> Marked | None:
    """What a release's last line says that it is of, `None` where that line is no marker; who wrote it is not known."""
    found = _MARKER.fullmatch(body.rstrip().replace("\r\n", "\n").rpartition("\n")[2])
    return Marked(found["repository"], int(found["number"]), found["sha"]) if found is not None else None
