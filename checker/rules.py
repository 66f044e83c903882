"""Rules against one evaluated tree: a cell for each rule, heap config and OS page size.

Pure: an evaluation in, cells out. A rule holds, fails, does not apply (and says why), is unknown because a value
behind it could not be had, or impossible because it divides by zero and the like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from checker.entries import Rule, Target
from checker.evaluation import Evaluation
from checker.expression import ExpressionError, UnknownNameError, evaluate, headroom, substitute
from checker.names import Names, Subject
from checker.profile import Profile
from checker.report import Measure


class CellKey(NamedTuple):
    """Which cell: `heap` is `None` for a rule about the whole tree, `os_page` (bytes) for one that no page concerns."""

    rule: str
    heap: str | None
    os_page: int | None


class Status(StrEnum):
    """What a rule says in one cell: unknown for want of a value, impossible where the values make no arithmetic."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_APPLICABLE = "not applicable"
    UNKNOWN = "unknown"
    IMPOSSIBLE = "impossible"


WITHOUT_ANSWER = frozenset({Status.UNKNOWN, Status.IMPOSSIBLE})


@dataclass(frozen=True)
class Cell:
    """`text` is the arithmetic where there is a measure, else the reason why there is none.

    `on_the_edge`: the rule holds, and one more step of a knob would break it.
    """

    status: Status
    text: str
    measure: Measure | None = None
    on_the_edge: bool = False
    out_of_question: bool = False
    """It does not apply because the tree lacks what it speaks of, and not because a guard says so."""


def cells(profile: Profile, target: Target, evaluation: Evaluation, page_sizes: Sequence[int]) -> dict[CellKey, Cell]:
    """Every cell of `target`, in the profile's order."""
    names = Names(profile, target, evaluation)
    return {
        CellKey(rule.id, subject.heap, subject.os_page): _cell(rule, subject)
        for rule in profile.rules
        for subject in names.subjects(rule, page_sizes)
    }


def _cell(rule: Rule, subject: Subject) -> Cell:
    if subject.reason is not None:
        return Cell(Status.NOT_APPLICABLE, subject.reason, out_of_question=True)
    names = subject.names
    try:
        for guard in rule.guards:
            if not evaluate(guard.expression, names):
                return Cell(Status.NOT_APPLICABLE, guard.otherwise)
        value, limit = evaluate(rule.value, names), evaluate(rule.limit, names)
        measured = {**names, "value": value, "limit": limit}
        holds = bool(evaluate(rule.expression, measured))
        room = headroom(rule.expression, measured)
        edge = holds and rule.one_step is not None and _breaks_with_a_step(rule, rule.one_step, measured)
        text = f"{_arithmetic(rule, names, value)}, must be {rule.must.format(limit=limit)}"
    except UnknownNameError as error:
        if error.name in subject.absent:
            return Cell(Status.NOT_APPLICABLE, subject.absent[error.name], out_of_question=True)
        return Cell(Status.UNKNOWN, str(error))
    except ExpressionError as error:
        return Cell(Status.IMPOSSIBLE, f"{substitute(rule.value, names)}: {error}")
    measure = Measure(value=value, limit=limit, holds=holds, headroom=room)
    return Cell(Status.HOLDS if holds else Status.FAILS, text, measure, edge)


def _breaks_with_a_step(rule: Rule, one_step: str, measured: Mapping[str, int]) -> bool:
    return not evaluate(rule.expression, {**measured, "value": evaluate(one_step, measured)})


def _arithmetic(rule: Rule, names: Mapping[str, int], value: int) -> str:
    """How the value comes about: "(65536 >> 8) + 1 = 257", or only the value where nothing is to be computed."""
    shown = rule.value
    if rule.arithmetic is not None and evaluate(rule.arithmetic, names) == value:
        shown = rule.arithmetic
    computed = substitute(shown, names)
    return computed if computed == str(value) else f"{computed} = {value}"
