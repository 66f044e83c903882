"""GraphQL: blame and the pull requests behind it, comments folded away, and what the schema does not allow."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_schema, parse

from simulator.graphql.generate import FIELDS, cut, written
from simulator.openapi.generate import Origin
from tests.simulator.conftest import FULL_NAME, Client, GitHub

BLAME = """
query($sha: GitObjectID!, $path: String!) {
  repository(owner: "octo-org", name: "engine") {
    object(oid: $sha) { ... on Commit { blame(path: $path) { ranges {
      startingLine endingLine
      commit { oid associatedPullRequests(first: 5) { nodes { number title repository { nameWithOwner } } } }
    } } } }
  }
}
"""
MINIMIZE = """
mutation($id: ID!, $why: ReportedContentClassifiers!) {
  minimizeComment(input: {subjectId: $id, classifier: $why, clientMutationId: "7"}) {
    clientMutationId minimizedComment { isMinimized minimizedReason }
  }
}
"""


def ask(github: GitHub, query: str, *, client: Client | None = None, **variables: Any) -> Any:
    """What GraphQL answers."""
    caller = client or github.client
    root = Client(github.sim.url, caller.authorization)
    answer = root.call("POST", "/api/graphql", {"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    return answer.json()


def blame(github: GitHub, sha: str, path: str) -> list[tuple[int, int, str, list[tuple[int, str]]]]:
    """First line, last line, commit and pull requests of each range."""
    answer = ask(github, BLAME, sha=sha, path=path)
    assert "errors" not in answer, answer
    return [
        (
            one["startingLine"],
            one["endingLine"],
            one["commit"]["oid"],
            [(pull["number"], pull["title"]) for pull in one["commit"]["associatedPullRequests"]["nodes"]],
        )
        for one in answer["data"]["repository"]["object"]["blame"]["ranges"]
    ]


def restricted(github: GitHub, **permissions: str) -> Client:
    """A caller with a token for less."""
    path = f"/app/installations/{github.installation_id}/access_tokens"
    token = github.as_app.json("POST", path, {"permissions": permissions})["token"]
    return Client(github.sim.api_url, f"Bearer {token}")


def test_lines_lead_to_the_commits_and_merged_pull_requests_that_brought_them(github: GitHub) -> None:
    first, edit = github.sha("main~1"), github.sha("topic~1")
    number = github.sim.open_pull(FULL_NAME, "topic", "main", "Widen").number
    merged = github.sim.merge(FULL_NAME, number)
    assert blame(github, merged, "wide.h") == [
        (1, 24, first, []),
        (25, 25, edit, [(number, "Widen")]),
        (26, 50, first, []),
    ]
    assert github.sim.violations == []
    assert ("POST", "/graphql", 200) in github.sim.calls


def test_an_open_pull_request_is_told_where_the_default_branch_lacks_the_commit(github: GitHub) -> None:
    number = github.sim.open_pull(FULL_NAME, "topic", "main", "Widen").number
    pulls = {line: its for line, _, _, its in blame(github, github.sha("topic"), "wide.h")}
    assert pulls == {1: [], 25: [(number, "Widen")], 26: []}
    github.sim.close_pull(FULL_NAME, number)
    assert all(its == [] for _, _, _, its in blame(github, github.sha("topic"), "wide.h"))


def test_a_file_or_commit_that_is_not_there(github: GitHub) -> None:
    answer = ask(github, BLAME, sha=github.sha("main"), path="nowhere.h")
    assert [error["type"] for error in answer["errors"]] == ["NOT_FOUND"]
    assert answer["data"]["repository"]["object"] is None
    assert ask(github, BLAME, sha="0" * 40, path="wide.h")["data"]["repository"] == {"object": None}
    assert github.sim.violations == []


def test_a_repository_that_the_caller_cannot_see_is_not_there(github: GitHub) -> None:
    github.sim.create_repository("octo-org/secret", github.source.path, private=True)
    for name in ("secret", "nothing"):
        answer = ask(github, f'{{ repository(owner: "octo-org", name: "{name}") {{ nameWithOwner }} }}')
        assert answer["data"] == {"repository": None}
        assert [(error["type"], error["path"]) for error in answer["errors"]] == [("NOT_FOUND", ["repository"])]


@pytest.mark.parametrize("permissions", [{"pull_requests": "read"}, {"contents": "read"}])
def test_blame_needs_contents_and_its_pull_requests_need_theirs(github: GitHub, permissions: dict[str, str]) -> None:
    caller = restricted(github, **permissions)
    answer = ask(github, BLAME, client=caller, sha=github.sha("main"), path="wide.h")
    assert {error["type"] for error in answer["errors"]} == {"FORBIDDEN"}
    assert github.sim.violations == []


def test_a_comment_is_folded_away(github: GitHub) -> None:
    number = github.sim.open_pull(FULL_NAME, "topic", "main", "Widen").number
    made = github.client.json("POST", f"/repos/{FULL_NAME}/issues/{number}/comments", {"body": "An answer"})
    answer = ask(github, MINIMIZE, id=made["node_id"], why="OUTDATED")
    assert answer["data"]["minimizeComment"] == {
        "clientMutationId": "7",
        "minimizedComment": {"isMinimized": True, "minimizedReason": "outdated"},
    }
    assert github.sim.minimized(made["id"]) == "OUTDATED"
    assert github.sim.violations == []


def test_only_who_may_write_comments_folds_them(github: GitHub) -> None:
    number = github.sim.open_pull(FULL_NAME, "topic", "main", "Widen").number
    made = github.client.json("POST", f"/repos/{FULL_NAME}/issues/{number}/comments", {"body": "An answer"})
    caller = restricted(github, issues="read")
    assert ask(github, MINIMIZE, client=caller, id=made["node_id"], why="SPAM")["errors"][0]["type"] == "FORBIDDEN"
    assert ask(github, MINIMIZE, id="IC_nothing", why="SPAM")["errors"][0]["type"] == "NOT_FOUND"
    assert github.sim.minimized(made["id"]) is None


@pytest.mark.parametrize(
    ("query", "variables", "reason"),
    [
        ('{ repository(owner: "octo-org", name: "engine") { stars } }', {}, "Cannot query field 'stars'"),
        ("{ repository(", {}, "Syntax Error"),
        (BLAME, {"sha": "main", "path": "wide.h"}, "invalid value"),
        (BLAME, {"sha": "0" * 40}, "to be provided"),
        (MINIMIZE, {"id": "IC_1", "why": "BORING"}, "BORING"),
    ],
)
def test_what_the_schema_does_not_allow_is_kept(
    github: GitHub, query: str, variables: dict[str, Any], reason: str
) -> None:
    answer = ask(github, query, **variables)
    assert reason in answer["errors"][0]["message"]
    assert {(one.side, one.path) for one in github.sim.violations} == {("request", "/graphql")}


@pytest.mark.parametrize(
    ("bounds", "reason"), [("", "`first` or `last`"), ("(first: 101)", "from 1 to 100"), ("(last: 0)", "from 1 to 100")]
)
def test_a_connection_is_asked_for_1_to_100_of_its_nodes(github: GitHub, bounds: str, reason: str) -> None:
    answer = ask(github, BLAME.replace("(first: 5)", bounds), sha=github.sha("main"), path="wide.h")
    assert reason in answer["errors"][0]["message"]
    assert {(one.side, one.path) for one in github.sim.violations} == {("request", "/graphql")}


@pytest.mark.parametrize("body", [{}, [], {"query": 1}, {"query": "{ x }", "variables": []}, {"query": "", "more": 1}])
def test_a_body_of_another_form_is_kept(github: GitHub, body: Any) -> None:
    answer = Client(github.sim.url, github.client.authorization).call("POST", "/api/graphql", body)
    assert answer.status_code == 200
    assert answer.json()["errors"]
    assert len(github.sim.violations) == 1


def test_nobody_is_let_in_without_an_installation_token(github: GitHub) -> None:
    body = {"query": "{ __typename }"}
    bad = f"Bearer ghs_{'0' * 36}"
    for authorization, status in ((None, 401), (bad, 401), (github.as_app.authorization, 403)):
        assert Client(github.sim.url, authorization).call("POST", "/api/graphql", body).status_code == status


@pytest.mark.parametrize("performed", [True, False])
def test_a_call_fails_to_order(github: GitHub, performed: bool) -> None:
    number = github.sim.open_pull(FULL_NAME, "topic", "main", "Widen").number
    made = github.client.json("POST", f"/repos/{FULL_NAME}/issues/{number}/comments", {"body": "An answer"})
    github.sim.fail_next("POST", "/graphql$", 502, performed=performed)
    body = {"query": MINIMIZE, "variables": {"id": made["node_id"], "why": "OUTDATED"}}
    answer = Client(github.sim.url, github.client.authorization).call("POST", "/api/graphql", body)
    assert answer.status_code == 502
    assert github.sim.minimized(made["id"]) == ("OUTDATED" if performed else None)


def test_only_what_is_named_and_referred_to_is_kept_of_a_schema() -> None:
    kept = {name: "\n".join(f"{field}: Int" for field in fields) for name, fields in FIELDS.items()}
    kinds = {name: "interface" if name in {"GitObject", "Minimizable"} else "type" for name in FIELDS}
    kept["Query"] = '"Prose" repository(of: Asked @deprecated): Int\nmore: Unknown'
    asked = "input Asked { why: Kind, when: Time }\nenum Kind { A }\nscalar Time\nscalar Other\ntype Unknown { a: Int }"
    source = "\n".join(f'"Prose"\n{kinds[name]} {name} {{ {text} }}' for name, text in kept.items())
    text = written(cut(parse(f"{source}\n{asked}", no_location=True)), Origin("package", "1", "a.graphql", "MIT"))
    assert text.startswith("# a.graphql of package 1 (MIT), cut\n")
    assert set(build_schema(text).type_map) >= {*FIELDS, "Asked", "Kind", "Time"}
    assert not any(word in text for word in ("Prose", "@deprecated", "Unknown", "Other"))


def test_a_type_that_nobody_has_chosen_fields_of_is_not_kept_by_accident() -> None:
    kept = {name: "\n".join(f"{field}: Int" for field in fields) for name, fields in FIELDS.items()}
    kept["Query"] = "repository: Unknown"
    source = "\n".join(f"type {name} {{ {text} }}" for name, text in kept.items())
    with pytest.raises(SystemExit, match="say in FIELDS which"):
        cut(parse(f"{source}\ntype Unknown {{ a: Int }}", no_location=True))
