"""The gate: what the stress of a run means to its main check, where the settings make that wait for it."""

from __future__ import annotations

from workers.report.context import Gate
from workers.ruling import Ruling
from workers.store import Record
from workers.stress.job import UNTRUSTED, plan_for, result_of, stressed_profile
from workers.stress.result import Conclusion
from workers.stress.store import Stress
from workers.tools import Tools


def gate_of(tools: Tools, record: Record, ruling: Ruling) -> Gate | None:
    """Where the gate stands; `None` where stress is no gate, or there is nothing of the run to stress."""
    if not ruling.settings.stress.gate or stressed_profile(ruling) is None:
        return None
    state = tools.stresses.get(record.run.id)
    if state is not None:
        return standing_of(state)
    if not tools.settings.stress:
        # The settings ask for what this server cannot do, and nobody looked.
        return Gate.UNSURE
    return Gate.WAITING if plan_for(tools, record.run.id) is not None else None


def standing_of(state: Stress) -> Gate:
    """What is known of a stress run, as a gate. What nobody looked at opens none."""
    result = result_of(state)
    if result is not None:
        return {Conclusion.PASS: Gate.PASSED, Conclusion.FAIL: Gate.FAILED}.get(result.conclusion, Gate.UNSURE)
    if state.refused in UNTRUSTED:
        return Gate.APPROVAL
    if state.refused is not None:
        return Gate.PASSED
    return Gate.UNSURE if state.over else Gate.WAITING
