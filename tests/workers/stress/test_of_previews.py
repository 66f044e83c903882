"""The stress of what was built: it waits for the preview build without a look, and lacks nothing that it could tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from simulator.server import Simulator
from tests.workers.house import GOOD, REPOSITORY
from tests.workers.stressing import MAIN, SIZE, WRITER, Stressing, result, under_stress
from workers.build.result import Ending, Made
from workers.stress import job
from workers.stress.job import LONGEST_SECONDS, after_build, begin, do_without_libpas
from workers.stress.result import Control, Expectation, Result
from workers.stress.store import BUILD, Plan
from workers.stress.verdicts import Record, Role, Verdict
from workers.tools import Job

LARGE = 65536
PREVIEW = "preview:\n  command: {run: [make], output: out}\n  binary: bin/bun\n"
AT_16K, AT_64K = "preview-16K", "preview-64K"
BUILT = Made(Ending.BUILT)


def of_engine(verdict: Verdict, page_size: int = SIZE) -> Result:
    """What one part of the preview found."""
    fails = page_size == LARGE
    expected = Expectation("control bun 1.3.11", page_size, "collect-idle", Verdict.FAIL if fails else Verdict.PASS)
    seen = Record(expected.subject, Role.CONTROL, page_size, expected.phase, 1, expected.verdict)
    control = Control(expected, seen)
    if fails:
        return Result("vm", (), controls=(control,))
    head = Record("preview bun b", Role.HEAD, page_size, "js-threads", 1, verdict)
    return Result("vm", (page_size,), (head,), (control,), alone=(head.subject,))


def find(stressing: Stressing, verdict: Verdict) -> None:
    """The parts of the preview are done."""
    stressing.finish(AT_16K, of_engine(verdict))
    stressing.finish(AT_64K, of_engine(verdict, LARGE))
    stressing.look_again()


def find_libpas(stressing: Stressing, verdict: Verdict = Verdict.PASS) -> None:
    """The parts of libpas are done."""
    stressing.find(verdict)


def title(stressing: Stressing, head: str) -> str:
    text = stressing.check(head)["output"]["title"]
    assert isinstance(text, str)
    return text


@pytest.fixture
def both(stressing: Stressing) -> Stressing:
    """libpas and the preview are to be stressed."""
    stressing.rule(PREVIEW)
    return stressing


@pytest.fixture
def only(tmp_path: Path, redis_url: str) -> Iterator[Stressing]:
    """Of the changes of this house there is only the preview to be stressed."""
    profile = tmp_path / "unstressed.yml"
    text = (Path(__file__).parents[1] / "small-stress.yml").read_text()
    profile.write_text(text.partition("stress:\n")[0])
    with Simulator(tmp_path / "github") as simulator:
        with under_stress(tmp_path, simulator, redis_url, profile=str(profile)) as stressing:
            stressing.rule(PREVIEW)
            yield stressing
        assert simulator.violations == []


def test_the_preview_runs_beside_libpas_once_it_is_built(both: Stressing) -> None:
    head = both.open(GOOD)
    assert both.state().plan == Plan((SIZE,), (1,), "vm", True, "bin/bun", (SIZE, LARGE))
    assert (both.waits(BUILD), both.waits(AT_16K), both.waits(AT_64K)) == (True, False, False)
    find_libpas(both)
    assert both.conclusion(head) is None
    assert title(both, head) == "Stress: 16K: done · preview: waiting for its build"
    assert [each for each in both.waiting if each.job is Job.STRESS] == [], "nobody looks at what has to wait"
    both.built(BUILT)
    assert (both.waits(AT_16K), both.waits(AT_64K)) == (True, True)
    find(both, Verdict.PASS)
    assert both.conclusion(head) == "success"
    summary = both.check(head)["output"]["summary"]
    assert "`preview bun b`" in summary
    assert "There is no build of the base to compare `preview bun b` with." in summary


def test_a_preview_that_is_built_first_waits_for_no_libpas(both: Stressing) -> None:
    head = both.open(GOOD)
    both.built(BUILT)
    assert (both.waits(BUILD), both.waits(AT_16K), both.waits(AT_64K)) == (True, True, True)
    find(both, Verdict.PASS)
    assert both.conclusion(head) is None
    looks = [each.key for each in both.waiting if each.job is Job.STRESS]
    both.finish(BUILD, result(None))
    both.look_again()
    assert len(looks) == len(set(looks)), "each part has one chain of looks"
    both.finish("16K", result(Verdict.PASS))
    both.look_again()
    assert both.conclusion(head) == "success"


@pytest.mark.parametrize(
    ("made", "conclusion", "told"),
    [
        pytest.param(Made(Ending.FAILED), "failure", "Stress fails: the preview build failed", id="failed"),
        pytest.param(Made(Ending.UNFIT), "failure", "Stress fails: the preview build does not count", id="unfit"),
        pytest.param(
            Made(Ending.CANCELLED), "failure", "could not be run: the preview build was cancelled", id="ended"
        ),
        pytest.param(Made(Ending.GONE), "failure", "could not be run: nobody knows of the preview build", id="gone"),
    ],
)
def test_without_a_good_build_there_is_no_pass(both: Stressing, made: Made, conclusion: str, told: str) -> None:
    head = both.open(GOOD)
    find_libpas(both)
    both.built(made)
    assert both.conclusion(head) == conclusion
    assert told in title(both, head)
    assert "16K" in both.check(head)["output"]["summary"], "what libpas did is told all the same"


def test_what_was_built_again_is_stressed_and_libpas_is_not_run_anew(both: Stressing) -> None:
    head = both.open(GOOD)
    find_libpas(both)
    both.built(Made(Ending.CANCELLED))
    assert both.conclusion(head) == "failure"
    both.house.tools.builds.conclude(both.run_id(), BUILT)
    after_build(both.house.tools, both.run_id())
    both.settle()
    assert both.conclusion(head) is None
    assert (both.waits(BUILD), both.waits(AT_16K), both.waits(AT_64K)) == (False, True, True)
    find(both, Verdict.PASS)
    assert both.conclusion(head) == "success"
    after_build(both.house.tools, both.run_id())
    both.settle()
    assert both.conclusion(head) == "success"


def test_a_failure_without_a_build_of_the_base_is_no_regression(both: Stressing) -> None:
    head = both.open(GOOD)
    find_libpas(both)
    both.built(BUILT)
    find(both, Verdict.FAIL)
    assert both.conclusion(head) == "neutral"
    assert "nobody knows whether the base is, too: js-threads at 16K" in title(both, head)


def test_to_wait_for_the_build_takes_no_time_of_the_stress(both: Stressing) -> None:
    head = both.open(GOOD)
    find_libpas(both)
    both.house.clock.ahead += LONGEST_SECONDS + 1
    begin(both.house.tools, both.run_id())
    both.settle()
    assert both.conclusion(head) is None
    both.built(BUILT)
    both.look_again()
    assert both.conclusion(head) is None
    both.house.clock.ahead += LONGEST_SECONDS + 1
    both.look_again()
    assert both.conclusion(head) == "failure"
    assert "no result within 2 hours" in title(both, head)


def test_a_build_that_is_over_is_found_though_nobody_told(both: Stressing) -> None:
    both.open(GOOD)
    find_libpas(both)
    both.house.tools.builds.conclude(both.run_id(), BUILT)
    both.house.tools.builds.end(both.run_id())
    assert not both.waits(AT_16K)
    both.house.sweep(3600)
    both.settle()
    assert (both.waits(AT_16K), both.waits(AT_64K)) == (True, True)


def test_a_part_that_has_not_begun_waits_for_what_is_built_again(both: Stressing) -> None:
    both.open(GOOD)
    find_libpas(both)
    both.built(BUILT)
    both.say(WRITER, "/preview")
    both.look_again()
    assert both.state().built is None
    assert not both.waits(AT_16K)
    both.built(BUILT)
    assert both.waits(AT_16K)


def test_the_preview_is_stressed_where_there_is_no_libpas(only: Stressing) -> None:
    head = only.open(GOOD)
    assert only.state().names == (AT_16K, AT_64K)
    assert title(only, head) == "Waiting for the preview build"
    assert not any(each.job is Job.STRESS for each in only.waiting)
    only.built(BUILT)
    find(only, Verdict.PASS)
    assert only.conclusion(head) == "success"


def test_the_sources_may_turn_out_to_have_no_libpas(both: Stressing) -> None:
    head = both.open(GOOD)
    do_without_libpas(both.house.tools, both.run_id(), "neither head nor base has the sources of libpas")
    both.built(BUILT)
    both.look_again()
    assert not both.waits(BUILD)
    find(both, Verdict.PASS)
    assert both.conclusion(head) == "success"


def test_what_is_found_last_may_be_that_there_is_no_libpas(both: Stressing) -> None:
    head = both.open(GOOD)
    both.built(BUILT)
    find(both, Verdict.PASS)
    do_without_libpas(both.house.tools, both.run_id(), "neither head nor base has the sources of libpas")
    both.settle()
    assert both.conclusion(head) == "success"


@pytest.mark.parametrize("house", ["both", "only"])
def test_what_was_built_of_a_stranger_runs_with_leave_only(
    house: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    stressing: Stressing = request.getfixturevalue(house)
    head = stressing.open_fork(GOOD)
    assert stressing.conclusion(head) == "neutral"
    assert title(stressing, head).startswith("Waiting for approval")
    stressing.say(WRITER, f"/ok-to-test {head}")
    assert stressing.conclusion(head) is None
    stressing.built(BUILT)
    if house == "both":
        find_libpas(stressing)
    # Since it was built, whoever gave leave has lost write access.
    stressing.simulator.set_permission(REPOSITORY, WRITER, "read")
    tools = stressing.house.tools
    monkeypatch.setattr(job, "alone", lambda _path: nullcontext(True))
    begin(tools, stressing.run_id())
    stressing.settle()
    state = stressing.state()
    assert (state.over, state.refused, state.part(AT_16K).starts) == (True, "fork", 0)
    assert stressing.conclusion(head) == "neutral"


def test_the_main_check_waits_for_the_preview_too(both: Stressing) -> None:
    both.rule(PREVIEW + "stress: {gate: true}\n")
    head = both.open(GOOD)
    find_libpas(both)
    assert both.conclusion(head, MAIN) is None
    both.built(BUILT)
    find(both, Verdict.PASS)
    assert (both.conclusion(head, MAIN), both.conclusion(head)) == ("success", "success")


def test_where_the_gate_is_what_this_server_does_not_build_it_stays_shut(only: Stressing) -> None:
    only.rule("preview: {docker: {}, binary: bin/bun}\nstress: {gate: true}\n")
    head = only.open(GOOD)
    assert only.house.tools.stresses.get(only.run_id()) is None
    assert only.conclusion(head, MAIN) == "failure"
