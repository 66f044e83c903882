"""Comments on lines of a pull request's diff."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from tests.simulator.conftest import FULL_NAME, NUMBERED, GitHub, later

COMMENTS = f"/repos/{FULL_NAME}/pulls/1/comments"
EDITED = NUMBERED.replace("int line25;", "int changed;")


@pytest.fixture(autouse=True)
def _pull(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")


def _body(github: GitHub, **changed: Any) -> dict[str, Any]:
    """A comment on the line that the pull request changes, but for what is `changed`; `None` leaves a field out."""
    fields = {"body": "x", "commit_id": github.sha("topic"), "path": "wide.h", "line": 25, "side": "RIGHT", **changed}
    return {key: value for key, value in fields.items() if value is not None}


def _push(github: GitHub, files: dict[str, str]) -> None:
    github.source.git("checkout", "--quiet", "topic")
    github.source.commit("More", files)
    github.sim.push(FULL_NAME, "topic", "topic")


def test_a_comment_is_made_edited_and_deleted(github: GitHub) -> None:
    made = github.client.json("POST", COMMENTS, _body(github))
    one = f"/repos/{FULL_NAME}/pulls/comments/{made['id']}"
    assert (made["user"]["login"], made["user"]["type"]) == ("pagewarden[bot]", "Bot")
    assert (made["path"], made["line"], made["side"], made["position"]) == ("wide.h", 25, "RIGHT", 5)
    assert made["diff_hunk"].splitlines()[-1] == "+int changed;"
    assert github.client.json("GET", f"/repos/{FULL_NAME}/pulls/1")["review_comments"] == 1
    later(github, seconds=1)
    edited = github.client.json("PATCH", one, {"body": "two"})
    assert edited["updated_at"] > edited["created_at"]
    assert github.client.json("GET", one) == edited
    assert github.sim.review_comments(FULL_NAME, 1) == [edited]
    assert github.client.call("DELETE", one).status_code == 204
    assert github.client.get(one).status_code == 404
    assert github.client.json("GET", COMMENTS) == []
    assert github.sim.violations == []


@pytest.mark.parametrize(("line", "side"), [(22, "RIGHT"), (28, "RIGHT"), (25, "LEFT")])
def test_every_line_that_the_diff_shows_can_be_commented_on(github: GitHub, line: int, side: str) -> None:
    assert github.client.json("POST", COMMENTS, _body(github, line=line, side=side))["line"] == line


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"line": 21}, "line"),
        ({"line": 29}, "line"),
        ({"line": 4, "path": "moved.h"}, "path"),
        ({"path": "meanwhile.h", "line": 1}, "path"),
        ({"commit_id": "0" * 40}, "end_commit_oid"),
        ({"commit_id": "main"}, "end_commit_oid"),
    ],
)
def test_what_the_diff_does_not_show_cannot(github: GitHub, changed: dict[str, Any], field: str) -> None:
    if changed.get("commit_id") == "main":
        changed = {"commit_id": github.sha("main")}
    refused = github.client.call("POST", COMMENTS, _body(github, **changed))
    assert refused.status_code == 422
    assert refused.json()["message"] == "Validation Failed"
    first, second = refused.json()["errors"]
    assert (first["resource"], first["field"]) == ("PullRequestReviewComment", f"pull_request_review_thread.{field}")
    assert second["code"] == "missing_field"
    assert github.sim.review_comments(FULL_NAME, 1) == []


def test_a_comment_moves_with_its_line(github: GitHub) -> None:
    first = github.client.json("POST", COMMENTS, _body(github))
    _push(github, {"wide.h": f"int new;\nint newer;\n{EDITED}"})
    (moved,) = github.client.json("GET", COMMENTS)
    assert (moved["line"], moved["original_line"]) == (27, 25)
    assert (moved["commit_id"], moved["original_commit_id"]) == (github.sha("topic"), first["commit_id"])


@pytest.mark.parametrize("text", [EDITED.replace("int changed;", "int again;"), NUMBERED, f"{NUMBERED}// end\n"])
def test_a_comment_on_a_line_that_changed_or_left_the_diff_is_outdated(github: GitHub, text: str) -> None:
    first = github.client.json("POST", COMMENTS, _body(github))
    _push(github, {"wide.h": text})
    (outdated,) = github.client.json("GET", COMMENTS)
    assert (outdated["line"], outdated["position"], outdated["original_line"]) == (None, None, 25)
    assert outdated["commit_id"] == first["commit_id"]
    assert github.sim.violations == []


def test_a_commit_that_is_gone_leaves_its_comments_outdated(github: GitHub) -> None:
    github.client.json("POST", COMMENTS, _body(github))
    github.sim.push(FULL_NAME, "topic", "topic~1")
    github.sim.forget_unreachable(FULL_NAME)
    assert github.client.json("GET", COMMENTS)[0]["line"] is None


def test_replies_belong_to_the_first_comment(github: GitHub) -> None:
    first = github.client.json("POST", COMMENTS, _body(github))
    person = github.sim.reply(FULL_NAME, 1, first["id"], "Why?", "mona")
    answer = github.client.json("POST", COMMENTS, _body(github, body="So.", in_reply_to=person))
    said = github.client.json("GET", COMMENTS)
    assert [(one["user"]["login"], one.get("in_reply_to_id")) for one in said] == [
        ("pagewarden[bot]", None),
        ("mona", first["id"]),
        ("pagewarden[bot]", first["id"]),
    ]
    assert github.client.call("PATCH", f"/repos/{FULL_NAME}/pulls/comments/{person}", {"body": "y"}).status_code == 403
    assert github.client.call("DELETE", f"/repos/{FULL_NAME}/pulls/comments/{person}").status_code == 403
    assert answer["line"] == 25
    assert github.client.call("POST", COMMENTS, _body(github, in_reply_to=1)).status_code == 404


def test_comments_are_listed_in_pages_and_orders(github: GitHub) -> None:
    for number in range(35):
        github.client.json("POST", COMMENTS, _body(github, body=str(number)))
    assert [one["body"] for one in github.client.json("GET", COMMENTS)] == [str(number) for number in range(30)]
    assert len(github.client.json("GET", COMMENTS, page=2)) == 5
    assert github.client.json("GET", COMMENTS, direction="desc")[0]["body"] == "34"
    later(github, minutes=30)
    first = github.client.json("GET", COMMENTS)[0]["id"]
    github.client.json("PATCH", f"/repos/{FULL_NAME}/pulls/comments/{first}", {"body": "edited"})
    assert github.client.json("GET", COMMENTS, sort="updated", direction="desc")[0]["body"] == "edited"
    since = github.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [one["body"] for one in github.client.json("GET", COMMENTS, since=since)] == ["edited"]


def test_what_a_comment_may_say(github: GitHub) -> None:
    assert github.client.call("POST", COMMENTS, _body(github, body="x" * 65537)).status_code == 422
    assert github.client.call("POST", COMMENTS, _body(github, body=" ")).status_code == 422
    assert github.client.call("POST", COMMENTS, _body(github, line=None)).status_code == 422
    assert github.nobody.call("POST", COMMENTS, _body(github)).status_code == 404


def test_a_suggestion_is_shown_as_a_small_diff(github: GitHub) -> None:
    body = "Mend it:\n\n```suggestion\nint <b>mended;\n```\n"
    made = github.client.json("POST", COMMENTS, _body(github, body=body))
    github.sim.reply(FULL_NAME, 1, made["id"], "*No*", "mona")
    for page in ("", "/files"):
        text = requests.get(f"{github.sim.url}/{FULL_NAME}/pull/1{page}", timeout=10).text
        assert "<del>- int changed;</del><ins>+ int &lt;b&gt;mended;</ins>" in text
        assert "<em>No</em>" in text
    assert re.search(r"\+int changed;.*?Mend it.*? int line26;", text, re.DOTALL)
    _push(github, {"wide.h": EDITED.replace("int changed;", "int again;")})
    assert "Outdated" in requests.get(f"{github.sim.url}/{FULL_NAME}/pull/1", timeout=10).text
    assert "Mend it" not in requests.get(f"{github.sim.url}/{FULL_NAME}/pull/1/files", timeout=10).text
