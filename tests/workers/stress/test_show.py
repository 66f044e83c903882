from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from workers.parts import Part
from workers.stress.document import to_json
from workers.stress.due import due, result_of
from workers.stress.progress import PageProgress, Progress, Stage
from workers.stress.result import Conclusion, Result, Trouble
from workers.stress.show import progress_of, seen_of
from workers.stress.store import BUILD, Plan, Stress

SIZES = (4096, 65536)
NEW = Stress(Plan(SIZES, (1,), "vm"), 1000.0)


def told(stage: Stage, done: int, of: int) -> str:
    return json.dumps(Progress("vm", (PageProgress(4096, stage, done, of, "libpas d", "utility"),)).to_json())


def ended(*troubles: Trouble) -> Part:
    return Part(result=json.dumps(to_json(Result("vm", (), troubles=troubles))))


def with_parts(**parts: Part) -> Stress:
    names = {BUILD: BUILD, "small": "4K", "large": "64K"}
    return replace(NEW, parts={names[name]: part for name, part in parts.items()})


def test_nothing_has_begun() -> None:
    assert progress_of(NEW) == Progress("vm", (PageProgress(4096), PageProgress(65536)), None)
    assert due(NEW) == (BUILD,)


def test_every_machine_waits_for_the_build() -> None:
    state = with_parts(build=Part(progress=told(Stage.BUILDING, 3, 163), starts=1))
    pages = progress_of(state).pages
    assert [(page.page_size, page.stage, page.done, page.of) for page in pages] == [
        (4096, Stage.BUILDING, 3, 163),
        (65536, Stage.BUILDING, 3, 163),
    ]


def test_one_machine_runs_and_another_waits() -> None:
    state = with_parts(build=ended(), small=Part(progress=told(Stage.RUNNING, 4, 28), starts=1))
    now = progress_of(state)
    assert [page.stage for page in now.pages] == [Stage.RUNNING, Stage.WAITING]
    assert now.started == 1000.0
    assert due(state) == ("4K", "64K")
    assert result_of(state) is None


def test_what_could_not_be_built_is_not_run() -> None:
    state = with_parts(build=ended(Trouble("libpas does not compile: x.c:1", own=True)))
    result = result_of(state)
    assert result is not None
    assert result.conclusion is Conclusion.FAIL
    assert result.page_sizes == SIZES


def test_a_part_that_was_given_up_is_an_error() -> None:
    state = with_parts(build=ended(), small=ended(Trouble("it died", 4096)), large=ended())
    result = result_of(state)
    assert result is not None
    assert result.conclusion is Conclusion.ERROR
    assert seen_of(state) == result


def test_of_what_was_ended_before_its_time_nothing_is_told() -> None:
    assert seen_of(replace(NEW, over=True)) is None
    assert due(replace(NEW, over=True)) == ()


@pytest.mark.parametrize(
    "ended_by", [{"cancelled_by": "wendy"}, {"timed_out": True}, {"refused": "fork"}, {"refused": "no libpas"}]
)
def test_of_what_was_ended_for_a_reason_no_progress_is_told(ended_by: dict[str, Any]) -> None:
    state = replace(with_parts(build=Part(progress=told(Stage.BUILDING, 3, 163), starts=1)), over=True, **ended_by)
    assert seen_of(state) is None
    assert due(state) == ()
