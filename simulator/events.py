"""What the payload of each webhook event says, but for what all of them do: repository, sender, installation."""

from __future__ import annotations

from typing import Any

from simulator import conversation, resources, run_resources
from simulator.records import App, CheckRun, CheckSuite, Comment, Installation, MergeGroup, Pull, Repository
from simulator.resources import Links, node_id, simple_commit, timestamp
from simulator.run_records import WorkflowRun
from simulator.state import State

Json = Any
NO_COMMIT = "0" * 40


def ping(links: Links, app: App, state: State) -> Json:
    """`ping`."""
    hook = {
        "type": "App",
        "id": app.id,
        "name": "web",
        "active": True,
        "app_id": app.id,
        "events": list(app.events),
        "config": {"content_type": "json", "insecure_ssl": "0", "url": app.webhook_url, "secret": "********"},
        "updated_at": timestamp(state.now()),
        "created_at": timestamp(app.created_at),
        "deliveries_url": f"{links.api}/app/hook/deliveries",
    }
    return {"zen": "Keep it logically awesome.", "hook_id": app.id, "hook": hook}


def installation(links: Links, one: Installation, app: App, state: State, added: frozenset[str] = frozenset()) -> Json:
    """`installation`; with `added` (full names) `installation_repositories`."""
    reached = [state.repository(name) for name in sorted(added or one.repositories)]
    repositories = [
        {
            "id": found.id,
            "node_id": node_id("R", found.id),
            "name": found.name,
            "full_name": found.full_name,
            "private": found.private,
        }
        for found in reached
        if found
    ]
    of_repositories = {
        "repository_selection": "selected",
        "repositories_added": repositories,
        "repositories_removed": [],
        "requester": None,
    }
    return {
        "installation": resources.installation(links, one, app),
        **(of_repositories if added else {"repositories": repositories, "requester": None}),
    }


def pull_request(links: Links, pull: Pull, state: State) -> Json:
    """`pull_request`."""
    return {"number": pull.number, "pull_request": conversation.full_pull(links, pull, state)}


def issue_comment(links: Links, comment: Comment, pull: Pull, state: State) -> Json:
    """`issue_comment`."""
    return {
        "issue": conversation.issue(links, pull, state),
        "comment": conversation.comment(links, comment, state),
    }


def check_run(links: Links, run: CheckRun, repository: Repository, state: State) -> Json:
    """`check_run`. In an event it tells more of its suite than in the REST interface."""
    suite = state.suite(run.app_id, repository, run.head_sha)
    told = _suite(links, suite, repository, state)
    kept = {"id", "node_id", "head_branch", "head_sha", "url", "before", "after", "pull_requests", "app"}
    times = {"created_at", "updated_at"}
    status = {"status": run.status, "conclusion": run.conclusion}
    shown = conversation.check_run(links, run, state)
    return {"check_run": {**shown, "check_suite": {**status, **{key: told[key] for key in kept | times}}}}


def check_suite(links: Links, suite: CheckSuite, repository: Repository, state: State) -> Json:
    """`check_suite`: as it is once it is asked for, with nothing done yet."""
    commit = repository.git.commit(suite.head_sha)
    runs = [run for run in state.check_runs_of(repository, suite.head_sha) if run.app_id == suite.app_id]
    return {
        "check_suite": {
            **_suite(links, suite, repository, state),
            "status": "queued",
            "conclusion": None,
            "latest_check_runs_count": len({run.name for run in runs}),
            "check_runs_url": f"{links.repository(repository)}/check-suites/{suite.id}/check-runs",
            "head_commit": simple_commit(commit),
            "rerequestable": True,
            "runs_rerequestable": True,
        }
    }


def push(links: Links, repository: Repository, branch: str, before: str | None, after: str | None, pusher: str) -> Json:
    """`push` of a branch; without `before` the branch is new, without `after` it was deleted."""
    git, page = repository.git, links.page(repository)
    commits = git.pushed(before, after, branch) if after else []
    new = {one.sha for one in git.pushed(None, after, branch)} if after else set()
    told = [
        {**simple_commit(one), "distinct": one.sha in new, "url": f"{page}/commit/{one.sha}", **git.names(one)}
        for one in commits
    ]
    compared = f"{before[:12]}...{after[:12]}" if before and after else (after or before or "")[:12]
    return {
        "ref": f"refs/heads/{branch}",
        "before": before or NO_COMMIT,
        "after": after or NO_COMMIT,
        "created": before is None,
        "deleted": after is None,
        "forced": bool(before and after and not git.is_ancestor(before, after)),
        "base_ref": None,
        "compare": f"{page}/compare/{compared}",
        "commits": told,
        "head_commit": _head_commit(page, repository, told, after),
        "pusher": _pusher(pusher),
    }


def _pusher(login: str) -> Json:
    """Who pushed. The description takes null for an address, and none with the brackets that a bot's has."""
    return {"name": login, "email": None if login.endswith("]") else f"{login}@users.noreply.github.com"}


def tag_push(
    links: Links, repository: Repository, tag: str, before: str | None, after: str | None, pusher: str
) -> Json:
    """`push` of a tag, at objects before and after: it brings no commits, but tells of the one that it is at."""
    git, page = repository.git, links.page(repository)
    at = git.resolve(after) if after else None
    return {
        "ref": f"refs/tags/{tag}",
        "before": before or NO_COMMIT,
        "after": after or NO_COMMIT,
        "created": before is None,
        "deleted": after is None,
        "forced": False,
        "base_ref": None,
        "compare": f"{page}/compare/{tag}",
        "commits": [],
        "head_commit": _head_commit(page, repository, [], at),
        "pusher": _pusher(pusher),
    }


def workflow_run(links: Links, run: WorkflowRun, repository: Repository, state: State) -> Json:
    """`workflow_run`."""
    workflow = state.workflows[run.repository, run.path]
    return {
        "workflow": run_resources.workflow(links, workflow, run.name, repository),
        "workflow_run": run_resources.run(links, run, repository, state),
    }


def merge_group(group: MergeGroup, repository: Repository) -> Json:
    """`merge_group`."""
    return {
        "merge_group": {
            "head_sha": group.head_sha,
            "head_ref": group.head_ref,
            "base_sha": group.base_sha,
            "base_ref": group.base_ref,
            "head_commit": simple_commit(repository.git.commit(group.head_sha)),
        }
    }


def _head_commit(page: str, repository: Repository, told: list[Json], after: str | None) -> Json:
    """The commit at the tip, also where the push brought none that the branch did not have."""
    if after is None:
        return None
    if told:
        return told[-1]
    commit = repository.git.commit(after)
    return {
        **simple_commit(commit),
        "distinct": False,
        "url": f"{page}/commit/{after}",
        **repository.git.names(commit),
    }


def _suite(links: Links, suite: CheckSuite, repository: Repository, state: State) -> dict[str, Json]:
    return {
        "id": suite.id,
        "node_id": node_id("CS", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "url": f"{links.repository(repository)}/check-suites/{suite.id}",
        "before": suite.before,
        "after": suite.head_sha,
        "pull_requests": conversation.pulls_at(links, repository, suite.head_sha, state),
        "app": resources.app(links, state.apps[suite.app_id], state),
        "created_at": timestamp(suite.created_at),
        "updated_at": timestamp(suite.created_at),
    }
