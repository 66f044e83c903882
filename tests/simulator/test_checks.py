"""Check runs and their limits."""

from __future__ import annotations

from typing import Any

from tests.simulator.conftest import FULL_NAME, Client, GitHub, later, signed

RUNS = f"/repos/{FULL_NAME}/check-runs"


def _annotations(count: int) -> list[dict[str, Any]]:
    return [
        {
            "path": "wide.h",
            "start_line": number,
            "end_line": number,
            "annotation_level": "failure",
            "message": f"message {number}",
        }
        for number in range(1, count + 1)
    ]


def _output(count: int = 0, **more: Any) -> dict[str, Any]:
    return {"title": "Title", "summary": "Summary", "annotations": _annotations(count)} | more


def _create(github: GitHub, **body: Any) -> Any:
    return github.client.json("POST", RUNS, {"name": "pagewarden", "head_sha": github.sha("topic"), **body})


def test_a_check_run_from_its_start_to_its_end(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    run = _create(github, status="in_progress", external_id="run-1")
    assert (run["status"], run["conclusion"], run["external_id"]) == ("in_progress", None, "run-1")
    assert [one["number"] for one in run["pull_requests"]] == [1]
    later(github, seconds=5)
    done = github.client.json("PATCH", f"{RUNS}/{run['id']}", {"conclusion": "failure", "output": _output(2)})
    assert (done["status"], done["conclusion"], done["output"]["annotations_count"]) == ("completed", "failure", 2)
    assert done["completed_at"] > done["started_at"]
    assert github.client.json("GET", f"{RUNS}/{run['id']}") == done
    assert github.sim.check_runs(FULL_NAME, github.sha("topic")) == [done]
    again = github.client.json("PATCH", f"{RUNS}/{run['id']}", {"status": "in_progress"})
    assert (again["conclusion"], again["completed_at"]) == (None, None)


def test_fifty_annotations_at_once_and_more_by_and_by(github: GitHub) -> None:
    run = _create(github, output=_output(50))
    assert run["output"]["annotations_count"] == 50
    refused = github.client.call("PATCH", f"{RUNS}/{run['id']}", {"output": _output(51)})
    assert refused.status_code == 422
    assert "annotations" in refused.json()["message"]
    for count in (50, 20):
        github.client.json("PATCH", f"{RUNS}/{run['id']}", {"output": _output(count)})
    path = f"{RUNS}/{run['id']}/annotations"
    pages = [github.client.json("GET", path, per_page=100, page=page) for page in (1, 2)]
    assert [len(page) for page in pages] == [100, 20]
    assert pages[1][-1]["message"] == "message 20"
    assert len(github.sim.annotations(run["id"])) == 120
    assert github.client.call("POST", RUNS, {"name": "x", "head_sha": "y", "output": _output(51)}).status_code == 422


def test_texts_have_an_end(github: GitHub) -> None:
    run = _create(github, output=_output(summary="s" * 65535, text="t" * 65535))
    for name in ("summary", "text"):
        refused = github.client.call("PATCH", f"{RUNS}/{run['id']}", {"output": _output() | {name: "x" * 65536}})
        assert refused.status_code == 422
        assert len(refused.json()["message"]) < 1000


def test_what_contradicts_itself(github: GitHub) -> None:
    run = _create(github)
    path = f"{RUNS}/{run['id']}"
    backwards = {**_annotations(1)[0], "start_line": 5, "end_line": 4}
    columns = {**_annotations(1)[0], "start_line": 4, "end_line": 5, "start_column": 1}
    bad: list[dict[str, Any]] = [
        {"status": "completed"},
        {"completed_at": "2026-01-01T00:00:00Z"},
        {"output": _output(annotations=[backwards])},
        {"output": _output(annotations=[columns])},
    ]
    assert [github.client.call("PATCH", path, body).status_code for body in bad] == [422] * 4
    missing = {"name": "x", "head_sha": "0" * 40}
    assert github.client.call("POST", RUNS, missing).json()["message"] == f"No commit found for SHA: {'0' * 40}"
    assert github.client.get(f"{RUNS}/1").status_code == 404


def test_check_runs_of_a_commit(github: GitHub) -> None:
    first = _create(github)
    second = _create(github)
    other = _create(github, name="other", conclusion="success")
    path = f"/repos/{FULL_NAME}/commits/{github.sha('topic')}/check-runs"

    def ids(**query: Any) -> list[int]:
        return [one["id"] for one in github.client.json("GET", path, **query)["check_runs"]]

    assert ids() == [other["id"], second["id"]]
    assert ids(filter="all") == [other["id"], second["id"], first["id"]]
    assert ids(check_name="pagewarden") == [second["id"]]
    assert ids(status="completed") == [other["id"]]
    assert ids(app_id=github.app.id, check_name="other") == [other["id"]]
    assert ids(app_id=1) == []
    assert github.client.json("GET", path, per_page=1)["total_count"] == 2
    assert github.client.json("GET", f"/repos/{FULL_NAME}/commits/topic/check-runs")["total_count"] == 2


def test_only_the_app_that_made_it_may_write_to_it(github: GitHub) -> None:
    run = _create(github)
    other = github.sim.create_app("other")
    installation = github.sim.install(other.id, FULL_NAME)
    as_other = Client(github.sim.api_url, f"Bearer {signed(other, github.clock.now)}")
    token = as_other.json("POST", f"/app/installations/{installation}/access_tokens")["token"]
    theirs = Client(github.sim.api_url, f"Bearer {token}")
    assert theirs.call("PATCH", f"{RUNS}/{run['id']}", {"conclusion": "success"}).status_code == 403
    assert theirs.get(f"{RUNS}/{run['id']}").status_code == 200
