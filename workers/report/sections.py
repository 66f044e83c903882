"""Findings, repairs, commits, costs and headroom as Markdown. Blocks are empty where there is nothing to tell."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from checker.profile import Profile
from checker.report import Advice, Finding, Report, Side
from workers.report import costs, history, repairs, steps
from workers.report.arithmetic import ONE_STEP, before, counted, excess, made_of, room, share
from workers.report.context import Context
from workers.report.digest import Digest, Item, Trouble, alike, grouped, same_but_heap
from workers.report.headroom import tightest, unbounded
from workers.report.tables import WHOLE_TREE, table
from workers.report.voice import FEW, Voice, cells_in_words
from workers.report.words import LONGEST_MESSAGE, code, fenced, listed, page, plural, prose

FEW_FIGURES = 6
"""More costs than these are folded away."""


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A heading above its lines."""
    return [f"#### {title}", "", *lines] if lines else []


def folded(title: str, lines: Sequence[str]) -> list[str]:
    """Lines that the reader opens."""
    return [f"<details><summary>{escape(title, quote=False)}</summary>", "", *lines, "", "</details>"] if lines else []


def more(count: int, noun: str, context: Context) -> list[str]:
    """Where to look for what is left out."""
    if count <= 0:
        return []
    if context.check_url is not None:
        see = f"see [the check]({context.check_url})"
    else:
        see = "see the check" if context.repository else "see `--format json`"
    return ["", f"… {plural(count, f'more {noun}')}, {see}."]


def newly_broken(told: Digest, report: Report, voice: Voice, context: Context, cap: int) -> list[list[str]]:
    """What the change breaks, each rule with its findings, their reason and what repairs them."""

    def explained(title: str, items: Sequence[Item]) -> list[str]:
        return section(counted(title, items), _explained(items, told, voice, context, cap, report))

    return [explained("Newly broken", told.broken), explained("Newly broken, but dormant", told.warned)]


def unsure(told: Digest, voice: Voice, context: Context, cap: int) -> list[list[str]]:
    """What could not be evaluated or decided, and what nobody judges any more."""
    undecided = _explained(told.undecided, told, voice, context, cap)
    return [
        troubles(told, voice, context, cap),
        section(counted("Broken, and perhaps before, too", told.undecided), undecided),
        section(counted("No longer judged", told.gone), _gone(told, voice, context, cap)),
    ]


def findings(told: Digest, voice: Voice, context: Context, cap: int) -> list[list[str]]:
    """What is close or fixed, and, folded away, what was broken before."""

    def explained(items: Sequence[Item]) -> list[str]:
        return _explained(items, told, voice, context, cap)

    fixed = [*_repaired(told.fixed[:cap]), *more(len(told.fixed) - cap, "finding", context)]
    dormant = "Dormant limits, broken before, and still"
    return [
        section(counted("Close", told.close), close(told, voice, context, cap)),
        folded(counted("Fixed", told.fixed), fixed if told.fixed else []),
        folded(counted("Broken before, and still", told.standing), explained(told.standing)),
        folded(counted(dormant, told.dormant), explained(told.dormant)),
    ]


def ignored(told: Digest, voice: Voice, context: Context, cap: int) -> list[str]:
    """What is broken and fails no check here, with the reason that the settings give, and until when."""
    groups = grouped(
        told.ignored[:cap],
        lambda each: (_but_heap(each.item), each.item.targets, each.reason, each.expires),
    )
    lines = []
    for (finding, targets, reason, expires), group in groups.items():
        at = f" at {voice.place(finding.path, finding.line)}" if finding.path is not None else ""
        cell = f"{code(finding.rule)} on {_heaps([each.item for each in group])}{_with(finding.os_page)}"
        arithmetic = f"{code(finding.explanation)}{excess(finding)}{before(finding)}{at}"
        lines.append(f"- {cell}, {listed(targets)}: {arithmetic}. Until {prose(expires)}: {prose(reason)}")
    rest = more(len(told.ignored) - cap, "finding", context)
    items = [each.item for each in told.ignored]
    return folded(counted("Ignored by this repository's settings", items), [*lines, *rest] if lines else [])


def _but_heap(item: Item) -> Finding:
    return item.finding.model_copy(update={"heap": None})


def _gone(told: Digest, voice: Voice, context: Context, cap: int) -> list[str]:
    """Cells that had an answer at base, once for each reason."""
    groups = grouped(told.gone[:cap], lambda item: (item.finding.rule, item.targets, item.finding.explanation))
    lines = [
        f"- {cells_in_words([item.cell for item in group], voice)}, {listed(targets)}: {prose(why)}"
        for (_, targets, why), group in groups.items()
    ]
    return [*lines, *more(len(told.gone) - cap, "finding", context)]


def _explained(
    items: Sequence[Item], told: Digest, voice: Voice, context: Context, cap: int, report: Report | None = None
) -> list[str]:
    """Rule by rule; with `report` also what to do, and the repair that was found."""
    lines: list[str] = []
    for rule, group in grouped(items[:cap], lambda item: item.finding.rule).items():
        lines += ["", *_about(rule, told, voice), ""]
        for same in same_but_heap(group):
            lines += _item(same, voice)
        lines += ["", *_mended(rule, group, told, report, voice)] if report is not None else []
    return [*lines[1:], *more(len(items) - cap, "finding", context)]


def _about(rule: str, told: Digest, voice: Voice) -> list[str]:
    text = told.texts.get(rule)
    if text is None:
        return [f"**{code(rule)}**."]
    bites = f" When it bites: {prose(text.bites)}" if text.bites else ""
    files = [voice.place(path, None) for path in (text.relied_on_in, *text.also_in)]
    rely = "relies" if len(files) == 1 else "rely"
    return [f"**{prose(text.title)}** ({code(rule)}). {prose(text.why)}{bites} {listed(files)} {rely} on it."]


def _item(same: Sequence[Item], voice: Voice) -> list[str]:
    """Heap configs that share everything, in one entry."""
    finding, targets = same[0].finding, same[0].targets
    at = f" at {voice.place(finding.path, finding.line)}" if finding.path is not None else ""
    arithmetic = f"{code(finding.explanation)}{excess(finding)}{before(finding)}"
    entry = f"- {_heaps(same)}{_with(finding.os_page)}, {listed(targets)}: {arithmetic}{at}"
    return [entry, *([f"  <br>{made_of(finding.chain, voice)}"] if finding.chain else [])]


def _heaps(items: Sequence[Item]) -> str:
    return listed([code(item.finding.heap) if item.finding.heap else WHOLE_TREE for item in items], most=20)


def _repaired(items: Sequence[Item]) -> list[str]:
    """What holds again needs no arithmetic: one line for all heap configs of a rule."""
    return [
        f"- {code(rule)}{_with(os_page)}, {listed(targets)}: {_heaps(group)}"
        for (rule, os_page, targets), group in alike(items).items()
    ]


def _with(os_page: int | None) -> str:
    return f", {page(os_page)} pages" if os_page is not None else ""


def close(told: Digest, voice: Voice, context: Context, cap: int) -> list[str]:
    """What holds and is one step from breaking: how far, and where it is decided."""
    lines = []
    for same in same_but_heap(told.close[:cap]):
        finding = same[0].finding
        how = share(finding.head) if finding.head is not None else finding.explanation
        at = f" at {voice.place(finding.path, finding.line)}" if finding.path is not None else ""
        cell = f"{code(finding.rule)} on {_heaps(same)}{_with(finding.os_page)}, {listed(same[0].targets)}"
        lines.append(f"- {cell}: {how}{before(finding)}{at}")
    return [ONE_STEP, "", *lines, *more(len(told.close) - cap, "finding", context)] if lines else []


def troubles(told: Digest, voice: Voice, context: Context, cap: int) -> list[str]:
    """What could not be evaluated, and why."""
    lines = [_trouble(each, voice) for each in told.troubles[:cap]]
    return section("Could not be evaluated", [*lines, *more(len(told.troubles) - cap, "error", context)])


def _trouble(trouble: Trouble, voice: Voice) -> str:
    what = "every value" if trouble.whole else listed([code(name) for name in trouble.names], most=5)
    side = "the base" if trouble.side is Side.BASE else "the head"
    at = f" at {steps.where(trouble, voice)}" if trouble.path is not None else ""
    return f"- {what} of {side}, {listed(trouble.targets)}{at}: {code(trouble.message, LONGEST_MESSAGE)}"


def _mended(rule: str, items: Sequence[Item], told: Digest, report: Report, voice: Voice) -> list[str]:
    """What to do about a rule: its author's advice, and the cheapest repair with its lines as they would be."""
    remedy = steps.remedy(rule, items, told, report, voice)
    lines = [f"**What to do:** {remedy}"] if remedy else []
    every = repairs.of_rule(report, rule)
    for advice in every:
        whose = f" of {repairs.subject(advice, voice)}" if len(every) > 1 else ""
        found = _shown(advice, report, voice) if advice.repairs else [repairs.effort(advice, voice)]
        lines += ["", f"**Repair{whose}:** {found[0]}", *found[1:]]
    return lines


def _shown(advice: Advice, report: Report, voice: Voice) -> list[str]:
    repair = advice.repairs[0]
    effect = repairs.effect(repair, advice, report, voice)
    lines = [f"{repairs.placed(repair.edits, voice)} {repairs.vouched(report)}. {effect}", ""]
    return [*lines, *fenced([line for edit in repair.edits for line in repairs.difference(edit)], "diff")]


def alternatives(report: Report, voice: Voice, cap: int) -> list[str]:
    """The repairs that are not the cheapest, folded away."""
    entries = [
        f"- {repairs.subject(advice, voice)}: {repairs.placed(repair.edits, voice)}."
        f" {repairs.effect(repair, advice, report, voice)}"
        for advice in report.advice
        for repair in advice.repairs[1:]
    ]
    rest = ["", f"… {plural(len(entries) - cap, 'more repair')}."] if len(entries) > cap else []
    return folded(f"Other repairs ({len(entries)})", [*entries[:cap], *rest])


def commits(report: Report, voice: Voice, cap: int) -> list[str]:
    """Commit by commit what was introduced, fixed and left. A pull request shows that it is a single one."""
    if not history.is_told(report.blame):
        only = "" if voice.again else history.only_one(report.blame)
        return section("Commit by commit", [only] if only else [])
    found = history.rows(report.blame, voice)
    rows = [(row.commit, row.introduced, row.fixed, row.left) for row in found[:cap]]
    rest = [f"… {plural(len(found) - cap, 'more commit')}."] if len(found) > cap else []
    counted = [history.untouched(report.blame)] if history.untouched(report.blame) else []
    lines = table(("Commit", "Introduced", "Fixed", "Still broken"), rows)
    return section("Commit by commit", [*lines, *(["", *rest, *counted] if rest or counted else [])])


def paid(report: Report, profile: Profile, voice: Voice, cap: int) -> list[str]:
    """The costs that change."""
    figures = costs.figures(report)
    shared = costs.shared_targets(figures)
    on = f" on {listed(shared, most=FEW)}" if shared else ""
    every = shared or tuple(target.target for target in report.targets)
    titles = {figure.id: _titled(figure, profile) for figure in figures}
    rows = [
        (titles.pop(each.id, ""), each.where(every, voice) or "everywhere", each.change, each.factor)
        for each in figures[:cap]
    ]
    if not rows:
        return []
    rest = ["", f"… {plural(len(figures) - cap, 'more figure')}."] if len(figures) > cap else []
    lines = [*table(("Cost", "Where", "Base → head", ""), rows), *rest]
    if len(figures) > FEW_FIGURES:
        return folded(f"Trade-off: {plural(len(figures), 'figure')} changed{on}", lines)
    return section(f"Trade-off{on}", lines)


def _titled(figure: costs.Figure, profile: Profile) -> str:
    """What is paid, with what the profile says of it; once for all rows of one cost."""
    note = costs.note(figure, profile)
    return prose(figure.title) + (f"<br><sub>{prose(note)}</sub>" if note else "")


def rooms(report: Report, voice: Voice, cap: int) -> list[str]:
    """The tightest cell of each limit."""
    every = tuple(target.target for target in report.targets)
    found = tightest(report)
    rows = [
        (
            code(each.rule),
            each.where(every, voice),
            str(each.measure.value),
            str(each.measure.limit),
            room(each.measure),
        )
        for each in found[:cap]
    ]
    rest = [f"… {plural(len(found) - cap, 'more limit')}."] if len(found) > cap else []
    rest += (
        [f"{plural(count, 'limit')} without a bound, such as a divisibility."] if (count := unbounded(report)) else []
    )
    lines = table(("Limit", "Tightest on", "Value", "Limit", "Headroom"), rows) if rows else []
    return folded("Headroom", [*lines, *(["", *rest] if rest else [])] if rows else [])
