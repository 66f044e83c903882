"""What the simulated GitHub knows of Actions: frozen records, as those in `simulator.records`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from simulator.files import Stored
from simulator.records import Account

FOLDER = ".github/workflows"


@dataclass(frozen=True)
class Workflow:
    """A workflow of a repository; `path` leads to its file."""

    id: int
    repository: str
    path: str
    created_at: datetime

    @property
    def file(self) -> str:
        """The name of its file."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class WorkflowRun:
    """A run of a workflow, by a dispatch. `name` is the workflow's, `title` what its `run-name` says.

    `head_branch` is the branch or tag that it was dispatched at. One that is not `listed` yet is shown to nobody.
    """

    id: int
    number: int
    repository: str
    path: str
    workflow_id: int
    suite_id: int
    name: str
    title: str
    actor: Account
    head_branch: str
    head_sha: str
    inputs: Mapping[str, str]
    created_at: datetime
    updated_at: datetime
    status: str = "queued"
    conclusion: str | None = None
    listed: bool = True


@dataclass(frozen=True)
class Step:
    """A step of a job."""

    name: str
    conclusion: str | None = None


@dataclass(frozen=True)
class Job:
    """A job of a workflow run; its `log` is there once it is completed. `labels` name the machine that it is for."""

    id: int
    run_id: int
    name: str
    labels: tuple[str, ...]
    steps: tuple[Step, ...]
    created_at: datetime
    started_at: datetime
    completed_at: datetime | None = None
    status: str = "queued"
    conclusion: str | None = None
    log: Stored | None = None


@dataclass(frozen=True)
class Artifact:
    """What a run has uploaded: a zip archive."""

    id: int
    run_id: int
    name: str
    stored: Stored
    created_at: datetime
    expires_at: datetime
