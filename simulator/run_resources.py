"""Records as the JSON of GitHub's REST interface: workflows, their runs, jobs and artifacts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulator import conversation, resources
from simulator.records import Repository
from simulator.resources import Links, account, node_id, simple_commit, timestamp
from simulator.run_records import Artifact, Job, Step, Workflow, WorkflowRun
from simulator.state import State

Json = Any


def workflow(links: Links, one: Workflow, name: str, its: Repository) -> Json:
    """`workflow`, under that name."""
    page = links.page(its)
    return {
        "id": one.id,
        "node_id": node_id("W", one.id),
        "name": name,
        "path": one.path,
        "state": "active",
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.created_at),
        "url": f"{links.repository(its)}/actions/workflows/{one.id}",
        "html_url": f"{page}/blob/{its.default_branch}/{one.path}",
        "badge_url": f"{page}/workflows/{one.file}/badge.svg",
    }


def run(links: Links, one: WorkflowRun, its: Repository, state: State, *, with_pulls: bool = True) -> Json:
    """`workflow-run`."""
    api, page = f"{links.repository(its)}/actions", f"{links.page(its)}/actions"
    url, suite = f"{api}/runs/{one.id}", f"{links.repository(its)}/check-suites/{one.suite_id}"
    actor, repository = account(links, one.actor), resources.repository(links, its, state)
    return {
        "id": one.id,
        "node_id": node_id("WFR", one.id),
        "name": one.name,
        "display_title": one.title,
        "head_branch": one.head_branch,
        "head_sha": one.head_sha,
        "path": one.path,
        "run_number": one.number,
        "run_attempt": 1,
        "event": "workflow_dispatch",
        "status": one.status,
        "conclusion": one.conclusion,
        "workflow_id": one.workflow_id,
        "check_suite_id": one.suite_id,
        "check_suite_node_id": node_id("CS", one.suite_id),
        "url": url,
        "html_url": f"{page}/runs/{one.id}",
        "pull_requests": conversation.pulls_at(links, its, one.head_sha, state) if with_pulls else [],
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.updated_at),
        "run_started_at": timestamp(one.created_at),
        "actor": actor,
        "triggering_actor": actor,
        **{f"{name}_url": f"{url}/{name}" for name in ("jobs", "logs", "artifacts", "cancel", "rerun")},
        "check_suite_url": suite,
        "previous_attempt_url": None,
        "workflow_url": f"{api}/workflows/{one.workflow_id}",
        "referenced_workflows": [],
        "head_commit": simple_commit(its.git.commit(one.head_sha)),
        "repository": repository,
        "head_repository": repository,
    }


def job(links: Links, one: Job, of: WorkflowRun, its: Repository) -> Json:
    """`job`."""
    api, page = f"{links.repository(its)}/actions", f"{links.page(its)}/actions/runs/{of.id}"
    waiting = one.status == "queued"
    return {
        "id": one.id,
        "node_id": node_id("CR", one.id),
        "run_id": of.id,
        "run_url": f"{api}/runs/{of.id}",
        "run_attempt": 1,
        "head_sha": of.head_sha,
        "head_branch": of.head_branch,
        "workflow_name": of.name,
        "url": f"{api}/jobs/{one.id}",
        "html_url": f"{page}/job/{one.id}",
        "status": one.status,
        "conclusion": one.conclusion,
        "created_at": timestamp(one.created_at),
        "started_at": timestamp(one.started_at),
        "completed_at": _when(one.completed_at),
        "name": one.name,
        "steps": [_step(number, step, one) for number, step in enumerate(one.steps, start=1)],
        "check_run_url": f"{links.repository(its)}/check-runs/{one.id}",
        "labels": list(one.labels),
        "runner_id": None if waiting else 1,
        "runner_name": None if waiting else "GitHub Actions 1",
        "runner_group_id": None if waiting else 0,
        "runner_group_name": None if waiting else "GitHub Actions",
    }


def artifact(links: Links, one: Artifact, of: WorkflowRun, its: Repository, now: datetime) -> Json:
    """`artifact`."""
    url = f"{links.repository(its)}/actions/artifacts/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id("AR", one.id),
        "name": one.name,
        "size_in_bytes": one.stored.size,
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": one.expires_at <= now,
        "digest": one.stored.digest,
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.created_at),
        "expires_at": timestamp(one.expires_at),
        "workflow_run": {
            "id": of.id,
            "repository_id": its.id,
            "head_repository_id": its.id,
            "head_branch": of.head_branch,
            "head_sha": of.head_sha,
        },
    }


def _step(number: int, step: Step, of: Job) -> Json:
    return {
        "name": step.name,
        "status": of.status,
        "conclusion": step.conclusion,
        "number": number,
        "started_at": None if of.status == "queued" else timestamp(of.started_at),
        "completed_at": _when(of.completed_at),
    }


def _when(time: datetime | None) -> str | None:
    return timestamp(time) if time else None
