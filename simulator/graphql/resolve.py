"""What GraphQL's fields are worth: nested mappings, with functions where there are arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator import auth
from simulator.git import GitError
from simulator.graphql.blame import blame, pulls_with
from simulator.records import Comment, Pull, Repository
from simulator.resources import node_id
from simulator.state import State

Json = Any
Fields = Mapping[str, Json]
CONTENTS = auth.Permission(("contents",), "read")
PULLS = auth.Permission(("pull_requests",), "read")
CONVERSATION = auth.Permission(("issues", "pull_requests"), "write")
LARGEST_CONNECTION = 100
SHA = re.compile(r"[0-9a-f]{40}")


class Refusal(Exception):
    """A field that has no answer. `kind` is what GitHub calls it, `None` where it has no name for it."""

    def __init__(self, kind: str | None, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class NotAllowed(Refusal):
    """A mistake of the caller that the schema does not show."""


@dataclass(frozen=True)
class Resolver:
    """The answers for one caller."""

    state: State
    caller: auth.AsInstallation

    def root(self) -> Fields:
        """All that can be asked for."""
        return {"repository": self._repository, "minimizeComment": self._minimize}

    def _repository(self, _info: Any, owner: str, name: str, **_: Json) -> Fields:
        found = self.state.repository(f"{owner}/{name}")
        if found is None or not (self.caller.reaches(found) or not found.private):
            raise Refusal("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return self._fields_of(found)

    def _fields_of(self, repository: Repository) -> Fields:
        def git_object(_info: Any, oid: str | None = None, expression: str | None = None) -> Fields | None:
            self._require(repository, CONTENTS)
            if (oid is None) == (expression is None):
                raise NotAllowed(None, "Exactly one of oid and expression must be given")
            sha = repository.git.resolve(oid or expression or "")
            return None if sha is None else self._commit(repository, sha)

        return {"nameWithOwner": repository.full_name, "object": git_object}

    def _commit(self, repository: Repository, sha: str) -> Fields:
        def blamed(_info: Any, path: str) -> Fields:
            try:
                ranges = blame(repository.git, sha, path)
            except GitError:
                raise Refusal("NOT_FOUND", f"Could not resolve file for path '{path}'.") from None
            return {
                "ranges": [
                    {"startingLine": one.first, "endingLine": one.last, "commit": self._commit(repository, one.sha)}
                    for one in ranges
                ]
            }

        def pulls(_info: Any, first: int | None = None, last: int | None = None, **_: Json) -> Fields:
            _require_bounds("associatedPullRequests", first, last)
            self._require(repository, PULLS)
            found = pulls_with(self.state, repository, sha)
            shown = found[:first] if first is not None else found[-(last or 0) :]
            return {"nodes": [self._pull(repository, one) for one in shown]}

        return {"__typename": "Commit", "oid": sha, "blame": blamed, "associatedPullRequests": pulls}

    def _pull(self, repository: Repository, pull: Pull) -> Fields:
        return {"number": pull.number, "title": pull.title, "repository": lambda _info: self._fields_of(repository)}

    def _minimize(self, _info: Any, input: Fields) -> Fields:  # noqa: A002 - GitHub's name
        state = self.state
        with state.lock:
            comment = replace(self._comment(input["subjectId"]), minimized=input["classifier"])
            state.comments[comment.id] = comment
        shown = {
            "__typename": "IssueComment",
            "isMinimized": True,
            "minimizedReason": input["classifier"].lower().replace("_", "-"),
        }
        return {"clientMutationId": input.get("clientMutationId"), "minimizedComment": shown}

    def _comment(self, node: str) -> Comment:
        """A comment that the caller may minimize."""
        found = (one for one in self.state.comments.values() if node_id("IC", one.id) == node)
        comment = next(found, None)
        repository = self.state.repository(comment.repository) if comment else None
        if comment is None or repository is None or not self.caller.reaches(repository):
            raise Refusal("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'.")
        self._require(repository, CONVERSATION)
        return comment

    def _require(self, repository: Repository, needed: auth.Permission) -> None:
        try:
            auth.check_access(self.caller, repository, needed)
        except auth.Refused as refused:
            raise Refusal("FORBIDDEN", refused.message) from None


def git_object_id(value: Json) -> str:
    """A value of GitHub's scalar. Raises `ValueError`."""
    if not isinstance(value, str) or not SHA.fullmatch(value):
        raise ValueError(f"{value!r} is no full, lower-case object id")
    return value


def _require_bounds(connection: str, first: int | None, last: int | None) -> None:
    bounds = [bound for bound in (first, last) if bound is not None]
    if not bounds:
        raise NotAllowed(
            "MISSING_PAGINATION_BOUNDARIES",
            f"You must provide a `first` or `last` value to properly paginate the `{connection}` connection.",
        )
    if not all(1 <= bound <= LARGEST_CONNECTION for bound in bounds):
        raise NotAllowed(
            "EXCESSIVE_PAGINATION" if max(bounds) > LARGEST_CONNECTION else None,
            f"`first` and `last` on the `{connection}` connection must be from 1 to {LARGEST_CONNECTION}.",
        )
