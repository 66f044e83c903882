"""What can go wrong while the reference scenario is made."""

from __future__ import annotations

WHAT_A_SOURCE_IS = (
    "--source PATH, a WebKit checkout or a tarball of one\n(with Source/bmalloc, Source/WTF and Source/JavaScriptCore)."
)
GIVE_SOURCE = f"Or give the source yourself: {WHAT_A_SOURCE_IS}"


class ScenarioError(Exception):
    """The scenario cannot be made. The text says what is wrong and what to do."""
