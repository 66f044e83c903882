"""Builds by a workflow of the repository: it is dispatched, found again, and followed.

The workflow is that of the branch which the pull request is to get into; the head is only what it checks out. Each
attempt has a name of its own, `Order.correlation`, which the workflow's `run-name` repeats: a run whose id GitHub did
not tell is found by that, among the runs that our own bot dispatched, and never taken for "the newest one".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from config.preview import ActionsSettings
from workers.build import workflow_artifacts
from workers.build.driver import BuildError, Seen, State
from workers.build.order import TAG_PREFIX, Order
from workers.build.workflow_log import told
from workers.github import Client, GitHubError, NotThere, RateLimited, Rejected, Unavailable
from workers.github.failures import Forbidden
from workers.github.workflow_calls import DISPATCHED, WorkflowJob, WorkflowRun

log = structlog.get_logger(__name__)

UNLISTED_SECONDS = 600
"""How long a dispatched run may take to be listed. GitHub does it within seconds."""
FRESH_SECONDS = 60
"""How long a run whose id GitHub told may take to be there."""
LOOK_BACK_SECONDS = 24 * 60 * 60
"""How far back runs are looked through: whoever submits again knows no more when he did it first."""
LOG_BYTES = 256 * 1024
"""How much of the end of a job's log is read to tell why it failed."""
RELEASED_LOG_BYTES = 8 * 1024 * 1024
"""How much of the logs of all jobs together lies beside what was built."""

CANCELLED = "cancelled"
"""GitHub's word for a run that somebody ended."""

_UNLISTED = "?"
_UNKNOWN = "GitHub does not know the workflow run any more"
_CORRELATION = re.compile(rf"{TAG_PREFIX}\d+-[0-9a-f]{{8}}-[0-9a-f]{{16}}")
_NOT_BEGUN = frozenset({"queued", "requested", "waiting", "pending"})
_BAD = frozenset({"failure", "timed_out", "startup_failure", "action_required"})
_STATES: Mapping[str, State] = {
    "success": State.SUCCEEDED,
    CANCELLED: State.CANCELLED,
    "timed_out": State.TIMED_OUT,
    # What has not ended after two weeks.
    "stale": State.TIMED_OUT,
}
_REASONS: Mapping[str, str] = {
    "startup_failure": "GitHub could not start the workflow: its file is not valid, or calls what is not there",
    "action_required": "the workflow run waits for somebody's approval, so it was not run",
    "skipped": "the workflow ran none of its jobs",
}
_INPUTS = "pull_request, sha, target, release_tag and correlation"


@dataclass(frozen=True)
class _Submitted:
    """What an external id tells: which run it is, `None` while GitHub has listed none, and when that was, in epoch
    seconds."""

    run_id: int | None
    at: int

    def __str__(self) -> str:
        return f"{_UNLISTED if self.run_id is None else self.run_id}@{self.at}"

    @classmethod
    def read(cls, external_id: str) -> Self:
        run_id, _, at = external_id.partition("@")
        return cls(None if run_id == _UNLISTED else int(run_id), int(at))


class ActionsDriver:
    """A `Driver`. `bot` is the login that our App acts under, `require` is called while artifacts are loaded and may
    raise."""

    def __init__(
        self,
        client: Client,
        bot: str,
        clock: Callable[[], float] = time.time,
        require: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._bot = bot
        self._clock = clock
        self._require = require

    def submit(self, order: Order) -> str:
        """Dispatches the workflow, unless that was done."""
        at = self._clock()
        try:
            run_id = self._begun(order) or self._dispatch(order) or self._begun(order)
        except (Forbidden, NotThere, Rejected) as error:
            raise BuildError(refusal(order, error)) from error
        return str(_Submitted(run_id, int(at)))

    def poll(self, order: Order, external_id: str) -> Seen:
        """How far the run is; where it failed, which job did and the end of its log."""
        submitted = _Submitted.read(external_id)
        run = self._run(order, submitted)
        if run is not None:
            return self._seen(order, run)
        if self._clock() - submitted.at < (UNLISTED_SECONDS if submitted.run_id is None else FRESH_SECONDS):
            return Seen(State.QUEUED)
        if submitted.run_id is not None:
            return Seen(State.GONE, reason=_UNKNOWN)
        return Seen(
            State.GONE,
            reason=f"GitHub took the request to run {_workflow(order)} and lists no run with {order.correlation} in "
            "its title. The workflow's run-name has to hold the input correlation",
        )

    def cancel(self, order: Order, external_id: str) -> None:
        """Ends the run, and any other that a lost answer had begun for the same attempt."""
        submitted = _Submitted.read(external_id)
        try:
            found = {run.id for run in self._matching(order, submitted.at) if run.status != "completed"}
        except NotThere:  # the workflow itself
            found = set()
        for run_id in sorted(found if submitted.run_id is None else found | {submitted.run_id}):
            try:
                self._client.workflows.cancel(order.repository, run_id)
            except (NotThere, Rejected):
                log.info("a workflow run is over already", repository=order.repository, run=run_id)

    def artifacts(self, order: Order, external_id: str, directory: Path) -> None:
        """What the run uploaded, taken out of GitHub's zips; where that is nothing, the release that it made."""
        run = self._run(order, _Submitted.read(external_id))
        if run is None:
            raise BuildError(_UNKNOWN, State.GONE)
        workflow_artifacts.fetch(self._client, order, run.id, directory, self._require)

    def log(self, order: Order, external_id: str, file: Path) -> None:
        """The logs of the run's jobs, of each the end."""
        run = self._run(order, _Submitted.read(external_id))
        jobs = list(self._client.workflows.jobs(order.repository, run.id)) if run is not None else []
        for job in jobs:
            self._require()
            try:
                said = self._client.workflows.job_log(order.repository, job.id, RELEASED_LOG_BYTES // len(jobs))
            except NotThere:  # it was skipped, or its log was removed
                continue
            with file.open("a", encoding="utf-8", errors="replace") as log_file:
                log_file.write(f"Job {job.name}\n{said}\n")

    def _dispatch(self, order: Order) -> int | None:
        """The run's id, where GitHub tells it."""

        def ask(*, details: bool) -> int | None:
            workflow, inputs = _settings(order).workflow, inputs_of(order)
            return self._client.workflows.dispatch(order.repository, workflow, order.ref, inputs, details=details)

        try:
            try:
                return ask(details=True)
            except Rejected:
                # It did nothing. An older GitHub refuses what it does not know, and the words differ by its version.
                return ask(details=False)
        except Unavailable:
            if (run_id := self._begun(order)) is not None:
                return run_id
            raise

    def _begun(self, order: Order) -> int | None:
        """The run of this attempt. One that was cancelled is none: its head was pushed away, and is back."""
        run = followed(self._matching(order, self._clock()))
        return run.id if run is not None and run.conclusion != CANCELLED else None

    def _matching(self, order: Order, at: float) -> list[WorkflowRun]:
        """The runs of this attempt: one, or more where an answer was lost and the run was listed late."""
        since = at - LOOK_BACK_SECONDS
        runs = self._client.workflows.runs(order.repository, _settings(order).workflow, DISPATCHED, since)
        return [run for run in runs if _is_ours(run, order, self._bot)]

    def _run(self, order: Order, submitted: _Submitted) -> WorkflowRun | None:
        try:
            if submitted.run_id is not None:
                return self._client.workflows.run(order.repository, submitted.run_id)
            return followed(self._matching(order, submitted.at))
        except NotThere:
            return None

    def _seen(self, order: Order, run: WorkflowRun) -> Seen:
        state = state_of(run.status, run.conclusion)
        if state is not State.FAILED:
            return Seen(state, run.url)
        bad: list[WorkflowJob] = []
        text = ""
        try:
            bad = [job for job in self._client.workflows.jobs(order.repository, run.id) if job.conclusion in _BAD]
            if bad:
                text = self._client.workflows.job_log(order.repository, bad[0].id, LOG_BYTES)
        except RateLimited:
            raise
        except GitHubError as error:
            # Without its log the build is over all the same.
            log.info("the log of a failed job is not to be had", run=run.id, error=str(error))
        return Seen(state, run.url, why_failed(run.conclusion, bad), told(text))


def inputs_of(order: Order) -> dict[str, str]:
    """What a workflow is told."""
    return {
        "pull_request": str(order.number),
        "sha": order.head,
        "target": order.settings.target,
        "release_tag": order.tag,
        "correlation": order.correlation,
    }


def followed(runs: Iterable[WorkflowRun]) -> WorkflowRun | None:
    """Of the runs of one attempt: the first that was not cancelled, else the first."""
    return min(runs, key=lambda run: (run.conclusion == CANCELLED, run.id), default=None)


def state_of(status: str, conclusion: str) -> State:
    """What GitHub's words for a run come to. What is over and no success, was not built."""
    if status == "completed":
        return _STATES.get(conclusion, State.FAILED)
    return State.QUEUED if status in _NOT_BEGUN else State.RUNNING


def why_failed(conclusion: str, bad: Sequence[WorkflowJob]) -> str:
    """For people, from a run's conclusion and its jobs that did not succeed."""
    if conclusion in _REASONS:
        return _REASONS[conclusion]
    if not bad:
        return f"the workflow run ended as {conclusion or 'nothing that GitHub has a word for'}"
    job = bad[0]
    step = next((name for name, ended in job.steps if ended in _BAD), None)
    others = f", and {len(bad) - 1} more of its jobs" if len(bad) > 1 else ""
    at = f" at its step {step}" if step else ""
    return f"the workflow's job {job.name} failed{at}{others}"


def refusal(order: Order, error: GitHubError) -> str:
    """For people: why GitHub will not dispatch a workflow, and what is to be mended."""
    workflow = _workflow(order)
    said = str(error).partition(": ")[2]
    if isinstance(error, Forbidden):
        return (
            f"GitHub did not let pagewarden run {workflow}. Its App needs the permission Actions, read and write, and "
            f"whoever installed it has to accept that. GitHub said: {said}"
        )
    if isinstance(error, NotThere):
        return (
            f"GitHub knows no workflow {workflow} in {order.repository}. The file has to be on the default branch, and "
            f"on {order.ref}. GitHub said: {said}"
        )
    return (
        f"GitHub did not run {workflow} at {order.ref}. There the workflow has to begin on workflow_dispatch, to take "
        f"the inputs {_INPUTS}, and to require no others. GitHub said: {said}"
    )


def correlation_in(title: str) -> str | None:
    """The name of the attempt that the title of a run tells."""
    found = _CORRELATION.search(title)
    return found[0] if found else None


def _is_ours(run: WorkflowRun, order: Order, bot: str) -> bool:
    return run.event == DISPATCHED and run.actor == bot and correlation_in(run.title) == order.correlation


def _settings(order: Order) -> ActionsSettings:
    assert order.settings.actions is not None, "ordered from a driver that the settings do not name"
    return order.settings.actions


def _workflow(order: Order) -> str:
    return f".github/workflows/{_settings(order).workflow}"
