"""The calls that jobs make, each one request (or one per page)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from workers.github.failures import NotThere
from workers.github.graphql import MINIMIZE, MOST_PATHS, BlameRange, blame_query, blame_variables, read_blame
from workers.github.release_calls import ReleaseCalls
from workers.github.resources import (
    CheckRun,
    Comment,
    Comparison,
    PullCommit,
    PullRequest,
    ReviewComment,
    names_of,
)
from workers.github.streams import Streams
from workers.github.transport import Transport
from workers.github.workflow_calls import WorkflowCalls


class Client:
    """GitHub as one installation of the App sees it. Every method raises `GitHubError`."""

    def __init__(self, transport: Transport, streams: Streams, token: str, app_id: int) -> None:
        self._transport = transport
        self._pages = transport.pages
        self._streams = streams
        self.token = token
        self.app_id = app_id
        self.releases = ReleaseCalls(transport, streams)
        self.workflows = WorkflowCalls(transport, streams)

    def close(self) -> None:
        """Ends the connections."""
        self._transport.close()
        self._streams.close()

    def pull(self, repository: str, number: int) -> PullRequest:
        """A pull request as it is now."""
        return PullRequest.read(self._get(f"/repos/{repository}/pulls/{number}"))

    def compare(self, repository: str, base: str, head: str) -> Comparison:
        """A commit against a branch (or commit)."""
        # One commit a page: the answer would otherwise list all of them.
        path = f"/repos/{repository}/compare/{quote(base)}...{head}"
        return Comparison.read(self._get(path, {"per_page": 1}))

    def files(self, repository: str, number: int) -> list[tuple[str, ...]]:
        """The names of each changed file, 3,000 at most: one, or after a rename the new and the old one."""
        return [names_of(file) for file in self._pages(f"/repos/{repository}/pulls/{number}/files")]

    def patches(self, repository: str, number: int) -> dict[str, str]:
        """What a pull request changes, by file; a file that is large, binary or only renamed has no patch."""
        pages = self._pages(f"/repos/{repository}/pulls/{number}/files")
        return {file["filename"]: file["patch"] for file in pages if "patch" in file}

    def commits(self, repository: str, number: int) -> list[PullCommit]:
        """The first 250 commits of a pull request."""
        return [PullCommit.read(answer) for answer in self._pages(f"/repos/{repository}/pulls/{number}/commits")]

    def check_runs(self, repository: str, sha: str, name: str) -> list[CheckRun]:
        """All check runs of that name on a commit, superseded ones too."""
        path = f"/repos/{repository}/commits/{sha}/check-runs"
        return [
            CheckRun.read(answer) for answer in self._pages(path, {"check_name": name, "filter": "all"}, "check_runs")
        ]

    def check_run(self, repository: str, check_id: int) -> CheckRun:
        """One check run."""
        return CheckRun.read(self._get(f"/repos/{repository}/check-runs/{check_id}"))

    def create_check_run(self, repository: str, fields: Mapping[str, Any]) -> CheckRun:
        """A new check run. After `Unavailable` it may be there all the same: look before repeating."""
        return CheckRun.read(self._write("POST", f"/repos/{repository}/check-runs", fields))

    def update_check_run(self, repository: str, check_id: int, fields: Mapping[str, Any]) -> CheckRun:
        """Changes what is named. Annotations are added to those that are there."""
        return CheckRun.read(self._write("PATCH", f"/repos/{repository}/check-runs/{check_id}", fields))

    def comments(self, repository: str, number: int) -> Iterator[Comment]:
        """Comments of a pull request, the oldest first."""
        return (Comment.read(answer) for answer in self._pages(f"/repos/{repository}/issues/{number}/comments"))

    def comment(self, repository: str, comment_id: int) -> Comment:
        """One comment."""
        return Comment.read(self._get(f"/repos/{repository}/issues/comments/{comment_id}"))

    def create_comment(self, repository: str, number: int, body: str) -> Comment:
        """A new comment. After `Unavailable` it may be there all the same: look before repeating."""
        return Comment.read(self._write("POST", f"/repos/{repository}/issues/{number}/comments", {"body": body}))

    def update_comment(self, repository: str, comment_id: int, body: str) -> Comment:
        """Another text for a comment."""
        return Comment.read(self._write("PATCH", f"/repos/{repository}/issues/comments/{comment_id}", {"body": body}))

    def review_comments(self, repository: str, number: int) -> list[ReviewComment]:
        """Comments on lines of a pull request's diff, the oldest first."""
        return [ReviewComment.read(answer) for answer in self._pages(f"/repos/{repository}/pulls/{number}/comments")]

    def create_review_comment(self, repository: str, number: int, fields: Mapping[str, Any]) -> ReviewComment:
        """A new comment on a line. After `Unavailable` it may be there all the same: look before repeating."""
        return ReviewComment.read(self._write("POST", f"/repos/{repository}/pulls/{number}/comments", fields))

    def update_review_comment(self, repository: str, comment_id: int, body: str) -> ReviewComment:
        """Another text for a comment on a line."""
        path = f"/repos/{repository}/pulls/comments/{comment_id}"
        return ReviewComment.read(self._write("PATCH", path, {"body": body}))

    def delete_review_comment(self, repository: str, comment_id: int) -> None:
        """Removes a comment on a line."""
        self._transport.call("DELETE", f"/repos/{repository}/pulls/comments/{comment_id}")

    def react(self, repository: str, comment_id: int, content: str) -> None:
        """Shows a reaction under a comment, in GitHub's words: eyes, rocket, confused …"""
        self._write("POST", f"/repos/{repository}/issues/comments/{comment_id}/reactions", {"content": content})

    def permission(self, repository: str, login: str) -> str:
        """What a person may do there: admin, write, read or none."""
        try:
            answer = self._get(f"/repos/{repository}/collaborators/{quote(login, safe='')}/permission")
        except NotThere:  # no such account (any more), or nobody who may see the repository
            return "none"
        return str(answer["permission"])

    def add_labels(self, repository: str, number: int, labels: Sequence[str]) -> None:
        """Adds labels; GitHub makes those that there are not."""
        self._write("POST", f"/repos/{repository}/issues/{number}/labels", {"labels": list(labels)})

    def create_status(self, repository: str, sha: str, fields: Mapping[str, Any]) -> None:
        """A commit status; of those with one context the last counts."""
        self._write("POST", f"/repos/{repository}/statuses/{sha}", fields)

    def create_review(self, repository: str, number: int, sha: str, comments: Sequence[Mapping[str, Any]]) -> None:
        """Several new comments on lines at `sha`, all or none. After `Unavailable` they may be there all the same."""
        fields = {"event": "COMMENT", "commit_id": sha, "comments": [dict(comment) for comment in comments]}
        self._write("POST", f"/repos/{repository}/pulls/{number}/reviews", fields)

    def graphql(self, query: str, variables: Mapping[str, Any]) -> Any:
        """The data that answers a query; one request. What GitHub answers in part only is refused as a whole."""
        return self._transport.graphql(query, variables)

    def blame(self, repository: str, sha: str, paths: Sequence[str]) -> Mapping[str, tuple[BlameRange, ...]]:
        """Which commits and pull requests brought the lines of files, one to `MOST_PATHS`, that are in `sha`."""
        if not 1 <= len(paths) <= MOST_PATHS:
            raise ValueError(f"{len(paths)} files; one question may be about 1 to {MOST_PATHS}")
        data = self.graphql(blame_query(len(paths)), blame_variables(repository, sha, paths))
        found = read_blame(data, paths)
        if found is None:
            raise NotThere(f"POST /graphql: {repository} has no commit {sha}")
        return found

    def minimize_comment(self, node_id: str) -> None:
        """Folds a comment away as outdated."""
        self.graphql(MINIMIZE, {"subject": node_id})

    def _get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Any:
        return self._transport.call("GET", path, parameters)[0]

    def _write(self, verb: str, path: str, body: Mapping[str, Any]) -> Any:
        return self._transport.call(verb, path, body=dict(body))[0]
