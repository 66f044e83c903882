"""The gate: the main check waits for stress where the settings say so, and shares its fate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.server import Simulator
from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import MAIN, PART, SIZE, STRESS, WRITER, Stressing, result, under_stress
from workers.parts import STALE_SECONDS, Part
from workers.report.context import Gate
from workers.stress.document import to_json
from workers.stress.gate import standing_of
from workers.stress.job import LONGEST_SECONDS, MOST_STARTS, key_of, refuse
from workers.stress.result import Conclusion, Result, Trouble
from workers.stress.store import BUILD, Plan, Stress
from workers.stress.verdicts import Verdict
from workers.tools import Job

GATE = "stress: {gate: true}\n"
NEW = Stress(Plan((SIZE,), (1,), "vm"), 1000.0)
VOID = result(Verdict.PASS, control=Verdict.PASS)
LOST = Result("vm", (), troubles=(Trouble("it died", SIZE),))


def ended(found: Result, *, over: bool = True) -> Stress:
    """The stress whose one machine found this."""
    parts = {BUILD: Part(result=_json(result(None))), PART: Part(result=_json(found))}
    return replace(NEW, parts=parts, over=over)


def _json(found: Result) -> str:
    return json.dumps(to_json(found))


@pytest.mark.parametrize(
    ("state", "gate"),
    [
        pytest.param(NEW, Gate.WAITING, id="nothing has begun"),
        pytest.param(replace(NEW, parts={BUILD: Part(beat=1.0, starts=1)}), Gate.WAITING, id="it is built"),
        pytest.param(replace(NEW, parts={BUILD: Part(result=_json(result(None)))}), Gate.WAITING, id="it runs"),
        pytest.param(ended(result(Verdict.PASS)), Gate.PASSED, id="pass"),
        pytest.param(ended(result(Verdict.PASS), over=False), Gate.PASSED, id="pass, and not told yet"),
        pytest.param(ended(result(Verdict.FAIL)), Gate.FAILED, id="fail"),
        pytest.param(ended(result(Verdict.INCONCLUSIVE)), Gate.UNSURE, id="inconclusive"),
        pytest.param(ended(result(Verdict.ERROR)), Gate.UNSURE, id="error"),
        pytest.param(ended(VOID), Gate.UNSURE, id="void"),
        pytest.param(ended(LOST), Gate.UNSURE, id="a machine that died"),
        pytest.param(replace(NEW, over=True), Gate.UNSURE, id="ended before its time"),
        pytest.param(replace(NEW, over=True, cancelled_by="wendy"), Gate.UNSURE, id="cancelled"),
        pytest.param(replace(NEW, over=True, timed_out=True), Gate.UNSURE, id="timed out"),
        pytest.param(replace(NEW, over=True, refused="fork"), Gate.APPROVAL, id="a fork's"),
        pytest.param(replace(NEW, over=True, refused="newcomer"), Gate.APPROVAL, id="a newcomer's"),
        pytest.param(replace(NEW, over=True, refused="there is no libpas"), Gate.PASSED, id="nothing to stress"),
    ],
)
def test_each_state_of_a_stress_run_is_one_of_the_gate(state: Stress, gate: Gate) -> None:
    assert standing_of(state) is gate


def test_only_a_pass_of_the_result_opens_the_gate_where_there_is_one() -> None:
    for found in (VOID, LOST, *map(result, Verdict)):
        opens = standing_of(ended(found)) is Gate.PASSED
        assert opens is (found.conclusion is Conclusion.PASS)


def test_the_main_check_waits_for_stress(stressing: Stressing) -> None:
    stressing.rule(GATE)
    head = stressing.open(GOOD)
    main = stressing.check(head, MAIN)
    assert (main["status"], main["conclusion"]) == ("in_progress", None)
    assert main["output"]["title"] == "Limits hold; waiting for stress"
    assert stressing.conclusion(head) is None
    (comment,) = stressing.house.comments()
    assert "#### Stress" in comment


@pytest.mark.parametrize(
    ("found", "main", "stress"),
    [
        pytest.param(result(Verdict.PASS), "success", "success", id="pass"),
        pytest.param(result(Verdict.FAIL), "failure", "failure", id="fail"),
        pytest.param(result(Verdict.INCONCLUSIVE), "failure", "neutral", id="inconclusive"),
        pytest.param(result(Verdict.ERROR), "failure", "failure", id="error"),
        pytest.param(VOID, "failure", "neutral", id="void"),
    ],
)
def test_the_main_check_is_concluded_by_what_stress_found(
    stressing: Stressing, found: Result, main: str, stress: str
) -> None:
    stressing.rule(GATE)
    head = stressing.open(GOOD)
    stressing.finish(BUILD, result(None))
    stressing.finish(PART, found)
    stressing.look_again()
    assert (stressing.conclusion(head, MAIN), stressing.conclusion(head)) == (main, stress)
    assert stressing.names(head) == [MAIN, STRESS], "each is one check run all along"


def test_what_cannot_be_built_fails_both_checks(stressing: Stressing) -> None:
    stressing.rule(GATE)
    head = stressing.open(GOOD)
    stressing.finish(BUILD, result(None, troubles=(Trouble("libpas does not compile: x.c:1", own=True),)))
    stressing.look_again()
    assert (stressing.conclusion(head, MAIN), stressing.conclusion(head)) == ("failure", "failure")


def _cancel(stressing: Stressing) -> None:
    stressing.say(WRITER, "/cancel")


def _let_time_pass(stressing: Stressing) -> None:
    stressing.house.clock.ahead += LONGEST_SECONDS + 1
    stressing.look_again()


def _lose_each_process(stressing: Stressing) -> None:
    for _ in range(MOST_STARTS):
        assert stressing.house.tools.stresses.claim(stressing.run_id(), BUILD, "somebody")
        stressing.house.clock.ahead += STALE_SECONDS + 1
    stressing.look_again()


def _find_nothing(stressing: Stressing) -> None:
    refuse(stressing.house.tools, stressing.run_id(), "neither head nor base has the sources of libpas")
    stressing.settle()


@pytest.mark.parametrize(
    ("ends", "main", "stress"),
    [
        pytest.param(_cancel, "failure", "cancelled", id="cancelled"),
        pytest.param(_let_time_pass, "failure", "timed_out", id="timed out"),
        pytest.param(_lose_each_process, "failure", "failure", id="given up"),
        pytest.param(_find_nothing, "success", "neutral", id="nothing to stress"),
    ],
)
def test_the_main_check_is_concluded_however_stress_ends(
    stressing: Stressing, ends: Callable[[Stressing], None], main: str, stress: str
) -> None:
    stressing.rule(GATE)
    head = stressing.open(GOOD)
    ends(stressing)
    assert (stressing.conclusion(head, MAIN), stressing.conclusion(head)) == (main, stress)
    stressing.look_again()
    assert not stressing.waiting, "nobody waits for the machine any more"


def test_what_was_cancelled_opens_the_gate_after_another_attempt_passed(stressing: Stressing) -> None:
    stressing.rule(GATE)
    head = stressing.open(GOOD)
    stressing.say(WRITER, "/cancel")
    stressing.say(WRITER, "/stress")
    assert stressing.state().attempt == 2
    assert stressing.is_waiting()
    assert stressing.conclusion(head, MAIN) != "success"
    stressing.find(Verdict.PASS)
    assert (stressing.conclusion(head, MAIN), stressing.conclusion(head)) == ("success", "success")


def test_a_head_that_breaks_a_limit_fails_whatever_stress_finds(stressing: Stressing) -> None:
    stressing.rule(GATE)
    head = stressing.open(BAD)
    assert stressing.conclusion(head, MAIN) == "failure", "nobody need wait for that"
    stressing.find(Verdict.PASS)
    assert (stressing.conclusion(head, MAIN), stressing.conclusion(head)) == ("failure", "success")


def test_without_a_gate_the_main_check_does_not_wait(stressing: Stressing) -> None:
    head = stressing.open(GOOD)
    assert (stressing.conclusion(head, MAIN), stressing.conclusion(head)) == ("success", None)
    stressing.find(Verdict.FAIL)
    assert (stressing.conclusion(head, MAIN), stressing.conclusion(head)) == ("success", "failure")


def test_what_touches_nothing_watched_waits_for_no_stress(stressing: Stressing) -> None:
    stressing.rule(GATE)
    head = stressing.open({"README.md": "Another engine.\n"})
    assert stressing.conclusion(head, MAIN) == "success"
    assert stressing.names(head) == [MAIN]


@pytest.mark.parametrize(
    ("more", "main"),
    [
        pytest.param({"stress": False}, "failure", id="a server without stress"),
        pytest.param({"profile": str(Path(__file__).parent.parent / "small.yml")}, "success", id="no allocator"),
    ],
)
def test_a_gate_where_nothing_can_be_stressed(tmp_path: Path, redis_url: str, more: dict[str, Any], main: str) -> None:
    with Simulator(tmp_path / "github") as simulator, under_stress(tmp_path, simulator, redis_url, **more) as stressing:
        stressing.rule(GATE)
        head = stressing.open(GOOD)
        assert stressing.conclusion(head, MAIN) == main
        assert stressing.names(head) == [MAIN]
        assert simulator.violations == []


def test_a_push_while_the_main_check_waits_leaves_none_pending(stressing: Stressing) -> None:
    stressing.rule(GATE)
    first = stressing.open(GOOD)
    second = stressing.push({"Source/watched.c": "/* new */\n"})
    stressing.settle()
    assert (stressing.conclusion(first, MAIN), stressing.conclusion(first)) == ("cancelled", "cancelled")
    assert stressing.conclusion(second, MAIN) is None
    stressing.find(Verdict.PASS)
    assert (stressing.conclusion(second, MAIN), stressing.conclusion(second)) == ("success", "success")
    assert (stressing.conclusion(first, MAIN), stressing.conclusion(first)) == ("cancelled", "cancelled")


def test_of_two_heads_a_late_result_concludes_its_own_only(stressing: Stressing) -> None:
    stressing.rule(GATE)
    stressing.open(GOOD)
    old = stressing.run_id()
    second = stressing.push({"Source/watched.c": "/* new */\n"})
    stressing.settle()
    stresses = stressing.house.tools.stresses
    assert not stresses.claim(old, BUILD, "late")
    stressing.house.tools.send(Job.STRESS, key_of(old, BUILD))
    stressing.settle()
    assert stressing.conclusion(second, MAIN) is None


def test_a_draft_that_is_checked_only_statically_waits_once_it_is_ready(stressing: Stressing) -> None:
    stressing.rule(GATE + "drafts: static\n")
    head = stressing.open(GOOD, draft=True)
    assert stressing.names(head) == [MAIN]
    stressing.simulator.mark_ready(REPOSITORY, stressing.house.number)
    stressing.settle()
    assert stressing.is_waiting()
    assert stressing.conclusion(head, MAIN) is None, "it must not be merged before it is stressed"
    stressing.find(Verdict.FAIL)
    assert (stressing.conclusion(head, MAIN), stressing.conclusion(head)) == ("failure", "failure")


def test_a_merge_group_waits_for_stress_too(stressing: Stressing) -> None:
    stressing.rule(GATE)
    stressing.open(GOOD)
    stressing.find(Verdict.PASS)
    group = stressing.simulator.queue(REPOSITORY, stressing.house.number)
    stressing.settle()
    assert (stressing.conclusion(group.head_sha, MAIN), stressing.conclusion(group.head_sha)) == (None, None)
    branch = group.head_ref.removeprefix("refs/heads/")
    run_id = stressing.house.tools.store.current(f"{REPOSITORY}@{branch}")
    assert run_id is not None
    stressing.finish(BUILD, result(None), run_id)
    stressing.finish(PART, result(Verdict.PASS), run_id)
    stressing.look_again()
    assert (stressing.conclusion(group.head_sha, MAIN), stressing.conclusion(group.head_sha)) == ("success", "success")


def test_a_push_to_the_default_branch_is_not_stressed(stressing: Stressing) -> None:
    stressing.rule(GATE)
    stressing.open(GOOD)
    stressing.find(Verdict.PASS)
    landed = stressing.simulator.merge(REPOSITORY, stressing.house.number)
    stressing.settle()
    assert stressing.conclusion(landed, MAIN) == "success"
    assert stressing.names(landed) == [MAIN]
