"""Tags that are made and removed, and what GitHub tells of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from simulator import events
from simulator.records import Account, Repository
from simulator.rest import World

WORKFLOWS = ".github/workflows"


def create(
    world: World, repository: Repository, tag: str, sha: str, by: Account, *, message: str | None = None
) -> None:
    """A new tag at a commit, or with a message one that is an object of its own. Told by `push`."""
    if message is None:
        repository.git.set_ref(f"refs/tags/{tag}", sha)
    else:
        repository.git.annotate(tag, sha, message, world.state.now())
    _tell(world, repository, tag, None, _at(repository, tag), by)


def remove(world: World, repository: Repository, tag: str, by: Account) -> None:
    """Delete a tag. A release of it becomes a draft. Raises `LookupError` where there is no such tag."""
    before, state = _at(repository, tag), world.state
    if before is None:
        raise LookupError(f"{repository.full_name} has no tag {tag}")
    repository.git.delete_ref(f"refs/tags/{tag}")
    with state.lock:
        if release := state.release_of(repository, tag):
            state.releases[release.id] = replace(release, draft=True, published_at=None)
    _tell(world, repository, tag, before, None, by)


def changes_workflows(repository: Repository, sha: str) -> bool:
    """Whether a commit's workflows are not those of the default branch: to tag it needs one more permission."""
    git = repository.git
    return git.object_at(sha, WORKFLOWS) != git.object_at(f"refs/heads/{repository.default_branch}", WORKFLOWS)


def _at(repository: Repository, tag: str) -> str | None:
    found = repository.git.ref(f"refs/tags/{tag}")
    return found[1] if found else None


def _tell(world: World, repository: Repository, tag: str, before: str | None, after: str | None, by: Account) -> None:
    payload = partial(events.tag_push, world.links, repository, tag, before, after, by.login)
    world.sender.tell(repository, "push", None, by, payload)
