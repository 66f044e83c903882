"""Comments on pull requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulator.conftest import FULL_NAME, GitHub, later

COMMENTS = f"/repos/{FULL_NAME}/issues/1/comments"


@pytest.fixture(autouse=True)
def _pull(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")


def test_a_comment_is_made_edited_and_deleted(github: GitHub) -> None:
    made = github.client.json("POST", COMMENTS, {"body": "<!-- marker -->one"})
    one = f"/repos/{FULL_NAME}/issues/comments/{made['id']}"
    assert made["user"]["login"] == "pagewarden[bot]"
    assert made["performed_via_github_app"]["slug"] == "pagewarden"
    later(github, seconds=1)
    edited = github.client.json("PATCH", one, {"body": "two"})
    assert edited["updated_at"] > edited["created_at"]
    assert github.client.json("GET", one) == edited
    assert github.sim.comments(FULL_NAME, 1) == [edited]
    assert github.client.call("DELETE", one).status_code == 204
    assert github.client.get(one).status_code == 404
    assert github.sim.comments(FULL_NAME, 1) == []


def test_comments_are_listed_in_pages(github: GitHub) -> None:
    for number in range(35):
        github.client.json("POST", COMMENTS, {"body": str(number)})
    first = github.client.get(COMMENTS)
    assert [one["body"] for one in first.json()] == [str(number) for number in range(30)]
    assert len(github.client.get(COMMENTS, page=2).json()) == 5
    later(github, hours=-1)
    github.client.json("POST", COMMENTS, {"body": "old"})
    later(github, minutes=30)
    since = github.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(github.client.json("GET", COMMENTS, since=since, per_page=100)) == 35


def test_how_long_a_comment_may_be(github: GitHub) -> None:
    assert github.client.call("POST", COMMENTS, {"body": "x" * 65536}).status_code == 201
    refused = github.client.call("POST", COMMENTS, {"body": "x" * 65537})
    assert refused.status_code == 422
    assert "Body is too long" in refused.json()["errors"][0]["message"]
    assert github.client.call("POST", COMMENTS, {"body": " \n"}).status_code == 422
    assert github.client.call("POST", f"/repos/{FULL_NAME}/issues/9/comments", {"body": "x"}).status_code == 404


def test_many_comments_at_once(github: GitHub) -> None:
    def post(number: int) -> int:
        made: int = github.client.json("POST", COMMENTS, {"body": str(number)})["id"]
        return made

    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(post, range(64)))
    assert len(ids) == 64
    assert {one["id"] for one in github.sim.comments(FULL_NAME, 1)} == ids
