"""Suggestions on GitHub: repairs as comments on the lines that they change, wherever the diff shows those.

What GitHub shows is compared with what is wanted, and only the difference is written, so this may be repeated at any
time. GitHub does not tell which App wrote a comment on a line; ours are known by our bot's name and the marker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from checker.report import Report
from workers.diff import lines_at_head
from workers.github import Client, NotThere, PullRequest, Rejected, ReviewComment, same_text
from workers.github.failures import Forbidden
from workers.report.suggestion import MOST, Suggestion, is_edited, retracted, rule_of, suggestions
from workers.runs import Run

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Create:
    """A comment that is missing."""

    suggestion: Suggestion


@dataclass(frozen=True)
class Review:
    """Several comments that are missing: they come at once, and people are told once."""

    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True)
class Rewrite:
    """A comment that says something else."""

    comment_id: int
    body: str


@dataclass(frozen=True)
class Delete:
    """A comment that nobody needs."""

    comment_id: int


Step = Create | Review | Rewrite | Delete


def show_suggestions(client: Client, run: Run, pull: PullRequest, bot: str | None, reports: Sequence[Report]) -> None:
    """Makes GitHub show what reports suggest, and nothing else. `bot` is the login we comment under.

    What GitHub refuses is left out: the comment has it all. Raises `GitHubError` where it does not answer.
    """
    if bot is None:
        return
    try:
        steps = _steps(client, run, pull, bot, reports)
    except (NotThere, Rejected, Forbidden) as error:
        log.warning("what is suggested could not be read", run=run.id, error=str(error))
        return
    for step in steps:
        _do_or_leave(client, run, pull.number, step)


def _do_or_leave(client: Client, run: Run, number: int, step: Step) -> None:
    try:
        _do(client, run, number, step)
    except (NotThere, Rejected, Forbidden) as error:
        # A locked conversation, or a push that took the line out of the diff.
        log.warning("a suggestion was refused", run=run.id, error=str(error))
        if isinstance(step, Review) and isinstance(error, Rejected):
            # One line that is not in the diff costs only its own comment.
            for suggestion in step.suggestions:
                _do_or_leave(client, run, number, Create(suggestion))


def _steps(client: Client, run: Run, pull: PullRequest, bot: str, reports: Sequence[Report]) -> list[Step]:
    wanted = _wanted(client, run, pull, reports)
    shown = client.review_comments(run.repository, pull.number) if pull.review_comments else []
    return plan(wanted, shown, bot)


def plan(wanted: Sequence[Suggestion], shown: Sequence[ReviewComment], bot: str) -> list[Step]:
    """What is to be done so that exactly the wanted suggestions are shown.

    New ones come first, together. A comment that is not needed any more is deleted, but where somebody replied it says
    so instead. One that a person edited is theirs: it stays as it is, and counts as the suggestion for its rule and
    place.
    """
    answered = {comment.in_reply_to for comment in shown}
    ours = [
        comment
        for comment in sorted(shown, key=lambda one: (not is_edited(one.body), one.id not in answered))
        if comment.author == bot and comment.in_reply_to is None and rule_of(comment.body) is not None
    ]
    missing: list[Suggestion] = []
    steps: list[Step] = []
    for suggestion in wanted:
        place = (suggestion.rule, suggestion.path, suggestion.line)
        found = next((one for one in ours if (rule_of(one.body), one.path, one.line) == place), None)
        if found is None:
            missing.append(suggestion)
            continue
        ours.remove(found)
        if not (is_edited(found.body) or same_text(found.body, suggestion.body)):
            steps.append(Rewrite(found.id, suggestion.body))
    steps += [step for comment in ours if (step := _out_of_the_way(comment, comment.id in answered))]
    return [*_new(missing), *steps]


def _new(missing: Sequence[Suggestion]) -> list[Step]:
    return [Review(tuple(missing))] if len(missing) > 1 else [Create(suggestion) for suggestion in missing]


def _out_of_the_way(comment: ReviewComment, answered: bool) -> Step | None:
    if is_edited(comment.body):
        return None
    if not answered:
        return Delete(comment.id)
    body = retracted(comment.body)
    return None if same_text(comment.body, body) else Rewrite(comment.id, body)


def _wanted(client: Client, run: Run, pull: PullRequest, reports: Sequence[Report]) -> list[Suggestion]:
    """What the reports suggest; what one has is left out as a whole where it would be too much."""
    repairable = [report for report in reports if any(advice.repairs for advice in report.advice)]
    if not repairable:
        return []
    patches = client.patches(run.repository, pull.number)
    shown = {path: lines_at_head(patch) for path, patch in patches.items()}
    wanted: list[Suggestion] = []
    for report in repairable:
        its = suggestions(report, shown)
        wanted += its if len(wanted) + len(its) <= MOST else ()
    return wanted


def _do(client: Client, run: Run, number: int, step: Step) -> None:
    match step:
        case Create(suggestion):
            fields = {"commit_id": run.head, **_comment(suggestion)}
            client.create_review_comment(run.repository, number, fields)
        case Review(several):
            client.create_review(run.repository, number, run.head, [_comment(suggestion) for suggestion in several])
        case Rewrite(comment_id, body):
            client.update_review_comment(run.repository, comment_id, body)
        case Delete(comment_id):
            client.delete_review_comment(run.repository, comment_id)


def _comment(suggestion: Suggestion) -> dict[str, Any]:
    """A comment on a line at head, in GitHub's words."""
    return {"path": suggestion.path, "line": suggestion.line, "side": "RIGHT", "body": suggestion.body}
