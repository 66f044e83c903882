"""Endpoints about git refs: they move the refs of the git repository behind GitHub."""

from __future__ import annotations

from typing import Any

from simulator import branches, release_resources, tags
from simulator.auth import NOT_ACCESSIBLE
from simulator.rest import Answer, Problem, Request, endpoint, permission

Json = Any
READ = permission("read", "contents")
WRITE = permission("write", "contents")
GIT = "/repos/{owner}/{repo}/git"
BRANCHES, TAGS = "refs/heads/", "refs/tags/"


@endpoint("GET", GIT + "/ref/{ref}", READ)
def get_ref(request: Request) -> Answer:
    """A ref by its name without `refs/`."""
    return _answer(request, f"refs/{request.path['ref']}", 200)


@endpoint("GET", GIT + "/matching-refs/{ref}", READ)
def matching_refs(request: Request) -> Answer:
    """The refs whose names, without `refs/`, begin like this."""
    names = request.repository.git.refs(f"refs/{request.path['ref']}")
    return Answer([_ref(request, name) for name in names])


@endpoint("POST", GIT + "/refs", WRITE)
def create_ref(request: Request) -> Answer:
    """A new branch or tag at an object that is there."""
    name, sha, git = request.body["ref"], request.body["sha"], request.repository.git
    if not name.startswith((BRANCHES, TAGS)) or not git.is_ref_name(name):
        raise Problem(422, "Reference name must start with 'refs/heads/' or 'refs/tags/', and be a valid one.")
    if git.resolve(sha) != sha:
        raise Problem(422, "Object does not exist")
    if git.ref(name):
        raise Problem(422, "Reference already exists")
    check_workflows(request, sha)
    bot = request.installation.app.bot
    if name.startswith(TAGS):
        tags.create(request.world, request.repository, name.removeprefix(TAGS), sha, bot)
    else:
        branches.move(request.world, request.repository, name.removeprefix(BRANCHES), sha, bot)
    return _answer(request, name, 201)


@endpoint("DELETE", GIT + "/refs/{ref}", WRITE)
def delete_ref(request: Request) -> Answer:
    """Remove a branch or tag. A release of the tag becomes a draft."""
    name, bot = f"refs/{request.path['ref']}", request.installation.app.bot
    if not name.startswith((BRANCHES, TAGS)) or request.repository.git.ref(name) is None:
        raise Problem(422, "Reference does not exist")
    if name.startswith(TAGS):
        tags.remove(request.world, request.repository, name.removeprefix(TAGS), bot)
    else:
        branches.remove(request.world, request.repository, name.removeprefix(BRANCHES), bot)
    return Answer(None, 204)


@endpoint("GET", GIT + "/tags/{tag_sha}", READ)
def get_tag(request: Request) -> Answer:
    """An annotated tag by the sha of its object."""
    sha = request.path["tag_sha"]
    header = request.repository.git.tag_object(sha)
    if header is None:
        raise Problem(404, "Not Found")
    return Answer(release_resources.tag(request.links, sha, header, request.repository))


def check_workflows(request: Request, sha: str) -> None:
    """Raises `Problem` 403 where a ref at that commit would bring workflows that the caller may not bring."""
    may = request.installation.token.permissions.get("workflows") == "write"
    if not may and tags.changes_workflows(request.repository, sha):
        raise Problem(403, NOT_ACCESSIBLE)


def _answer(request: Request, name: str, status: int) -> Answer:
    return Answer(_ref(request, name), status)


def _ref(request: Request, name: str) -> Json:
    found = request.repository.git.ref(name)
    if found is None:
        raise Problem(404, "Not Found")
    return release_resources.ref(request.links, name, *found, request.repository)
