"""Branches that move: pushes, and what GitHub tells of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from simulator import events, talk
from simulator.records import Account, Pull, Repository
from simulator.rest import World


def tip(repository: Repository, branch: str) -> str:
    """The commit that a branch is at. Raises `LookupError` where there is no such branch."""
    sha = repository.git.branch(branch)
    if sha is None:
        raise LookupError(f"{repository.full_name} has no branch {branch}")
    return sha


def move(world: World, repository: Repository, branch: str, sha: str, by: Account | None) -> None:
    """Move or make a branch. Open pull requests from it get the commit as their new head.

    Told by `push`, `check_suite` and `synchronize`, of nobody's doing by the author of such a pull request.
    """
    state = world.state
    before = repository.git.branch(branch)
    repository.git.set_ref(f"refs/heads/{branch}", sha)
    repository = replace(repository, pushed_at=state.now())
    state.put_repository(repository)
    if sha == before:
        return
    pulls = state.pulls_with_head(repository, branch)
    pusher = by or (pulls[0].author if pulls else state.account("octocat"))
    _tell(world, repository, branch, before, sha, pusher)
    for pull in pulls:
        moved = replace(pull, heads=(*pull.heads, sha), updated_at=state.now())
        bring_head(world, moved)
        state.put_pull(moved)
        talk.tell_of_pull(world, moved, "synchronize", by or pull.author, {"before": pull.head_sha, "after": sha})


def remove(world: World, repository: Repository, branch: str, by: Account) -> None:
    """Delete a branch. Pull requests from it stay as they are. Raises `LookupError` where there is no such branch."""
    before = tip(repository, branch)
    repository.git.delete_ref(f"refs/heads/{branch}")
    _tell(world, repository, branch, before, None, by)


def bring_head(world: World, pull: Pull) -> None:
    """Keep `refs/pull/N/head` at the pull request's head, fetched from the fork where it is one."""
    repository, head = world.state.repository(pull.repository), world.state.repository(pull.head_repository)
    if repository is None or head is None:
        raise LookupError(f"no repository {pull.repository if repository is None else pull.head_repository}")
    if pull.head_repository != pull.repository:
        repository.git.fetch(head.git.directory, pull.head_sha)
    repository.git.set_ref(f"refs/pull/{pull.number}/head", pull.head_sha)


def _tell(
    world: World, repository: Repository, branch: str, before: str | None, after: str | None, by: Account
) -> None:
    state, links, sender = world.state, world.links, world.sender
    sender.tell(
        repository,
        "push",
        None,
        by,
        partial(events.push, links, repository, branch, before, after, by.login),
    )
    if after is None:
        return
    for installation in state.installations_on(repository):
        app = state.apps[installation.app_id]
        if app.permissions.get("checks") == "write":
            suite = state.suite(app.id, repository, after, branch, before)
            sender.tell(
                repository,
                "check_suite",
                "requested",
                by,
                partial(events.check_suite, links, suite, repository, state),
                only=app.id,
            )
