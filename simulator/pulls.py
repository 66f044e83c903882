"""What people do with pull requests: open, change, merge and queue them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator import branches, events, talk
from simulator.branches import tip
from simulator.records import Account, MergeGroup, Pull, Repository
from simulator.rest import World

Json = Any
QUEUE = "gh-readonly-queue"


def open_pull(
    world: World,
    repository: Repository,
    fork: Repository,
    head: str,
    base: str,
    title: str,
    author: Account,
    body: str | None,
    *,
    draft: bool,
) -> Pull:
    """Open a pull request from branch `head` of `fork`, which may be the repository itself, into `base`."""
    state = world.state
    head_sha, base_sha = tip(fork, head), tip(repository, base)
    with state.lock:
        number = 1 + max((pull.number for pull in state.pulls_of(repository)), default=0)
        pull = state.put_pull(
            Pull(
                id=state.next_id("pull"),
                number=number,
                repository=repository.full_name,
                title=title,
                body=body,
                author=author,
                state="open",
                draft=draft,
                head_repository=fork.full_name,
                head_ref=head,
                base_ref=base,
                base_sha=base_sha,
                heads=(head_sha,),
                created_at=state.now(),
                updated_at=state.now(),
            )
        )
    branches.bring_head(world, pull)
    talk.tell_of_pull(world, pull, "opened", author, {})
    return pull


def change(
    world: World,
    pull: Pull,
    action: str,
    fields: Mapping[str, Json],
    more: Mapping[str, Json] | None = None,
    by: Account | None = None,
) -> Pull:
    """Store other `fields` of a pull request, and tell of it; by its author unless somebody else is named."""
    with world.state.lock:
        now = world.state.pulls[pull.repository, pull.number]
        changed = world.state.put_pull(replace(now, **fields, updated_at=world.state.now()))
    talk.tell_of_pull(world, changed, action, by or pull.author, more or {})
    return changed


def reopen(world: World, pull: Pull) -> Pull:
    """Open a closed pull request again, with what its branch is at now."""
    fork = world.state.repository(pull.head_repository)
    if fork is None or pull.merged_at:
        raise LookupError(f"pull request {pull.number} was merged, or its fork is gone: it cannot be opened again")
    sha = tip(fork, pull.head_ref)
    heads = pull.heads if sha == pull.head_sha else (*pull.heads, sha)
    branches.bring_head(world, replace(pull, heads=heads))
    return change(world, pull, "reopened", {"state": "open", "closed_at": None, "heads": heads})


def edit(world: World, repository: Repository, pull: Pull, base: str | None, title: str | None) -> Pull:
    """Change a pull request's title or the branch that it is for."""
    fields: dict[str, Json] = {}
    changes: dict[str, Json] = {}
    if title is not None:
        fields["title"] = title
        changes["title"] = {"from": pull.title}
    if base is not None:
        fields |= {"base_ref": base, "base_sha": tip(repository, base)}
        changes["base"] = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
    return change(world, pull, "edited", fields, {"changes": changes})


def merge(world: World, repository: Repository, pull: Pull, by: Account) -> str:
    """Merge a pull request by a merge commit, and return its sha. Raises `GitError` where there are conflicts."""
    sha = _merge_commit(world, repository, pull, tip(repository, pull.base_ref))
    _land(world, repository, pull, sha, by)
    return sha


def queue(world: World, repository: Repository, pull: Pull, by: Account) -> MergeGroup:
    """Put a pull request into the merge queue, alone in its group, on a branch that GitHub makes for it."""
    base = tip(repository, pull.base_ref)
    sha = _merge_commit(world, repository, pull, base)
    branch = f"{QUEUE}/{pull.base_ref}/pr-{pull.number}-{base}"
    group = MergeGroup(pull.number, sha, f"refs/heads/{branch}", base, f"refs/heads/{pull.base_ref}")
    branches.move(world, repository, branch, sha, by)
    world.sender.tell(repository, "merge_group", "checks_requested", by, lambda: events.merge_group(group, repository))
    return group


def dequeue(world: World, repository: Repository, group: MergeGroup, reason: str, by: Account) -> None:
    """Take a group off the queue, and its branch away; `merged` makes its commit the tip of the base branch."""
    pull = world.state.pulls[repository.full_name, group.number]
    if reason == "merged":
        if tip(repository, pull.base_ref) != group.base_sha:
            raise ValueError(f"{pull.base_ref} went on since pull request {group.number} was queued")
        _land(world, repository, pull, group.head_sha, by)
    said = {"reason": reason}
    world.sender.tell(
        repository, "merge_group", "destroyed", by, lambda: {**events.merge_group(group, repository), **said}
    )
    branches.remove(world, repository, group.head_ref.removeprefix("refs/heads/"), by)


def _merge_commit(world: World, repository: Repository, pull: Pull, base: str) -> str:
    if pull.state != "open":
        raise ValueError(f"pull request {pull.number} is not open")
    owner = pull.head_repository.partition("/")[0]
    message = f"Merge pull request #{pull.number} from {owner}/{pull.head_ref}\n\n{pull.title}"
    return repository.git.merge(base, pull.head_sha, message, world.state.now())


def _land(world: World, repository: Repository, pull: Pull, sha: str, by: Account) -> None:
    """Close a pull request as merged by that commit, and move the base branch to it."""
    state = world.state
    now = state.now()
    # Before the branch moves: from then on the pull request would seem to change nothing.
    with state.lock:
        pull = state.pulls[pull.repository, pull.number]
        closed = replace(pull, state="closed", closed_at=now, merged_at=now, merged_by=by, merged_sha=sha)
        state.put_pull(closed)
    branches.move(world, repository, pull.base_ref, sha, by)
    change(world, pull, "closed", {}, by=by)
