from __future__ import annotations

import json
from typing import Any

import pytest

from workers.build.inspection.answer import inspection_of
from workers.build.inspection.bounds import Bounds
from workers.build.result import Artifact, Binary, Inspection, Problem

ARTIFACTS = [Artifact("a.zip", 10, "00"), Artifact("b", 20, "11")]
BINARY = Binary("a.zip", "bin/bun", "executable", 65536, "abcd", 1, 2, 3, 6)
GOOD = Inspection((), (BINARY,), (Problem("damaged", "b", "why"), Problem("escapes", "a.zip: ../x", "../x")), 2)


def told(inspection: Inspection) -> dict[str, Any]:
    """As it comes from the child."""
    return dict(json.loads(json.dumps(inspection.to_json())))


def test_a_good_answer_becomes_an_inspection_of_what_was_delivered() -> None:
    inspection = inspection_of(told(GOOD), ARTIFACTS, Bounds())
    assert inspection == Inspection(tuple(ARTIFACTS), GOOD.binaries, GOOD.problems, 2)
    assert Inspection.from_json(told(inspection)) == inspection


def changed(**changes: Any) -> dict[str, Any]:
    return {**told(GOOD), **changes}


def binary(**changes: Any) -> dict[str, Any]:
    return changed(binaries=[{**BINARY.to_json(), **changes}])


def problem(fault: str, file: str) -> dict[str, Any]:
    return changed(problems=[{"fault": fault, "file": file, "found": ""}])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        changed(more=-1),
        changed(more="2"),
        changed(another=1),
        changed(artifacts=[{"name": "a.zip"}]),
        changed(binaries=None),
        changed(binaries=[], problems=[]),
        changed(binaries=[BINARY.to_json()] * 4),
        changed(problems=[{"fault": "damaged", "file": "b", "found": ""}] * 4),
        binary(artifact="c"),
        binary(kind="script"),
        binary(text=-1),
        binary(file=1.5),
        binary(alignment=1 << 64),
        binary(build_id="not hexadecimal"),
        binary(path="x" * 401),
        binary(path=None),
        problem("unheard of", "b"),
        problem("damaged", "c"),
        problem("damaged", ""),
        problem("damaged", "a.zip/x"),
        problem("empty", "b"),
        problem("damaged", "b: " + "x" * 1000),
    ],
)
def test_an_answer_that_no_child_of_ours_gives_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        inspection_of(answer, ARTIFACTS, Bounds(most_binaries=3, most_problems=3))
