"""What is said on a pull request, by people and by Apps: comments, reactions and labels, each with its webhook."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from simulator import conversation, events
from simulator.records import Account, App, Comment, Pull, Reaction, Repository
from simulator.rest import World

Json = Any


def comment(world: World, pull: Pull, author: Account, body: str, app: App | None = None) -> Comment:
    """A new comment; by that App's bot where one is named."""
    state = world.state
    now = state.now()
    app_id = app.id if app else None
    made = Comment(state.next_id("comment"), pull.repository, pull.number, author, app_id, body, now, now)
    with state.lock:
        state.comments[made.id] = made
    _tell(world, made, "created", author)
    return made


def edit(world: World, comment_id: int, editor: Account, body: str) -> Comment:
    """Another text for a comment. Raises `LookupError` where there is none."""
    state = world.state
    with state.lock:
        before = _comment(world, comment_id)
        comment = replace(before, body=body, updated_at=state.now())
        state.comments[comment_id] = comment
    _tell(world, comment, "edited", editor, {"body": {"from": before.body}})
    return comment


def delete(world: World, comment_id: int, by: Account) -> None:
    """Remove a comment. Raises `LookupError` where there is none."""
    with world.state.lock:
        gone = _comment(world, comment_id)
        del world.state.comments[comment_id]
    _tell(world, gone, "deleted", by)


def react(world: World, comment_id: int, author: Account, content: str) -> tuple[Reaction, bool]:
    """Somebody's reaction to a comment, and whether it is new: of each kind one has but one."""
    state = world.state
    with state.lock:
        for one in state.reactions_to(comment_id):
            if (one.author, one.content) == (author, content):
                return one, False
        made = Reaction(state.next_id("reaction"), comment_id, author, content, state.now())
        state.reactions[made.id] = made
    return made, True


def add_labels(world: World, pull: Pull, names: Iterable[str], by: Account) -> Pull:
    """Add labels, those that the repository does not have yet as well. Each new one on the pull request is told."""
    state, repository = world.state, _repository(world, pull.repository)
    for label in [state.label(repository, name) for name in names]:
        with state.lock:
            pull = state.pulls[pull.repository, pull.number]
            if label.name in pull.labels:
                continue
            pull = state.put_pull(replace(pull, labels=(*pull.labels, label.name), updated_at=state.now()))
        shown = conversation.label(world.links, label, repository)
        tell_of_pull(world, pull, "labeled", by, {"label": shown})
    return pull


def tell_of_pull(world: World, pull: Pull, action: str, sender: Account, more: Json) -> None:
    """Send `pull_request`. `more` is what only that action's payload has."""
    repository = _repository(world, pull.repository)
    world.sender.tell(
        repository,
        "pull_request",
        action,
        sender,
        lambda: {**events.pull_request(world.links, pull, world.state), **more},
    )


def _tell(world: World, comment: Comment, action: str, sender: Account, changes: Json = None) -> None:
    repository = _repository(world, comment.repository)
    pull = world.state.pull(repository, comment.number)
    assert pull is not None, f"a comment on pull request {comment.number}, which is not there"
    more = {"changes": changes} if changes else {}
    world.sender.tell(
        repository,
        "issue_comment",
        action,
        sender,
        lambda: {**events.issue_comment(world.links, comment, pull, world.state), **more},
    )


def _comment(world: World, comment_id: int) -> Comment:
    found = world.state.comments.get(comment_id)
    if found is None:
        raise LookupError(f"no comment {comment_id}")
    return found


def _repository(world: World, full_name: str) -> Repository:
    found = world.state.repository(full_name)
    assert found is not None, f"{full_name} was deleted"
    return found
