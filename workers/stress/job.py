"""The stress of a run as jobs: short ones that look after the processes which do the work.

A build takes a minute and a machine some more, longer than any job may. So a job starts a process of its own for each
part and looks at it again and again: what that process does and finds is in the store, where its death shows as a
heart that has stopped beating, and any host may take its part on anew.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog

from checker.profile import Profile
from checker.report import Report, Verdict
from config.settings import bare_environment
from workers.host import alone
from workers.leave import Leave, leave_for
from workers.ruling import Ruling
from workers.runs import Run
from workers.stress.campaign import merged
from workers.stress.document import from_json, to_json
from workers.stress.processes import page_name
from workers.stress.result import Conclusion, Result, Trouble
from workers.stress.store import BUILD, Plan, Stress
from workers.tools import Job, Tools
from workers.trust import Distrust

POLL_SECONDS = 2.0
"""Between two looks at a part."""
QUIET_SECONDS = 30.0
"""Nothing is to be expected of a run for so long after a look; then the sweep may ask."""
LARGEST_LOG = 4 << 20
"""Bytes after which the log of the runners begins anew."""
BUSY_SECONDS = 5.0
"""Between two looks of a part that waits for the machine to be free."""
SHOW_SECONDS = 15
"""A check tells how far its stress is once in so many seconds."""
MOST_STARTS = 3
"""A part whose process died so often is given up."""
LONGEST_SECONDS = 2 * 3600.0
"""After so long a stress run is concluded as it is."""

UNTRUSTED = frozenset(Distrust)
"""Why nothing is run: the code is a stranger's, and nobody has approved it."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Asked:
    """What somebody, by login, asked of a stress run; empty, or 0 seeds, for what the settings say."""

    page_sizes: tuple[int, ...] = ()
    seeds: int = 0
    by: str = ""


NOTHING_ASKED = Asked()


def key_of(run_id: str, part: str) -> str:
    """What a job about one part is sent with."""
    return f"{run_id}@{part}"


def slot(tools: Tools) -> Path:
    """The file that is held by who builds or runs on this host."""
    return tools.settings.cache_dir / "stress" / "lock"


def parts_of(key: str) -> tuple[str, str]:
    """The run and the part of a job's key."""
    run_id, _, part = key.rpartition("@")
    return run_id, part


def want_stress(tools: Tools, run_id: str, cause: str = "", asked: Asked = NOTHING_ASKED) -> bool:
    """Notes that a run is to be stressed, where the settings and the profile say so and there is a verdict on it.

    `cause` makes it a new attempt, of what was `asked` for; once for each. Whether it is to be.
    """
    plan = plan_for(tools, run_id, asked)
    if plan is None:
        return False
    tools.stresses.want(run_id, plan, cause, asked.by)
    return True


def plan_for(tools: Tools, run_id: str, asked: Asked = NOTHING_ASKED) -> Plan | None:
    """How a run is to be stressed, `None` where it is not."""
    record, ruling = tools.store.record(run_id), tools.ruling(run_id)
    settings = ruling.settings.stress
    if record is None or not (tools.settings.stress and settings.enabled) or stressed_profile(ruling) is None:
        return None
    run = record.run
    # What lands on a branch was stressed before; a merge group is new, and its queue is entered with write access.
    if (run.number is None and not run.queue) or (run.draft and ruling.settings.drafts != "check" and not asked.by):
        return None
    if not any(map(worth_a_stress, tools.store.reports(run_id))):
        return None
    seeds = asked.seeds or settings.seeds
    return Plan(
        page_sizes=asked.page_sizes or ruling.stress_page_sizes(tools.settings.page_sizes),
        seeds=tuple(range(1, seeds + 1)) if seeds else tools.settings.stress_seeds,
        machine=settings.machine or tools.settings.stress_machine,
    )


def stressed_profile(ruling: Ruling) -> Profile | None:
    """The profile whose allocator is built and run."""
    return next((profile for profile in ruling.profiles if profile.stress is not None), None)


def worth_a_stress(report: Report) -> bool:
    """A head that could not be evaluated is not stressed, nor one that touches nothing."""
    return report.verdict in {Verdict.PASS, Verdict.FAIL}


def begin(tools: Tools, run_id: str) -> None:
    """Sends the jobs of a run that is to be stressed, or concludes it; once too often does no harm."""
    state = tools.stresses.get(run_id)
    if state is None or state.over:
        return
    if result_of(state) is not None:
        _conclude(tools, run_id)
        return
    for part in due(state):
        tools.send(Job.STRESS, key_of(run_id, part))


def stress_again(tools: Tools, run_id: str) -> bool:
    """Has a run stressed whose stress never came to an end: its head was pushed away and is back, or we failed.

    Whether it begins anew.
    """
    state = tools.stresses.get(run_id)
    is_due = state is None or (state.over and not _is_answered(state))
    is_new = is_due and want_stress(tools, run_id)
    begin(tools, run_id)
    return is_new


def _is_answered(state: Stress) -> bool:
    """An error is no answer: what broke may work by now. Who cancelled it has said that he wants none."""
    result = result_of(state)
    return state.cancelled_by is not None or (result is not None and result.conclusion is not Conclusion.ERROR)


def result_of(state: Stress) -> Result | None:
    """What was found out, once each part has ended or what was to be built could not be; `None` before."""
    parts = {name: from_json(json.loads(part.result)) for name, part in state.parts.items() if part.result is not None}
    built = parts.get(BUILD)
    if built is None or not (built.troubles or parts.keys() == set(state.names)):
        return None
    return merged(state.plan.machine, state.page_sizes, parts.values())


def due(state: Stress) -> tuple[str, ...]:
    """The parts that can be worked on: the build, and after it the machines."""
    if state.over:
        return ()
    if state.part(BUILD).result is None:
        return (BUILD,)
    return tuple(name for name in state.names if state.part(name).result is None)


def stress(tools: Tools, key: str) -> None:
    """The job. Raises `GitHubError`."""
    run_id, part = parts_of(key)
    state = tools.stresses.get(run_id)
    record = tools.store.record(run_id)
    if state is None or record is None or state.over:
        return
    if tools.store.current(record.run.place) != run_id:
        log.info("nobody waits for this stress any more", run=run_id)
        tools.stresses.end(run_id)
        return
    tools.stresses.told(run_id, QUIET_SECONDS)
    if part not in due(state):
        # A part is followed once: each message would begin another chain of looks at the next ones.
        if tools.stresses.follow(run_id, part) and (part == BUILD or result_of(state) is not None):
            begin(tools, run_id)
    elif tools.clock() - state.since > LONGEST_SECONDS:
        log.error("giving up", run=run_id, reason="no result in time")
        tools.stresses.time_out(run_id)
        _conclude(tools, run_id)
    elif state.part(part).is_alive(tools.clock()):
        _show_now_and_then(tools, run_id)
        tools.send(Job.STRESS, key, POLL_SECONDS)
    elif state.part(part).starts >= MOST_STARTS:
        give_up(tools, run_id, part, f"the process that did it ended {MOST_STARTS} times without a result")
    else:
        _take_on(tools, record.run, part)


def _take_on(tools: Tools, run: Run, part: str) -> None:
    owner = secrets.token_hex(8)
    with alone(slot(tools)) as free:
        # At the first look, so that who has to approve learns of it at once; and then when it would begin.
        is_asked = part == BUILD and (free or tools.stresses.is_first_look(run.id))
        if is_asked and not _may_run(tools, run):
            return
        taken = free and tools.stresses.claim(run.id, part, owner)
    if taken:
        log.info("taken on", run=run.id, part=part)
        _start(tools, run.id, part, owner)
    _show_now_and_then(tools, run.id)
    tools.send(Job.STRESS, key_of(run.id, part), POLL_SECONDS if taken else BUSY_SECONDS)


def _may_run(tools: Tools, run: Run) -> bool:
    """Whether the head is still the pull request's, and its code may be run; where not, the stress of it is over."""
    leave = leave_for(tools, run)
    match leave:
        case Distrust():
            refuse(tools, run.id, leave)
        case Leave.MOOT:
            tools.stresses.end(run.id)
    return leave is Leave.GRANTED


def _start(tools: Tools, run_id: str, part: str, owner: str) -> None:
    """A process of its own, which outlives this worker's: a restart of the workers costs no result."""
    log_file = tools.settings.cache_dir / "stress" / "runner.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    is_large = log_file.exists() and log_file.stat().st_size > LARGEST_LOG
    with log_file.open("wb" if is_large else "ab") as output:
        subprocess.Popen(
            [sys.executable, "-m", "workers.stress.runner", run_id, part, owner],
            env={**bare_environment(), **tools.settings.environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def give_up(tools: Tools, run_id: str, part: str, reason: str) -> None:
    """Ends a part without a result; what was not looked at is no pass."""
    log.error("giving up", run=run_id, part=part, reason=reason)
    state = tools.stresses.get(run_id)
    if state is None:
        return
    size = next((size for size in state.page_sizes if part == page_name(size)), None)
    lost = Result(state.plan.machine, (), troubles=(Trouble(reason, size),))
    tools.stresses.give_up(run_id, part, json.dumps(to_json(lost)))
    tools.send(Job.STRESS, key_of(run_id, part))


def refuse(tools: Tools, run_id: str, reason: str) -> None:
    """Concludes a stress run of which nothing is run: for a `Distrust`, or a reason for people."""
    tools.stresses.refuse(run_id, reason)
    _conclude(tools, run_id)


def cancel(tools: Tools, run_id: str, by: str) -> bool:
    """Ends the stress of a run because a person says so; whether there was anything to end."""
    state = tools.stresses.get(run_id)
    if state is None or state.over:
        return False
    tools.stresses.cancel(run_id, by)
    _conclude(tools, run_id)
    return True


def _conclude(tools: Tools, run_id: str) -> None:
    tools.stresses.end(run_id)
    tools.store.open(run_id)
    tools.send(Job.PUBLISH, run_id)


def _show_now_and_then(tools: Tools, run_id: str) -> None:
    if tools.store.first_in(SHOW_SECONDS, f"show-stress:{run_id}"):
        tools.send(Job.SHOW_STRESS, run_id)
