"""Endpoints about a repository's commits and pull requests."""

from __future__ import annotations

import re
from urllib.parse import quote

from simulator import conversation, resources
from simulator.git import Commit
from simulator.records import Pull
from simulator.rest import Answer, Problem, Request, endpoint, page_of, permission

READ_CONTENTS = permission("read", "contents")
READ_PULLS = permission("read", "pull_requests")
READ_METADATA = permission("read", "metadata")
MOST_LISTED_FILES = 3000
MOST_COMPARED_FILES = 300
MOST_LISTED_COMMITS = 250
SHA = re.compile(r"[0-9a-f]{40}")


@endpoint("GET", "/repos/{owner}/{repo}", READ_METADATA)
def get_repository(request: Request) -> Answer:
    """A repository."""
    return Answer(resources.full_repository(request.links, request.repository, request.state))


@endpoint("GET", "/repos/{owner}/{repo}/branches/{branch}", READ_CONTENTS)
def get_branch(request: Request) -> Answer:
    """A branch and its tip."""
    repository, name = request.repository, request.path["branch"]
    sha = repository.git.branch(name)
    if sha is None:
        raise Problem(404, "Branch not found")
    url = f"{request.links.repository(repository)}/branches/{name}"
    return Answer(
        {
            "name": name,
            "commit": resources.commit(request.links, repository, repository.git.commit(sha)),
            "_links": {"self": url, "html": f"{request.links.page(repository)}/tree/{name}"},
            "protected": False,
            "protection": {"enabled": False, "required_status_checks": _no_required_checks()},
            "protection_url": f"{url}/protection",
        }
    )


@endpoint("GET", "/repos/{owner}/{repo}/commits/{ref}", READ_CONTENTS)
def get_commit(request: Request) -> Answer:
    """A commit, by sha or branch."""
    sha = resolve(request, request.path["ref"])
    git = request.repository.git
    return Answer(resources.full_commit(request.links, request.repository, git.commit(sha)))


@endpoint("GET", "/repos/{owner}/{repo}/compare/{basehead}", READ_CONTENTS)
def compare(request: Request) -> Answer:
    """What `head` has since its merge base with `base`. Only the first page lists files."""
    repository, git = request.repository, request.repository.git
    base, separator, head = request.path["basehead"].partition("...")
    base_sha, head_sha = _compared(request, base), _compared(request, head)
    if not separator or base_sha is None or head_sha is None:
        raise Problem(404, "Not Found")
    merge_base = git.merge_base(base_sha, head_sha)
    if merge_base is None:
        raise Problem(404, f"No common ancestor between {base} and {head}.")
    ahead, behind = git.between(base_sha, head_sha), git.between(head_sha, base_sha)
    shown, headers = page_of(request, ahead)
    files = git.changes(merge_base, head_sha)[:MOST_COMPARED_FILES] if int(request.query.get("page", 1)) < 2 else ()
    url, page = (
        f"{root}/compare/{quote(base)}...{quote(head)}"
        for root in (request.links.repository(repository), request.links.page(repository))
    )
    body = {
        "url": url,
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": _commit(request, git.commit(base_sha)),
        "merge_base_commit": _commit(request, git.commit(merge_base)),
        "status": _relation(len(ahead), len(behind)),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [_commit(request, one) for one in shown],
        "files": [resources.diff_entry(request.links, repository, head_sha, change) for change in files],
    }
    return Answer(body, headers=headers)


@endpoint("GET", "/repos/{owner}/{repo}/pulls", READ_PULLS)
def list_pulls(request: Request) -> Answer:
    """Pull requests: open ones unless `state` says otherwise; `head` is `owner:branch`."""
    state, wanted = request.query.get("state", "open"), request.query
    found = [
        pull
        for pull in request.state.pulls_of(request.repository)
        if state in {pull.state, "all"}
        and wanted.get("base", pull.base_ref) == pull.base_ref
        and wanted.get("head", _label(pull)) == _label(pull)
    ]
    if wanted.get("sort") == "updated":
        found.sort(key=lambda pull: pull.updated_at, reverse=True)
    if wanted.get("direction") == "asc":
        found.reverse()
    shown, headers = page_of(request, found)
    return Answer([conversation.pull(request.links, pull, request.state) for pull in shown], headers=headers)


@endpoint("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", READ_PULLS)
def get_pull(request: Request) -> Answer:
    """A pull request."""
    return Answer(conversation.full_pull(request.links, find_pull(request, "pull_number"), request.state))


@endpoint("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/commits", READ_PULLS)
def list_pull_commits(request: Request) -> Answer:
    """A pull request's commits, oldest first."""
    pull = find_pull(request, "pull_number")
    commits = request.repository.git.between(request.repository.base_of(pull), pull.head_sha)[:MOST_LISTED_COMMITS]
    shown, headers = page_of(request, commits)
    return Answer([_commit(request, one) for one in shown], headers=headers)


@endpoint("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files", READ_PULLS)
def list_files(request: Request) -> Answer:
    """What a pull request changes since its merge base."""
    pull, repository = find_pull(request, "pull_number"), request.repository
    merge_base = repository.git.merge_base(repository.base_of(pull), pull.head_sha)
    changes = repository.git.changes(merge_base, pull.head_sha)[:MOST_LISTED_FILES]
    shown, headers = page_of(request, changes)
    body = [resources.diff_entry(request.links, repository, pull.head_sha, change) for change in shown]
    return Answer(body, headers=headers)


def find_pull(request: Request, parameter: str) -> Pull:
    """The pull request whose number is that path parameter. Raises `Problem` 404."""
    pull = request.state.pull(request.repository, request.path[parameter])
    if pull is None:
        raise Problem(404, "Not Found")
    return pull


def resolve(request: Request, ref: str) -> str:
    """The sha of a branch, tag or commit. Raises `Problem` 422, as GitHub does for shas it does not know."""
    git = request.repository.git
    sha = git.branch(ref) or git.resolve(f"refs/tags/{ref}")
    if sha is None and not ref.startswith("-"):
        sha = git.resolve(ref)
    if sha is None:
        raise Problem(422, f"No commit found for SHA: {ref}")
    return sha


def _compared(request: Request, ref: str) -> str | None:
    """A side of a comparison: a ref or sha, perhaps behind an owner's name and a colon."""
    git, name = request.repository.git, ref.rpartition(":")[2]
    return git.resolve(name) if SHA.fullmatch(name) else git.branch(name) or git.resolve(f"refs/tags/{name}")


def _commit(request: Request, commit: Commit) -> object:
    return resources.commit(request.links, request.repository, commit)


def _label(pull: Pull) -> str:
    return f"{pull.head_repository.partition('/')[0]}:{pull.head_ref}"


def _relation(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


def _no_required_checks() -> object:
    return {"enforcement_level": "off", "contexts": [], "checks": []}
