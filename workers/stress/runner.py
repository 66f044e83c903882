"""One part of a stress run, in a process of its own: `python -m workers.stress.runner RUN PART OWNER`.

It takes its settings from the environment, and tells the store what it does and finds. It stops as soon as the part is
not its any more, or nobody can be told.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace

import structlog

from config.settings import load
from workers import logs
from workers.app import create_app
from workers.build.driver import BuildError
from workers.build.kept import base_binary_of, binary_of
from workers.git import GitError
from workers.github import GitHubError
from workers.heart import Heart
from workers.host import alone
from workers.report.stress_preview import no_engine
from workers.runs import Run
from workers.sandbox import SandboxError
from workers.scenario.progress import Step
from workers.stress.campaign import Campaign, run_on
from workers.stress.document import to_json
from workers.stress.evidence import evidence_of, evidence_to_json
from workers.stress.javascript.preview import Engine, preview_campaign
from workers.stress.job import do_without_libpas, key_of, slot, stressed_profile
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
from workers.stress.store import Plan, is_preview, page_size_of
from workers.stress.subjects import SubjectError
from workers.stress.verdicts import Evidence, Role
from workers.tasks import connect, sender
from workers.tools import Job, Tools

MOST_CORES = 4
LARGEST_CORE = 1 << 20
"""Bytes. Cores go to the store for the first failures of the head only; `pagewarden stress --out` keeps all."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Work:
    """A part under way. `heart` tells how far it is, and when it is to stop."""

    tools: Tools
    run: Run
    part: str
    plan: Plan
    heart: Heart

    def show(self, page: PageProgress) -> None:
        """Notes how far the part is. Raises `Cancelled` when it is to stop."""
        self.heart.progress = json.dumps(Progress(self.plan.machine, (page,)).to_json())
        self.heart.require()


class NothingToStress(Exception):
    """Neither head nor base has what would be built. The text says so to people."""


def work(tools: Tools, run_id: str, part: str, owner: str) -> None:
    """Does a part that was claimed for `owner`, and keeps what comes of it."""
    with alone(slot(tools)) as free:
        record, state = tools.store.record(run_id), tools.stresses.get(run_id)
        if not free or record is None or state is None:
            tools.stresses.release(run_id, part, owner)
            return
        heart = Heart(lambda progress: tools.stresses.beat(run_id, part, owner, progress), Cancelled)
        with heart.beating():
            try:
                result = _result(Work(tools, record.run, part, state.plan, heart))
            except Cancelled:
                log.info("stopped", run=run_id, part=part)
                return
            except NothingToStress as nothing:
                log.info("nothing to stress", run=run_id)
                do_without_libpas(tools, run_id, str(nothing))
                return
    if not tools.stresses.finish(run_id, part, owner, json.dumps(to_json(result)), _kept_evidence(result)):
        log.info("somebody else's by now", run=run_id, part=part)
        return
    log.info("done", run=run_id, part=part)
    tools.send(Job.STRESS, key_of(run_id, part))


def _result(work: Work) -> Result:
    machine, page_size = work.plan.machine, page_size_of(work.part)
    try:
        campaign = (_of_preview if is_preview(work.part) else _of_libpas)(work)
        return _run(work, page_size, campaign) if page_size is not None else Result(machine, ())
    except SubjectError as error:
        return Result(machine, (), troubles=(Trouble(str(error), own=error.own),))
    except BuildError as error:
        return Result(machine, (), troubles=(Trouble(str(error)),))
    except (MachineError, SandboxError) as error:
        return Result(machine, (), troubles=(Trouble(str(error), page_size),))
    except (GitError, GitHubError) as error:
        log.warning("sources could not be fetched", run=work.run.id, error=str(error))
        what = "preview build" if is_preview(work.part) else "sources"
        return Result(machine, (), troubles=(Trouble(f"the {what} could not be fetched"),))


def _of_libpas(work: Work) -> Campaign:
    tools, run, plan = work.tools, work.run, work.plan
    shown_at = page_size_of(work.part) or plan.page_sizes[0]

    def built(done: int, of: int, what: str) -> None:
        work.show(PageProgress(shown_at, Stage.BUILDING, done, of, subject=what))

    return _campaign(tools, run, plan, built)


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


def _of_preview(work: Work) -> Campaign:
    tools, run, path, require = work.tools, work.run, work.plan.preview, work.heart.require

    def tell(_step: Step) -> None:
        require()

    found = binary_of(tools, run, path, require)
    if found is None:
        raise SubjectError(no_engine(path), own=True)
    base = base_binary_of(tools, run, path, require)
    return preview_campaign(
        Engine(run.head, *found),
        Engine(run.base, *base) if base is not None else None,
        work.plan.seeds,
        cache_dir=tools.settings.cache_dir,
        tell=tell,
    )


def _run(work: Work, page_size: int, campaign: Campaign) -> Result:
    def heard(place: Place | None) -> None:
        work.heart.require()
        if place is not None:
            subject = place.entrant.subject.name
            work.show(
                PageProgress(page_size, Stage.RUNNING, place.index - 1, place.total, subject=subject, phase=place.phase)
            )

    machine = machine_for(work.plan.machine, page_size, work.tools.settings.cache_dir)
    return run_on(machine, campaign, work.plan.page_sizes, heard)


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
