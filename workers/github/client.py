"""The calls that jobs make, each one request (or one per page)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from workers.github.resources import CheckRun, Comment, PullCommit, PullRequest, ReviewComment
from workers.github.transport import PER_PAGE, Transport

MAX_PAGES = 100


class Client:
    """GitHub as one installation of the App sees it. Every method raises `GitHubError`."""

    def __init__(self, transport: Transport, token: str, app_id: int) -> None:
        self._transport = transport
        self.token = token
        self.app_id = app_id

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def pull(self, repository: str, number: int) -> PullRequest:
        """A pull request as it is now."""
        return PullRequest.read(self._get(f"/repos/{repository}/pulls/{number}"))

    def merge_base(self, repository: str, base: str, head: str) -> str:
        """The last commit that a branch (or commit) and a commit have in common."""
        # One commit a page: the answer would otherwise list all of them.
        answer = self._get(f"/repos/{repository}/compare/{quote(base)}...{head}", {"per_page": 1})
        return str(answer["merge_base_commit"]["sha"])

    def files(self, repository: str, number: int) -> list[tuple[str, ...]]:
        """The names of each changed file: one, or after a rename the new and the old one."""
        pages = self._pages(f"/repos/{repository}/pulls/{number}/files")
        return [
            (file["filename"], file["previous_filename"]) if file.get("previous_filename") else (file["filename"],)
            for file in pages
        ]

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

    def _get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Any:
        return self._transport.call("GET", path, parameters)[0]

    def _write(self, verb: str, path: str, body: Mapping[str, Any]) -> Any:
        return self._transport.call(verb, path, body=dict(body))[0]

    def _pages(self, path: str, parameters: Mapping[str, str | int] | None = None, within: str = "") -> Iterator[Any]:
        """All items of a list, which is the answer or is `within` it."""
        for page in range(1, MAX_PAGES + 1):
            asked = {**(parameters or {}), "per_page": PER_PAGE, "page": page}
            answer, headers = self._transport.call("GET", path, asked)
            yield from answer[within] if within else answer
            if 'rel="next"' not in headers.get("link", ""):
                return
