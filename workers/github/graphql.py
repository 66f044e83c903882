"""GraphQL: the questions that jobs ask, what the answers say, and what its refusals mean.

A value never becomes part of a query's text: it travels beside it, as a variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from workers.github.failures import GitHubError, failure

MOST_PATHS = 10
"""Files that one question may be about: GitHub blames each while we wait."""
MINIMIZE = """\
mutation($subject: ID!) {
  minimizeComment(input: {subjectId: $subject, classifier: OUTDATED}) { minimizedComment { isMinimized } }
}
"""

_RANGES = """\
fragment Ranges on Blame {
  ranges {
    startingLine
    endingLine
    commit { oid associatedPullRequests(first: 5) { nodes { number title repository { nameWithOwner } } } }
  }
}
"""
_RATE_LIMITED = "RATE_LIMITED"
_STATUS = {"NOT_FOUND": 404, "FORBIDDEN": 403, _RATE_LIMITED: 429}
"""The status that REST answers in the same case; in all others it is understood and will not be done."""
_OTHER_STATUS = 422


@dataclass(frozen=True)
class AssociatedPull:
    """A pull request that a commit came with; `title` is its author's."""

    number: int
    title: str


@dataclass(frozen=True)
class BlameRange:
    """Lines `first` to `last` of a file, counted from 1: the commit `sha` brought them, with `pulls`."""

    first: int
    last: int
    sha: str
    pulls: tuple[AssociatedPull, ...]

    @classmethod
    def read(cls, answer: Mapping[str, Any], repository: str) -> Self:
        """Reads GitHub's JSON. Pull requests of other repositories, such as forks, are passed over."""
        commit = answer["commit"]
        nodes = (commit["associatedPullRequests"] or {}).get("nodes") or ()
        return cls(
            first=answer["startingLine"],
            last=answer["endingLine"],
            sha=commit["oid"],
            pulls=tuple(
                AssociatedPull(node["number"], node["title"])
                for node in nodes
                if node and node["repository"]["nameWithOwner"] == repository
            ),
        )


def blame_query(count: int) -> str:
    """Who wrote the lines of `count` files of one commit. Variables: owner, name, sha, path0, path1, …"""
    declared = "".join(f", $path{number}: String!" for number in range(count))
    asked = "".join(f"        file{number}: blame(path: $path{number}) {{ ...Ranges }}\n" for number in range(count))
    return f"""\
query($owner: String!, $name: String!, $sha: GitObjectID!{declared}) {{
  repository(owner: $owner, name: $name) {{
    nameWithOwner
    object(oid: $sha) {{
      ... on Commit {{
{asked}      }}
    }}
  }}
}}
{_RANGES}"""


def blame_variables(repository: str, sha: str, paths: Sequence[str]) -> dict[str, str]:
    """The variables of `blame_query`, for a repository `owner/name`."""
    owner, _, name = repository.partition("/")
    return {"owner": owner, "name": name, "sha": sha, **{f"path{number}": path for number, path in enumerate(paths)}}


def read_blame(data: Mapping[str, Any], paths: Sequence[str]) -> dict[str, tuple[BlameRange, ...]] | None:
    """The ranges of each file, `None` where the commit is not there."""
    repository = data["repository"]
    commit = repository["object"]
    if not commit:
        return None
    return {
        path: tuple(BlameRange.read(one, repository["nameWithOwner"]) for one in commit[f"file{number}"]["ranges"])
        for number, path in enumerate(paths)
    }


def refusal(errors: Sequence[Any], headers: Mapping[str, str], now: float) -> GitHubError:
    """The error that an answer with `errors` stands for: a rate limit if one is among them, else the first.

    Header names are in lower case, `now` is in epoch seconds.
    """
    told = [error if isinstance(error, dict) else {} for error in errors]
    error = next((one for one in told if one.get("type") == _RATE_LIMITED), told[0])
    kind, message = str(error.get("type", "")), str(error.get("message", ""))[:500]
    status = _STATUS.get(kind, _OTHER_STATUS)
    found = failure(f"POST /graphql {kind}".strip(), status, headers, message, now)
    assert found is not None, "none of these statuses is a good one"
    return found
