"""The calls about workflows, one by one, against GitHub's interface."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.build.dispatching import WORKFLOW, Dispatching, dispatching_in
from tests.workers.house import REPOSITORY, House
from workers.build.actions import inputs_of
from workers.github import Client, NotThere, Rejected
from workers.github.streams import TooLarge
from workers.github.workflow_calls import DISPATCHED

DAY = 24 * 3600


@pytest.fixture
def github(house: House, tmp_path: Path) -> Dispatching:
    """A pull request to be built by the workflow of the documents."""
    return dispatching_in(house, tmp_path / "fetched")


@pytest.fixture
def client(github: Dispatching) -> Iterator[Client]:
    """As a job has it."""
    with github.client() as client:
        yield client


def dispatch(github: Dispatching, client: Client, *, details: bool = True) -> int:
    """Dispatches the workflow; the run's id."""
    told = client.workflows.dispatch(REPOSITORY, WORKFLOW, "main", inputs_of(github.order), details=details)
    newest = github.run_ids()[-1]
    assert told == (newest if details else None)
    return newest


@pytest.mark.parametrize("details", [True, False])
def test_a_dispatch_tells_its_run_only_when_asked(github: Dispatching, client: Client, details: bool) -> None:
    run = client.workflows.run(REPOSITORY, dispatch(github, client, details=details))
    assert (run.status, run.conclusion, run.event, run.actor) == ("queued", "", DISPATCHED, "pagewarden[bot]")


def test_all_pages_of_runs_are_read(github: Dispatching, client: Client) -> None:
    for _ in range(102):
        github.house.simulator.dispatch_workflow(REPOSITORY, WORKFLOW, "main", inputs_of(github.order))
    found = client.workflows.runs(REPOSITORY, WORKFLOW, DISPATCHED, github.house.clock() - DAY)
    assert [run.id for run in found] == github.run_ids()[::-1]


def test_runs_that_began_before_are_left_out(github: Dispatching, client: Client) -> None:
    run_id = dispatch(github, client)
    now = github.house.clock()
    since = [
        [run.id for run in client.workflows.runs(REPOSITORY, WORKFLOW, DISPATCHED, at)] for at in (now - DAY, now + DAY)
    ]
    assert since == [[run_id], []]
    assert list(client.workflows.runs(REPOSITORY, WORKFLOW, "push", now - DAY)) == []
    with pytest.raises(NotThere):
        list(client.workflows.runs(REPOSITORY, "other.yml", DISPATCHED, now - DAY))


def test_what_is_over_is_not_cancelled_again(github: Dispatching, client: Client) -> None:
    run_id = dispatch(github, client)
    client.workflows.cancel(REPOSITORY, run_id)
    assert client.workflows.run(REPOSITORY, run_id).conclusion == "cancelled"
    with pytest.raises(Rejected):
        client.workflows.cancel(REPOSITORY, run_id)


def test_jobs_tell_their_steps_and_logs_their_end(github: Dispatching, client: Client) -> None:
    run_id = dispatch(github, client)
    log = "\n".join(f"line {number}" for number in range(1000))
    github.house.simulator.finish_workflow(run_id, "failure", log=log, failed_step="Build")
    (job,) = client.workflows.jobs(REPOSITORY, run_id)
    assert (job.name, job.conclusion, dict(job.steps)["Build"], dict(job.steps)["Pack"]) == (
        "Build",
        "failure",
        "failure",
        "skipped",
    )
    end = client.workflows.job_log(REPOSITORY, job.id, 100)
    assert len(end) <= 100
    assert end.endswith("line 999\n")


def test_an_artifact_is_downloaded_as_it_was_uploaded(github: Dispatching, client: Client, tmp_path: Path) -> None:
    run_id = dispatch(github, client)
    github.house.simulator.finish_workflow(run_id, artifacts={"bun": b"PK\x05\x06" + bytes(18)})
    (artifact,) = client.workflows.artifacts(REPOSITORY, run_id)
    assert (artifact.name, artifact.size, artifact.expired) == ("bun", 22, False)
    file = tmp_path / "bun.zip"
    assert client.workflows.download_artifact(REPOSITORY, artifact.id, file, 22) == 22
    assert hashlib.sha256(file.read_bytes()).hexdigest() == artifact.sha256
    file.unlink()
    with pytest.raises(TooLarge):
        client.workflows.download_artifact(REPOSITORY, artifact.id, file, 21)
    assert not file.exists()
    github.house.simulator.expire_artifacts(run_id)
    assert [each.expired for each in client.workflows.artifacts(REPOSITORY, run_id)] == [True]
    with pytest.raises(NotThere):
        client.workflows.download_artifact(REPOSITORY, artifact.id, file, 22)
