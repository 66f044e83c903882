"""Cancelling: a person ends what is under way."""

from __future__ import annotations

from workers.build import job as build_job
from workers.runs import Ending, Outcome
from workers.stress import job as stress_job
from workers.tools import Job, Tools


def cancel(tools: Tools, run_id: str, by: str) -> bool:
    """Ends the static check, the build and the stress of a run; whether there was anything to end. `by` is a login.

    Raises `GitHubError`.
    """
    record = tools.store.record(run_id)
    is_checked = record is not None and record.outcome is None and tools.store.is_open(run_id)
    if is_checked:
        tools.store.end(run_id, Outcome(Ending.CANCELLED, by))
        tools.send(Job.PUBLISH, run_id)
    is_built = build_job.cancel(tools, run_id, by)
    return stress_job.cancel(tools, run_id, by) or is_built or is_checked
