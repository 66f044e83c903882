"""Check runs on GitHub: which one stands for a run, and what to change so that it shows what it should.

Where an App may not write checks, a commit status of the same name stands for one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import structlog

from workers.github import CheckRun, Client, same_text
from workers.github.failures import Forbidden
from workers.report import status
from workers.report.context import Annotation, CheckOutput
from workers.runs import Run, batches
from workers.shown import Shown

ANNOTATIONS_A_CALL = 50
"""GitHub silently drops what is above this."""
A_STATUS = 0
"""The id of what is no check run but a commit status."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class CheckOf:
    """One of the checks of an attempt at a run. `details_url` is where GitHub leads who wants to know more, `link`
    where a commit status does."""

    run: Run
    name: str
    attempt: int = 1
    details_url: str | None = None
    link: str = ""

    @property
    def external_id(self) -> str:
        """What GitHub knows it by; `run_of` reads it."""
        return self.run.id if self.attempt == 1 else f"{self.run.id}~{self.attempt}"

    @property
    def key(self) -> str:
        """What it is kept under."""
        return f"{self.name}:{self.external_id}"


def run_of(external_id: str) -> str:
    """The id of the run that a check run of ours stands for. No branch, and so no run, has a `~` in its name."""
    return external_id.partition("~")[0]


@dataclass(frozen=True)
class Checks:
    """Writes checks. `remembered`: what there is of ours is known here, and GitHub need not be asked for more."""

    client: Client
    shown: Shown
    remembered: bool = False

    def show(self, check: CheckOf, wanted: CheckOutput) -> CheckRun:
        """Makes GitHub show this, on the check run that stands for the check, or on a new one. Raises `GitHubError`."""
        found = self.find(check)
        if found is None:
            found = self._create(check, wanted)
        if found.id == A_STATUS:
            return self._show_status(check, found, wanted)
        for fields in changes(found, wanted):
            self.shown.unsure_of_check(check.key)
            found = self.client.update_check_run(check.run.repository, found.id, fields)
            self.shown.keep_check(check.key, found)
        return found

    def end(self, check: CheckOf, wanted: CheckOutput) -> None:
        """Concludes a check that is under way; one that is concluded or gone is left as it is. Raises `GitHubError`."""
        found = self.find(check)
        if found is not None and found.conclusion is None:
            self.show(check, wanted)

    def find(self, check: CheckOf) -> CheckRun | None:
        """The check run that stands for a check, `None` where there is none (any more)."""
        kept = self.shown.check(check.key)
        if kept is not None:
            return kept
        if not self.shown.may_check(check.run.repository) or (
            self.remembered and not self.shown.is_check_begun(check.key)
        ):
            return None
        found = self._look_up(check)
        if found is not None:
            self.shown.keep_check(check.key, found)
        return found

    def forget(self, check: CheckOf) -> None:
        """Another run had its say about the same commit: which check run stands for this one is yet to be found."""
        self.shown.unsure_of_check(check.key)

    def _look_up(self, check: CheckOf) -> CheckRun | None:
        # A cancelled one belongs to a life of this run that has ended: the head was pushed away and came back. So does
        # a concluded one that is not the newest: with another base in between, another run had its say about this head.
        try:
            every = self.client.check_runs(check.run.repository, check.run.head, check.name)
        except Forbidden:
            return None
        ours = [shown for shown in every if shown.app_id == self.client.app_id and shown.conclusion != "cancelled"]
        newest = max((shown.id for shown in ours), default=0)
        found = [
            shown
            for shown in ours
            if shown.external_id == check.external_id and (shown.conclusion is None or shown.id == newest)
        ]
        return max(found, key=lambda shown: shown.id, default=None)

    def _create(self, check: CheckOf, wanted: CheckOutput) -> CheckRun:
        """A new check run that shows `wanted`, but for the annotations that do not go into one call."""
        if not self.shown.may_check(check.run.repository):
            return replace(_NOTHING, id=A_STATUS)
        first = changes(_NOTHING, wanted)[0] if wanted.annotations else _fields(wanted)
        fields = {"name": check.name, "head_sha": check.run.head, "external_id": check.external_id, **first}
        if check.details_url is not None:
            fields["details_url"] = check.details_url
        self.shown.unsure_of_check(check.key)
        try:
            made = self.client.create_check_run(check.run.repository, fields)
        except Forbidden as refused:
            log.info("no checks there, a commit status instead", run=check.run.id, error=str(refused))
            self.shown.forbid_checks(check.run.repository)
            return replace(_NOTHING, id=A_STATUS)
        self.shown.keep_check(check.key, made)
        return made

    def _show_status(self, check: CheckOf, found: CheckRun, wanted: CheckOutput) -> CheckRun:
        state, description = status.described(wanted)
        told = replace(found, conclusion=wanted.conclusion, title=wanted.title, summary=state)
        if told == found:
            return found
        fields: dict[str, Any] = {"state": state, "context": check.name, "description": description}
        if link := check.details_url or check.link:
            fields["target_url"] = link
        self.client.create_status(check.run.repository, check.run.head, fields)
        self.shown.keep_check(check.key, told)
        return told


_NOTHING = CheckRun(-1, None, None, None, None, None, None, 0)


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
        update.pop("conclusion", None)
        update.pop("status", None)
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
    fields: dict[str, Any] = {"output": output}
    if wanted.actions:
        fields["actions"] = [vars(action) for action in wanted.actions]
    if wanted.conclusion is None:
        return {"status": "in_progress", **fields}
    return {"status": "completed", "conclusion": wanted.conclusion, **fields}


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.line,
        "annotation_level": annotation.level,
        "title": annotation.title,
        "message": annotation.message,
    }
