"""The calls about workflows of GitHub Actions and their runs, each one request (or one per page)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from workers.github.streams import Streams
from workers.github.transport import Transport

DISPATCHED = "workflow_dispatch"
"""The event of runs that somebody asked for."""
JSON = "application/vnd.github+json"


@dataclass(frozen=True)
class WorkflowRun:
    """A run of a workflow. `status` and `conclusion` are GitHub's words, "" for none; `title` is what its `run-name`
    came to, `url` its page, `actor` the login of whoever had it run, "" for a deleted account."""

    id: int
    status: str
    conclusion: str
    url: str
    title: str
    event: str
    actor: str

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        return cls(
            id=answer["id"],
            status=answer["status"] or "",
            conclusion=answer["conclusion"] or "",
            url=answer["html_url"],
            title=answer["display_title"],
            event=answer["event"],
            actor=(answer.get("actor") or {}).get("login", ""),
        )


@dataclass(frozen=True)
class WorkflowArtifact:
    """What a run uploaded: a zip of `size` bytes. `sha256` is in hexadecimal, "" where GitHub does not tell."""

    id: int
    name: str
    size: int
    expired: bool
    sha256: str

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        algorithm, _, digest = (answer.get("digest") or "").partition(":")
        return cls(
            id=answer["id"],
            name=answer["name"],
            size=answer["size_in_bytes"],
            expired=answer["expired"],
            sha256=digest if algorithm == "sha256" else "",
        )


@dataclass(frozen=True)
class WorkflowJob:
    """A job of a run. `conclusion` is GitHub's word, "" for none; `steps` are its steps' names and conclusions."""

    id: int
    name: str
    conclusion: str
    steps: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        steps = ((step["name"], step["conclusion"] or "") for step in answer.get("steps") or ())
        return cls(answer["id"], answer["name"], answer["conclusion"] or "", tuple(steps))


class WorkflowCalls:
    """Workflows as one installation of the App sees them. Every method raises `GitHubError`."""

    def __init__(self, transport: Transport, streams: Streams) -> None:
        self._transport = transport
        self._streams = streams

    def dispatch(
        self, repository: str, workflow: str, ref: str, inputs: Mapping[str, str], *, details: bool
    ) -> int | None:
        """Has a workflow run, as its file is at `ref`. The run's id, where `details` are asked for and GitHub tells.

        After `Unavailable` it may run all the same: look before repeating.
        """
        body: dict[str, Any] = {"ref": ref, "inputs": dict(inputs)}
        if details:
            body["return_run_details"] = True
        answer, _ = self._transport.call("POST", f"{_of(repository, workflow)}/dispatches", body=body)
        return int(answer["workflow_run_id"]) if answer else None

    def runs(self, repository: str, workflow: str, event: str, since: float) -> Iterator[WorkflowRun]:
        """Runs of a workflow because of an event, the newest first, that began at `since` (epoch seconds) or later."""
        asked = {"event": event, "created": f">={datetime.fromtimestamp(since, UTC):%Y-%m-%dT%H:%M:%SZ}"}
        pages = self._transport.pages(f"{_of(repository, workflow)}/runs", asked, "workflow_runs")
        return (WorkflowRun.read(answer) for answer in pages)

    def run(self, repository: str, run_id: int) -> WorkflowRun:
        """A run as it is now."""
        return WorkflowRun.read(self._transport.call("GET", f"/repos/{repository}/actions/runs/{run_id}")[0])

    def cancel(self, repository: str, run_id: int) -> None:
        """Ends a run. `Rejected` says that it is over already."""
        self._transport.call("POST", f"/repos/{repository}/actions/runs/{run_id}/cancel")

    def artifacts(self, repository: str, run_id: int) -> Iterator[WorkflowArtifact]:
        """What a run uploaded, in each of its attempts."""
        pages = self._transport.pages(f"/repos/{repository}/actions/runs/{run_id}/artifacts", {}, "artifacts")
        return (WorkflowArtifact.read(answer) for answer in pages)

    def download_artifact(
        self,
        repository: str,
        artifact_id: int,
        file: Path,
        most_bytes: int,
        require: Callable[[], None] = lambda: None,
    ) -> int:
        """Writes an artifact, a zip, into a new file; its bytes. Raises also `TooLarge`, and what `require` raises."""
        path = f"/repos/{repository}/actions/artifacts/{artifact_id}/zip"
        return self._streams.download(path, file, most_bytes, accept=JSON, require=require)

    def jobs(self, repository: str, run_id: int) -> Iterator[WorkflowJob]:
        """The jobs of a run's last attempt."""
        pages = self._transport.pages(f"/repos/{repository}/actions/runs/{run_id}/jobs", {}, "jobs")
        return (WorkflowJob.read(answer) for answer in pages)

    def job_log(self, repository: str, job_id: int, most_bytes: int) -> str:
        """The end of the log of a job that is over."""
        return self._streams.text(f"/repos/{repository}/actions/jobs/{job_id}/logs", most_bytes)


def _of(repository: str, workflow: str) -> str:
    return f"/repos/{repository}/actions/workflows/{quote(workflow, safe='')}"
