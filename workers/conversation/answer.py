"""Answers a comment: does what it asks for, as far as its author may ask, and says so.

A comment gets reactions, and at most one reply of each kind; older replies of a kind are folded. All of it may be done
twice, after a lost answer, without doubling anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import structlog

from workers.conversation.commands import TABLE, Command, Unclear, Verb, Who
from workers.conversation.doing import Asked, Done, do
from workers.github import Client, NotThere, Rejected
from workers.github.failures import Forbidden
from workers.report import replies
from workers.report.replies import Kind, Trouble
from workers.requests import CommentEvent
from workers.tools import Tools
from workers.writing import writing


class Reaction(StrEnum):
    """In GitHub's words."""

    SEEN = "eyes"
    DONE = "rocket"
    PUZZLED = "confused"


log = structlog.get_logger(__name__)


@dataclass
class _Told:
    """What a comment is answered."""

    is_seen: bool = False
    is_done: bool = False
    troubles: tuple[Trouble, ...] = ()
    explained: tuple[str, ...] = ()
    is_help: bool = False


def answer(tools: Tools, _delivery_id: str, event: CommentEvent) -> None:
    """The work for a new comment. Raises `Busy`, `GitHubError`, `GitError`."""
    with writing(tools, event.pull, event.installation_id) as client:
        told = _Told()
        for index, asked in enumerate(event.asked):
            match asked:
                case Unclear(line, why, meant):
                    told.troubles += (Trouble(line, why, meant),)
                case Command():
                    _obey(tools, client, event, asked, index, told)
        for kind, body in _replies(told):
            _reply(tools, client, event, kind, body)
        if told.is_done:
            _react(client, event, Reaction.DONE)
        if told.troubles:
            _react(client, event, Reaction.PUZZLED)


def _may(tools: Tools, client: Client, event: CommentEvent, who: Who) -> bool:
    """Whether the comment's author may ask for it. Raises `GitHubError`."""
    if who is Who.ANYONE or (who is Who.AUTHOR and event.author == event.pull_author):
        return True
    return tools.trust.may_write(client, event.repository, event.author)


def _obey(tools: Tools, client: Client, event: CommentEvent, command: Command, index: int, told: _Told) -> None:
    who = next(declared.who for declared in TABLE if declared.verb == command.verb)
    if not _may(tools, client, event, who):
        told.troubles += (Trouble(_line(command), replies.not_allowed(who)),)
        return
    if command.verb == Verb.HELP:
        told.is_help = told.is_done = True
        return

    def seen() -> None:
        if not told.is_seen:
            _react(client, event, Reaction.SEEN)
            told.is_seen = True

    done = do(Asked(tools, client, event, command, f"comment {event.comment_id}:{index}", seen))
    match done:
        case Done(explained=text) if text:
            told.explained += (text,)
        case Done():
            pass
        case str() as why:
            told.troubles += (Trouble(_line(command), why),)
    told.is_done = told.is_done or isinstance(done, Done)


def _line(command: Command) -> str:
    """The command as it might have been written."""
    return " ".join(part for part in (f"/{command.verb}", *command.what, command.name, command.sha) if part)


def _replies(told: _Told) -> list[tuple[Kind, str]]:
    found = []
    if told.is_help:
        found.append((Kind.HELP, replies.helped(TABLE)))
    if told.explained:
        found.append((Kind.EXPLAIN, replies.explained(told.explained)))
    if told.troubles:
        found.append((Kind.TROUBLE, replies.trouble(told.troubles)))
    return found


def _react(client: Client, event: CommentEvent, reaction: Reaction) -> None:
    try:
        client.react(event.repository, event.comment_id, reaction)
    except (NotThere, Rejected, Forbidden) as error:
        # The comment was deleted, or the conversation is locked.
        log.info("could not react", pull=event.pull, comment=event.comment_id, error=str(error))


def _reply(tools: Tools, client: Client, event: CommentEvent, kind: Kind, body: str) -> None:
    """Replies once, and folds the reply of that kind before it."""
    mark = f"<!-- answers {event.comment_id} -->"
    try:
        is_first = tools.shown.begin_reply(event.pull, kind, event.comment_id)
        found = None if is_first else _find_reply(client, event, kind, mark)
        if found is None:
            found = client.create_comment(event.repository, event.number, f"{body}{mark}\n").node_id
        before = tools.shown.reply(event.pull, kind)
        if before is not None and before != found:
            _fold(client, event, before)
    except (NotThere, Rejected, Forbidden) as error:
        log.warning("could not reply", pull=event.pull, comment=event.comment_id, error=str(error))
        return
    tools.shown.keep_reply(event.pull, kind, found)


def _fold(client: Client, event: CommentEvent, reply: str) -> None:
    try:
        client.minimize_comment(reply)
    except (NotThere, Rejected, Forbidden) as error:
        # Somebody deleted it, for one.
        log.info("could not fold", pull=event.pull, reply=reply, error=str(error))


def _find_reply(client: Client, event: CommentEvent, kind: Kind, mark: str) -> str | None:
    """The reply that was written before its answer was lost."""
    ours = (
        shown.node_id
        for shown in client.comments(event.repository, event.number)
        if shown.app_id == client.app_id and replies.kind_of(shown.body) is kind and mark in shown.body
    )
    return next(ours, None)
