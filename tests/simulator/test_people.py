"""Who may do what; reactions, labels, statuses and reviews."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.conftest import FULL_NAME, GitHub, later

REPOSITORY = f"/repos/{FULL_NAME}"
REVIEWS = f"{REPOSITORY}/pulls/1/reviews"


@pytest.fixture(autouse=True)
def _pull(github: GitHub) -> Iterator[None]:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    yield
    assert [one for one in github.sim.violations if one.side != "request"] == []


@pytest.mark.parametrize(
    ("role", "permission", "abilities"),
    [
        ("admin", "admin", {"admin", "maintain", "push", "triage", "pull"}),
        ("maintain", "write", {"maintain", "push", "triage", "pull"}),
        ("write", "write", {"push", "triage", "pull"}),
        ("triage", "read", {"triage", "pull"}),
        ("read", "read", {"pull"}),
    ],
)
def test_roles_and_the_older_permissions(github: GitHub, role: str, permission: str, abilities: set[str]) -> None:
    github.sim.set_permission(FULL_NAME, "Mona", role)
    answer = github.client.json("GET", f"{REPOSITORY}/collaborators/mona/permission")
    assert (answer["permission"], answer["role_name"], answer["user"]["login"]) == (permission, role, "Mona")
    assert {name for name, held in answer["user"]["permissions"].items() if held} == abilities
    github.sim.set_permission(FULL_NAME, "mona", None)
    answer = github.client.json("GET", f"{REPOSITORY}/collaborators/mona/permission")
    assert (answer["permission"], answer["role_name"]) == ("none", "none")


def test_anybody_may_read_what_is_public(github: GitHub) -> None:
    github.sim.create_repository("octo-org/public", github.source.path)
    github.sim.install(github.app.id, "octo-org/public")
    answer = github.client.json("GET", "/repos/octo-org/public/collaborators/octocat/permission")
    assert (answer["permission"], answer["role_name"]) == ("read", "read")


@pytest.mark.parametrize("login", ["nobody-of-that-name", "pagewarden[bot]", "octo-org"])
def test_only_people_have_permissions(github: GitHub, login: str) -> None:
    refused = github.client.get(f"{REPOSITORY}/collaborators/{login}/permission")
    assert (refused.status_code, refused.json()["message"]) == (404, f"{login} is not a user")
    with pytest.raises(ValueError, match="'owner' is none of"):
        github.sim.set_permission(FULL_NAME, "mona", "owner")


def test_a_reaction_is_there_once(github: GitHub) -> None:
    comment = github.sim.comment(FULL_NAME, 1, "mona", "/recheck")
    path = f"{REPOSITORY}/issues/comments/{comment}/reactions"
    answers = [github.client.call("POST", path, {"content": one}) for one in ("eyes", "eyes", "rocket")]
    assert [one.status_code for one in answers] == [201, 200, 201]
    assert answers[0].json() == answers[1].json()
    listed = github.client.json("GET", path)
    assert [(one["content"], one["user"]["login"]) for one in listed] == [
        ("eyes", "pagewarden[bot]"),
        ("rocket", "pagewarden[bot]"),
    ]
    assert github.sim.reactions(comment) == listed
    assert github.client.json("GET", path, content="rocket") == listed[1:]
    (shown,) = github.sim.comments(FULL_NAME, 1)
    assert (shown["reactions"]["total_count"], shown["reactions"]["eyes"]) == (2, 1)


def test_what_a_reaction_may_be(github: GitHub) -> None:
    comment = github.sim.comment(FULL_NAME, 1, "mona", "/recheck")
    path = f"{REPOSITORY}/issues/comments"
    assert github.client.call("POST", f"{path}/{comment}/reactions", {"content": "tada"}).status_code == 422
    assert github.client.call("POST", f"{path}/1/reactions", {"content": "eyes"}).status_code == 404
    assert github.nobody.call("POST", f"{path}/{comment}/reactions", {"content": "eyes"}).status_code == 404


def test_labels_are_added(github: GitHub) -> None:
    path = f"{REPOSITORY}/issues/1/labels"
    github.client.json("POST", path, {"labels": ["page-size"]})
    asked = {"labels": ["PAGE-SIZE", {"name": "bug"}, {"name": "later", "suggest": True}]}
    added = github.client.json("POST", path, asked)
    assert [one["name"] for one in added] == ["page-size", "bug"]
    assert github.client.json("GET", path) == added
    assert github.client.json("GET", f"{REPOSITORY}/pulls/1")["labels"] == added
    assert github.client.json("GET", f"{REPOSITORY}/pulls")[0]["labels"] == added
    assert github.sim.labels(FULL_NAME, 1) == ["page-size", "bug"]
    assert github.client.call("POST", f"{REPOSITORY}/issues/9/labels", {"labels": ["x"]}).status_code == 404


def test_statuses_of_a_commit(github: GitHub) -> None:
    sha = github.sha("topic")

    def post(**body: Any) -> Any:
        return github.client.json("POST", f"{REPOSITORY}/statuses/{sha}", body)

    def combined() -> Any:
        return github.client.json("GET", f"{REPOSITORY}/commits/topic/status")

    assert (combined()["state"], combined()["total_count"]) == ("pending", 0)
    post(state="pending", context="pagewarden", description="Checking", target_url="https://example.com/1")
    post(state="success", context="build")
    assert combined()["state"] == "pending"
    later(github, seconds=1)
    post(state="success", context="Pagewarden", description="No findings")
    assert (combined()["state"], combined()["total_count"]) == ("success", 2)
    assert combined()["statuses"][0]["description"] == "No findings"
    post(state="error")
    assert combined()["state"] == "failure"
    listed = github.client.json("GET", f"{REPOSITORY}/commits/{sha}/statuses")
    assert [(one["context"], one["state"]) for one in listed] == [
        ("default", "error"),
        ("Pagewarden", "success"),
        ("build", "success"),
        ("pagewarden", "pending"),
    ]
    assert (listed[3]["target_url"], listed[3]["creator"]["login"]) == ("https://example.com/1", "pagewarden[bot]")
    assert github.sim.statuses(FULL_NAME, sha) == listed


def test_what_a_status_may_be(github: GitHub) -> None:
    path = f"{REPOSITORY}/statuses"
    missing = github.client.call("POST", f"{path}/{'0' * 40}", {"state": "success"})
    assert (missing.status_code, missing.json()["message"]) == (422, f"No commit found for SHA: {'0' * 40}")
    sha = github.sha("topic")
    assert github.client.call("POST", f"{path}/{sha}", {"state": "success", "description": "x" * 140}).ok
    long = github.client.call("POST", f"{path}/{sha}", {"state": "success", "description": "x" * 141})
    assert (long.status_code, "too long" in long.text) == (422, True)
    assert github.client.call("POST", f"{path}/{sha}", {"state": "neutral"}).status_code == 422


def _comments(*lines: int) -> list[dict[str, Any]]:
    return [{"path": "wide.h", "line": line, "side": "RIGHT", "body": f"on {line}"} for line in lines]


def test_a_review_comments_on_several_lines_at_once(github: GitHub) -> None:
    body = {"event": "COMMENT", "commit_id": github.sha("topic"), "comments": _comments(24, 25)}
    review = github.client.json("POST", REVIEWS, body)
    assert (review["state"], review["body"], review["commit_id"]) == ("COMMENTED", "", github.sha("topic"))
    listed = github.client.json("GET", f"{REPOSITORY}/pulls/1/comments")
    assert [(one["line"], one["body"]) for one in listed] == [(24, "on 24"), (25, "on 25")]
    assert {one["pull_request_review_id"] for one in listed} == {review["id"]}
    assert github.client.json("GET", f"{REPOSITORY}/pulls/1")["review_comments"] == 2
    assert github.sim.reviews(FULL_NAME, 1) == [review]
    edited = github.client.json("PATCH", f"{REPOSITORY}/pulls/comments/{listed[0]['id']}", {"body": "other"})
    assert edited["body"] == "other"


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"path": "wide.h", "line": 1, "body": "x"}, "Line could not be resolved"),
        ({"path": "wide.h", "body": "x"}, "Line could not be resolved"),
        ({"path": "meanwhile.h", "line": 1, "body": "x"}, "Path could not be resolved"),
    ],
)
def test_one_bad_line_leaves_the_whole_review_undone(github: GitHub, bad: dict[str, Any], error: str) -> None:
    body = {"event": "COMMENT", "body": "Two.", "comments": [*_comments(25), bad]}
    refused = github.client.call("POST", REVIEWS, body)
    assert (refused.status_code, refused.json()["errors"]) == (422, [error])
    assert github.sim.review_comments(FULL_NAME, 1) == []
    assert github.sim.reviews(FULL_NAME, 1) == []


def test_what_a_review_may_be(github: GitHub) -> None:
    assert github.client.call("POST", REVIEWS, {"event": "COMMENT"}).status_code == 422
    assert github.client.call("POST", REVIEWS, {"comments": _comments(25)}).status_code == 422
    foreign = {"event": "COMMENT", "commit_id": github.sha("main"), "comments": _comments(25)}
    assert github.client.call("POST", REVIEWS, foreign).status_code == 422
    long = {"event": "COMMENT", "body": "x", "comments": [{**_comments(25)[0], "body": "x" * 65537}]}
    assert github.client.call("POST", REVIEWS, long).status_code == 422
    assert github.client.json("POST", REVIEWS, {"event": "COMMENT", "body": "Only words."})["state"] == "COMMENTED"
    assert github.sim.review_comments(FULL_NAME, 1) == []
