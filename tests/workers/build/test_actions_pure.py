"""What GitHub's words for a run come to, which run is followed, and what people are told where it came to nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from config.preview import ActionsSettings, PreviewSettings
from workers.build.actions import correlation_in, followed, inputs_of, refusal, state_of, why_failed
from workers.build.driver import State
from workers.build.order import Order
from workers.github import NotThere, Rejected
from workers.github.failures import Forbidden
from workers.github.workflow_calls import WorkflowJob, WorkflowRun

ORDER = Order(
    installation_id=1,
    repository="acme/engine",
    number=176,
    ref="main",
    base="a" * 40,
    head="d56ecd41" + "b" * 32,
    clone_url="https://github.example/acme/engine.git",
    settings=PreviewSettings(actions=ActionsSettings(workflow="preview.yml")),
)
CALL = "POST /repos/acme/engine/actions/workflows/preview.yml/dispatches"


def run(number: int, conclusion: str = "") -> WorkflowRun:
    return WorkflowRun(number, "completed" if conclusion else "queued", conclusion, "", "", "workflow_dispatch", "bot")


def job(name: str, conclusion: str, *steps: tuple[str, str]) -> WorkflowJob:
    return WorkflowJob(1, name, conclusion, steps)


@pytest.mark.parametrize(
    ("status", "conclusion", "state"),
    [
        ("queued", "", State.QUEUED),
        ("requested", "", State.QUEUED),
        ("waiting", "", State.QUEUED),
        ("pending", "", State.QUEUED),
        ("in_progress", "", State.RUNNING),
        ("", "", State.RUNNING),
        ("what GitHub says next year", "", State.RUNNING),
        ("in_progress", "success", State.RUNNING),
        ("completed", "success", State.SUCCEEDED),
        ("completed", "failure", State.FAILED),
        ("completed", "cancelled", State.CANCELLED),
        ("completed", "timed_out", State.TIMED_OUT),
        ("completed", "stale", State.TIMED_OUT),
        ("completed", "startup_failure", State.FAILED),
        ("completed", "action_required", State.FAILED),
        ("completed", "neutral", State.FAILED),
        ("completed", "skipped", State.FAILED),
        ("completed", "", State.FAILED),
    ],
)
def test_each_of_githubs_words_has_a_state(status: str, conclusion: str, state: State) -> None:
    assert state_of(status, conclusion) is state


@given(st.text(max_size=20), st.text(max_size=20))
def test_nothing_but_success_is_one(status: str, conclusion: str) -> None:
    assert (state_of(status, conclusion) is State.SUCCEEDED) == ((status, conclusion) == ("completed", "success"))


def test_of_the_runs_of_an_attempt_the_first_is_followed_that_nobody_cancelled() -> None:
    assert followed([]) is None
    assert followed([run(3), run(2, "failure"), run(4, "success")]) == run(2, "failure")
    assert followed([run(3), run(2, "cancelled")]) == run(3)
    assert followed([run(3, "cancelled"), run(2, "cancelled")]) == run(2, "cancelled")


def test_a_workflow_is_told_what_to_build() -> None:
    inputs = inputs_of(ORDER)
    assert inputs.pop("correlation") == ORDER.correlation
    assert inputs == snapshot(
        {
            "pull_request": "176",
            "sha": "d56ecd41bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            "target": "linux-arm64",
            "release_tag": "autobuild-preview-pr-176-d56ecd41",
        }
    )


def test_each_attempt_has_a_name_that_is_found_in_a_title() -> None:
    orders = [ORDER, replace(ORDER, attempt=2), replace(ORDER, base="c" * 40), replace(ORDER, repository="acme/other")]
    names = [order.correlation for order in orders]
    assert len(set(names)) == len(orders)
    assert [correlation_in(f"Preview of #176: {name} (again)") for name in names] == names
    assert correlation_in(f"Preview {ORDER.tag}") is None
    assert correlation_in("") is None


@pytest.mark.parametrize(
    ("conclusion", "jobs", "reason"),
    [
        (
            "failure",
            [job("linux-arm64", "failure", ("Check out", "success"), ("Build", "failure"), ("Pack", "skipped"))],
            snapshot("the workflow's job linux-arm64 failed at its step Build"),
        ),
        (
            "failure",
            [job("a", "timed_out"), job("b", "failure", ("x", "failure"))],
            snapshot("the workflow's job a failed, and 1 more of its jobs"),
        ),
        ("failure", [], snapshot("the workflow run ended as failure")),
        ("neutral", [], snapshot("the workflow run ended as neutral")),
        ("", [], snapshot("the workflow run ended as nothing that GitHub has a word for")),
        ("skipped", [], snapshot("the workflow ran none of its jobs")),
        (
            "startup_failure",
            [],
            snapshot("GitHub could not start the workflow: its file is not valid, or calls what is not there"),
        ),
        (
            "action_required",
            [],
            snapshot("the workflow run waits for somebody's approval, so it was not run"),
        ),
    ],
)
def test_people_are_told_what_failed(conclusion: str, jobs: list[WorkflowJob], reason: str) -> None:
    assert why_failed(conclusion, jobs) == reason


def test_people_are_told_what_to_mend_where_github_dispatches_nothing() -> None:
    assert refusal(ORDER, NotThere(f"{CALL}: 404 Not Found")) == (
        "GitHub knows no workflow .github/workflows/preview.yml in acme/engine. The file has to be on the default "
        "branch, and on main. GitHub said: 404 Not Found"
    )
    assert refusal(ORDER, Forbidden(f"{CALL}: 403 Resource not accessible")) == (
        "GitHub did not let pagewarden run .github/workflows/preview.yml. Its App needs the permission Actions, read "
        "and write, and whoever installed it has to accept that. GitHub said: 403 Resource not accessible"
    )
    assert refusal(ORDER, Rejected(f'{CALL}: 422 Unexpected inputs provided: ["target"]')) == (
        "GitHub did not run .github/workflows/preview.yml at main. There the workflow has to begin on "
        "workflow_dispatch, to take the inputs pull_request, sha, target, release_tag and correlation, and to require "
        'no others. GitHub said: 422 Unexpected inputs provided: ["target"]'
    )
