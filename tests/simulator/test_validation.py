"""Requests and answers held against GitHub's description; faults on order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import requests

from simulator import conversation, describe
from tests.simulator.conftest import FULL_NAME, GitHub

RUNS = f"/repos/{FULL_NAME}/check-runs"
PULLS = f"/repos/{FULL_NAME}/pulls"


def test_requests_that_github_does_not_know_are_refused_and_kept(github: GitHub) -> None:
    sha = github.sha("topic")
    bad: Mapping[str, dict[str, Any]] = {
        '"sucess" is not one of': {"name": "x", "head_sha": sha, "conclusion": "sucess"},
        "'annotation' was unexpected": {
            "name": "x",
            "head_sha": sha,
            "output": {"title": "t", "summary": "s", "annotation": []},
        },
        '"head_sha" is a required property': {"name": "x"},
        "started_at": {"name": "x", "head_sha": sha, "started_at": "yesterday"},
    }
    for reason, body in bad.items():
        refused = github.client.call("POST", RUNS, body)
        assert refused.status_code == 422
        assert reason in refused.json()["message"]
        assert reason in github.sim.violations[-1].reason
    assert [one[:3] for one in github.sim.violations] == [("request", "POST", RUNS)] * 4
    assert github.sim.check_runs(FULL_NAME, sha) == []


@pytest.mark.parametrize("query", [{"state": "opened"}, {"per_page": "many"}, {"per-page": "1"}])
def test_query_parameters_are_checked(github: GitHub, query: dict[str, str]) -> None:
    assert github.client.get(PULLS, **query).status_code == 422
    assert len(github.sim.violations) == 1


def test_bodies_that_are_no_json(github: GitHub) -> None:
    headers = {"Authorization": github.client.authorization or ""}
    for body in (b"{", b"\xff", b"[" * 100_000):
        answer = requests.post(github.sim.api_url + RUNS, body, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")
    assert github.client.call("POST", RUNS).status_code == 422
    assert github.client.call("POST", RUNS, ["name"]).status_code == 422


def test_operations_that_are_not_simulated_are_kept(github: GitHub) -> None:
    assert github.client.call("PUT", f"{PULLS}/1/merge").status_code == 404
    assert github.client.get("/user").status_code == 404
    assert [one.path for one in github.sim.violations] == [f"{PULLS}/1/merge", "/user"]


def test_an_answer_that_is_not_githubs_is_a_violation(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "pull", lambda *_: {"number": "one"})
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    assert github.client.get(PULLS).status_code == 500
    assert ("response", "GET", PULLS) in [one[:3] for one in github.sim.violations]


def test_calls_are_kept_in_order(github: GitHub) -> None:
    start = len(github.sim.calls)
    github.client.get(PULLS, state="all")
    github.nobody.get(PULLS)
    assert github.sim.calls[start:] == [("GET", PULLS, 200), ("GET", PULLS, 404)]


def test_the_next_calls_fail_on_order(github: GitHub) -> None:
    github.sim.fail_next("GET", r"/pulls$", 502, times=2)
    github.sim.fail_next("GET", r"/pulls$", 403, headers={"Retry-After": "7"})
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    answers = [github.client.get(PULLS) for _ in range(4)]
    assert [one.status_code for one in answers] == [502, 502, 403, 200]
    assert answers[2].headers["Retry-After"] == "7"
    assert github.client.get(f"{PULLS}/1").status_code == 200
    assert [call.status for call in github.sim.calls][-5:] == [502, 502, 403, 200, 200]
    assert github.sim.violations == []


def test_a_call_may_fail_after_it_was_done(github: GitHub) -> None:
    run = {"name": "x", "head_sha": github.sha("topic")}
    github.sim.fail_next("POST", "/check-runs$", 502, performed=True)
    assert github.client.call("POST", RUNS, run).status_code == 502
    assert len(github.sim.check_runs(FULL_NAME, github.sha("topic"))) == 1


def test_null_is_allowed_where_it_is_described() -> None:
    operation = describe.operations()["GET", "/repos/{owner}/{repo}/issues/comments/{comment_id}"]
    assert operation.response_problem(404, {"message": "Not Found"}) is None
    assert "message" in (operation.response_problem(404, {"message": 1}) or "")
    assert operation.response_problem(418, {}) == "status 418 is not described"


def test_the_subset_says_where_it_is_from() -> None:
    for file, package in {"github.json": "@octokit/openapi", "webhooks.json": "@octokit/openapi-webhooks"}.items():
        origin = describe.document(file)["origin"]
        assert (origin["package"], origin["license"]) == (package, "MIT")
