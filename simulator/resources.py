"""Records as the JSON of GitHub's REST interface: accounts, Apps, repositories and commits."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from simulator.git import Commit, FileChange, Signature
from simulator.records import Account, App, Installation, Repository, Token
from simulator.state import State

Json = Any

# Paths of a repository's sub-resources, as GitHub writes them.
REPOSITORY_URLS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
ACCOUNT_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


@dataclass(frozen=True)
class Links:
    """Addresses: `web` is the root of the pages and of git, without a slash at its end."""

    web: str

    @property
    def api(self) -> str:
        """The root of the REST interface."""
        return f"{self.web}/api/v3"

    def repository(self, repository: Repository) -> str:
        """A repository in the REST interface."""
        return f"{self.api}/repos/{repository.full_name}"

    def page(self, repository: Repository) -> str:
        """A repository's page."""
        return f"{self.web}/{repository.full_name}"


def timestamp(time: datetime) -> str:
    """A time as GitHub writes it: UTC, whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(prefix: str, number: int) -> str:
    """An opaque id of the look that GraphQL's ids have."""
    return f"{prefix}_{base64.urlsafe_b64encode(number.to_bytes(9, 'big')).decode()}"


def account(links: Links, who: Account) -> Json:
    """`simple-user`."""
    login = quote(who.login)
    api = f"{links.api}/users/{login}"
    return {
        "login": who.login,
        "id": who.id,
        "node_id": node_id("U", who.id),
        "avatar_url": f"{links.web}/avatars/{who.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{links.web}/{login}",
        **{key: api + suffix for key, suffix in ACCOUNT_URLS.items()},
        "type": who.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def app(links: Links, one: App, state: State) -> Json:
    """`integration`."""
    installations = [found for found in list(state.installations.values()) if found.app_id == one.id]
    return {
        "id": one.id,
        "client_id": f"Iv23li{one.id:014d}",
        "slug": one.slug,
        "node_id": node_id("A", one.id),
        "owner": account(links, one.owner),
        "name": one.name,
        "description": "",
        "external_url": links.web,
        "html_url": f"{links.web}/apps/{one.slug}",
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.created_at),
        "permissions": dict(one.permissions),
        "events": list(one.events),
        "installations_count": len(installations),
    }


def installation(links: Links, one: Installation, its_app: App) -> Json:
    """`installation`."""
    url = f"{links.api}/app/installations/{one.id}"
    return {
        "id": one.id,
        "account": account(links, one.account),
        "repository_selection": "selected",
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{links.api}/installation/repositories",
        "html_url": f"{links.web}/settings/installations/{one.id}",
        "app_id": its_app.id,
        "app_slug": its_app.slug,
        "target_id": one.account.id,
        "target_type": one.account.type,
        "permissions": dict(its_app.permissions),
        "events": list(its_app.events),
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": None,
    }


def token(links: Links, one: Token, state: State) -> Json:
    """`installation-token`."""
    body: Json = {
        "token": one.value,
        "expires_at": timestamp(one.expires_at),
        "permissions": dict(one.permissions),
        "repository_selection": "selected",
    }
    if one.repositories:
        named = (state.repository(name) for name in sorted(one.repositories))
        body["repositories"] = [repository(links, found, state) for found in named if found]
    return body


def repository(links: Links, one: Repository, state: State) -> Json:
    """`repository`, without what only the full form has."""
    api, page = links.repository(one), links.page(one)
    open_pulls = sum(pull.state == "open" for pull in state.pulls_of(one))
    return {
        "id": one.id,
        "node_id": node_id("R", one.id),
        "name": one.name,
        "full_name": one.full_name,
        "private": one.private,
        "visibility": "private" if one.private else "public",
        "owner": account(links, one.owner),
        "html_url": page,
        "description": None,
        "fork": False,
        "url": api,
        **{key: api + suffix for key, suffix in REPOSITORY_URLS.items()},
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.pushed_at),
        "pushed_at": timestamp(one.pushed_at),
        "git_url": page.replace("http", "git", 1) + ".git",
        "ssh_url": f"git@{page.split('://')[1].split(':')[0].split('/')[0]}:{one.full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": "C++",
        "has_issues": True,
        "has_projects": False,
        "has_downloads": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": 0,
        "archived": False,
        "disabled": False,
        "open_issues_count": open_pulls,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "forks": 0,
        "open_issues": open_pulls,
        "watchers": 0,
        "default_branch": one.default_branch,
    }


def full_repository(links: Links, one: Repository, state: State) -> Json:
    """`full-repository`."""
    return {**repository(links, one, state), "network_count": 0, "subscribers_count": 0}


def commit(links: Links, one: Repository, found: Commit) -> Json:
    """`commit`, without its files."""
    url, page = links.repository(one), links.page(one)
    return {
        "sha": found.sha,
        "node_id": node_id("C", int(found.sha[:16], 16)),
        "url": f"{url}/commits/{found.sha}",
        "html_url": f"{page}/commit/{found.sha}",
        "comments_url": f"{url}/commits/{found.sha}/comments",
        "commit": {
            "url": f"{url}/git/commits/{found.sha}",
            "author": _signature(found.author),
            "committer": _signature(found.committer),
            "message": found.message,
            "tree": {"sha": found.tree, "url": f"{url}/git/trees/{found.tree}"},
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "author": None,
        "committer": None,
        "parents": [
            {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/commit/{sha}"} for sha in found.parents
        ],
    }


def simple_commit(found: Commit) -> Json:
    """`simple-commit`."""
    return {
        "id": found.sha,
        "tree_id": found.tree,
        "message": found.message,
        "timestamp": timestamp(found.committer.date),
        "author": {"name": found.author.name, "email": found.author.email},
        "committer": {"name": found.committer.name, "email": found.committer.email},
    }


def full_commit(links: Links, one: Repository, found: Commit) -> Json:
    """`commit` with its files and their counts against its first parent."""
    files = one.git.changes(found.parents[0] if found.parents else None, found.sha)
    additions, deletions = line_totals(files)
    return {
        **commit(links, one, found),
        "stats": {"total": additions + deletions, "additions": additions, "deletions": deletions},
        "files": [diff_entry(links, one, found.sha, change) for change in files],
    }


def diff_entry(links: Links, one: Repository, sha: str, change: FileChange) -> Json:
    """`diff-entry`: one file of a diff whose newer side is `sha`."""
    path = quote(change.filename)
    entry: Json = {
        "sha": change.blob,
        "filename": change.filename,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{links.page(one)}/blob/{sha}/{path}",
        "raw_url": f"{links.page(one)}/raw/{sha}/{path}",
        "contents_url": f"{links.repository(one)}/contents/{path}?ref={sha}",
    }
    if change.patch is not None:
        entry["patch"] = change.patch
    if change.previous_filename is not None:
        entry["previous_filename"] = change.previous_filename
    return entry


def line_totals(files: tuple[FileChange, ...]) -> tuple[int, int]:
    """Lines added and deleted in all files."""
    return sum(file.additions for file in files), sum(file.deletions for file in files)


def _signature(who: Signature) -> Json:
    return {"name": who.name, "email": who.email, "date": timestamp(who.date)}
