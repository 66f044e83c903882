"""Check: both trees through git, past the checker, to a report for each profile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from checker.check import CommitTree
from checker.check import check as compare
from checker.profile import Profile
from checker.report import Report, Verdict
from checker.tree import Tree
from workers.build.job import build_again
from workers.git import CommitGone
from workers.ruling import Ruling
from workers.runs import Ending, Outcome, Run, worth_a_study
from workers.store import Record
from workers.stress.job import stress_again
from workers.tools import Job, Tools

log = structlog.get_logger(__name__)


def check(tools: Tools, run_id: str) -> None:
    """The job. Raises `GitHubError`, `GitError`, and whatever a fault in the checker raises."""
    record = tools.store.record(run_id)
    if record is None or tools.store.current(record.run.place) != run_id:
        log.info("nobody waits for this run any more", run=run_id)
        return
    if _is_to_be_checked(tools, record):
        try:
            reports = _reports(tools, record.run)
        except CommitGone as gone:
            log.info("a commit is gone", run=run_id, error=str(gone))
            outcome, reports = Outcome(Ending.COMMIT_GONE), ()
        else:
            log.info("checked", run=run_id, verdicts=[report.verdict for report in reports])
            outcome = Outcome(Ending.REPORT if reports else Ending.NOT_APPLICABLE)
        if _is_cancelled(tools, run_id):
            return
        study = tools.settings.advice and is_studied(record.run) and any(map(worth_a_study, reports))
        tools.store.end(run_id, outcome, reports, study=study)
    tools.send(Job.PUBLISH, run_id)
    # Behind the verdict, which it must not delay.
    if tools.store.is_study_wanted(run_id):
        tools.send(Job.STUDY, run_id)
    build_again(tools, run_id)
    stress_again(tools, run_id)


def is_studied(run: Run) -> bool:
    """Whether anybody is there who could make use of a study: on a branch nobody is about to repair anything."""
    return run.number is not None


def compared(
    tools: Tools,
    ruling: Ruling,
    profile: Profile,
    base: Tree,
    head: Tree,
    *,
    commits: Sequence[CommitTree] = (),
    advice: bool = False,
) -> Report | None:
    """One profile's report, under the settings of the repository; `None` where they leave it no target."""
    targets = ruling.targets(profile, tools.settings.targets)
    if not targets:
        return None
    return compare(
        base,
        head,
        profile,
        targets=targets,
        page_sizes=ruling.page_sizes(tools.settings.page_sizes),
        ignore=ruling.ignored(datetime.fromtimestamp(tools.clock(), UTC).date()),
        cache_dir=tools.settings.cache_dir / "checks",
        commits=commits,
        advice=advice,
    )


def _is_to_be_checked(tools: Tools, record: Record) -> bool:
    outcome = record.outcome
    return outcome is None or (outcome.ending is Ending.REPORT and not tools.store.reports(record.run.id))


def _is_cancelled(tools: Tools, run_id: str) -> bool:
    record = tools.store.record(run_id)
    return record is None or (record.outcome is not None and record.outcome.ending is Ending.CANCELLED)


def _reports(tools: Tools, run: Run) -> tuple[Report, ...]:
    """A report for each profile that the change concerns."""
    with tools.github.client(run.installation_id) as client:
        token = client.token
    ruling = tools.ruling(run.id)
    found = []
    for profile in ruling.profiles:
        tools.cache.fetch(run.clone_url, token, [run.base, run.head], profile)
        base, head = (tools.cache.tree(run.clone_url, sha, profile) for sha in (run.base, run.head))
        found.append(compared(tools, ruling, profile, base, head))
    return tuple(report for report in found if report is not None and report.verdict is not Verdict.NOT_APPLICABLE)
