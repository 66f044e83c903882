"""One part of a stress run, in a process of its own: `python -m workers.stress.runner RUN PART OWNER`.

It takes its settings from the environment, and tells the store what it does and finds. It stops as soon as the part is
not its any more, or nobody can be told.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import structlog
from redis.exceptions import RedisError

from config.page_sizes import PAGE_SIZES
from config.settings import load
from workers import logs
from workers.app import create_app
from workers.git import GitError
from workers.github import GitHubError
from workers.host import alone
from workers.runs import Run
from workers.sandbox import SandboxError
from workers.stress.campaign import Campaign, run_on
from workers.stress.document import to_json
from workers.stress.evidence import evidence_of, evidence_to_json
from workers.stress.job import key_of, refuse, slot, stressed_profile
from workers.stress.libpas.build import Build
from workers.stress.libpas.campaign import (
    Built,
    LibpasFiles,
    Wanted,
    has_libpas,
    libpas_campaign,
    revision_of,
)
from workers.stress.lineup import Place
from workers.stress.machines import machine_for
from workers.stress.processes import Cancelled, MachineError
from workers.stress.progress import PageProgress, Progress, Stage
from workers.stress.result import Result, Trouble
from workers.stress.store import BUILD, Plan
from workers.stress.subjects import SubjectError
from workers.stress.verdicts import Evidence, Role
from workers.tasks import connect, sender
from workers.tools import Job, Tools

BEAT_SECONDS = 2.0
UNHEARD_SECONDS = 10.0
"""When the store has not answered for so long, nobody waits for this process any more."""
GRACE_SECONDS = 20.0
"""A process that is to stop and has not after so long ends itself; what it runs dies with it."""
MOST_CORES = 4
LARGEST_CORE = 1 << 20
"""Bytes. Cores go to the store for the first failures of the head only; `pagewarden stress --out` keeps all."""

log = structlog.get_logger(__name__)


@dataclass
class Heart:
    """Beats while the part is worked on, and learns when to stop."""

    tools: Tools
    run_id: str
    part: str
    owner: str
    plan: Plan
    progress: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)

    def beat_until_finished(self) -> None:
        """The thread."""
        silent = 0.0
        while not self.finished.wait(BEAT_SECONDS):
            try:
                mine = self.tools.stresses.beat(self.run_id, self.part, self.owner, self.progress)
                silent = 0.0
            except (RedisError, OSError):
                silent += BEAT_SECONDS
                mine = silent < UNHEARD_SECONDS
            if not mine:
                self.stopping.set()
                if not self.finished.wait(GRACE_SECONDS):
                    os._exit(1)
                return

    def show(self, page: PageProgress) -> None:
        """Notes how far the part is. Raises `Cancelled` when it is to stop."""
        self.progress = json.dumps(Progress(self.plan.machine, (page,)).to_json())
        self.require()

    def require(self) -> None:
        """Raises `Cancelled` when the part is to stop."""
        if self.stopping.is_set():
            raise Cancelled


class NothingToStress(Exception):
    """Neither head nor base has what would be built. The text says so to people."""


@contextmanager
def _beating(heart: Heart) -> Iterator[None]:
    thread = threading.Thread(target=heart.beat_until_finished, daemon=True)
    thread.start()
    try:
        yield
    finally:
        heart.finished.set()
        thread.join()


def work(tools: Tools, run_id: str, part: str, owner: str) -> None:
    """Does a part that was claimed for `owner`, and keeps what comes of it."""
    with alone(slot(tools)) as free:
        record, state = tools.store.record(run_id), tools.stresses.get(run_id)
        if not free or record is None or state is None:
            tools.stresses.release(run_id, part, owner)
            return
        heart = Heart(tools, run_id, part, owner, state.plan)
        with _beating(heart):
            try:
                result = _result(tools, record.run, part, heart)
            except Cancelled:
                log.info("stopped", run=run_id, part=part)
                return
            except NothingToStress as nothing:
                log.info("nothing to stress", run=run_id)
                refuse(tools, run_id, str(nothing))
                return
    if not tools.stresses.finish(run_id, part, owner, json.dumps(to_json(result)), _kept_evidence(result)):
        log.info("somebody else's by now", run=run_id, part=part)
        return
    log.info("done", run=run_id, part=part)
    tools.send(Job.STRESS, key_of(run_id, part))


def _result(tools: Tools, run: Run, part: str, heart: Heart) -> Result:
    sizes = heart.plan.page_sizes if part == BUILD else (PAGE_SIZES[part],)
    machine = heart.plan.machine

    def built(done: int, of: int, what: str) -> None:
        heart.show(PageProgress(sizes[0], Stage.BUILDING, done, of, subject=what))

    try:
        campaign = _campaign(tools, run, heart.plan, built)
        if part == BUILD:
            return Result(machine, ())
        return _run(tools, sizes[0], campaign, heart)
    except SubjectError as error:
        return Result(machine, (), troubles=(Trouble(str(error), own=error.own),))
    except (MachineError, SandboxError) as error:
        return Result(machine, (), troubles=(Trouble(str(error), None if part == BUILD else sizes[0]),))
    except (GitError, GitHubError) as error:
        log.warning("sources could not be fetched", run=run.id, error=str(error))
        return Result(machine, (), troubles=(Trouble("the sources could not be fetched"),))


def _campaign(tools: Tools, run: Run, plan: Plan, built: Built) -> Campaign:
    with tools.github.client(run.installation_id) as client:
        token = client.token
    files = LibpasFiles()
    tools.cache.fetch(run.clone_url, token, [run.base, run.head], files)
    trees = [tools.cache.tree(run.clone_url, sha, files) for sha in (run.head, run.base)]
    profile = stressed_profile(tools.ruling(run.id))
    if profile is None or not any(map(has_libpas, trees)):
        raise NothingToStress("neither head nor base has the sources of libpas")
    head, base = map(revision_of, trees)
    wanted = Wanted(head, base, plan.page_sizes, plan.seeds)
    return libpas_campaign(wanted, profile, Build(cache=tools.settings.cache_dir / "stress"), built)


def _run(tools: Tools, page_size: int, campaign: Campaign, heart: Heart) -> Result:
    def heard(place: Place | None) -> None:
        heart.require()
        if place is not None:
            subject = place.entrant.subject.name
            heart.show(
                PageProgress(page_size, Stage.RUNNING, place.index - 1, place.total, subject=subject, phase=place.phase)
            )

    machine = machine_for(heart.plan.machine, page_size, tools.settings.cache_dir)
    return run_on(machine, campaign, heart.plan.page_sizes, heard)


def _kept_evidence(result: Result) -> dict[str, str]:
    """JSON by anchor, with few and small cores."""
    heads = evidence_of(replace(result, records=result.of(Role.HEAD), controls=()))
    cores = [anchor for anchor, evidence in heads.items() if evidence.core and len(evidence.core) <= LARGEST_CORE]
    kept = frozenset(cores[:MOST_CORES])

    def capped(anchor: str, evidence: Evidence) -> Evidence:
        return evidence if anchor in kept else replace(evidence, core=None)

    return {
        anchor: json.dumps(evidence_to_json(capped(anchor, evidence)))
        for anchor, evidence in evidence_of(result).items()
    }


def main() -> None:
    """The process."""
    run_id, part, owner = sys.argv[1:]
    settings = load()
    logs.configure(settings)
    app = create_app(settings)
    tools = Tools.of(settings, connect(settings), sender(app))
    work(tools, run_id, part, owner)


if __name__ == "__main__":
    main()
