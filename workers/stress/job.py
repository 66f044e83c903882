"""The stress of a run as jobs: short ones that look after the processes which do the work.

A build takes a minute and a machine some more, longer than any job may. So a job starts a process of its own for each
part and looks at it again and again: what that process does and finds is in the store, where its death shows as a
heart that has stopped beating, and any host may take its part on anew.

Nobody looks at the parts of a preview build before that is over, which may take hours: its end sends their jobs.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from checker.profile import Profile
from checker.report import Report, Verdict
from workers import background
from workers.build.result import Ending
from workers.build.store import Build
from workers.host import alone
from workers.leave import Leave, leave_for
from workers.report.stress_preview import unbuilt
from workers.ruling import Ruling
from workers.runs import Run
from workers.stress.campaign import with_failing
from workers.stress.document import to_json
from workers.stress.due import due, result_of
from workers.stress.javascript.controls import FAILING_PAGES
from workers.stress.result import Conclusion, Result, Trouble
from workers.stress.store import BUILD, Plan, Stress, is_preview, page_size_of
from workers.tools import Job, Tools
from workers.trust import Distrust

POLL_SECONDS = 2.0
"""Between two looks at a part."""
QUIET_SECONDS = 30.0
"""Nothing is to be expected of a run for so long after a look; then the sweep may ask."""
BUSY_SECONDS = 5.0
"""Between two looks of a part that waits for the machine to be free."""
SHOW_SECONDS = 15
"""A check tells how far its stress is once in so many seconds."""
MOST_STARTS = 3
"""A part whose process died so often is given up."""
LONGEST_SECONDS = 2 * 3600.0
"""After so long a stress run is concluded as it is; that a preview build is waited for does not count."""

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


def plan_for(tools: Tools, run_id: str, asked: Asked = NOTHING_ASKED, *, anywhere: bool = False) -> Plan | None:
    """How a run is to be stressed, `None` where it is not. `anywhere`: by a server that offers every driver."""
    record, ruling = tools.store.record(run_id), tools.ruling(run_id)
    settings = ruling.settings.stress
    if record is None or not (tools.settings.stress and settings.enabled):
        return None
    run = record.run
    # What lands on a branch was stressed before; a merge group is new, and its queue is entered with write access.
    if (run.number is None and not run.queue) or (run.draft and ruling.settings.drafts != "check" and not asked.by):
        return None
    if not any(map(worth_a_stress, tools.store.reports(run_id))):
        return None
    preview = ruling.settings.preview
    is_offered = anywhere or preview.driver in tools.settings.preview_drivers
    # Of a merge group there is no preview.
    engine = (preview.binary or "") if preview.driver is not None and is_offered and run.number is not None else ""
    has_libpas = stressed_profile(ruling) is not None
    if not (has_libpas or engine):
        return None
    page_sizes = asked.page_sizes or ruling.stress_page_sizes(tools.settings.page_sizes)
    seeds = asked.seeds or settings.seeds
    return Plan(
        page_sizes=page_sizes,
        seeds=tuple(range(1, seeds + 1)) if seeds else tools.settings.stress_seeds,
        machine=settings.machine or tools.settings.stress_machine,
        libpas=has_libpas,
        preview=engine,
        preview_page_sizes=with_failing(page_sizes, FAILING_PAGES) if engine else (),
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
    if state.plan.preview and state.built is None and _is_over(tools.builds.get(run_id)):
        tools.stresses.preview_is_over(run_id)
        state = replace(state, built=tools.clock())
    # Where there is nothing to do but to wait, one is sent all the same: somebody may have to give leave.
    _send(tools, run_id, due(state) or state.preview_parts[:1])


def after_build(tools: Tools, run_id: str) -> None:
    """What follows from the end of a preview build, be it good or not: the parts that waited for it are due, or end.

    Where they had ended for want of a good one, and this one is, they begin after all.
    """
    state, build = tools.stresses.get(run_id), tools.builds.get(run_id)
    if state is None or not state.plan.preview or not _is_over(build):
        return
    is_ended = state.over and result_of(state) is None
    if state.unbuilt and is_good(build) and not is_ended:
        tools.stresses.reopen(run_id, state.preview_parts)
        tools.send(Job.SHOW_STRESS, run_id)
    elif state.over:
        return
    tools.stresses.preview_is_over(run_id)
    _send(tools, run_id, state.preview_parts)


def _is_over(build: Build | None) -> bool:
    """A build that nobody wants is not waited for either."""
    return build is None or build.over


def is_good(build: Build | None) -> bool:
    """Whether a preview build is there to be run."""
    made = build.made if build is not None and build.over else None
    return made is not None and made.is_good


def _send(tools: Tools, run_id: str, parts: Iterable[str]) -> None:
    for part in parts:
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
    """An error is no answer: what broke may work by now. Who cancelled it has said that he wants none.

    What lacks a preview build is taken up by the end of the next one.
    """
    result = result_of(state)
    is_error = result is None or (result.conclusion is Conclusion.ERROR and not state.unbuilt)
    return state.cancelled_by is not None or not is_error


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
        _follow(tools, record.run, state, part)
    elif _is_late(state, part, tools.clock()):
        _end_late(tools, run_id, part)
    elif state.part(part).is_alive(tools.clock()):
        _show_now_and_then(tools, run_id)
        tools.send(Job.STRESS, key, POLL_SECONDS)
    elif state.part(part).starts >= MOST_STARTS:
        give_up(tools, run_id, part, f"the process that did it ended {MOST_STARTS} times without a result")
    elif not is_preview(part) or _has_build(tools, record.run, state, part):
        _take_on(tools, record.run, part)


def _follow(tools: Tools, run: Run, state: Stress, part: str) -> None:
    """What follows from the end of a part; of one that waits for the preview build, somebody may have to give leave."""
    if state.part(part).result is None:
        if is_preview(part) and tools.stresses.is_first_look(run.id):
            _may_run(tools, run)
    # A part is followed once: each message would begin another chain of looks at the next ones.
    elif tools.stresses.follow(run.id, part):
        if result_of(state) is not None:
            _conclude(tools, run.id)
        elif not due(state):
            # The preview build is waited for, and nobody else tells.
            _show_now_and_then(tools, run.id)
        elif part == BUILD:
            _send(tools, run.id, (name for name in due(state) if not is_preview(name)))


def _is_late(state: Stress, part: str, now: float) -> bool:
    since = state.built if is_preview(part) and state.built is not None else state.since
    return now - since > LONGEST_SECONDS


def _end_late(tools: Tools, run_id: str, part: str) -> None:
    if is_preview(part):
        # What libpas was seen to do, hours ago perhaps, stays true.
        give_up(tools, run_id, part, f"no result within {LONGEST_SECONDS / 3600:g} hours")
        return
    log.error("giving up", run=run_id, reason="no result in time")
    tools.stresses.time_out(run_id)
    _conclude(tools, run_id)


def _has_build(tools: Tools, run: Run, state: Stress, part: str) -> bool:
    """Whether there is a preview build to run. Where there is none, the part waits for it, or ends without."""
    build = tools.builds.get(run.id)
    if is_good(build):
        return True
    if not _is_over(build):
        tools.stresses.await_preview(run.id)
    # Where leave is wanting, that is why nothing was built.
    elif _may_run(tools, run):
        log.info("no preview build to stress", run=run.id, part=part)
        tools.stresses.end_unbuilt(run.id, part, _nothing_but(unbuilt(_ending_of(build)), state))
        _send(tools, run.id, [part])
    return False


def _ending_of(build: Build | None) -> Ending | None:
    """How a preview build ended that is not good; `None` where there was none."""
    if build is None:
        return None
    if build.made is not None:
        return build.made.ending
    if build.timed_out:
        return Ending.TIMED_OUT
    return Ending.CANCELLED if build.cancelled_by is not None else None


def _take_on(tools: Tools, run: Run, part: str) -> None:
    owner = secrets.token_hex(8)
    with alone(slot(tools)) as free:
        # At the first look, so that who has to approve learns of it at once; and then when it would begin.
        is_asked = (part == BUILD or is_preview(part)) and (free or tools.stresses.is_first_look(run.id))
        if is_asked and not _may_run(tools, run):
            return
        taken = free and tools.stresses.claim(run.id, part, owner)
    if taken:
        log.info("taken on", run=run.id, part=part)
        log_file = tools.settings.cache_dir / "stress" / "runner.log"
        background.start(tools.settings, "workers.stress.runner", [run.id, part, owner], log_file)
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
    return leave in {Leave.GRANTED, Leave.CLOSED}


def give_up(tools: Tools, run_id: str, part: str, reason: str) -> None:
    """Ends a part without a result; what was not looked at is no pass."""
    log.error("giving up", run=run_id, part=part, reason=reason)
    state = tools.stresses.get(run_id)
    if state is not None:
        tools.stresses.give_up(run_id, part, _nothing_but(Trouble(reason, page_size_of(part)), state))
        _send(tools, run_id, [part])


def _nothing_but(trouble: Trouble, state: Stress) -> str:
    """What is kept of a part that found nothing."""
    return json.dumps(to_json(Result(state.plan.machine, (), troubles=(trouble,))))


def do_without_libpas(tools: Tools, run_id: str, reason: str) -> None:
    """There is none in head and base. Where nothing else is to be stressed, that, and `reason`, is the end of it."""
    state = tools.stresses.get(run_id)
    if state is None or not state.plan.preview:
        refuse(tools, run_id, reason)
        return
    tools.stresses.leave_libpas_out(run_id)
    state = tools.stresses.get(run_id)
    if state is not None and result_of(state) is not None:
        _conclude(tools, run_id)


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
