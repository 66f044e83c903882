"""Which runs are stressed and how: settings of the repository, of the server, and what a person asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.records import Delivery
from simulator.server import Simulator
from tests.workers.heard import AUTHOR
from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import MAIN, PROFILE, SIZE, STRESS, WRITER, Stressing, under_stress
from workers.conversation.answer import answer
from workers.requests import CommentEvent
from workers.ruling import Side, Source
from workers.stress.job import Asked, begin, plan_for, want_stress
from workers.stress.store import BUILD, Plan
from workers.stress.verdicts import Verdict

USUAL = Plan((SIZE,), (1,), "vm")
BUILT = "preview: {command: {run: [make], output: out}, binary: bin/bun}"
WITH_PREVIEW = replace(USUAL, preview="bin/bun", preview_page_sizes=(SIZE, 65536))


def ruled(stressing: Stressing, settings: str | None) -> str:
    """The current run, ruled by these settings from now on."""
    run_id = stressing.run_id()
    source = Source("main", Side(settings), (str(PROFILE),))
    stressing.house.tools.store.rule(run_id, json.dumps(source.to_json()))
    return run_id


@pytest.mark.parametrize(
    ("settings", "plan"),
    [
        pytest.param(None, USUAL, id="no settings"),
        pytest.param("stress: {enabled: false}", None, id="not enabled"),
        pytest.param("stress: {machine: user}", replace(USUAL, machine="user"), id="machine"),
        pytest.param("stress: {seeds: 3}", replace(USUAL, seeds=(1, 2, 3)), id="seeds"),
        pytest.param("stress: {page_sizes: [64K, 4K]}", replace(USUAL, page_sizes=(65536, 4096)), id="page sizes"),
        pytest.param("page_sizes: [4K]", replace(USUAL, page_sizes=(4096,)), id="page sizes of the check"),
        pytest.param(
            "page_sizes: [4K]\nstress: {page_sizes: [64K]}", replace(USUAL, page_sizes=(65536,)), id="its own go first"
        ),
        pytest.param("profiles: [jemalloc]", None, id="a profile without an allocator to build"),
        pytest.param(BUILT, WITH_PREVIEW, id="what was built, too, and where its controls can fail"),
        pytest.param(f"{BUILT}\nprofiles: [jemalloc]", replace(WITH_PREVIEW, libpas=False), id="what was built only"),
        pytest.param(
            f"{BUILT}\nstress: {{page_sizes: [64K]}}",
            replace(WITH_PREVIEW, page_sizes=(65536,), preview_page_sizes=(65536,)),
            id="where its controls can fail anyway",
        ),
        pytest.param("preview: {docker: {}, binary: bin/bun}", USUAL, id="a driver that is not offered"),
        pytest.param("preview: {actions: {workflow: build.yml}}", USUAL, id="nothing of what is built is to be run"),
        pytest.param("preview: {binary: bin/bun}", USUAL, id="nothing builds"),
    ],
)
def test_the_settings_of_the_base_branch_make_the_plan(
    stressing: Stressing, settings: str | None, plan: Plan | None
) -> None:
    stressing.open(GOOD)
    assert plan_for(stressing.house.tools, ruled(stressing, settings)) == plan


@pytest.mark.parametrize(
    ("asked", "plan"),
    [
        (Asked(by=WRITER), Plan((4096,), (1, 2), "user")),
        (Asked((65536,), by=WRITER), Plan((65536,), (1, 2), "user")),
        (Asked(seeds=5, by=WRITER), Plan((4096,), (1, 2, 3, 4, 5), "user")),
    ],
)
def test_what_a_person_asks_for_goes_before_the_settings(stressing: Stressing, asked: Asked, plan: Plan) -> None:
    stressing.open(GOOD)
    run_id = ruled(stressing, "stress: {page_sizes: [4K], seeds: 2, machine: user}")
    assert plan_for(stressing.house.tools, run_id, asked) == plan


def test_what_the_settings_turn_off_nobody_can_ask_for(stressing: Stressing) -> None:
    stressing.open(GOOD)
    run_id = ruled(stressing, "stress: {enabled: false}")
    assert not want_stress(stressing.house.tools, run_id, "comment 1:0", Asked((65536,), 3, WRITER))


def test_the_settings_of_the_server_are_the_default(tmp_path: Path, redis_url: str) -> None:
    more = {"stress_machine": "user", "stress_seeds": (7, 9), "page_sizes": (4096, 16384)}
    with Simulator(tmp_path / "github") as simulator, under_stress(tmp_path, simulator, redis_url, **more) as stressing:
        stressing.open(GOOD)
        assert stressing.state().plan == Plan((4096, 16384), (7, 9), "user")


def test_a_server_without_stress_has_no_such_check(tmp_path: Path, redis_url: str) -> None:
    with Simulator(tmp_path / "github") as simulator:
        with under_stress(tmp_path, simulator, redis_url, stress=False) as stressing:
            head = stressing.open(GOOD)
            comment = stressing.say(AUTHOR, "/stress")
            assert stressing.names(head) == [MAIN]
            assert stressing.heard.reactions(comment) == {"confused"}
        assert simulator.violations == []


@pytest.mark.parametrize(("drafts", "is_stressed"), [("check", True), ("static", False), ("skip", False)])
def test_drafts_are_stressed_as_the_settings_say(stressing: Stressing, drafts: str, is_stressed: bool) -> None:
    stressing.rule(f"drafts: {drafts}\n")
    head = stressing.open(GOOD, draft=True)
    assert stressing.names(head) == [MAIN, *([STRESS] if is_stressed else [])]
    stressing.simulator.mark_ready(REPOSITORY, stressing.house.number)
    stressing.settle()
    assert stressing.is_waiting()


def test_a_draft_is_stressed_when_somebody_asks_for_it(stressing: Stressing) -> None:
    stressing.rule("drafts: static\n")
    head = stressing.open(GOOD, draft=True)
    assert stressing.names(head) == [MAIN]
    stressing.say(AUTHOR, "/stress")
    assert stressing.is_waiting()
    assert stressing.state().asked_by == AUTHOR


@pytest.mark.parametrize("files", [{"Source/page.h": "#define PAGE (\n"}, {"README.md": "Another engine.\n"}])
def test_without_a_verdict_there_is_nothing_to_stress(stressing: Stressing, files: dict[str, str]) -> None:
    head = stressing.open(files)
    assert stressing.names(head) == [MAIN]
    assert stressing.house.tools.stresses.open_runs(-1000) == []


def test_a_head_that_breaks_a_limit_is_stressed_too(stressing: Stressing) -> None:
    head = stressing.open(BAD)
    assert stressing.conclusion(head, MAIN) == "failure"
    assert stressing.is_waiting()


def test_a_command_that_is_heard_twice_makes_one_attempt(stressing: Stressing) -> None:
    head = stressing.open(GOOD)
    stressing.find(Verdict.PASS)
    stressing.say(WRITER, "/stress seeds=2")
    assert (stressing.state().attempt, stressing.state().plan.seeds) == (2, (1, 2))
    assert stressing.house.tools.stresses.claim(stressing.run_id(), BUILD, "somebody")
    # The worker died before it had noted that the delivery was done.
    delivery = next(each for each in stressing.simulator.deliveries if each.event == "issue_comment" and _asks(each))
    kept = stressing.house.tools.inbox.get(delivery.guid)
    assert kept is not None
    answer(stressing.house.tools, kept.id, CommentEvent.from_json(kept.request))
    stressing.settle()
    assert stressing.state().attempt == 2
    assert stressing.state().part(BUILD).starts == 1, "what is under way goes on"
    stressing.look_again()
    assert stressing.names(head) == [MAIN, STRESS, STRESS]


def _asks(delivery: Delivery) -> bool:
    return b"/stress" in delivery.payload


def test_a_new_attempt_is_a_check_run_of_its_own(stressing: Stressing) -> None:
    head = stressing.open(GOOD)
    stressing.find(Verdict.FAIL)
    stressing.say(WRITER, "/stress")
    stressing.look_again()
    assert stressing.conclusion(head) is None
    stressing.find(Verdict.PASS)
    shown = [run for run in stressing.simulator.check_runs(REPOSITORY, head) if run["name"] == STRESS]
    assert [run["conclusion"] for run in shown] == ["failure", "success"]
    assert "attempt 2" in shown[1]["output"]["title"].lower()
    assert WRITER in shown[1]["output"]["summary"]


def test_what_is_under_way_ends_when_another_attempt_is_asked_for(stressing: Stressing) -> None:
    head = stressing.open(GOOD)
    tools, run_id = stressing.house.tools, stressing.run_id()
    assert tools.stresses.claim(run_id, BUILD, "the first")
    stressing.say(WRITER, "/stress")
    assert not tools.stresses.beat(run_id, BUILD, "the first")
    stressing.look_again()
    shown = [run for run in stressing.simulator.check_runs(REPOSITORY, head) if run["name"] == STRESS]
    assert [run["conclusion"] for run in shown] == ["cancelled", None]


def test_what_has_a_result_is_concluded_however_often_it_begins(stressing: Stressing) -> None:
    head = stressing.open(GOOD)
    stressing.find(Verdict.PASS)
    calls = len(stressing.simulator.calls)
    for _ in range(3):
        begin(stressing.house.tools, stressing.run_id())
    stressing.settle()
    assert stressing.conclusion(head) == "success"
    assert [call for call in stressing.simulator.calls[calls:] if call.method in {"POST", "PATCH"}] == []
