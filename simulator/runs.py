"""Workflow runs: begun, started, finished, cancelled and removed, each told by `workflow_run`; and their artifacts."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO

from simulator import events
from simulator.files import PIECE, Stored
from simulator.records import Account, Repository
from simulator.rest import World
from simulator.run_records import Artifact, Job, Step, Workflow, WorkflowRun
from simulator.workflow_files import PlannedJob, WorkflowFile

ARTIFACT_LIFETIME = timedelta(days=90)
# With these a run ends before there is a job.
WITHOUT_JOBS = {"action_required", "startup_failure"}
NOT_IN_NAMES = set('":<>|*?\r\n\\/')
CONCLUSIONS = {"cancelled", "failure", "neutral", "skipped", "stale", "success", "timed_out"} | WITHOUT_JOBS
Contents = bytes | Path | Mapping[str, bytes | Path]
"""Of an artifact: a zip archive, or the files for one by their names."""


def begin(
    world: World,
    repository: Repository,
    workflow: Workflow,
    file: WorkflowFile,
    title: str,
    ref: str,
    sha: str,
    inputs: Mapping[str, str],
    actor: Account,
) -> WorkflowRun:
    """A new run, waiting for a machine, of a workflow whose file is that at `sha`."""
    state, now = world.state, world.state.now()
    with state.lock:
        run = WorkflowRun(
            id=state.next_id("run"),
            number=1 + sum(one.workflow_id == workflow.id for one in state.runs_of(repository)),
            repository=repository.full_name,
            path=workflow.path,
            workflow_id=workflow.id,
            suite_id=state.next_id("suite"),
            name=file.name,
            title=title,
            actor=actor,
            head_branch=ref,
            head_sha=sha,
            inputs=inputs,
            created_at=now,
            updated_at=now,
            listed=not world.switches.hidden_runs,
        )
        state.runs[run.id] = run
        for planned in file.jobs:
            job = _new_job(state.next_id("job"), run, planned)
            state.jobs[job.id] = job
    if run.listed:
        _tell(world, run, "requested")
    return run


def show(world: World, run: WorkflowRun) -> WorkflowRun:
    """Let a run be listed that was hidden so far."""
    if run.listed:
        return run
    shown = _put(world, run, listed=True)
    _tell(world, shown, "requested")
    return shown


def start(world: World, run: WorkflowRun) -> WorkflowRun:
    """A machine has taken the run's jobs."""
    if run.status != "queued":
        raise ValueError(f"run {run.id} is {run.status} already")
    now = world.state.now()
    run = _put(world, show(world, run), status="in_progress")
    for job in world.state.jobs_of(run):
        _put_job(world, replace(job, status="in_progress", started_at=now))
    _tell(world, run, "in_progress")
    return run


def finish(
    world: World,
    run: WorkflowRun,
    conclusion: str,
    log: str | Mapping[str, str] = "",
    jobs: Mapping[str, str] | None = None,
    failed_step: str | None = None,
    by: Account | None = None,
) -> WorkflowRun:
    """The run's end. `jobs` are the conclusions of jobs by name, where they are not those that follow from the run's.

    `log` is that of the job that decided, or of each job by its name; `failed_step` is where a job ended, or its last.
    `by` is who ended it, where that was not its own end.
    """
    if run.status == "completed":
        raise ValueError(f"run {run.id} is completed already")
    if conclusion not in CONCLUSIONS:
        raise ValueError(f"{conclusion!r} is none of {', '.join(sorted(CONCLUSIONS))}")
    if run.status == "queued" and conclusion not in WITHOUT_JOBS | {"cancelled"}:
        run = start(world, run)
    ended = _conclusions(world.state.jobs_of(run), conclusion, jobs or {})
    decided = next((name for name, one in ended.items() if one == conclusion), "")
    logs = {decided: log} if isinstance(log, str) else log
    for job in world.state.jobs_of(run):
        if conclusion in WITHOUT_JOBS:
            world.state.jobs.pop(job.id)
        else:
            _end_job(world, job, ended[job.name], logs.get(job.name, ""), failed_step)
    run = _put(world, show(world, run), status="completed", conclusion=conclusion)
    _tell(world, run, "completed", by)
    return run


def remove(world: World, run: WorkflowRun) -> None:
    """Delete a run with its jobs, logs and artifacts."""
    state = world.state
    with state.lock:
        for artifact in state.artifacts_of(run):
            del state.artifacts[artifact.id]
            artifact.stored.discard()
        for job in state.jobs_of(run):
            del state.jobs[job.id]
            if job.log:
                job.log.discard()
        state.runs.pop(run.id, None)


def upload(world: World, run: WorkflowRun, name: str, contents: Contents) -> Artifact:
    """An artifact of a run. Raises `ValueError` for a name that it has used, or that GitHub does not allow."""
    state, now = world.state, world.state.now()
    if not name or set(name) & NOT_IN_NAMES:
        raise ValueError(f"{name!r} is no name for an artifact")
    if any(one.name == name for one in state.artifacts_of(run)):
        raise ValueError(f"run {run.id} has an artifact {name} already")
    stored = world.files.put(contents) if isinstance(contents, bytes | Path) else _zipped(world, contents)
    made = Artifact(state.next_id("artifact"), run.id, name, stored, now, now + ARTIFACT_LIFETIME)
    with state.lock:
        state.artifacts[made.id] = made
    return made


def expire(world: World, run: WorkflowRun) -> None:
    """Let the time of a run's artifacts be over."""
    with world.state.lock:
        for one in world.state.artifacts_of(run):
            world.state.artifacts[one.id] = replace(one, expires_at=world.state.now())


def _new_job(number: int, run: WorkflowRun, planned: PlannedJob) -> Job:
    steps = tuple(Step(name) for name in ("Set up job", *planned.steps, "Complete job"))
    return Job(number, run.id, planned.name, planned.labels, steps, run.created_at, run.created_at)


def _conclusions(jobs: list[Job], conclusion: str, said: Mapping[str, str]) -> dict[str, str]:
    """How each job ended, by its name: when one has failed those after it are skipped."""
    after = {"success": "success", "cancelled": "cancelled"}.get(conclusion, "skipped")
    usual = {job.name: conclusion if number == 0 else after for number, job in enumerate(jobs)}
    if unknown := set(said) - set(usual):
        raise ValueError(f"the workflow has no job {', '.join(sorted(unknown))}")
    return {**usual, **said}


def _end_job(world: World, job: Job, conclusion: str, log: str, failed_step: str | None) -> None:
    now = world.state.now()
    ended = replace(job, status="completed", conclusion=conclusion, completed_at=now)
    ended = replace(ended, steps=_end_steps(job.steps, conclusion, failed_step))
    if conclusion != "skipped":
        ended = replace(ended, log=world.files.put(_log(log, now)))
    _put_job(world, ended)


def _end_steps(steps: tuple[Step, ...], conclusion: str, failed_step: str | None) -> tuple[Step, ...]:
    """The step that decides ends as the job does, by default the last of the file; what follows it is skipped."""
    names = [step.name for step in steps]
    at = names.index(failed_step) if failed_step in names else max(0, len(steps) - 2)
    if conclusion == "success":
        return tuple(replace(step, conclusion="success") for step in steps)
    ends = ["success"] * at + [conclusion] + ["skipped"] * (len(steps) - at - 2) + ["success"]
    return tuple(replace(step, conclusion=end) for step, end in zip(steps, ends, strict=False))


def _log(text: str, now: datetime) -> bytes:
    """A log as GitHub hands it out: with a byte order mark, and the time before each line."""
    lines = (f"{now:%Y-%m-%dT%H:%M:%S.%f}0Z {line}" for line in text.splitlines())
    return ("\ufeff" + "\n".join(lines) + "\n").encode()


def _zipped(world: World, files: Mapping[str, bytes | Path]) -> Stored:
    """A zip archive of these files."""
    with tempfile.TemporaryFile() as made:
        _zip(made, files)
        made.seek(0)
        return world.files.keep(made)


def _zip(made: IO[bytes], files: Mapping[str, bytes | Path]) -> None:
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            with (
                io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as source,
                archive.open(name, "w", force_zip64=True) as target,
            ):
                shutil.copyfileobj(source, target, PIECE)


def _put(world: World, run: WorkflowRun, **fields: object) -> WorkflowRun:
    changed: WorkflowRun = replace(run, updated_at=world.state.now(), **fields)  # type: ignore[arg-type]
    with world.state.lock:
        world.state.runs[run.id] = changed
    return changed


def _put_job(world: World, job: Job) -> None:
    with world.state.lock:
        world.state.jobs[job.id] = job


def _tell(world: World, run: WorkflowRun, action: str, by: Account | None = None) -> None:
    """Send `workflow_run`, of the doing of who dispatched the run unless it is somebody else's."""
    repository = world.state.repository(run.repository)
    assert repository is not None, f"{run.repository} was deleted"
    payload = partial(events.workflow_run, world.links, run, repository, world.state)
    world.sender.tell(repository, "workflow_run", action, by or run.actor, payload)
