"""Study: what repairs a report's failures, and which commit brought them.

It comes after the verdict and never touches it: it may be given up, and the report is as good as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from checker.check import CommitTree
from checker.profile import Profile
from checker.report import Commit, Report
from checker.tree import Blob, Tree
from workers.checks import compared, is_studied
from workers.git import CommitGone
from workers.github import Client, NotThere, PullCommit
from workers.host import alone
from workers.related import find_related
from workers.report.context import RelatedPull
from workers.ruling import Ruling
from workers.runs import Ending, Run, Standing, standing, worth_a_study, worth_advice
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


@dataclass(frozen=True)
class Studied:
    """What a study found: the reports, with what was found out beside them, and who touched the same before."""

    reports: tuple[Report, ...]
    related: tuple[RelatedPull, ...] = ()


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
    record = tools.store.record(run_id)
    worth = any(map(worth_a_study, tools.store.reports(run_id)))
    if record is None or not (tools.settings.advice and worth and is_studied(record.run)):
        return
    if tools.store.is_studied(run_id):
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
    reports = tools.store.reports(run_id)
    if record is None or not reports or not _is_to_be_studied(tools, record):
        tools.store.end_study(run_id)
        return
    tools.store.told_study(run_id, tools.settings.task_time_limit)
    try:
        studied = _studied(tools, record.run, reports)
        _require_current(tools, record.run)
    except CommitGone as gone:
        log.info("nothing is left to be studied", run=run_id, error=str(gone))
        studied = Studied(reports)
    except Superseded:
        log.info("nobody waits for this study any more", run=run_id)
        tools.store.end_study(run_id)
        return
    except Unheard:
        log.info("left to the sweep: GitHub has another head", run=run_id)
        _put_off(tools, run_id)
        return
    # Nobody may publish meanwhile: what was read before would count as shown after.
    is_news = bool(studied.related) or any(map(worth_advice, reports))
    with tools.store.lock(record.run.place):
        related = json.dumps([each.to_json() for each in studied.related])
        tools.store.studied(run_id, studied.reports, related, is_news=is_news)
    log.info("studied", run=run_id, reports=len(studied.reports), related=len(studied.related))
    if is_news:
        tools.send(Job.PUBLISH, run_id)


def _is_to_be_studied(tools: Tools, record: Record) -> bool:
    run, outcome = record.run, record.outcome
    is_judged = outcome is not None and outcome.ending is Ending.REPORT
    return is_judged and tools.store.is_study_wanted(run.id) and tools.store.current(run.place) == run.id


def _put_off(tools: Tools, run_id: str) -> None:
    """Leaves a study to the sweep, for as long again as it has been wanted; the sweep lets go of it in the end."""
    since = tools.store.study_since(run_id)
    tools.store.told_study(run_id, tools.clock() - since if since is not None else 0)


def _require_current(tools: Tools, run: Run) -> None:
    """Raises `Superseded`."""
    if tools.store.current(run.place) != run.id:
        raise Superseded


def _studied(tools: Tools, run: Run, reports: tuple[Report, ...]) -> Studied:
    """The reports with what was found out beside them. Raises `Superseded`, `Unheard`."""
    ruling = tools.ruling(run.id)
    with tools.github.client(run.installation_id) as client:
        history = _history(tools, client, run, is_needed=any(map(worth_advice, reports)))
        related = _related(tools, client, run, ruling, reports)
    studied = tuple(
        _advised(tools, run, ruling, report, client.token, history) if worth_advice(report) else report
        for report in reports
    )
    return Studied(studied, related)


def _history(tools: Tools, client: Client, run: Run, *, is_needed: bool) -> History:
    """The commits of the pull request, as far as they are looked at. Raises `Superseded`, `Unheard`."""
    assert run.number is not None
    try:
        pull = client.pull(run.repository, run.number)
    except NotThere:
        raise Superseded from None
    if standing(run, pull, tools.store.current(run.place)) is Standing.SUPERSEDED:
        _require_current(tools, run)
        raise Unheard
    if not is_needed or pull.commits > MOST_COMMITS:
        return NONE
    return first_parents(client.commits(run.repository, run.number), run.head)


def _related(
    tools: Tools, client: Client, run: Run, ruling: Ruling, reports: tuple[Report, ...]
) -> tuple[RelatedPull, ...]:
    """Who touched the same constants before; each pull request once."""
    found: dict[int, RelatedPull] = {}
    for report in reports:
        profile = ruling.profile(report.profile)
        if profile is not None:
            tools.cache.fetch(run.clone_url, client.token, [run.base], profile)
            base = tools.cache.tree(run.clone_url, run.base, profile)
            found = {each.number: each for each in find_related(client, run, [report], base)} | found
    return tuple(found.values())


def _advised(tools: Tools, run: Run, ruling: Ruling, report: Report, token: str, history: History) -> Report:
    profile = ruling.profile(report.profile)
    if profile is None:
        return report
    log.info("studying", run=run.id, profile=profile.name, commits=len(history.commits))
    try:
        found = _found(tools, run, ruling, profile, token, history)
    except CommitGone as gone:
        log.info("a commit on the way is gone", run=run.id, error=str(gone))
        found = _found(tools, run, ruling, profile, token, NONE)
    return report.model_copy(update={"blame": found.blame, "advice": found.advice}) if found is not None else report


def _found(tools: Tools, run: Run, ruling: Ruling, profile: Profile, token: str, history: History) -> Report | None:
    commits = [Commit(sha=commit.sha, subject=commit.subject) for commit in history.commits]
    # Where the target branch was merged in, the first commit did not start from what the run calls its base.
    starts = [Commit(sha=history.start)] if history.start not in {None, run.base} else []
    on_the_way = [*starts, *commits]
    shas = [run.base, run.head, *(commit.sha for commit in on_the_way)]
    tools.cache.fetch(run.clone_url, token, shas, profile)
    # The search takes a while: with a push in between, it ends at the next header that it reads.
    reader = Reader(lambda: _require_current(tools, run))
    trees = {sha: reader.of(tools.cache.tree(run.clone_url, sha, profile)) for sha in shas}
    report = compared(
        tools,
        ruling,
        profile,
        trees[run.base],
        trees[run.head],
        commits=[CommitTree(commit, trees[commit.sha]) for commit in on_the_way],
        advice=True,
    )
    return report.model_copy(update={"blame": report.blame[len(starts) :]}) if report is not None else None
