"""The repairs that were found for what a change breaks, and the honest answer where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from checker.report import Advice, CellName, Cost, CostChange, Edit, Repair, Report
from workers.report.costs import Figure, merged
from workers.report.voice import Voice, cells_in_words, some_heaps
from workers.report.words import listed, plural, verbatim

MOST_COSTS = 3
MOST_KNOBS = 8


def of_rule(report: Report, rule: str) -> tuple[Advice, ...]:
    """What was found for the failures of one rule, each with its own heap configs and targets."""
    return tuple(each for each in report.advice if each.rule == rule)


def vouched(report: Report) -> str:
    """What was made sure of: `breaks nothing else on the 8 targets checked`."""
    count = len(report.targets)
    return f"breaks nothing else on the {f'{count} targets' if count > 1 else 'target'} checked"


def subject(advice: Advice, voice: Voice) -> str:
    """What is to be repaired: `use-count on jit_medium_bitfit, linux-arm64`."""
    heaps = f" on {some_heaps(advice.heaps, voice)}" if advice.heaps else ""
    return f"{voice.name(advice.rule)}{heaps}, {listed(advice.targets)}"


def turned(edit: Edit, voice: Voice) -> str:
    """`JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT 8 → 9`."""
    return f"{voice.name(edit.name)} {edit.old} → {edit.new}"


def placed(edits: Sequence[Edit], voice: Voice) -> str:
    """All edits of a repair with their places."""
    return listed([f"{turned(edit, voice)} ({voice.near(edit.path, edit.line)})" for edit in edits])


def difference(edit: Edit) -> list[str]:
    """The line as it is and as it would be, in a diff's notation."""
    return [f"- {verbatim(edit.before)}", f"+ {verbatim(edit.after)}"]


def effect(repair: Repair, advice: Advice, report: Report, voice: Voice) -> str:
    """What it mends beside what it is for, and what it costs."""
    return f"{_mends(repair, advice, voice)}{_costs(repair, report, voice)}"


def _mends(repair: Repair, advice: Advice, voice: Voice) -> str:
    others = [cell for cell in repair.mends if not _is_meant(cell, advice)]
    return f"Mends {cells_in_words(others, voice)}, too. " if others else ""


def _is_meant(cell: CellName, advice: Advice) -> bool:
    return cell.rule == advice.rule and (cell.heap is None or cell.heap in advice.heaps)


def _costs(repair: Repair, report: Report, voice: Voice) -> str:
    every = tuple(target.target for target in report.targets)
    shown = merged((change.target, _as_cost(change, report)) for change in repair.costs)
    if not shown:
        return "Costs nothing that is counted."
    told = [_cost(figure, every, voice) for figure in shown[:MOST_COSTS]]
    rest = len(shown) - MOST_COSTS
    return f"Costs: {'; '.join([*told, *([plural(rest, 'more figure')] if rest > 0 else [])])}."


def _cost(figure: Figure, every: Sequence[str], voice: Voice) -> str:
    where = figure.where(every, voice)
    return f"{voice.prose(_in_sentence(figure.title))}{f' ({where})' if where else ''} {figure.change}, {figure.factor}"


def _in_sentence(title: str) -> str:
    """Without its capital, unless that belongs to a name."""
    first = title.split(" ", 1)[0]
    return title if first[1:] != first[1:].lower() or "_" in first else f"{title[:1].lower()}{title[1:]}"


def _as_cost(change: CostChange, report: Report) -> Cost:
    """The change against head, told as costs are; one that the report does not know goes by its id."""
    known = (cost for target in report.targets for cost in target.costs if cost.id == change.id)
    like = next(known, None)
    return Cost(
        id=change.id,
        title=like.title if like else change.id,
        heap=change.heap,
        os_page=change.os_page,
        base=change.head,
        head=change.repaired,
        unit=like.unit if like else "count",
        memory=like.memory if like else None,
    )


def effort(advice: Advice, voice: Voice) -> str:
    """What was tried, for where nothing was found."""
    if not advice.knobs:
        return "None found: no literal in its chain can be turned."
    ended = "" if advice.exhausted else "; the search was cut short"
    trees = plural(advice.tried, "edited tree")
    were = "was" if advice.tried == 1 else "were"
    knobs = listed([voice.name(knob) for knob in advice.knobs], most=MOST_KNOBS)
    return f"None found: {trees} {were} evaluated, turning {knobs}{ended}."
