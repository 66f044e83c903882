"""The preview build of a run as jobs: short ones, which submit it and then look at it until it is over.

What takes longer (to build here, to fetch what was built, to inspect and release it) is done by a process of its own,
see `workers.build.runner`.
"""

from __future__ import annotations

import secrets

import structlog

from checker.report import Report, Verdict
from workers import background
from workers.build.driver import UNDER_WAY, BuildError, Driver, Seen, State
from workers.build.drivers import directory, driver_for, slot
from workers.build.local import LocalDriver
from workers.build.order import Order
from workers.build.released import recover_rows, reused
from workers.build.result import Ending, Made, RowState
from workers.build.store import WORK, Build, key_of
from workers.github import Client, GitHubError, RateLimited
from workers.github.failures import Unauthorized, Unavailable, Uninstalled
from workers.host import alone
from workers.leave import Leave, leave_for
from workers.runs import Run, place_of
from workers.stress import job as stress_job
from workers.tools import Job, Tools
from workers.trust import Distrust

REMOTE_SECONDS = 30.0
"""Between two looks at what is built elsewhere, where webhooks tell most."""
LOCAL_SECONDS = 3.0
"""Between two looks at a process of ours."""
BUSY_SECONDS = 10.0
"""Between two looks of a build that waits for this host to be free."""
QUIET_SECONDS = 90.0
"""Nothing is to be expected of a run for so long after a look; then the sweep may ask."""
CANCEL_TRIES = 2
"""How often GitHub is asked to cancel what it does not answer about."""
MOST_STARTS = 3
"""A build whose process died so often is given up."""
HANDLING_SECONDS = 1800.0
"""How long it may take to fetch, inspect and release what was built in time."""
LONGEST_WAIT_SECONDS = 24 * 3600.0
"""After so long without a free host or a driver that answers, a build is given up."""

ENDINGS = {
    State.FAILED: Ending.FAILED,
    State.CANCELLED: Ending.CANCELLED,
    State.TIMED_OUT: Ending.TIMED_OUT,
    State.GONE: Ending.GONE,
}
"""How a build ended that came to nothing."""
NOT_OFFERED = "not-offered"
"""Why nothing is built: the settings ask for a driver that this server does not offer."""
UNTRUSTED = frozenset(Distrust)

log = structlog.get_logger(__name__)


def order_for(tools: Tools, run_id: str, *, asked: bool = False) -> Order | None:
    """What is to be built of a run, `None` where nothing is. `asked`: somebody asked for it."""
    record, ruling = tools.store.record(run_id), tools.ruling(run_id)
    settings = ruling.settings.preview
    if record is None or record.run.number is None or settings.driver is None:
        return None
    run = record.run
    if run.draft and ruling.settings.drafts != "check" and not asked:
        return None
    if not any(map(_is_worth_it, tools.store.reports(run_id))):
        return None
    assert run.number is not None
    return Order(
        installation_id=run.installation_id,
        repository=run.repository,
        number=run.number,
        ref=run.ref,
        base=run.base,
        head=run.head,
        clone_url=run.clone_url,
        settings=settings,
    )


def _is_worth_it(report: Report) -> bool:
    """A head that could not be evaluated is not built: what it holds goes beside what is released."""
    return report.verdict in {Verdict.PASS, Verdict.FAIL}


def build_again(tools: Tools, run_id: str) -> bool:
    """Has a run built whose build never came to an end: it is new, its head was pushed away and is back, or we failed.

    Whether it begins anew.
    """
    state = tools.builds.get(run_id)
    is_due = state is None or (state.over and not _is_answered(state)) or _is_removed(tools, run_id, state)
    order = order_for(tools, run_id) if is_due else None
    if order is not None:
        tools.builds.want(run_id, order)
    begin(tools, run_id)
    return order is not None


def _is_answered(state: Build) -> bool:
    """What broke may work by now. Who cancelled it has said that he wants none."""
    made = state.made
    return state.cancelled_by is not None or (made is not None and made.ending not in {Ending.BROKEN, Ending.GONE})


def _is_removed(tools: Tools, run_id: str, state: Build) -> bool:
    """Whether its release was removed since."""
    release = state.made.release if state.made is not None else None
    if release is None:
        return False
    kept = {row.sha: row for row in tools.builds.rows(place_of(run_id))}.get(state.order.head)
    return kept is not None and kept.state == RowState.REMOVED and kept.at >= release.at


def begin(tools: Tools, run_id: str) -> None:
    """Sends the job of a run that is to be built; once too often does no harm."""
    state = tools.builds.get(run_id)
    if state is not None and not state.over:
        tools.send(Job.BUILD, run_id)


def build(tools: Tools, run_id: str) -> None:
    """The job. Raises `GitHubError`."""
    state, record = tools.builds.get(run_id), tools.store.record(run_id)
    if state is None or record is None or state.over:
        return
    tools.builds.told(run_id, QUIET_SECONDS)
    with tools.github.client(state.order.installation_id) as client:
        if tools.store.current(record.run.place) != run_id:
            log.info("nobody waits for this build any more", run=run_id)
            tools.store.open(run_id)
            withdraw(tools, client, run_id, superseded_by="")
            tell(tools, run_id)
        elif state.made is not None:
            conclude(tools, run_id)
        elif _is_too_late(tools, state):
            log.error("giving up", run=run_id, reason="not built in time")
            _end_late(tools, client, run_id, state)
        else:
            try:
                _look(tools, client, record.run, state)
            except BuildError as error:
                log.info("no build", run=run_id, error=str(error))
                now = _now(tools, run_id, state.order)
                if now is not None:
                    conclude(tools, run_id, made_of(error, now))


def _now(tools: Tools, run_id: str, order: Order) -> Build | None:
    """What is known of an attempt by now, `None` where it is over: a person may have ended it, or begun the next."""
    state = tools.builds.get(run_id)
    return None if state is None or state.over or state.order.correlation != order.correlation else state


def made_of(error: BuildError, state: Build) -> Made:
    """What came of a build that came to nothing."""
    ending = ENDINGS.get(error.state, Ending.BROKEN) if error.state is not None else Ending.BROKEN
    return Made(ending, str(error), error.log, state.seen.url)


def _is_too_late(tools: Tools, state: Build) -> bool:
    now, limit = tools.clock(), state.order.seconds
    if state.work.starts:
        limit += HANDLING_SECONDS
    if state.begun:
        return now - state.begun > limit
    return now - state.since > LONGEST_WAIT_SECONDS


def _end_late(tools: Tools, client: Client, run_id: str, state: Build) -> None:
    tools.store.open(run_id)
    if state.begun:
        withdraw(tools, client, run_id, timed_out="1")
        tell(tools, run_id)
        return
    # No time that the settings give it was too short.
    withdraw(tools, client, run_id)
    hours = f"{LONGEST_WAIT_SECONDS / 3600:g} hours"
    conclude(tools, run_id, Made(Ending.BROKEN, f"nothing was free to build it within {hours}"))


def _look(tools: Tools, client: Client, run: Run, state: Build) -> None:
    """One step. Raises `BuildError`, `GitHubError`."""
    order = state.order
    if state.work.is_alive(tools.clock()):
        _look_later(tools, run.id, LOCAL_SECONDS)
        return
    if state.external_id is None and not _may_begin(tools, client, run, state):
        return
    driver = driver_for(tools, client, order)
    external_id = state.external_id or _submit(tools, driver, run, order)
    seen = driver.poll(order, external_id) if external_id is not None else None
    now = _now(tools, run.id, order)
    if seen is None or now is None:
        return
    if now.made is not None:
        conclude(tools, run.id)
        return
    _follow(tools, run, state, driver, seen)


def _submit(tools: Tools, driver: Driver, run: Run, order: Order) -> str | None:
    """The driver's id, `None` where nobody wants the build any more. Raises `BuildError`, `GitHubError`."""
    external_id = driver.submit(order)
    if tools.builds.submitted(run.id, order.correlation, external_id):
        return external_id
    log.info("submitted too late", run=run.id)
    driver.cancel(order, external_id)
    return None


def _follow(tools: Tools, run: Run, state: Build, driver: Driver, seen: Seen) -> None:
    """What follows from a look. Raises `BuildError` where the build came to nothing, `GitHubError`."""
    is_local = isinstance(driver, LocalDriver)
    if not is_local or seen.state is State.RUNNING:
        tools.builds.begin(run.id)
    is_news = tools.builds.saw(run.id, seen)
    if seen.state in ENDINGS:
        raise BuildError(seen.reason, seen.state, seen.log)
    if is_news:
        tell(tools, run.id)
    if seen.state in UNDER_WAY and not is_local:
        _look_later(tools, run.id, REMOTE_SECONDS)
    elif state.work.starts >= MOST_STARTS:
        raise BuildError(f"the process that did it ended {MOST_STARTS} times without a result")
    else:
        _take_on(tools, run, is_local=is_local, is_asked=state.external_id is None)


def _may_begin(tools: Tools, client: Client, run: Run, state: Build) -> bool:
    """Whether there is anything to submit: not without leave, nor where it is released already."""
    order = state.order
    if order.settings.driver not in tools.settings.preview_drivers:
        refuse(tools, run.id, NOT_OFFERED)
        return False
    if not _has_leave(tools, run):
        return False
    recover_rows(tools, client, run.place, order)
    # Who asked for it wants it built, and not what there is.
    made = reused(tools, client, order) if not state.asked_by else None
    if made is not None:
        log.info("released before", run=run.id, tag=order.tag)
        conclude(tools, run.id, made)
        return False
    return True


def _has_leave(tools: Tools, run: Run) -> bool:
    """Whether the head may be built; where not, its build is over."""
    leave = leave_for(tools, run)
    match leave:
        case Distrust():
            refuse(tools, run.id, leave)
        case Leave.MOOT | Leave.CLOSED:
            tools.store.open(run.id)
            tools.builds.end(run.id, **({"closed": "1"} if leave is Leave.CLOSED else {}))
            tell(tools, run.id)
    return leave is Leave.GRANTED


def _take_on(tools: Tools, run: Run, *, is_local: bool, is_asked: bool) -> None:
    """Has a process of this host do its part. A build waits for the host to be free, and leave may end meanwhile:
    `is_asked` says that it was asked for just now."""
    owner, run_id = secrets.token_hex(8), run.id
    with alone(slot(tools)) as free:
        if is_local and free and not is_asked and not _has_leave(tools, run):
            return
        taken = (free or not is_local) and tools.builds.parts.claim(key_of(run_id), WORK, owner)
    if taken:
        log.info("taken on", run=run_id)
        tools.builds.begin(run_id)
        background.start(tools.settings, "workers.build.runner", [run_id, owner], directory(tools) / "runner.log")
    if taken and is_local and tools.builds.saw(run_id, Seen(State.RUNNING)):
        tell(tools, run_id)
    _look_later(tools, run_id, LOCAL_SECONDS if taken else BUSY_SECONDS)


def _look_later(tools: Tools, run_id: str, seconds: float) -> None:
    if tools.builds.look_in(run_id, seconds):
        tools.send(Job.BUILD, run_id, seconds)


def refuse(tools: Tools, run_id: str, reason: str) -> None:
    """Concludes a build that is not begun: for a `Distrust`, or `NOT_OFFERED`."""
    tools.store.open(run_id)
    tools.builds.end(run_id, refused=reason)
    tell(tools, run_id)


def cancel(tools: Tools, run_id: str, by: str) -> bool:
    """Ends the build of a run because a person says so; whether there was anything to end. Raises `GitHubError`."""
    state = tools.builds.get(run_id)
    if state is None or state.over:
        return False
    tools.store.open(run_id)
    with tools.github.client(state.order.installation_id) as client:
        withdraw(tools, client, run_id, cancelled_by=by)
    tell(tools, run_id)
    return True


def withdraw(tools: Tools, client: Client, run_id: str, **why: str) -> None:
    """Ends a build that is under way, also where it runs, if that can be. `why`: fields of `Build`.

    Raises `GitHubError`.
    """
    state = tools.builds.get(run_id)
    if state is None or state.over:
        return
    if state.external_id is not None:
        _cancel_there(tools, client, run_id, state.order, state.external_id)
    tools.builds.end(run_id, **why)


def _cancel_there(tools: Tools, client: Client, run_id: str, order: Order, external_id: str) -> None:
    """What cannot be cancelled runs on, and nobody waits for it: neither its check, nor that of the next head."""
    driver = driver_for(tools, client, order)
    for _ in range(CANCEL_TRIES):
        try:
            driver.cancel(order, external_id)
        except (RateLimited, Unauthorized, Uninstalled):
            raise
        except Unavailable as error:
            log.warning("could not be cancelled", run=run_id, error=str(error))
        except (BuildError, GitHubError) as error:
            log.warning("cannot be cancelled", run=run_id, error=str(error))
            return
        else:
            return


def conclude(tools: Tools, run_id: str, made: Made | None = None) -> None:
    """A build is over; `made` is what came of it, unless that is known."""
    # First of all: whoever dies in between leaves it to the sweep.
    tools.store.open(run_id)
    if made is not None:
        tools.builds.conclude(run_id, made)
    tools.builds.end(run_id)
    tell(tools, run_id)


def tell(tools: Tools, run_id: str) -> None:
    """GitHub is yet to show what there is, and the stress of what was built may wait for the end."""
    tools.store.open(run_id)
    tools.send(Job.PUBLISH, run_id)
    state = tools.builds.get(run_id)
    if state is not None and state.over:
        stress_job.after_build(tools, run_id)


def give_up(tools: Tools, run_id: str, reason: str) -> None:
    """Ends a build that we could not see to its end; what was not built is no pass."""
    log.error("giving up", run=run_id, reason=reason)
    state = tools.builds.get(run_id)
    if state is not None and not state.over:
        conclude(tools, run_id, Made(Ending.BROKEN, reason, url=state.seen.url))
