"""Pull requests: which run one wants as it is now, and what rules it."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from workers.beginning import begin, supersede_others
from workers.git import CommitGone
from workers.github import Client, Comparison, NotThere, PullRequest
from workers.ruling import Source, rule, touches_settings, with_proposed
from workers.rulings import Remote
from workers.runs import Run, watched
from workers.store import Busy
from workers.tools import Tools

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Touched:
    """What a change touches. Each file has one name, or after a rename the new and the old one; not `complete`: there
    are more files than GitHub lists."""

    files: tuple[tuple[str, ...], ...]
    complete: bool

    @property
    def paths(self) -> tuple[str, ...]:
        """All the names."""
        return tuple(name for names in self.files for name in names)


def begin_pull(tools: Tools, client: Client, installation_id: int, pull: PullRequest) -> str | None:
    """Makes the run that an open pull request wants, with its check in progress; the run's id, `None` where nothing is
    any of our business.

    The caller holds the lock. Raises `Busy`, `GitHubError`, `GitError`.
    """
    remote = Remote(pull.repository, pull.clone_url, client.token)
    try:
        compared = client.compare(pull.repository, pull.base_ref, pull.head_sha)
    except NotThere:  # histories that have nothing in common, or a base branch that was deleted
        compared = Comparison(pull.base_sha, tools.rulings.tip(remote, pull.base_ref) or pull.base_sha, None)
    touched = _touched(client, pull, compared)
    source = ruled(tools, remote, pull.base_ref, compared.tip, pull.head_sha, touched)
    ruling = rule(source)
    if ruling.is_silent:
        log.info("nothing here is watched", repository=pull.repository, number=pull.number)
        place = f"{pull.repository}#{pull.number}"
        tools.trust.void(place, unless=pull.head_sha)
        supersede_others(tools, client, place, "", pull.head_sha)
        return None
    interesting, names = watched(touched.files, touched.complete, ruling.watches)
    run = Run(
        installation_id=installation_id,
        repository=pull.repository,
        number=pull.number,
        base=compared.merge_base,
        head=pull.head_sha,
        clone_url=pull.clone_url,
        files=names,
        ref=pull.base_ref,
        draft=pull.draft,
    )
    begin(tools, client, run, source, pull, interesting=interesting and bool(ruling.profiles))
    return run.id


def ruled(tools: Tools, remote: Remote, ref: str, tip: str, head: str, touched: Touched) -> Source:
    """What rules a change for the branch `ref`, with the settings that it proposes. Raises `GitError`."""
    source = tools.rulings.at(remote, ref, tip)
    if not touches_settings(touched.paths, source.rules):
        return source
    try:
        return with_proposed(source, tools.rulings.proposed(remote, head))
    except CommitGone as gone:
        log.info("the proposed settings are gone", repository=remote.name, error=str(gone))
        return source


def _touched(client: Client, pull: PullRequest, compared: Comparison) -> Touched:
    if compared.files is not None:
        return Touched(compared.files, complete=True)
    files = tuple(client.files(pull.repository, pull.number))
    _require_unchanged(pull, client.pull(pull.repository, pull.number))
    return Touched(files, complete=len(files) == pull.changed_files)


def _require_unchanged(before: PullRequest, now: PullRequest) -> None:
    """Raises `Busy` when the files may have been those of another head: this one would pass unseen."""
    if (before.head_sha, before.base_ref) != (now.head_sha, now.base_ref):
        raise Busy("the pull request changed while it was looked at")
