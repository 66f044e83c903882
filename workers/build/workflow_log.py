"""The end of a log of GitHub Actions, as far as it tells why a job failed."""

from __future__ import annotations

import re

from workers.build.log import ending

_TIME = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ?", re.MULTILINE)
_MARKER = re.compile(r"^##\[(group|command|section|debug|warning|notice|error)\]", re.MULTILINE)
_ERROR = "##[error]"
_END_OF_GROUP = "##[endgroup]"
_SHOWN = {"error": "Error: ", "warning": "Warning: ", "command": "$ ", "group": "> "}


def told(text: str) -> str:
    """The last lines of a job's log, without times, up to its last error: behind that the runner cleans up."""
    lines = [line for line in _TIME.sub("", text.replace("\r\n", "\n")).split("\n") if line != _END_OF_GROUP]
    last = max((number for number, line in enumerate(lines) if line.startswith(_ERROR)), default=len(lines))
    shown = _MARKER.sub(lambda marker: _SHOWN.get(marker[1], ""), "\n".join(lines[: last + 1]))
    return ending(shown.encode(errors="replace"))
