"""Endpoints about who may do what, and about labels and reactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator import conversation, resources, talk
from simulator.rest import Answer, Problem, Request, endpoint, page_of
from simulator.rest_comments import ONE as COMMENT
from simulator.rest_comments import READ, WRITE, find_comment
from simulator.rest_repository import READ_METADATA, find_pull

Json = Any
# Role → what the older field calls it. Each role may do what those after it may.
PERMISSIONS = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read"}
# What a role is called where it is one of `permissions`.
ABILITIES = {"admin": "admin", "maintain": "maintain", "write": "push", "triage": "triage", "read": "pull"}
REACTIONS = COMMENT + "/reactions"
LABELS = "/repos/{owner}/{repo}/issues/{issue_number}/labels"


@endpoint("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", READ_METADATA)
def get_permission(request: Request) -> Answer:
    """What a person may do. Anybody may read a public repository."""
    who = request.state.accounts.get(request.path["username"].lower())
    if who is None or who.type != "User":
        raise Problem(404, f"{request.path['username']} is not a user")
    role = request.state.roles.get((request.repository.full_name, who.login.lower()))
    if role is None:
        role = "none" if request.repository.private else "read"
    user = {**resources.account(request.links, who), "permissions": _abilities(role), "role_name": role}
    return Answer({"permission": PERMISSIONS.get(role, "none"), "role_name": role, "user": user})


@endpoint("GET", LABELS, READ)
def list_labels(request: Request) -> Answer:
    """The labels of a pull request."""
    shown, headers = page_of(request, find_pull(request, "issue_number").labels)
    return Answer(_labels(request, shown), headers=headers)


@endpoint("POST", LABELS, WRITE)
def add_labels(request: Request) -> Answer:
    """Add labels, also such as the repository does not have. Suggested ones wait for a person, and are not added."""
    pull = find_pull(request, "issue_number")
    asked = [{"name": one} if isinstance(one, str) else one for one in request.body.get("labels", [])]
    names = [one["name"] for one in asked if not one.get("suggest")]
    changed = talk.add_labels(request.world, pull, names, request.installation.app.bot)
    return Answer(_labels(request, changed.labels))


@endpoint("GET", REACTIONS, READ)
def list_reactions(request: Request) -> Answer:
    """Reactions to a comment, the oldest first."""
    content = request.query.get("content")
    found = [one for one in request.state.reactions_to(find_comment(request).id) if content in {None, one.content}]
    shown, headers = page_of(request, found)
    return Answer([conversation.reaction(request.links, one) for one in shown], headers=headers)


@endpoint("POST", REACTIONS, WRITE)
def create_reaction(request: Request) -> Answer:
    """A reaction of the App's bot; 200 for one that is there already."""
    bot = request.installation.app.bot
    made, new = talk.react(request.world, find_comment(request).id, bot, request.body["content"])
    return Answer(conversation.reaction(request.links, made), 201 if new else 200)


def _labels(request: Request, names: Sequence[str]) -> list[Json]:
    its = request.repository
    return [conversation.label(request.links, request.state.label(its, name), its) for name in names]


def _abilities(role: str) -> dict[str, bool]:
    roles = list(PERMISSIONS)
    held = set(roles[roles.index(role) :]) if role in roles else set()
    return {name: one in held for one, name in ABILITIES.items()}
