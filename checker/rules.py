"""Rules against one evaluated tree: a cell for each rule, heap config and OS page size.

Pure: an evaluation in, cells out. A rule holds, fails, does not apply (and says why), is unknown because a value
behind it could not be had, or impossible because it divides by zero and the like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from checker.evaluation import Evaluation
from checker.expression import ExpressionError, UnknownNameError, evaluate, substitute
from checker.probe import ENABLED, Wanted
from checker.profile import HeapConfig, Profile, Rule, Target
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


@dataclass(frozen=True)
class Cell:
    """`text` is the arithmetic where there is a measure, else the reason why there is none."""

    status: Status
    text: str
    measure: Measure | None = None


def human_size(size: int) -> str:
    """A size in bytes as people write page sizes: "64K"."""
    return f"{size // 1024}K" if size >= 1024 and size % 1024 == 0 else str(size)


def cells(profile: Profile, target: Target, evaluation: Evaluation, page_sizes: Sequence[int]) -> dict[CellKey, Cell]:
    """Every cell of `target`, in the profile's order."""
    limits = _limits(profile, evaluation)
    result: dict[CellKey, Cell] = {}
    for rule in profile.rules:
        pages: Sequence[int | None] = page_sizes if rule.per_page else (None,)
        for heap, names, reason in _subjects(rule, profile, evaluation):
            for os_page in pages:
                key = CellKey(rule.id, heap, os_page)
                if reason is not None:
                    result[key] = Cell(Status.NOT_APPLICABLE, reason)
                elif os_page is not None and os_page not in target.page_sizes:
                    result[key] = Cell(
                        Status.NOT_APPLICABLE, f"no kernel for {target.title} has {human_size(os_page)} pages"
                    )
                else:
                    page = {"os_page": os_page} if os_page is not None else {}
                    result[key] = _cell(rule, {**limits, **names, **page})
    return result


def _limits(profile: Profile, evaluation: Evaluation) -> dict[str, int]:
    values = ((name, evaluation.value(Wanted("limit", name))) for name in profile.limits)
    return {name: value for name, value in values if value is not None}


def _subjects(
    rule: Rule, profile: Profile, evaluation: Evaluation
) -> Iterator[tuple[str | None, Mapping[str, int], str | None]]:
    """What the rule speaks of: heap, its names, and why it is out of question, if it is."""
    if rule.scope == "tree":
        yield None, {}, None
        return
    for heap in profile.heaps:
        disabled = evaluation.value(Wanted("heap", heap.name, ENABLED)) == 0
        yield (
            heap.name,
            heap_names(profile, heap, evaluation),
            "the tree does not use this config" if disabled else None,
        )


def heap_names(profile: Profile, heap: HeapConfig, evaluation: Evaluation) -> dict[str, int]:
    """The fields of `heap` that have a value, and `is_<kind>` for each kind."""
    names = {f"is_{kind.replace('-', '_')}": int(kind == heap.kind) for kind in profile.heap_fields}
    for field in profile.heap_fields[heap.kind]:
        if (value := evaluation.value(Wanted("heap", heap.name, field))) is not None:
            names[field] = value
    return names


def _cell(rule: Rule, names: Mapping[str, int]) -> Cell:
    try:
        for guard in rule.guards:
            if not evaluate(guard.expression, names):
                return Cell(Status.NOT_APPLICABLE, guard.otherwise)
        value, limit = evaluate(rule.value, names), evaluate(rule.limit, names)
        holds = bool(evaluate(rule.expression, {**names, "value": value, "limit": limit}))
        text = f"{_arithmetic(rule, names, value)}, must be {rule.must.format(limit=limit)}"
    except UnknownNameError as error:
        return Cell(Status.UNKNOWN, str(error))
    except ExpressionError as error:
        return Cell(Status.IMPOSSIBLE, f"{substitute(rule.value, names)}: {error}")
    return Cell(Status.HOLDS if holds else Status.FAILS, text, Measure(value=value, limit=limit, holds=holds))


def _arithmetic(rule: Rule, names: Mapping[str, int], value: int) -> str:
    """How the value comes about: "(65536 >> 8) + 1 = 257", or only the value where nothing is to be computed."""
    shown = rule.value
    if rule.arithmetic is not None and evaluate(rule.arithmetic, names) == value:
        shown = rule.arithmetic
    computed = substitute(shown, names)
    return computed if computed == str(value) else f"{computed} = {value}"
