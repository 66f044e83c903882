"""Study: what repairs a report's failures, and which commit brought them.

It comes after the verdict and never touches it: it may be given up, and the report is as good as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from checker.check import CommitTree
from checker.check import check as compare
from checker.report import Commit, Report
from checker.tree import Blob, Tree
from workers.git import CommitGone
from workers.github import NotThere, PullCommit
from workers.host import alone
from workers.runs import Ending, Run, Standing, standing, worth_a_study
from workers.store import Busy, Record
from workers.tools import Job, Tools

MOST_COMMITS = 50
"""A pull request of more commits is studied without a look at each of them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class History:
    """The commits of a pull request along first parents, oldest first. `start` is the one before them, if any."""

    start: str | None
    commits: tuple[PullCommit, ...]


NONE = History(None, ())


class Superseded(Exception):
    """Another head or base has taken the run's place, or the pull request is gone."""


class Unheard(Exception):
    """GitHub has another head, of which no delivery has told yet: this one may well be back when it is heard."""


@dataclass(frozen=True)
class Reader:
    """Trees of one study: each blob is read once, and none when `check` raises."""

    check: Callable[[], None]
    known: dict[tuple[str, int], Blob] = field(default_factory=dict)

    def of(self, tree: Tree) -> Tree:
        """The same tree, read with care."""

        def read(oids: Sequence[str], limit: int) -> Mapping[str, Blob]:
            self.check()
            missing = [oid for oid in oids if (oid, limit) not in self.known]
            if missing:
                self.known.update(((oid, limit), blob) for oid, blob in tree.read(missing, limit).items())
            return {oid: self.known[oid, limit] for oid in oids}

        return replace(tree, read=read)


def study(tools: Tools, run_id: str) -> None:
    """The job. Raises `Busy`, `GitHubError`, `GitError`, and whatever a fault in the checker raises."""
    # It takes all cores, and another worker is to be free for verdicts.
    with alone(tools.settings.cache_dir / "study.lock") as free:
        if not free:
            raise Busy("another study is under way")
        _study(tools, run_id)


def study_again(tools: Tools, run_id: str) -> None:
    """Has a run studied whose study never came to an end: its head was pushed away and is back, or it was given up."""
    report = tools.store.report(run_id)
    if report is None or not tools.settings.advice or tools.store.is_studied(run_id) or not worth_a_study(report):
        return
    if not tools.store.is_study_wanted(run_id):
        tools.store.want_study(run_id)
    tools.send(Job.STUDY, run_id)


def first_parents(commits: Sequence[PullCommit], head: str) -> History:
    """The commits that lead to `head` along first parents; what a merge brought in is part of the merge."""
    by_sha = {commit.sha: commit for commit in commits}
    chain: list[PullCommit] = []
    at: str | None = head
    while at in by_sha:
        commit = by_sha.pop(at)
        chain.append(commit)
        at = commit.parents[0] if commit.parents else None
    return History(at, tuple(reversed(chain))) if chain else NONE


def _study(tools: Tools, run_id: str) -> None:
    record = tools.store.record(run_id)
    report = tools.store.report(run_id)
    if record is None or report is None or not _is_to_be_studied(tools, record):
        tools.store.end_study(run_id)
        return
    tools.store.told_study(run_id, tools.settings.task_time_limit)
    try:
        studied = _studied(tools, record.run, report)
        _require_current(tools, record.run)
    except CommitGone as gone:
        log.info("nothing is left to be studied", run=run_id, error=str(gone))
        studied = report
    except Superseded:
        log.info("nobody waits for this study any more", run=run_id)
        tools.store.end_study(run_id)
        return
    except Unheard:
        log.info("left to the sweep: GitHub has another head", run=run_id)
        _put_off(tools, run_id)
        return
    # Nobody may publish meanwhile: what was read before would count as shown after.
    with tools.store.lock(record.run.pull):
        tools.store.studied(run_id, studied)
    log.info("studied", run=run_id, rules=len(studied.advice), commits=len(studied.blame))
    tools.send(Job.PUBLISH, run_id)


def _is_to_be_studied(tools: Tools, record: Record) -> bool:
    run, outcome = record.run, record.outcome
    is_judged = outcome is not None and outcome.ending is Ending.REPORT
    return is_judged and tools.store.is_study_wanted(run.id) and tools.store.current(run.pull) == run.id


def _put_off(tools: Tools, run_id: str) -> None:
    """Leaves a study to the sweep, for as long again as it has been wanted; the sweep lets go of it in the end."""
    since = tools.store.study_since(run_id)
    tools.store.told_study(run_id, tools.clock() - since if since is not None else 0)


def _require_current(tools: Tools, run: Run) -> None:
    """Raises `Superseded`."""
    if tools.store.current(run.pull) != run.id:
        raise Superseded


def _studied(tools: Tools, run: Run, report: Report) -> Report:
    """`report` with what was found out beside it. Raises `Superseded`, `Unheard`."""
    with tools.github.client(run.installation_id) as client:
        token = client.token
        try:
            pull = client.pull(run.repository, run.number)
        except NotThere:
            raise Superseded from None
        if standing(run, pull, tools.store.current(run.pull)) is Standing.SUPERSEDED:
            _require_current(tools, run)
            raise Unheard
        history = NONE
        if pull.commits <= MOST_COMMITS:
            history = first_parents(client.commits(run.repository, run.number), run.head)
    log.info("studying", run=run.id, commits=pull.commits, each=len(history.commits))
    try:
        found = _found(tools, run, token, history)
    except CommitGone as gone:
        log.info("a commit on the way is gone", run=run.id, error=str(gone))
        found = _found(tools, run, token, NONE)
    return report.model_copy(update={"blame": found.blame, "advice": found.advice})


def _found(tools: Tools, run: Run, token: str, history: History) -> Report:
    commits = [Commit(sha=commit.sha, subject=commit.subject) for commit in history.commits]
    # Where the target branch was merged in, the first commit did not start from what the run calls its base.
    starts = [Commit(sha=history.start)] if history.start not in {None, run.base} else []
    on_the_way = [*starts, *commits]
    shas = [run.base, run.head, *(commit.sha for commit in on_the_way)]
    tools.cache.fetch(run.clone_url, token, shas, tools.profile)
    # The search takes a while: with a push in between, it ends at the next header that it reads.
    reader = Reader(lambda: _require_current(tools, run))
    trees = {sha: reader.of(tools.cache.tree(run.clone_url, sha, tools.profile)) for sha in shas}
    report = compare(
        trees[run.base],
        trees[run.head],
        tools.profile,
        targets=tools.settings.targets,
        page_sizes=tools.settings.page_sizes,
        cache_dir=tools.settings.cache_dir / "checks",
        commits=[CommitTree(commit, trees[commit.sha]) for commit in on_the_way],
        advice=True,
    )
    return report.model_copy(update={"blame": report.blame[len(starts) :]})
