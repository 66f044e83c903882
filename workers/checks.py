"""Check: both trees through git, past the checker, to a report."""

from __future__ import annotations

import structlog

from checker.check import check as compare
from checker.report import Report
from workers.git import CommitGone
from workers.runs import Ending, Outcome, Run, worth_a_study
from workers.store import Record
from workers.stress.job import begin, want_stress
from workers.tools import Job, Tools

log = structlog.get_logger(__name__)


def check(tools: Tools, run_id: str) -> None:
    """The job. Raises `GitHubError`, `GitError`, and whatever a fault in the checker raises."""
    record = tools.store.record(run_id)
    if record is None or tools.store.current(record.run.pull) != run_id:
        log.info("nobody waits for this run any more", run=run_id)
        return
    if _is_to_be_checked(tools, record):
        try:
            report = _report(tools, record.run)
        except CommitGone as gone:
            log.info("a commit is gone", run=run_id, error=str(gone))
            tools.store.end(run_id, Outcome(Ending.COMMIT_GONE))
        else:
            log.info("checked", run=run_id, verdict=report.verdict)
            study = tools.settings.advice and worth_a_study(report)
            tools.store.end(run_id, Outcome(Ending.REPORT), report, study=study)
            want_stress(tools, run_id, report)
    tools.send(Job.PUBLISH, run_id)
    # Behind the verdict, which it must not delay.
    if tools.store.is_study_wanted(run_id):
        tools.send(Job.STUDY, run_id)
    begin(tools, run_id)


def _is_to_be_checked(tools: Tools, record: Record) -> bool:
    outcome = record.outcome
    return outcome is None or (outcome.ending is Ending.REPORT and tools.store.report(record.run.id) is None)


def _report(tools: Tools, run: Run) -> Report:
    with tools.github.client(run.installation_id) as client:
        token = client.token
    tools.cache.fetch(run.clone_url, token, [run.base, run.head], tools.profile)
    return compare(
        tools.cache.tree(run.clone_url, run.base, tools.profile),
        tools.cache.tree(run.clone_url, run.head, tools.profile),
        tools.profile,
        targets=tools.settings.targets,
        page_sizes=tools.settings.page_sizes,
        cache_dir=tools.settings.cache_dir / "checks",
    )
