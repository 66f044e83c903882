"""What a tree's constants cost, base against head: the profile's cost entries on one target. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from checker.entries import CostEntry, Target
from checker.evaluation import Evaluation
from checker.expression import ExpressionError, evaluate
from checker.names import Names, Subject
from checker.profile import Profile
from checker.report import Cost


def costs(
    profile: Profile, target: Target, base: Evaluation, head: Evaluation, page_sizes: Sequence[int]
) -> tuple[Cost, ...]:
    """Every cost entry per heap config and OS page size (bytes) where it has a value on at least one side."""
    before, after = Names(profile, target, base), Names(profile, target, head)
    return tuple(
        cost
        for entry in profile.costs
        for old, new in zip(before.subjects(entry, page_sizes), after.subjects(entry, page_sizes), strict=True)
        if (cost := _cost(entry, old, new)) is not None
    )


def _cost(entry: CostEntry, old: Subject, new: Subject) -> Cost | None:
    base, head = _value(entry, old), _value(entry, new)
    if base is None and head is None:
        return None
    return Cost(
        id=entry.id,
        title=entry.title,
        heap=new.heap,
        os_page=new.os_page,
        base=base,
        head=head,
        unit=entry.unit,
        memory=entry.memory,
    )


def _value(entry: CostEntry, subject: Subject) -> int | None:
    """Nothing where a value is missing: that is an error of its own, and told as one."""
    if subject.reason is not None:
        return None
    try:
        if all(evaluate(guard.expression, subject.names) for guard in entry.guards):
            return evaluate(entry.value, subject.names)
    except ExpressionError:
        pass
    return None
