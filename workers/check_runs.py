"""Check runs on GitHub: which one stands for a run, and what to change so that it shows what it should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workers.github import CheckRun, Client, NotThere, same_text
from workers.report.context import Annotation, CheckOutput
from workers.runs import Run, batches

ANNOTATIONS_A_CALL = 50
"""GitHub silently drops what is above this."""


@dataclass(frozen=True)
class CheckOf:
    """One of the checks of a run. `check_id` is that of the check run which stands for it, as far as is known.

    `details_url` is where GitHub leads who wants to know more.
    """

    run: Run
    name: str
    check_id: int | None
    details_url: str | None = None


def find_check(client: Client, check: CheckOf) -> CheckRun | None:
    """The check run that stands for a run's check, `None` where there is none (any more)."""
    run = check.run
    if check.check_id is not None:
        try:
            return client.check_run(run.repository, check.check_id)
        except NotThere:
            pass
    # A cancelled one belongs to a life of this run that has ended: the head was pushed away and came back. So does a
    # concluded one that is not the newest: with another base in between, another run had its say about this head.
    ours = [
        shown
        for shown in client.check_runs(run.repository, run.head, check.name)
        if shown.app_id == client.app_id and shown.conclusion != "cancelled"
    ]
    newest = max((shown.id for shown in ours), default=0)
    found = [
        shown for shown in ours if shown.external_id == run.id and (shown.conclusion is None or shown.id == newest)
    ]
    return max(found, key=lambda shown: shown.id, default=None)


def create_check(client: Client, check: CheckOf, output: CheckOutput) -> CheckRun:
    """A new check run that shows `output`, but for its annotations."""
    fields = {"name": check.name, "head_sha": check.run.head, "external_id": check.run.id}
    if check.details_url is not None:
        fields["details_url"] = check.details_url
    return client.create_check_run(check.run.repository, {**fields, **_fields(output)})


def conclude(client: Client, run: Run, shown: CheckRun, wanted: CheckOutput) -> None:
    """Makes a check run what it should be."""
    for fields in changes(shown, wanted):
        client.update_check_run(run.repository, shown.id, fields)


def changes(shown: CheckRun, wanted: CheckOutput) -> list[dict[str, Any]]:
    """The updates that make a check run what it should be, none when it is.

    GitHub adds annotations to those that are there. They are sent in one order, so their number tells which are
    there. The conclusion comes last: until then the check is seen to be under way and is taken up again. One that is
    there already is not sent again: GitHub would tell everybody anew, and count the time until now.
    """
    left = batches(len(wanted.annotations), shown.annotations, ANNOTATIONS_A_CALL)
    if not left and _same(shown, wanted):
        return []
    updates = [_fields(wanted, wanted.annotations[part]) for part in left] or [_fields(wanted)]
    for update in updates if shown.conclusion == wanted.conclusion else updates[:-1]:
        update.pop("status", None)
        update.pop("conclusion", None)
    return updates


def _same(shown: CheckRun, wanted: CheckOutput) -> bool:
    texts = ((shown.title, wanted.title), (shown.summary, wanted.summary), (shown.text, wanted.text))
    return shown.conclusion == wanted.conclusion and all(same_text(one, other) for one, other in texts)


def _fields(wanted: CheckOutput, annotations: tuple[Annotation, ...] = ()) -> dict[str, Any]:
    output: dict[str, Any] = {"title": wanted.title, "summary": wanted.summary}
    if wanted.text is not None:
        output["text"] = wanted.text
    if annotations:
        output["annotations"] = [_annotation(annotation) for annotation in annotations]
    if wanted.conclusion is None:
        return {"status": "in_progress", "output": output}
    return {"status": "completed", "conclusion": wanted.conclusion, "output": output}


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.line,
        "annotation_level": annotation.level,
        "title": annotation.title,
        "message": annotation.message,
    }
