"""When there is nothing left to do, and how time passes until then."""

from __future__ import annotations

from tests.workers.heard import Heard
from workers.reconcile import SWEEP_SECONDS


def is_quiet(heard: Heard) -> bool:
    """Whether nothing is still to be done, or told."""
    tools = heard.house.tools
    return not (heard.house.queue or tools.store.open_runs(-1) or tools.inbox.pending(-1))


def pass_time(heard: Heard, most: int = 300) -> None:
    """Sweep after sweep, with all that they send, until it is quiet."""
    for _ in range(most):
        if is_quiet(heard):
            return
        heard.house.sweep(after=SWEEP_SECONDS)
        heard.settle(most=1000)
    raise AssertionError("it is never quiet")
