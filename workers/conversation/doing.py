"""What each command does.

Whoever calls has made sure that it may be asked for, and holds the lock of the pull request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from checker.evaluations import Evaluations
from checker.explain import UnknownName, explain, shape_of
from workers.beginning import begin_again
from workers.build.job import build_again, order_for, tell
from workers.build.show import rebuild
from workers.cancelling import cancel
from workers.conversation.commands import Command, Verb
from workers.github import Client, NotThere, PullRequest
from workers.pulls import begin_pull
from workers.refreshing import refresh
from workers.report import explanation, replies
from workers.requests import CommentEvent
from workers.runs import Ending
from workers.store import Record
from workers.stress import job as stress_job
from workers.stress.show import restress
from workers.tools import Tools
from workers.trust import Approval, distrust

FULL_SHAS = frozenset({40, 64})
"""Hexadecimal digits of a whole commit id, in SHA-1 and SHA-256 repositories."""


@dataclass(frozen=True)
class Asked:
    """A command, who asks and where. `cause` names it, so that it is done once; `seen` shows that we are at it."""

    tools: Tools
    client: Client
    event: CommentEvent
    command: Command
    cause: str
    seen: Callable[[], None]


@dataclass(frozen=True)
class Done:
    """It is done or under way. `explained` is Markdown, where an answer was asked for."""

    explained: str = ""


Answer = Done | str
"""Done, or for people why not."""


def do(asked: Asked) -> Answer:
    """Does what is asked. Raises `GitHubError`, `GitError`."""
    match asked.command.verb:
        case Verb.RECHECK:
            return _recheck(asked)
        case Verb.STRESS:
            return _stress(asked)
        case Verb.EXPLAIN:
            return _explain(asked)
        case Verb.OK_TO_TEST:
            return _approve(asked)
        case Verb.CANCEL:
            return _cancel(asked)
        case _:
            return _preview(asked)


def _recheck(asked: Asked) -> Answer:
    stages = asked.command.what or ("static",)
    if stages == ("preview",):
        return _preview(asked)
    if stages == ("stress",):
        return _stress(asked)
    record, answer = _current(asked)
    if record is None:
        return answer
    asked.seen()
    if "stress" in stages:
        # Before the reports go that say whether there is anything to stress.
        _stress_again(asked, record)
    if "preview" in stages:
        rebuild(asked.tools, asked.client, record, asked.cause, asked.event.author)
    begin_again(asked.tools, asked.client, record, asked.cause, asked.event.author)
    return Done()


def _stress(asked: Asked) -> Answer:
    record, answer = _current(asked)
    if record is None:
        return answer
    if not asked.tools.store.reports(record.run.id):
        return replies.nothing_watched()
    if not _stress_again(asked, record):
        return replies.no_stress()
    asked.seen()
    return Done()


def _stress_again(asked: Asked, record: Record) -> bool:
    command, author = asked.command, asked.event.author
    wanted = stress_job.Asked(command.page_sizes, command.seeds, author)
    return restress(asked.tools, asked.client, record, asked.cause, wanted)


def _preview(asked: Asked) -> Answer:
    record, answer = _current(asked)
    if record is None:
        return answer
    tools, run_id = asked.tools, record.run.id
    refresh(tools, asked.client, record.run)
    driver = tools.ruling(run_id).settings.preview.driver
    if driver is None:
        return replies.no_preview()
    if driver not in tools.settings.preview_drivers:
        return replies.preview_not_here(driver)
    if record.outcome is not None and record.outcome.ending is Ending.NOT_APPLICABLE:
        return replies.nothing_watched()
    if order_for(tools, run_id, asked=True) is None:
        return replies.nothing_built_yet()
    asked.seen()
    rebuild(tools, asked.client, record, asked.cause, asked.event.author)
    return Done()


def _explain(asked: Asked) -> Answer:
    record, answer = _current(asked)
    if record is None:
        return answer
    asked.seen()
    tools, run, name = asked.tools, record.run, asked.command.name
    ruling = tools.ruling(run.id)
    why = replies.unknown_name(name)
    for profile in ruling.profiles:
        tools.cache.fetch(run.clone_url, asked.client.token, [run.head], profile)
        tree = tools.cache.tree(run.clone_url, run.head, profile)
        evaluations = Evaluations(profile, tools.settings.cache_dir / "checks")
        target = next(iter(ruling.targets(profile, tools.settings.targets) or profile.targets))
        try:
            found = explain(evaluations, tree, name, target, ruling.page_sizes(tools.settings.page_sizes))
        except UnknownName as unknown:
            why = str(unknown)
        else:
            return Done(explanation.markdown(found, shape_of(evaluations, tree, name, target)))
    return why


def _approve(asked: Asked) -> Answer:
    pull = _pull(asked)
    if pull is None or not pull.open:
        return replies.closed()
    sha = asked.command.sha
    if len(sha) not in FULL_SHAS:
        return replies.short_sha(pull.head_sha)
    if sha != pull.head_sha:
        return replies.old_sha(pull.head_sha)
    tools = asked.tools
    run_id = tools.store.current(asked.event.pull)
    bots = tools.ruling(run_id).settings.trusted_bots if run_id is not None else ()
    if distrust(pull, bots) is None:
        return replies.no_approval_needed()
    asked.seen()
    tools.trust.approve(asked.event.pull, Approval(sha, asked.event.author))
    if run_id is None or not run_id.endswith(f"..{sha}"):
        begin_pull(tools, asked.client, asked.event.installation_id, pull)
    else:
        if build_again(tools, run_id):
            tell(tools, run_id)
        stress_job.stress_again(tools, run_id)
    return Done()


def _cancel(asked: Asked) -> Answer:
    run_id = asked.tools.store.current(asked.event.pull)
    if run_id is None:
        return replies.nothing_to_cancel()
    if not asked.tools.store.is_cancelled_for(run_id, asked.cause):
        if not cancel(asked.tools, run_id, asked.event.author):
            return replies.nothing_to_cancel()
        asked.tools.store.note_cancelled_for(run_id, asked.cause)
    asked.seen()
    return Done()


def _current(asked: Asked) -> tuple[Record | None, Answer]:
    """The run of the present head; or none, and what to answer: one that nobody knew of has begun just now, and is only
    of use to who asks for an explanation."""
    if not asked.event.open and asked.command.verb != Verb.EXPLAIN:
        return None, replies.closed()
    run_id = asked.tools.store.current(asked.event.pull)
    record = asked.tools.store.record(run_id) if run_id is not None else None
    if record is not None:
        return record, Done()
    pull = _pull(asked)
    if pull is None or not pull.open:
        return None, replies.closed()
    asked.seen()
    begun = begin_pull(asked.tools, asked.client, asked.event.installation_id, pull)
    if begun is None:
        return None, replies.nothing_watched()
    return asked.tools.store.record(begun) if asked.command.verb == Verb.EXPLAIN else None, Done()


def _pull(asked: Asked) -> PullRequest | None:
    try:
        return asked.client.pull(asked.event.repository, asked.event.number)
    except NotThere:
        return None
