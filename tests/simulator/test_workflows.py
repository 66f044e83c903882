"""Workflows and their dispatch, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.workflow_files import Refused, held, read, title
from tests.simulator.conftest import FULL_NAME, Client, GitHub
from tests.simulator.workflows import ACTIONS, DISPATCHES, PREVIEW, actions, dispatched, run_of

__all__ = ["actions"]
PATH = ".github/workflows/preview.yml"


def test_workflows_of_the_default_branch_are_listed(actions: GitHub) -> None:
    found = actions.client.json("GET", f"{ACTIONS}/workflows")
    assert found["total_count"] == 5
    assert {one["path"].rpartition("/")[2]: one["name"] for one in found["workflows"]} == {
        "broken.yml": ".github/workflows/broken.yml",
        "ci.yml": "CI",
        "one.yml": "One",
        "plain.yaml": ".github/workflows/plain.yaml",
        "preview.yml": "Preview",
    }
    for one in found["workflows"]:
        for key in (one["id"], one["path"].rpartition("/")[2]):
            assert actions.client.json("GET", f"{ACTIONS}/workflows/{key}") == one
    assert actions.client.get(f"{ACTIONS}/workflows/none.yml").status_code == 404
    assert actions.sim.violations == []


def test_a_dispatch_tells_of_its_run_if_asked(actions: GitHub) -> None:
    body = {"ref": "main", "inputs": {"pull_request": "7", "correlation": "abc"}, "return_run_details": True}
    told = actions.client.json("POST", DISPATCHES, body)
    run = run_of(actions, told["workflow_run_id"])
    assert (told["run_url"], told["html_url"]) == (run["url"], run["html_url"])
    assert run["html_url"] == f"{actions.sim.url}/{FULL_NAME}/actions/runs/{run['id']}"
    assert run["display_title"] == "Preview of 7 (abc) at main"
    assert (run["name"], run["event"], run["path"], run["run_number"]) == ("Preview", "workflow_dispatch", PATH, 1)
    assert (run["status"], run["conclusion"], run["head_branch"]) == ("queued", None, "main")
    assert run["head_sha"] == actions.sha("main")
    assert (run["actor"]["login"], run["actor"]["type"]) == ("pagewarden[bot]", "Bot")
    silent = actions.client.call("POST", DISPATCHES, {"ref": "refs/heads/main", "inputs": {"pull_request": "8"}})
    assert (silent.status_code, silent.content) == (204, b"")
    assert [one["run_number"] for one in actions.sim.workflow_runs(FULL_NAME)] == [1, 2]
    assert actions.sim.violations == []


def test_inputs_are_held_against_the_file(actions: GitHub) -> None:
    given: dict[str, Any] = {"pull_request": 7, "debug": True}
    run = dispatched(actions, **given)
    wanted = {"pull_request": "7", "correlation": "", "target": "linux-arm64", "debug": "true"}
    assert actions.sim.workflow_inputs(run) == wanted
    refused = {
        'Unexpected inputs provided: ["sha", "tag"]': {"pull_request": "7", "sha": "x", "tag": "y"},
        "Required input 'pull_request' not provided": {"target": "linux-x64"},
        "Provided value 'riscv' for input 'target' not in the list of allowed values": {
            "pull_request": "7",
            "target": "riscv",
        },
    }
    for message, inputs in refused.items():
        answer = actions.client.call("POST", DISPATCHES, {"ref": "main", "inputs": inputs})
        assert (answer.status_code, answer.json()["message"]) == (422, message)
    assert len(actions.sim.workflow_runs(FULL_NAME)) == 1


@pytest.mark.parametrize(
    ("workflow", "ref", "status", "message"),
    [
        ("none.yml", "main", 404, "Not Found"),
        ("README.md", "main", 404, "Not Found"),
        ("preview.yml", "nowhere", 422, "No ref found for: nowhere"),
        ("preview.yml", "main~1", 422, "No ref found for: main~1"),
        ("preview.yml", "topic", 422, "Workflow does not have 'workflow_dispatch' trigger"),
        ("ci.yml", "main", 422, "Workflow does not have 'workflow_dispatch' trigger"),
    ],
)
def test_what_cannot_be_dispatched(actions: GitHub, workflow: str, ref: str, status: int, message: str) -> None:
    answer = actions.client.call("POST", f"{ACTIONS}/workflows/{workflow}/dispatches", {"ref": ref})
    assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_a_sha_is_no_ref_to_dispatch_at_and_a_tag_is(actions: GitHub) -> None:
    body = {"ref": actions.sha("main"), "inputs": {"pull_request": "7"}}
    assert actions.client.call("POST", DISPATCHES, body).status_code == 422
    actions.sim.create_tag(FULL_NAME, "v1", actions.sha("main"))
    assert run_of(actions, dispatched(actions, ref="v1"))["head_branch"] == "v1"


def test_a_broken_file_is_told(actions: GitHub) -> None:
    answer = actions.client.call("POST", f"{ACTIONS}/workflows/broken.yml/dispatches", {"ref": "main"})
    assert answer.status_code == 422
    assert "failed to parse workflow" in answer.json()["message"]


@pytest.mark.parametrize(("workflow", "shown"), [("plain.yaml", ".github/workflows/plain.yaml"), ("one.yml", "One")])
def test_short_forms_of_on_and_a_title_by_default(actions: GitHub, workflow: str, shown: str) -> None:
    assert run_of(actions, dispatched(actions, workflow))["display_title"] == shown


def test_an_older_server_does_not_know_run_details(actions: GitHub) -> None:
    actions.sim.offer_run_details(False)
    body = {"ref": "main", "inputs": {"pull_request": "7"}, "return_run_details": True}
    answer = actions.client.call("POST", DISPATCHES, body)
    assert answer.status_code == 422
    assert '"return_run_details" is not a permitted key' in answer.json()["message"]
    assert actions.sim.workflow_runs(FULL_NAME) == []
    del body["return_run_details"]
    assert actions.client.call("POST", DISPATCHES, body).status_code == 204
    assert actions.sim.violations == []


def test_a_run_may_be_listed_later(actions: GitHub) -> None:
    actions.sim.hide_new_runs()
    run = dispatched(actions)
    assert actions.client.json("GET", f"{ACTIONS}/runs")["total_count"] == 0
    assert actions.client.get(f"{ACTIONS}/runs/{run}").status_code == 404
    assert [one["id"] for one in actions.sim.workflow_runs(FULL_NAME)] == [run]
    actions.sim.show_workflow(run)
    assert actions.client.json("GET", f"{ACTIONS}/runs")["total_count"] == 1
    actions.sim.hide_new_runs(hidden=False)
    assert run_of(actions, dispatched(actions))["status"] == "queued"


def test_a_lost_answer_leaves_a_run(actions: GitHub) -> None:
    actions.sim.fail_next("POST", "/dispatches$", 502, performed=True)
    body = {"ref": "main", "inputs": {"pull_request": "7", "correlation": "abc"}}
    assert actions.client.call("POST", DISPATCHES, body).status_code == 502
    [run] = actions.client.json("GET", f"{ACTIONS}/runs")["workflow_runs"]
    assert "(abc)" in run["display_title"]


def test_dispatching_needs_a_permission(actions: GitHub) -> None:
    path = f"/app/installations/{actions.installation_id}/access_tokens"
    made = actions.as_app.json("POST", path, {"permissions": {"actions": "read", "contents": "write"}})
    reader = Client(actions.sim.api_url, f"Bearer {made['token']}")
    assert reader.call("POST", DISPATCHES, {"ref": "main", "inputs": {"pull_request": "7"}}).status_code == 403
    run = dispatched(actions)
    assert reader.call("POST", f"{ACTIONS}/runs/{run}/cancel").status_code == 403
    assert reader.get(f"{ACTIONS}/runs/{run}").status_code == 200


def test_expressions_of_a_title() -> None:
    file = read(PREVIEW.encode(), PATH)
    inputs = held(file, {"pull_request": "${{ inputs.correlation }}", "correlation": "<x>"})
    assert title(file, inputs, {"github.ref_name": "main"}) == "Preview of ${{ inputs.correlation }} (<x>) at main"
    other = read(b"on: workflow_dispatch\nrun-name: ${{ format('x') }}\n", PATH)
    with pytest.raises(LookupError, match="format"):
        title(other, {}, {})


@pytest.mark.parametrize("text", [b"", b"[]", b"name: x\n", b"\xff", b"a: &a [*a]\n"])
def test_files_that_are_no_workflow(text: bytes) -> None:
    with pytest.raises(Refused, match="failed to parse workflow"):
        read(text, PATH)
