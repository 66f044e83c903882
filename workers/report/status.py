"""A check as a commit status, for where check runs may not be written."""

from __future__ import annotations

from typing import Literal

from workers.report.context import CheckOutput
from workers.report.words import cut

State = Literal["pending", "success", "failure", "error"]
LONGEST = 140
"""Characters of a description that GitHub takes."""
_STATES: dict[str | None, State] = {
    None: "pending",
    "success": "success",
    # Like a check that is neutral, it is in nobody's way.
    "neutral": "success",
    "failure": "failure",
    # Nothing is known of the commit, and that is no finding about it.
    "cancelled": "error",
    "timed_out": "error",
    # It goes on as soon as somebody has done something; a failure would be news of the code.
    "action_required": "pending",
}


def described(output: CheckOutput) -> tuple[State, str]:
    """State and description. A conclusion that nobody knows is an error, never a success."""
    return _STATES.get(output.conclusion, "error"), cut(output.title, LONGEST)
