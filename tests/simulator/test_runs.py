"""Workflow runs from their dispatch to their end: jobs, logs, artifacts and webhooks."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.simulator.conftest import FULL_NAME, GitHub, Receiver, later
from tests.simulator.workflows import ACTIONS, actions, dispatched, run_of

__all__ = ["actions"]


def _ids(github: GitHub, path: str = f"{ACTIONS}/runs", **query: Any) -> list[int]:
    found = github.client.json("GET", path, **query)
    assert found["total_count"] >= len(found["workflow_runs"])
    return [one["id"] for one in found["workflow_runs"]]


def _jobs(github: GitHub, run: int) -> list[Any]:
    found = github.client.json("GET", f"{ACTIONS}/runs/{run}/jobs")
    return list(found["jobs"])


def _artifacts(github: GitHub, run: int, **query: Any) -> list[Any]:
    return list(github.client.json("GET", f"{ACTIONS}/runs/{run}/artifacts", **query)["artifacts"])


def _led(github: GitHub, path: str) -> requests.Response:
    """The answer at the address that a path leads to, asked without a token."""
    headers = {"Authorization": github.client.authorization or ""}
    answer = requests.get(github.sim.api_url + path, headers=headers, timeout=10, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    refused = requests.get(answer.headers["Location"], headers=headers, timeout=10)
    assert refused.status_code == 400
    return requests.get(answer.headers["Location"], timeout=60)


def test_a_run_from_its_start_to_its_end(actions: GitHub) -> None:
    run = dispatched(actions)
    assert [(job["status"], job["conclusion"]) for job in _jobs(actions, run)] == [("queued", None)] * 2
    actions.sim.start_workflow(run)
    assert run_of(actions, run)["status"] == "in_progress"
    first, second = _jobs(actions, run)
    assert (first["name"], first["labels"], first["status"]) == (
        "Build for aarch64",
        ["ubuntu-24.04-arm"],
        "in_progress",
    )
    assert (second["name"], second["labels"]) == ("after", ["self-hosted", "linux"])
    later(actions, seconds=9)
    actions.sim.finish_workflow(run, artifacts={"engine": {"bin/engine": b"\x7fELF", "a.txt": b"a"}}, log="one\ntwo")
    ended = run_of(actions, run)
    assert (ended["status"], ended["conclusion"]) == ("completed", "success")
    assert ended["updated_at"] > ended["created_at"]
    first, second = _jobs(actions, run)
    assert (first["conclusion"], second["conclusion"]) == ("success", "success")
    assert [step["name"] for step in first["steps"]] == [
        *("Set up job", "Run actions/checkout@v4", "Configure", "Run make", "Complete job"),
    ]
    assert actions.sim.violations == []


def test_artifacts_are_zip_archives(actions: GitHub, tmp_path: Path) -> None:
    run = dispatched(actions)
    file = tmp_path / "engine"
    file.write_bytes(b"\x7fELF" * 1000)
    actions.sim.upload_artifact(run, "engine", {"bin/engine": file})
    actions.sim.upload_artifact(run, "raw", b"no zip at all")
    raw, engine = _artifacts(actions, run)
    assert [one["name"] for one in (raw, engine)] == ["raw", "engine"]
    assert [one["name"] for one in _artifacts(actions, run, direction="asc")] == ["engine", "raw"]
    assert _artifacts(actions, run, name="engine") == [engine]
    assert actions.client.json("GET", f"{ACTIONS}/artifacts/{engine['id']}") == engine
    answer = _led(actions, f"{ACTIONS}/artifacts/{engine['id']}/zip")
    assert engine["archive_download_url"].endswith(f"{ACTIONS}/artifacts/{engine['id']}/zip")
    assert engine["digest"] == f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    assert engine["size_in_bytes"] == len(answer.content)
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["bin/engine"]
        assert archive.read("bin/engine") == file.read_bytes()
    assert _led(actions, f"{ACTIONS}/artifacts/{raw['id']}/zip").content == b"no zip at all"
    assert actions.client.get(f"{ACTIONS}/artifacts/{raw['id']}/tar").status_code == 404
    with pytest.raises(ValueError, match="engine already"):
        actions.sim.upload_artifact(run, "engine", b"")
    for name in ("", "a/b", "a:b", "a\nb"):
        with pytest.raises(ValueError, match="no name"):
            actions.sim.upload_artifact(run, name, b"")


def test_artifacts_expire(actions: GitHub) -> None:
    run = dispatched(actions)
    actions.sim.finish_workflow(run, artifacts={"engine": b"zip"})
    [artifact] = _artifacts(actions, run)
    assert artifact["expired"] is False
    actions.sim.expire_artifacts(run)
    [artifact] = _artifacts(actions, run)
    assert artifact["expired"] is True
    gone = actions.client.get(f"{ACTIONS}/artifacts/{artifact['id']}/zip")
    assert (gone.status_code, gone.json()["message"]) == (410, "Artifact has expired")


def test_a_job_that_failed_has_a_log_and_a_step(actions: GitHub) -> None:
    run = dispatched(actions)
    log = "\x1b[31mld: error\x1b[0m\nmake: *** [all] Error 2"
    actions.sim.start_workflow(run)
    job = _jobs(actions, run)[0]
    assert actions.client.get(f"{ACTIONS}/jobs/{job['id']}/logs").status_code == 404
    actions.sim.finish_workflow(run, "failure", log=log, failed_step="Configure")
    failed, skipped = _jobs(actions, run)
    assert (failed["conclusion"], skipped["conclusion"]) == ("failure", "skipped")
    ends = [step["conclusion"] for step in failed["steps"]]
    assert ends == ["success", "success", "failure", "skipped", "success"]
    answer = _led(actions, f"{ACTIONS}/jobs/{failed['id']}/logs")
    answer.encoding = "utf-8-sig"
    lines = [line.split(" ", 1) for line in answer.text.splitlines()]
    assert "\n".join(text for _, text in lines) == log
    assert all(time.startswith("20") and time.endswith("0Z") for time, _ in lines)
    assert actions.client.get(f"{ACTIONS}/jobs/{skipped['id']}/logs").status_code == 404


def test_jobs_may_end_each_in_its_own_way(actions: GitHub) -> None:
    run = dispatched(actions)
    ends = {"Build for aarch64": "success", "after": "failure"}
    actions.sim.finish_workflow(run, "failure", jobs=ends, log="in the second")
    first, second = _jobs(actions, run)
    assert {job["name"]: job["conclusion"] for job in (first, second)} == ends
    assert "in the second" in _led(actions, f"{ACTIONS}/jobs/{second['id']}/logs").text
    other = dispatched(actions)
    with pytest.raises(ValueError, match="no job deploy"):
        actions.sim.finish_workflow(other, "failure", jobs={"deploy": "failure"})


@pytest.mark.parametrize("conclusion", ["action_required", "startup_failure"])
def test_a_run_may_end_without_a_job(actions: GitHub, conclusion: str) -> None:
    run = dispatched(actions)
    actions.sim.finish_workflow(run, conclusion)
    assert (run_of(actions, run)["conclusion"], _jobs(actions, run)) == (conclusion, [])


def test_a_run_is_cancelled_once(actions: GitHub) -> None:
    run = dispatched(actions)
    answer = actions.client.call("POST", f"{ACTIONS}/runs/{run}/cancel")
    assert (answer.status_code, answer.json()) == (202, {})
    assert run_of(actions, run)["conclusion"] == "cancelled"
    for verb in ("cancel", "force-cancel"):
        assert actions.client.call("POST", f"{ACTIONS}/runs/{run}/{verb}").status_code == 409
    assert [job["conclusion"] for job in _jobs(actions, run)] == ["cancelled"] * 2
    by_hand = dispatched(actions)
    actions.sim.cancel_workflow(by_hand)
    with pytest.raises(ValueError, match="completed already"):
        actions.sim.finish_workflow(by_hand)
    with pytest.raises(ValueError, match="'broken' is none of"):
        actions.sim.finish_workflow(dispatched(actions), "broken")


def test_a_run_vanishes_with_all_that_it_made(actions: GitHub) -> None:
    run = dispatched(actions)
    assert actions.client.call("DELETE", f"{ACTIONS}/runs/{run}").status_code == 403
    actions.sim.finish_workflow(run, artifacts={"engine": b"zip"}, log="l")
    artifact, job = _artifacts(actions, run)[0]["id"], _jobs(actions, run)[0]["id"]
    assert actions.client.call("DELETE", f"{ACTIONS}/runs/{run}").status_code == 204
    gone = (f"runs/{run}", f"runs/{run}/jobs", f"artifacts/{artifact}", f"artifacts/{artifact}/zip", f"jobs/{job}/logs")
    assert [actions.client.get(f"{ACTIONS}/{path}").status_code for path in gone] == [404] * len(gone)
    assert list((actions.source.path.parent / "github" / "_files").iterdir()) == []
    other = dispatched(actions)
    actions.sim.vanish_workflow(other)
    assert actions.client.get(f"{ACTIONS}/runs/{other}").status_code == 404
    with pytest.raises(LookupError, match=f"no workflow run {other}"):
        actions.sim.start_workflow(other)


def test_runs_are_found_by_what_they_are(actions: GitHub) -> None:
    start = actions.clock.now
    first = dispatched(actions)
    later(actions, minutes=10)
    by_hand = actions.sim.dispatch_workflow(FULL_NAME, "one.yml", "main", by="mona")
    actions.sim.finish_workflow(by_hand, "failure")
    assert _ids(actions) == [by_hand, first]
    assert _ids(actions, f"{ACTIONS}/workflows/preview.yml/runs") == [first]
    assert _ids(actions, actor="pagewarden[bot]", event="workflow_dispatch") == [first]
    assert _ids(actions, actor="mona", exclude_pull_requests="true") == [by_hand]
    assert _ids(actions, event="push") == []
    assert [_ids(actions, status=status) for status in ("queued", "completed", "failure")] == [
        *([first], [by_hand], [by_hand]),
    ]
    assert _ids(actions, branch="main", head_sha=actions.sha("main"), per_page=1) == [by_hand]
    suite = run_of(actions, first)["check_suite_id"]
    assert _ids(actions, check_suite_id=suite) == [first]
    between = (start + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    day = (start - timedelta(days=2)).strftime("%Y-%m-%d")
    assert _ids(actions, created=f">={between}") == [by_hand]
    assert _ids(actions, created=f"<{between}") == [first]
    assert _ids(actions, created=f"{day}..{between}") == [first]
    assert _ids(actions, created=f">{day}") == [by_hand, first]
    assert _ids(actions, created=day) == []
    assert actions.sim.violations == []
    assert actions.client.get(f"{ACTIONS}/runs", created=">=soon").status_code == 422


def test_each_change_is_told(actions: GitHub, receiver: Receiver) -> None:
    actions.sim.set_webhook(actions.app.id, receiver.url, "s")
    run = dispatched(actions)
    actions.sim.start_workflow(run)
    actions.sim.finish_workflow(run, "timed_out")
    actions.sim.hide_new_runs()
    hidden = dispatched(actions)
    assert actions.client.call("POST", f"{ACTIONS}/runs/{hidden}/cancel").status_code == 404
    actions.sim.show_workflow(hidden)
    actions.sim.cancel_workflow(hidden, by="mona")
    assert actions.sim.wait_for_deliveries()
    told = [one.payload for one in receiver.received[1:]]
    assert [(one["workflow_run"]["id"], one["action"], one["workflow_run"]["conclusion"]) for one in told] == [
        (run, "requested", None),
        (run, "in_progress", None),
        (run, "completed", "timed_out"),
        (hidden, "requested", None),
        (hidden, "completed", "cancelled"),
    ]
    assert {one["workflow"]["path"] for one in told} == {".github/workflows/preview.yml"}
    assert [one["sender"]["login"] for one in told] == ["pagewarden[bot]"] * 4 + ["mona"]
    assert told[0]["workflow_run"]["event"] == "workflow_dispatch"
    assert told[0]["installation"]["id"] == actions.installation_id
    assert actions.sim.violations == []
