"""The child's answer, which a stranger may have written, made into an inspection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from workers.build.inspection.bounds import Bounds
from workers.build.inspection.examine import LONGEST_PATH
from workers.build.result import Artifact, Binary, Fault, Inspection, Problem

_LONGEST_NAME = 255
_Path = Annotated[str, Field(max_length=LONGEST_PATH)]
_Bytes = Annotated[int, Field(ge=0, lt=1 << 64)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Problem(_Strict):
    fault: Annotated[Fault, Field(strict=False)]
    file: Annotated[str, Field(max_length=LONGEST_PATH + _LONGEST_NAME + 2)]
    found: _Path


class _Binary(_Strict):
    artifact: Annotated[str, Field(max_length=_LONGEST_NAME)]
    path: _Path
    kind: Literal["executable", "library", "object"]
    alignment: _Bytes
    build_id: Annotated[str, Field(pattern=r"^([0-9a-f]{2}){0,64}$")]
    text: _Bytes
    data: _Bytes
    bss: _Bytes
    file: _Bytes


class _Answer(_Strict):
    artifacts: Annotated[list[Any], Field(max_length=0)]
    binaries: list[_Binary]
    problems: list[_Problem]
    more: Annotated[int, Field(ge=0)]


def inspection_of(answer: Mapping[str, Any], artifacts: Sequence[Artifact], bounds: Bounds) -> Inspection:
    """The inspection of `artifacts`. Raises `ValueError` for an answer that no child of ours gives about them."""
    told = _Answer.model_validate(answer)
    names = {artifact.name for artifact in artifacts}
    if len(told.binaries) > bounds.most_binaries or len(told.problems) > bounds.most_problems:
        raise ValueError("it lists more than it was asked for")
    if not {each.artifact for each in told.binaries} <= names:
        raise ValueError("it lists binaries of artifacts that there are not")
    if not all(_is_of(problem, names) for problem in told.problems):
        raise ValueError("it has problems with artifacts that there are not")
    if not told.binaries and not told.problems:
        raise ValueError("it found nothing, and no fault in that")
    return Inspection(
        tuple(artifacts),
        tuple(Binary(**each.model_dump()) for each in told.binaries),
        tuple(Problem(each.fault.value, each.file, each.found) for each in told.problems),
        told.more,
    )


def _is_of(problem: _Problem, names: set[str]) -> bool:
    if problem.fault is Fault.EMPTY:
        return not problem.file
    return problem.file in names or any(problem.file.startswith(f"{name}: ") for name in names)
