"""Suggestions on GitHub: repairs as comments on the lines that they change, wherever the diff shows those.

What GitHub shows is compared with what is wanted, and only the difference is written, so this may be repeated at any
time. GitHub does not tell which App wrote a comment on a line; ours are known by our bot's name and the marker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from checker.report import Report
from workers.diff import lines_at_head
from workers.github import Client, NotThere, PullRequest, Rejected, ReviewComment, same_text
from workers.github.failures import Forbidden
from workers.report.suggestion import Suggestion, is_edited, retracted, rule_of, suggestions
from workers.runs import Run

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Create:
    """A comment that is missing."""

    suggestion: Suggestion


@dataclass(frozen=True)
class Rewrite:
    """A comment that says something else."""

    comment_id: int
    body: str


@dataclass(frozen=True)
class Delete:
    """A comment that nobody needs."""

    comment_id: int


Step = Create | Rewrite | Delete


def show_suggestions(client: Client, run: Run, pull: PullRequest, bot: str | None, report: Report | None) -> None:
    """Makes GitHub show what a report suggests, nothing where there is none. `bot` is the login we comment under.

    What GitHub refuses is left out: the comment has it all. Raises `GitHubError` where it does not answer.
    """
    if bot is None:
        return
    try:
        steps = _steps(client, run, pull, bot, report)
    except (NotThere, Rejected, Forbidden) as error:
        log.warning("what is suggested could not be read", run=run.id, error=str(error))
        return
    for step in steps:
        try:
            _do(client, run, step)
        except (NotThere, Rejected, Forbidden) as error:
            # A locked conversation, or a push that took the line out of the diff.
            log.warning("a suggestion was refused", run=run.id, error=str(error))


def _steps(client: Client, run: Run, pull: PullRequest, bot: str, report: Report | None) -> list[Step]:
    wanted = _wanted(client, run, report)
    if not (wanted or pull.review_comments):
        return []
    return plan(wanted, client.review_comments(run.repository, run.number), bot)


def plan(wanted: Sequence[Suggestion], shown: Sequence[ReviewComment], bot: str) -> list[Step]:
    """What is to be done so that exactly the wanted suggestions are shown.

    A comment that is not needed any more is deleted, but where somebody replied it says so instead. One that a person
    edited is theirs: it stays as it is, and counts as the suggestion for its rule and place.
    """
    answered = {comment.in_reply_to for comment in shown}
    ours = [
        comment
        for comment in sorted(shown, key=lambda one: (not is_edited(one.body), one.id not in answered))
        if comment.author == bot and comment.in_reply_to is None and rule_of(comment.body) is not None
    ]
    steps: list[Step] = []
    for suggestion in wanted:
        place = (suggestion.rule, suggestion.path, suggestion.line)
        found = next((one for one in ours if (rule_of(one.body), one.path, one.line) == place), None)
        if found is None:
            steps.append(Create(suggestion))
            continue
        ours.remove(found)
        if not (is_edited(found.body) or same_text(found.body, suggestion.body)):
            steps.append(Rewrite(found.id, suggestion.body))
    return [*steps, *(step for comment in ours if (step := _out_of_the_way(comment, comment.id in answered)))]


def _out_of_the_way(comment: ReviewComment, answered: bool) -> Step | None:
    if is_edited(comment.body):
        return None
    if not answered:
        return Delete(comment.id)
    body = retracted(comment.body)
    return None if same_text(comment.body, body) else Rewrite(comment.id, body)


def _wanted(client: Client, run: Run, report: Report | None) -> tuple[Suggestion, ...]:
    if report is None or not any(advice.repairs for advice in report.advice):
        return ()
    patches = client.patches(run.repository, run.number)
    return suggestions(report, {path: lines_at_head(patch) for path, patch in patches.items()})


def _do(client: Client, run: Run, step: Step) -> None:
    match step:
        case Create(suggestion):
            place = {"commit_id": run.head, "path": suggestion.path, "line": suggestion.line, "side": "RIGHT"}
            client.create_review_comment(run.repository, run.number, {**place, "body": suggestion.body})
        case Rewrite(comment_id, body):
            client.update_review_comment(run.repository, comment_id, body)
        case Delete(comment_id):
            client.delete_review_comment(run.repository, comment_id)
