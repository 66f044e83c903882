"""The one comment on a pull request."""

from __future__ import annotations

from checker.profile import Profile
from checker.report import Report
from workers.report.context import Context
from workers.report.markdown import CAPS, Blocks, document, fitted, no_blocks

MARKER = "<!-- pagewarden -->"
"""The first line of the comment: how pagewarden knows its own again."""
MOST = 40
"""A comment is read, a check is searched: beyond so many entries the rest is left to the check."""


def comment(report: Report, context: Context, profile: Profile, more: Blocks = no_blocks) -> str:
    """The comment's body, below GitHub's limit of 65,536 characters. `more` is told after the report."""
    caps = (MOST, *(cap for cap in CAPS if cap < MOST))
    return fitted(lambda cap: f"{MARKER}\n{document(report, profile, context, cap, more)}", caps)
