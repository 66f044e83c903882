"""The one comment on a pull request: made where there is something to say, edited from then on.

Whoever calls holds the lock of the pull request.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import structlog

from workers.github import Client, Comment, NotThere, PullRequest, Rejected, same_text
from workers.github.failures import Forbidden
from workers.report.comment import Beside, comment, is_ours
from workers.report.context import Judged
from workers.runs import Run
from workers.shown import KeptComment
from workers.store import Record
from workers.tools import Tools

log = structlog.get_logger(__name__)


def show_comment(
    tools: Tools,
    client: Client,
    record: Record,
    judged: tuple[Judged, ...],
    beside: Beside,
    pull: PullRequest,
    *,
    may_create: bool,
) -> None:
    """Makes the comment say what is known of a run; a new one only where that is worth it."""
    body = comment(judged, tools.context(record), beside)
    _write(tools, client, record.run, body, pull, may_create=may_create)


def strike(tools: Tools, client: Client, run: Run) -> None:
    """Strikes what our comment says of another run than this one, which has nothing to say yet."""
    kept = tools.shown.comment(run.place)
    if run.number is None or kept is None or not kept.id or kept.run_id in {"", run.id}:
        return
    record = tools.store.record(kept.run_id)
    if record is None:
        return
    judged = tools.ruling(kept.run_id).judged(tools.store.reports(kept.run_id))
    context = replace(tools.context(record), superseded_by=run.head)
    if judged:
        _write(tools, client, record.run, comment(judged, context, Beside()), None, may_create=False)


def _write(tools: Tools, client: Client, run: Run, body: str, pull: PullRequest | None, *, may_create: bool) -> None:
    digest = hashlib.sha256(body.encode()).hexdigest()
    kept = tools.shown.comment(run.place)
    if kept is not None and kept.digest == digest:
        tools.shown.keep_comment(run.place, replace(kept, run_id=run.id))
        return
    try:
        written = _written(tools, client, run, body, pull, may_create=may_create)
    except (NotThere, Rejected, Forbidden) as error:
        # A locked conversation, for one. The check has said it all.
        log.warning("could not comment", run=run.id, error=str(error))
        return
    if written is not None:
        tools.shown.keep_comment(run.place, KeptComment(written, run.id, digest))


def _written(
    tools: Tools, client: Client, run: Run, body: str, pull: PullRequest | None, *, may_create: bool
) -> int | None:
    """The id of the comment that has this body now, `None` where there is none."""
    assert run.number is not None
    kept = tools.shown.comment(run.place)
    if kept is not None and kept.id:
        tools.shown.keep_comment(run.place, replace(kept, digest=""))
        try:
            return client.update_comment(run.repository, kept.id, body).id
        except NotThere:  # somebody deleted it
            tools.shown.keep_comment(run.place, None)
    is_known_missing = kept is not None and not kept.id
    found = None if is_known_missing or not (pull is None or pull.comments) else _find(client, run)
    if found is None and not may_create:
        tools.shown.keep_comment(run.place, KeptComment(0))
        return None
    if found is None:
        # Should the answer be lost, the comment may be there all the same.
        tools.shown.keep_comment(run.place, None)
        return client.create_comment(run.repository, run.number, body).id
    if not same_text(found.body, body):
        client.update_comment(run.repository, found.id, body)
    return found.id


def _find(client: Client, run: Run) -> Comment | None:
    assert run.number is not None
    ours = (
        shown
        for shown in client.comments(run.repository, run.number)
        if shown.app_id == client.app_id and is_ours(shown.body)
    )
    return next(ours, None)
