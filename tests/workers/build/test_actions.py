"""The actions driver against GitHub: one run for each attempt, whatever is lost, found without guessing, followed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.server import PERMISSIONS, Simulator
from tests.workers.build.dispatching import DISPATCHES, PATH, TEXT, Dispatching, dispatching_in
from tests.workers.house import REPOSITORY, House, build
from workers.build.actions import FRESH_SECONDS, UNLISTED_SECONDS, inputs_of
from workers.build.driver import BuildError, Seen, State
from workers.github import RateLimited, Unavailable

TARGET = "linux-arm64"


@pytest.fixture
def github(house: House, tmp_path: Path) -> Dispatching:
    """A pull request to be built by the workflow of the documents."""
    return dispatching_in(house, tmp_path / "fetched")


def test_the_workflow_of_the_target_branch_is_run_with_what_it_is_to_build(github: Dispatching) -> None:
    github.house.push({PATH: TEXT.replace("Preview of", "Hijacked by")})
    external_id = github.submit()
    (run,) = github.runs()
    assert external_id.startswith(f"{run['id']}@")
    assert (run["event"], run["head_branch"], run["actor"]["login"]) == ("workflow_dispatch", "main", "pagewarden[bot]")
    assert run["display_title"] == f"Preview of #{github.order.number}: {github.order.correlation}"
    assert github.house.simulator.workflow_inputs(run["id"]) == inputs_of(github.order)
    assert inputs_of(github.order) == {
        "pull_request": str(github.house.number),
        "sha": github.order.head,
        "target": TARGET,
        "release_tag": f"autobuild-preview-pr-{github.house.number}-{github.order.head[:8]}",
        "correlation": github.order.correlation,
    }


@pytest.mark.parametrize("details", [True, False], ids=["GitHub tells the run", "it does not know how to"])
def test_submitting_three_times_runs_it_once(github: Dispatching, details: bool) -> None:
    github.house.simulator.offer_run_details(details)
    ids = {github.submit().partition("@")[0] for _ in range(3)}
    assert ids == {str(github.run_ids()[0])}
    assert len(github.runs()) == 1
    assert github.poll(github.submit()).state is State.QUEUED


@pytest.mark.parametrize("details", [True, False], ids=["GitHub tells the run", "it does not know how to"])
def test_a_run_whose_answer_was_lost_is_found(github: Dispatching, details: bool) -> None:
    github.house.simulator.offer_run_details(details)
    if not details:
        github.house.simulator.fail_next("POST", DISPATCHES, 422)
    github.house.simulator.fail_next("POST", DISPATCHES, 502, performed=True)
    external_id = github.submit()
    assert [f"{run}" for run in github.run_ids()] == [external_id.partition("@")[0]]


def test_a_request_that_never_arrived_is_made_again_by_the_next_try(github: Dispatching) -> None:
    github.house.simulator.fail_next("POST", DISPATCHES, 502)
    with pytest.raises(Unavailable):
        github.submit()
    assert github.runs() == []
    github.submit()
    assert len(github.runs()) == 1


def test_a_lost_run_that_is_listed_late_is_found_by_the_next_try(github: Dispatching) -> None:
    github.house.simulator.hide_new_runs()
    github.house.simulator.fail_next("POST", DISPATCHES, 502, performed=True)
    with pytest.raises(Unavailable):
        github.submit()
    (run_id,) = github.run_ids()
    github.house.simulator.show_workflow(run_id)
    assert github.submit().startswith(f"{run_id}@")
    assert len(github.runs()) == 1


def test_where_a_lost_run_is_listed_too_late_both_are_ended(github: Dispatching) -> None:
    github.house.simulator.hide_new_runs()
    github.house.simulator.fail_next("POST", DISPATCHES, 502, performed=True)
    with pytest.raises(Unavailable):
        github.submit()
    external_id = github.submit()
    for run_id in github.run_ids():
        github.house.simulator.show_workflow(run_id)
    assert len(github.runs()) == 2
    github.cancel(external_id)
    assert [run["conclusion"] for run in github.runs()] == ["cancelled"] * 2


def test_another_attempt_has_a_run_of_its_own(github: Dispatching) -> None:
    first = github.submit()
    github.house.simulator.finish_workflow(github.run_ids()[0], "failure")
    github.order = replace(github.order, attempt=2)
    second = github.submit()
    assert first.partition("@")[0] != second.partition("@")[0]
    assert github.poll(second).state is State.QUEUED


def test_a_head_that_is_back_after_its_run_was_cancelled_is_run_again(github: Dispatching) -> None:
    github.cancel(github.submit())
    external_id = github.submit()
    assert external_id.startswith(f"{github.run_ids()[1]}@")
    assert github.poll(external_id).state is State.QUEUED


@pytest.mark.parametrize("by", ["octocat", "github-actions[bot]"])
def test_somebody_elses_run_of_the_same_title_is_not_ours(github: Dispatching, by: str) -> None:
    simulator = github.house.simulator
    theirs = simulator.dispatch_workflow(REPOSITORY, "pagewarden-preview.yml", "main", inputs_of(github.order), by=by)
    simulator.offer_run_details(False)
    ours = github.submit()
    assert github.run_ids() == [theirs, int(ours.partition("@")[0])]
    simulator.finish_workflow(theirs, artifacts={"theirs": {"x": b"x"}})
    assert github.poll(ours).state is State.QUEUED


def test_the_newest_run_is_not_taken_for_ours(github: Dispatching) -> None:
    simulator = github.house.simulator
    simulator.offer_run_details(False)
    simulator.hide_new_runs()
    external_id = github.submit()
    (ours,) = github.run_ids()
    simulator.hide_new_runs(False)
    newer = Dispatching(github.house, github.folder, replace(github.order, attempt=2))
    newer.submit()
    assert github.poll(external_id) == Seen(State.QUEUED)
    simulator.show_workflow(ours)
    assert github.poll(external_id).url.endswith(f"/actions/runs/{ours}")
    simulator.start_workflow(ours)
    assert github.poll(external_id).state is State.RUNNING


def test_a_run_that_is_never_listed_is_gone_after_some_minutes(github: Dispatching) -> None:
    github.house.simulator.offer_run_details(False)
    github.house.simulator.hide_new_runs()
    external_id = github.submit()
    assert external_id.startswith("?@")
    assert github.poll(external_id, UNLISTED_SECONDS - 10) == Seen(State.QUEUED)
    gone = github.poll(external_id, 20)
    assert gone.state is State.GONE
    assert "run-name has to hold the input correlation" in gone.reason
    with pytest.raises(BuildError) as raised:
        github.fetched(external_id)
    assert raised.value.state is State.GONE
    github.cancel(external_id)


def test_a_run_that_github_told_of_may_be_there_a_little_later(github: Dispatching) -> None:
    github.house.simulator.hide_new_runs()
    external_id = github.submit()
    assert github.poll(external_id, FRESH_SECONDS - 10) == Seen(State.QUEUED)
    github.house.simulator.show_workflow(github.run_ids()[0])
    assert github.poll(external_id).url
    github.house.simulator.vanish_workflow(github.run_ids()[0])
    assert github.poll(external_id, 20) == Seen(State.GONE, reason="GitHub does not know the workflow run any more")


def test_a_run_is_followed_to_its_success(github: Dispatching) -> None:
    external_id = github.submit()
    (run,) = github.runs()
    assert github.poll(external_id) == Seen(State.QUEUED, run["html_url"])
    github.house.simulator.start_workflow(run["id"])
    assert github.poll(external_id) == Seen(State.RUNNING, run["html_url"])
    github.house.simulator.finish_workflow(run["id"], log="well done")
    assert github.poll(external_id) == Seen(State.SUCCEEDED, run["html_url"])


def test_a_failure_is_told_with_its_step_and_the_end_of_its_log(github: Dispatching) -> None:
    external_id = github.submit()
    (run,) = github.runs()
    log = "\x1b[31mengine.c:7: error\x1b[0m\n##[error]Process completed with exit code 2.\nPost job cleanup.\n"
    github.house.simulator.finish_workflow(run["id"], "failure", log=log, failed_step="Build")
    assert github.poll(external_id) == Seen(
        State.FAILED,
        run["html_url"],
        "the workflow's job Build failed at its step Build",
        "engine.c:7: error\nError: Process completed with exit code 2.",
    )


def test_of_a_very_long_log_the_end_is_told(github: Dispatching) -> None:
    external_id = github.submit()
    log = "\n".join(f"line {number}" for number in range(100_000))
    github.house.simulator.finish_workflow(github.run_ids()[0], "failure", log=log)
    assert github.poll(external_id).log.splitlines() == [f"line {number}" for number in range(99_940, 100_000)]


@pytest.mark.parametrize(("verb", "path"), [("GET", r"/jobs/\d+/logs"), ("GET", r"/runs/\d+/jobs")])
def test_a_failure_whose_log_is_not_to_be_had_is_one_all_the_same(github: Dispatching, verb: str, path: str) -> None:
    external_id = github.submit()
    github.house.simulator.finish_workflow(github.run_ids()[0], "failure", log="x")
    github.house.simulator.fail_next(verb, path, 410)
    seen = github.poll(external_id)
    assert (seen.state, seen.log) == (State.FAILED, "")
    assert github.poll(external_id).log == "x"


def test_a_failure_is_looked_at_later_while_github_wants_no_calls(github: Dispatching) -> None:
    external_id = github.submit()
    github.house.simulator.finish_workflow(github.run_ids()[0], "failure", log="x")
    github.house.simulator.fail_next("GET", r"/jobs/\d+/logs", 429, {"Retry-After": "7"})
    with pytest.raises(RateLimited):
        github.poll(external_id)


@pytest.mark.parametrize(
    ("conclusion", "state", "reason"),
    [
        ("cancelled", State.CANCELLED, ""),
        ("timed_out", State.TIMED_OUT, ""),
        ("stale", State.TIMED_OUT, ""),
        ("startup_failure", State.FAILED, "GitHub could not start the workflow"),
        ("action_required", State.FAILED, "the workflow run waits for somebody's approval"),
        ("skipped", State.FAILED, "the workflow ran none of its jobs"),
        ("neutral", State.FAILED, "the workflow run ended as neutral"),
    ],
)
def test_each_other_end_is_told(github: Dispatching, conclusion: str, state: State, reason: str) -> None:
    external_id = github.submit()
    (run,) = github.runs()
    github.house.simulator.finish_workflow(run["id"], conclusion)
    seen = github.poll(external_id)
    assert (seen.state, seen.url, seen.reason[: len(reason) or None]) == (state, run["html_url"], reason)


def test_cancelling_ends_the_run_and_does_no_harm_twice(github: Dispatching) -> None:
    external_id = github.submit()
    github.house.simulator.start_workflow(github.run_ids()[0])
    for _ in range(2):
        github.cancel(external_id)
        assert github.poll(external_id).state is State.CANCELLED
    github.house.simulator.vanish_workflow(github.run_ids()[0])
    github.cancel(external_id)


def test_what_is_over_is_not_cancelled(github: Dispatching) -> None:
    external_id = github.submit()
    github.house.simulator.finish_workflow(github.run_ids()[0])
    github.cancel(external_id)
    assert github.poll(external_id).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("sound", "broken", "said"),
    [
        ("  workflow_dispatch:\n", "  workflow_call:\n", "Workflow does not have 'workflow_dispatch' trigger"),
        ("      correlation:\n", "      attempt:\n", 'Unexpected inputs provided: ["correlation"]'),
        (
            "      correlation:\n",
            "      colour:\n        required: true\n      correlation:\n",
            "Required input 'colour' not provided",
        ),
    ],
)
def test_a_workflow_that_cannot_be_dispatched_is_told_with_what_to_mend(
    house: House, tmp_path: Path, sound: str, broken: str, said: str
) -> None:
    github = dispatching_in(house, tmp_path, TEXT.replace(sound, broken, 1))
    with pytest.raises(BuildError) as raised:
        github.submit()
    assert raised.value.state is None
    assert str(raised.value) == (
        f"GitHub did not run {PATH} at main. There the workflow has to begin on workflow_dispatch, to take the inputs "
        "pull_request, sha, target, release_tag and correlation, and to require no others. GitHub said: 422 " + said
    )
    assert github.runs() == []


def test_a_workflow_that_is_not_there_is_told(house: House, tmp_path: Path) -> None:
    github = dispatching_in(house, tmp_path, None)
    with pytest.raises(BuildError, match=rf"GitHub knows no workflow {PATH} in {REPOSITORY}") as raised:
        github.submit()
    assert raised.value.state is None


def test_a_branch_that_is_gone_is_told(github: Dispatching) -> None:
    github.order = replace(github.order, ref="gone")
    with pytest.raises(BuildError, match=r"at gone\. .* GitHub said: 422 No ref found for: gone"):
        github.submit()


def test_a_permission_that_is_lacking_is_told(tmp_path: Path, redis_url: str) -> None:
    with Simulator(tmp_path / "github") as simulator:
        house = build(tmp_path, simulator, redis_url, permissions={**PERMISSIONS, "actions": "read"})
        github = dispatching_in(house, tmp_path / "fetched")
        with pytest.raises(BuildError, match="needs the permission Actions, read and write") as raised:
            github.submit()
        assert raised.value.state is None
        assert github.runs() == []


def test_a_workflow_that_was_removed_meanwhile_does_no_harm(github: Dispatching) -> None:
    github.house.simulator.offer_run_details(False)
    external_id = github.submit()
    github.house.land({PATH: None})
    github.cancel(external_id)
    unlisted = f"?@{int(time.time())}"
    github.cancel(unlisted)
    assert github.poll(unlisted).state is State.QUEUED


def test_a_run_that_cannot_be_read_any_more_is_gone(github: Dispatching) -> None:
    external_id = github.submit()
    github.house.simulator.fail_next("GET", r"/actions/runs/\d+$", 404)
    assert github.poll(external_id, FRESH_SECONDS + 1).state is State.GONE
