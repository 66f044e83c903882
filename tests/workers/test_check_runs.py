"""Which check run stands for a check, what is written to it, and what is when checks may not be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.server import PERMISSIONS, Simulator
from tests.workers.house import BAD, GOOD, REPOSITORY, House, build
from workers.check_runs import A_STATUS, CheckOf, Checks, run_of
from workers.github import CheckRun, GitHub, RateLimited, Unavailable
from workers.report.context import Action, Annotation, CheckOutput
from workers.runs import Run
from workers.shown import NO_CHECKS_SECONDS

UNDER_WAY = CheckOutput(None, "Checking", "It is under way.")
PASSED = CheckOutput("success", "All is well", "Nothing found.")
FAILED = CheckOutput(
    "failure", "1 finding", "PAGE is too small.", "More.", (Annotation("a.h", 1, "failure", "t", "m"),)
)
BUTTON = Action("recheck", "Recheck", "Check it again")
WEB = "https://pagewarden.example/r/1"
PAGE = "https://github.example/acme/engine/pull/1"


def check_of(house: House, sha: str, attempt: int = 1) -> CheckOf:
    """The main check of a run of that head."""
    clone_url = f"{house.simulator.url}/{REPOSITORY}.git"
    run = Run(house.installation_id, REPOSITORY, house.number, "b" * 40, sha, clone_url)
    return CheckOf(run, "pagewarden", attempt, None, PAGE)


def show(house: House, check: CheckOf, output: CheckOutput, *, remembered: bool = False) -> CheckRun:
    """Shows it as a job of its own would."""
    with house.tools.github.client(house.installation_id) as client:
        return Checks(client, house.tools.shown, remembered).show(check, output)


def find(house: House, check: CheckOf, *, remembered: bool = False) -> CheckRun | None:
    """Finds it as a job of its own would."""
    with house.tools.github.client(house.installation_id) as client:
        return Checks(client, house.tools.shown, remembered).find(check)


def forget(house: House) -> None:
    """Redis loses everything but the token."""
    for key in house.tools.store._redis.scan_iter("pagewarden:check:*"):
        house.tools.store._redis.delete(key)


def reads(house: House) -> int:
    """How often GitHub was asked for check runs."""
    return house.calls("GET", "/check-runs")


def writes(house: House) -> tuple[int, int]:
    """How many check runs were made, and how often one was changed."""
    return house.calls("POST", "/check-runs"), house.calls("PATCH", "/check-runs/")


def test_a_check_is_made_once_and_changed_without_a_question(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    show(house, check, UNDER_WAY)
    asked = reads(house)
    made = show(house, check, PASSED)
    assert reads(house) == asked
    assert house.checks(check.run.head) == [("completed", "success", "All is well")]
    assert writes(house) == (1, 1)
    (on_github,) = house.simulator.check_runs(REPOSITORY, check.run.head)
    assert made.id == on_github["id"]
    assert on_github["external_id"] == check.run.id


def test_what_is_shown_already_is_not_written_again(house: House) -> None:
    check = check_of(house, house.open(BAD))
    for _ in range(3):
        show(house, check, FAILED)
    assert writes(house) == (1, 0)
    forget(house)
    show(house, check, FAILED)
    assert writes(house) == (1, 0)


def test_a_check_can_begin_concluded(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    show(house, check, FAILED)
    assert house.checks(check.run.head) == [("completed", "failure", "1 finding")]
    assert writes(house) == (1, 0)


def test_a_new_check_of_many_annotations_is_concluded_by_the_last_of_them(house: House) -> None:
    notes = tuple(Annotation("a.h", line, "failure", "t", "m") for line in range(1, 121))
    check = check_of(house, house.open(BAD))
    show(house, check, replace(FAILED, annotations=notes))
    (run,) = house.simulator.check_runs(REPOSITORY, check.run.head)
    assert [note["start_line"] for note in house.simulator.annotations(run["id"])] == list(range(1, 121))
    assert run["conclusion"] == "failure"
    assert writes(house) == (1, 2)


@pytest.mark.parametrize("performed", [True, False])
def test_after_a_lost_answer_to_the_new_check_github_is_asked(house: House, performed: bool) -> None:
    check = check_of(house, house.open(GOOD))
    house.simulator.fail_next("POST", "/check-runs$", 502, performed=performed)
    with pytest.raises(Unavailable):
        show(house, check, UNDER_WAY, remembered=True)
    assert house.tools.shown.check(check.key) is None
    asked = reads(house)
    show(house, check, PASSED, remembered=True)
    assert reads(house) == asked + 1
    assert house.conclusions(check.run.head) == ["success"]


@pytest.mark.parametrize("performed", [True, False])
def test_after_a_lost_answer_to_a_change_github_is_asked(house: House, performed: bool) -> None:
    check = check_of(house, house.open(BAD))
    show(house, check, UNDER_WAY)
    house.simulator.fail_next("PATCH", "/check-runs/", 502, performed=performed)
    with pytest.raises(Unavailable):
        show(house, check, FAILED)
    asked = reads(house)
    show(house, check, FAILED, remembered=True)
    assert reads(house) == asked + 1
    (run,) = house.simulator.check_runs(REPOSITORY, check.run.head)
    assert (run["conclusion"], len(house.simulator.annotations(run["id"]))) == ("failure", 1)
    assert house.calls("PATCH", "/check-runs/") == (1 if performed else 2)


def test_where_all_is_remembered_a_new_check_needs_no_question(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    assert find(house, check, remembered=True) is None
    show(house, check, UNDER_WAY, remembered=True)
    assert reads(house) == 0
    assert house.conclusions(check.run.head) == [None]


def test_what_nobody_remembers_is_looked_up_once(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    show(house, check, UNDER_WAY)
    forget(house)
    asked = reads(house)
    first = find(house, check)
    second = find(house, check)
    assert first is not None
    assert first == second
    assert reads(house) == asked + 1


def test_a_new_attempt_is_a_new_check_run_with_its_number(house: House) -> None:
    first = check_of(house, house.open(GOOD))
    show(house, first, PASSED)
    second = replace(first, attempt=2)
    show(house, second, UNDER_WAY)
    one, other = house.simulator.check_runs(REPOSITORY, first.run.head)
    assert other["external_id"] == f"{one['external_id']}~2"
    assert (one["conclusion"], other["conclusion"]) == ("success", None)
    forget(house)
    assert find(house, second) == house.tools.shown.check(second.key)
    found = find(house, second)
    assert found is not None
    assert found.id == other["id"]


@given(
    st.from_regex(r"[a-z]{1,9}/[a-z.-]{1,9}[#@][^~\s]{1,20}/[0-9a-f]{12}\.\.[0-9a-f]{40}", fullmatch=True),
    st.integers(1, 99),
)
def test_the_run_of_a_check_run_is_known_whichever_attempt_it_was(run_id: str, attempt: int) -> None:
    assert run_of(run_id if attempt == 1 else f"{run_id}~{attempt}") == run_id


def test_external_ids_are_those_that_run_of_reads(house: House) -> None:
    check = check_of(house, "c" * 40)
    assert [run_of(replace(check, attempt=attempt).external_id) for attempt in (1, 2, 10)] == [check.run.id] * 3
    assert len({replace(check, attempt=attempt).key for attempt in (1, 2, 10)}) == 3
    assert replace(check, name="pagewarden / stress").key != check.key


def test_a_cancelled_check_run_belongs_to_a_life_that_has_ended(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    show(house, check, CheckOutput("cancelled", "Superseded", "Another head."))
    forget(house)
    assert find(house, check) is None
    show(house, check, PASSED)
    assert house.conclusions(check.run.head) == ["cancelled", "success"]


def test_a_verdict_that_another_run_spoke_after_stands_for_nothing_any_more(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    other = replace(check, run=replace(check.run, base="d" * 40))
    show(house, check, PASSED)
    show(house, other, FAILED)
    forget(house)
    assert find(house, check) is None
    again = find(house, other)
    assert again is not None
    assert again.conclusion == "failure"


def test_a_check_run_of_another_app_is_not_ours(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    app = house.simulator.create_app("other")
    installation = house.simulator.install(app.id, REPOSITORY)
    with house.tools.github.client(house.installation_id) as ours:
        stranger = GitHub(house.simulator.api_url, app.id, app.private_key_pem, house.tools.tokens)
        with stranger.client(installation) as theirs:
            fields = {"name": check.name, "head_sha": check.run.head, "external_id": check.external_id}
            theirs.create_check_run(REPOSITORY, {**fields, "status": "in_progress"})
        assert Checks(ours, house.tools.shown).find(check) is None


def test_buttons_go_with_the_output(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    made = show(house, check, replace(PASSED, actions=(BUTTON,)))
    assert house.simulator.buttons(made.id) == [
        {"identifier": "recheck", "label": "Recheck", "description": "Check it again"}
    ]


def test_details_lead_to_the_page_where_there_is_one(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    show(house, replace(check, details_url=WEB), PASSED)
    (run,) = house.simulator.check_runs(REPOSITORY, check.run.head)
    assert run["details_url"] == WEB


@pytest.fixture
def forbidden(tmp_path: Path, redis_url: str) -> Iterator[House]:
    """A house whose App may read checks and not write them."""
    with Simulator(tmp_path / "github") as simulator:
        yield build(tmp_path, simulator, redis_url, {**PERMISSIONS, "checks": "read"})
        assert simulator.violations == []


def statuses(house: House, sha: str) -> list[tuple[str, str, str, str | None]]:
    """State, context, description and link of each commit status, newest first."""
    return [
        (each["state"], each["context"], each["description"], each["target_url"])
        for each in house.simulator.statuses(REPOSITORY, sha)
    ]


def test_where_checks_are_forbidden_a_commit_status_stands_for_one(forbidden: House) -> None:
    check = check_of(forbidden, forbidden.open(BAD))
    assert show(forbidden, check, UNDER_WAY).id == A_STATUS
    show(forbidden, check, FAILED)
    assert statuses(forbidden, check.run.head) == [
        ("failure", "pagewarden", "1 finding", PAGE),
        ("pending", "pagewarden", "Checking", PAGE),
    ]
    assert forbidden.calls("POST", "/check-runs") == 1
    assert forbidden.checks(check.run.head) == []


def test_a_status_leads_to_our_page_where_there_is_one(forbidden: House) -> None:
    check = replace(check_of(forbidden, forbidden.open(BAD)), details_url=WEB)
    show(forbidden, check, FAILED)
    assert statuses(forbidden, check.run.head) == [("failure", "pagewarden", "1 finding", WEB)]


def test_a_status_is_not_written_twice(forbidden: House) -> None:
    check = check_of(forbidden, forbidden.open(BAD))
    for output in (UNDER_WAY, UNDER_WAY, FAILED, FAILED, replace(FAILED, text="Other details.")):
        show(forbidden, check, output)
    assert forbidden.calls("POST", "/statuses/") == 2


@pytest.mark.parametrize("length", [140, 141, 1000])
def test_a_status_says_no_more_than_github_takes(forbidden: House, length: int) -> None:
    check = check_of(forbidden, forbidden.open(BAD))
    show(forbidden, check, replace(FAILED, title="é" * length))
    ((_, _, description, _),) = statuses(forbidden, check.run.head)
    assert len(description) <= 140
    assert description[:60] == "é" * 60


def test_a_status_whose_answer_was_lost_is_written_again(forbidden: House) -> None:
    check = check_of(forbidden, forbidden.open(BAD))
    show(forbidden, check, UNDER_WAY)
    forbidden.simulator.fail_next("POST", "/statuses/", 502, performed=True)
    with pytest.raises(Unavailable):
        show(forbidden, check, FAILED)
    show(forbidden, check, FAILED)
    assert statuses(forbidden, check.run.head)[0][0] == "failure"


def test_within_the_hour_no_check_run_is_tried_for_another_head(forbidden: House) -> None:
    show(forbidden, check_of(forbidden, forbidden.open(BAD)), FAILED)
    asked = forbidden.calls("POST", "/check-runs"), reads(forbidden)
    other = check_of(forbidden, forbidden.push(GOOD))
    show(forbidden, other, UNDER_WAY)
    show(forbidden, other, PASSED)
    assert (forbidden.calls("POST", "/check-runs"), reads(forbidden)) == asked
    assert [state for state, *_ in statuses(forbidden, other.run.head)] == ["success", "pending"]


def test_once_the_hour_is_over_a_permission_that_was_given_counts(forbidden: House) -> None:
    show(forbidden, check_of(forbidden, forbidden.open(BAD)), FAILED)
    redis = forbidden.tools.store._redis
    assert 0 < redis.ttl(f"pagewarden:no-checks:{REPOSITORY}") <= NO_CHECKS_SECONDS
    redis.delete(f"pagewarden:no-checks:{REPOSITORY}")
    show(forbidden, check_of(forbidden, forbidden.push(GOOD)), PASSED)
    assert forbidden.calls("POST", "/check-runs") == 2


def test_a_rate_limit_is_not_taken_for_a_missing_permission(house: House) -> None:
    check = check_of(house, house.open(GOOD))
    house.simulator.fail_next("POST", "/check-runs$", 403, {"Retry-After": "7"})
    with pytest.raises(RateLimited):
        show(house, check, UNDER_WAY)
    assert house.tools.shown.may_check(REPOSITORY)
    assert house.simulator.statuses(REPOSITORY, check.run.head) == []
