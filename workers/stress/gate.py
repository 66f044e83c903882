"""The gate: what the stress of a run means to its main check, where the settings make that wait for it."""

from __future__ import annotations

from workers.report.context import Gate
from workers.ruling import Ruling
from workers.store import Record
from workers.stress.due import result_of
from workers.stress.job import UNTRUSTED, plan_for, stressed_profile
from workers.stress.result import Conclusion
from workers.stress.store import Stress
from workers.tools import Tools


def gate_of(tools: Tools, record: Record, ruling: Ruling) -> Gate | None:
    """Where the gate stands; `None` where stress is no gate, or there is nothing of the run to stress."""
    is_built = ruling.settings.preview.driver is not None and ruling.settings.preview.binary is not None
    if not ruling.settings.stress.gate or (stressed_profile(ruling) is None and not is_built):
        return None
    state = tools.stresses.get(record.run.id)
    if state is not None:
        return standing_of(state)
    if plan_for(tools, record.run.id) is not None:
        return Gate.WAITING
    # The settings may ask for what this server cannot do, and nobody looked.
    is_beyond = not tools.settings.stress or plan_for(tools, record.run.id, anywhere=True) is not None
    return Gate.UNSURE if is_beyond else None


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
