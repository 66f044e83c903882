"""Why the engine of a preview build was not put under stress."""

from __future__ import annotations

from workers.build.result import Ending
from workers.stress.result import Trouble

_WHY = {
    Ending.FAILED: "the preview build failed",
    Ending.UNFIT: "the preview build does not count",
    Ending.CANCELLED: "the preview build was cancelled",
    Ending.TIMED_OUT: "the preview build took too long",
    Ending.GONE: "nobody knows of the preview build any more where it ran",
    Ending.BROKEN: "the preview build could not be made",
}
PREVIEW = "/preview"
"""The comment that has it built."""
OWN = frozenset({Ending.FAILED, Ending.UNFIT})
"""The head's own fault."""


def unbuilt(ending: Ending | None) -> Trouble:
    """There is no good build; `ending` is how it ended, `None` where nobody began with one."""
    if ending is None:
        return Trouble("there is no preview build of this commit")
    return Trouble(f"{_WHY[ending]}: see the check pagewarden / preview", own=ending in OWN)


UNBUILT = frozenset(map(unbuilt, (None, *_WHY)))
"""All that it can say."""


def no_engine(path: str) -> str:
    """A build that lacks what the settings name."""
    return f"the preview build has no file {path}, where the setting preview.binary says that its engine is"
