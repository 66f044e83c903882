"""The sentences that every form of the report shares: headline, walkthrough, what to do next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from checker.profile import Profile, Rule
from checker.report import Constant, Finding, Heap, Report, Side, Verdict
from workers.report import digest
from workers.report.digest import Changed, Digest, Item, Trouble
from workers.report.words import cut, listed, pages, place, plain, plural

LONGEST_TITLE = 200
FEW = 4
"""Up to so many things are named; more are counted."""


@dataclass(frozen=True)
class Voice:
    """How one form of the report writes a name, a sentence of the profile and a place in a file.

    `subject` is what is being checked: a pull request, or a change that is none yet. `again` says how it is checked
    once more, where that is not up to the reader.
    """

    subject: str
    again: tuple[str, ...]
    name: Callable[[str], str]
    prose: Callable[[str], str]
    place: Callable[[str | None, int | None], str]


def headline(report: Report, told: Digest) -> str:
    """The whole answer in one plain line, at most `LONGEST_TITLE` characters."""
    match report.verdict:
        case Verdict.NOT_APPLICABLE:
            line = "Not applicable: no page-size header touched"
        case Verdict.ERROR:
            line = f"Could not evaluate {_first_trouble(told)}"
        case Verdict.FAIL:
            unknown = f"; could not be evaluated: {_unknown(told.troubles)}" if told.troubles else ""
            line = f"{_limits(told.broken)} broken on {listed(digest.targets(told.broken), most=FEW)}{unknown}"
        case Verdict.PASS:
            line = _good_news(told)
    return cut(line, LONGEST_TITLE)


def _first_trouble(told: Digest) -> str:
    """What could not be evaluated: head's trouble is told before base's."""
    first = min(told.troubles, key=lambda trouble: trouble.side is Side.BASE, default=None)
    if first is None:
        return "the change"
    where = "the base" if first.side is Side.BASE else "the head"
    if first.path is not None:
        name = plain(first.path).rpartition("/")[2]
        where = f"{name}:{first.line}" if first.line else name
        where += " at base" if first.side is Side.BASE else ""
    return f"{where}: {plain(first.message)}"


def _good_news(told: Digest) -> str:
    if told.warned:
        return f"Nothing broken but {_dormant(told.warned)} on {listed(digest.targets(told.warned), most=FEW)}"
    if told.standing:
        still = listed(digest.targets(told.standing), most=FEW)
        return f"Nothing newly broken; {_limits(told.standing)} still broken on {still}"
    configs = f"{plural(len(told.heaps), 'heap config')}, " if told.heaps else ""
    everywhere = f"on {configs}{plural(len(told.targets), 'target')}"
    holds = f"All {plural(len(told.rules), 'limit')} hold" if len(told.rules) != 1 else "The limit holds"
    return f"{holds} {everywhere}" + ("; the base could not be evaluated" if told.troubles else "")


def _dormant(items: Iterable[Item]) -> str:
    return plural(len(digest.rules(items)), "dormant limit")


def _limits(items: Iterable[Item]) -> str:
    return plural(len(digest.rules(items)), "limit")


def walkthrough(report: Report, told: Digest, voice: Voice) -> tuple[str, ...]:
    """What changes and what follows from it, sentence by sentence."""
    if report.verdict is Verdict.NOT_APPLICABLE:
        return (f"{voice.subject[:1].upper()}{voice.subject[1:]} touches no header that holds page-size constants.",)
    sentences = _story(told, voice)
    if report.verdict is Verdict.PASS and not (told.standing or told.warned or told.troubles):
        sentences.append(f"All {plural(len(told.rules), 'limit')} hold.")
    if told.undecided:
        sentences.append(f"Broken, and perhaps before, too, on {_where(told.undecided, told, voice)}.")
    if told.standing:
        sentences.append(f"Broken before, and still, on {_where(told.standing, told, voice)}.")
    if told.troubles:
        sentences.append(f"Could not be evaluated: {_unknown(told.troubles)}.")
    return tuple(sentences)


def _story(told: Digest, voice: Voice) -> list[str]:
    """The target with the largest change first, with what follows from it; then the others."""
    if not told.changed:
        effects = [f"On {_all_of(targets, told)} {voice.subject} {what}." for targets, what in _effects(told, voice)]
        return [*_nothing_moves(told), *effects]
    first, *others = sorted(told.changed, key=lambda group: -len(group.constants))
    sentences = [f"On {_all_of(first.targets, told)} {voice.subject} {_movement(first, voice)}."]
    sentences += [f"It {what}." for targets, what in _effects(told, voice) if targets == first.targets]
    sentences += [f"It reaches {listed(each.targets)}, too, where it {_movement(each, voice)}." for each in others]
    for targets, what in _effects(told, voice):
        if targets != first.targets:
            sentences.append(f"On {_all_of(targets, told)} it {what}.")
    quiet = set(told.targets) - {target for group in told.changed for target in group.targets}
    if quiet:
        known = ", as far as could be evaluated" if quiet & _troubled(told) else ""
        sentences.append(f"No other target changes{known}.")
    return sentences


def _nothing_moves(told: Digest) -> list[str]:
    troubled = _troubled(told)
    if troubled.issuperset(told.targets):
        return []
    known = ", as far as could be evaluated" if troubled else ""
    return [f"No constant and no heap config changes on any target{known}."]


def _troubled(told: Digest) -> set[str]:
    return {target for trouble in told.troubles for target in trouble.targets}


def _all_of(targets: Sequence[str], told: Digest) -> str:
    return f"all {len(targets)} targets" if len(targets) == len(told.targets) > 1 else listed(targets)


def _movement(group: Changed, voice: Voice) -> str:
    return listed([*_moved(group.constants, voice), *_reshaped(group.heaps, voice)])


def _effects(told: Digest, voice: Voice) -> list[tuple[tuple[str, ...], str]]:
    """What follows for the limits, once for targets that have it in common: those targets, and a predicate."""
    effects = []
    for verb, noun, items in (
        ("breaks", "limit", told.broken),
        ("breaks", "dormant limit", told.warned),
        ("fixes", "limit", told.fixed),
    ):
        groups: dict[tuple[Item, ...], list[str]] = {}
        for target in told.targets:
            if mine := digest.on_target(items, target):
                groups.setdefault(mine, []).append(target)
        for mine, targets in groups.items():
            effects.append((tuple(targets), f"{verb} {_scale(mine, noun)}: {_consequence(mine, voice)}"))
    return effects


def _unknown(troubles: Sequence[Trouble]) -> str:
    """`everything on linux-arm64 at head; 2 values at base`."""
    parts = []
    for side in (Side.HEAD, Side.BASE):
        mine = [trouble for trouble in troubles if trouble.side is side]
        whole = digest.unique(target for trouble in mine if trouble.whole for target in trouble.targets)
        values = sum(len(trouble.names) * len(trouble.targets) for trouble in mine if not trouble.whole)
        parts += [f"everything on {listed(whole)} at {side}"] if whole else []
        parts += [f"{plural(values, 'value')} at {side}"] if values else []
    return "; ".join(parts)


def _moved(constants: Sequence[Constant], voice: Voice) -> list[str]:
    """`raises 12 constants`, `lowers 1 constant (X)`."""
    verbs: dict[str, list[str]] = {"raises": [], "lowers": [], "defines": [], "removes": []}
    for constant in constants:
        if constant.base is None:
            verb = "defines"
        elif constant.head is None:
            verb = "removes"
        else:
            verb = "raises" if constant.head > constant.base else "lowers"
        verbs[verb].append(constant.name)
    return [_counted(verb, names, "constant", voice) for verb, names in verbs.items() if names]


def _reshaped(heaps: Sequence[Heap], voice: Voice) -> list[str]:
    verbs: dict[str, list[str]] = {"resizes": [], "adds": [], "drops": []}
    for heap in heaps:
        verb = "adds" if heap.base is None else "drops" if heap.head is None else "resizes"
        verbs[verb].append(heap.name)
    return [_counted(verb, names, "heap config", voice) for verb, names in verbs.items() if names]


def _counted(verb: str, names: Sequence[str], noun: str, voice: Voice) -> str:
    named = f" ({voice.name(names[0])})" if len(names) == 1 else ""
    return f"{verb} {plural(len(names), noun)}{named}"


def _scale(items: Sequence[Item], noun: str) -> str:
    """`2 limits on 4 heap configs`; the configs are left to what follows where it counts them."""
    heaps = digest.heaps(items)
    named = all(len(digest.heaps(group)) <= FEW for group in by_rule(items).values())
    limits = plural(len(digest.rules(items)), noun)
    return limits + (f" on {plural(len(heaps), 'heap config')}" if heaps and named else "")


def _consequence(items: Sequence[Item], voice: Voice) -> str:
    """`alloc-bits on utility and jit_small_segregated; use-count on jit_medium_bitfit`."""
    return "; ".join(_rule_on(rule, group, voice) for rule, group in by_rule(items).items())


def _where(items: Sequence[Item], told: Digest, voice: Voice) -> str:
    """`linux-arm64: use-count on jit_medium_bitfit`, for all targets that any of the findings has."""
    return f"{_all_of(digest.targets(items), told)}: {_consequence(items, voice)}"


def _rule_on(rule: str, items: Sequence[Item], voice: Voice) -> str:
    heaps = digest.heaps(items)
    named = listed([voice.name(heap) for heap in heaps]) if len(heaps) <= FEW else plural(len(heaps), "heap config")
    os_pages = {item.finding.os_page for item in items} - {None}
    at = f" for {pages(size for size in os_pages if size is not None)} pages" if os_pages else ""
    return f"{voice.name(rule)}{at}" + (f" on {named}" if heaps else "")


def by_rule(items: Iterable[Item]) -> dict[str, tuple[Item, ...]]:
    """Findings by their rule, in the report's order."""
    return digest.grouped(items, lambda item: item.finding.rule)


def rule_of(profile: Profile, rule_id: str) -> Rule | None:
    """The profile's rule; a stored report may be older than the profile."""
    return next((rule for rule in profile.rules if rule.id == rule_id), None)


def before(finding: Finding) -> str:
    """What the cell was at base, where it was another: ` (before: 65)`."""
    base, head = finding.base, finding.head
    if base is None or head is None or base == head:
        return ""
    limit = f", limit {base.limit}" if base.limit != head.limit else ""
    return f" (before: {base.value}{limit})"


def next_steps(report: Report, told: Digest, profile: Profile, voice: Voice) -> tuple[str, ...]:
    """What to do, one paragraph for each thing."""
    match report.verdict:
        case Verdict.FAIL:
            return (*_repairs(report, told.broken, profile, voice), *voice.again)
        case Verdict.ERROR:
            return (*_unblock(told.troubles, voice), *voice.again)
        case _ if told.warned:
            return ("Nothing has to be done. The warnings are dormant: no code reaches them today.",)
        case _ if told.standing:
            return (f"Nothing to do here: {voice.subject} did not cause what is broken.",)
        case _:
            return ("Nothing to do.",)


def _repairs(report: Report, broken: Iterable[Item], profile: Profile, voice: Voice) -> list[str]:
    steps = []
    for rule_id, items in by_rule(broken).items():
        rule = rule_of(profile, rule_id)
        advice = f"{voice.prose(rule.advice)} " if rule else ""
        named = _named_in(rule.advice, report, digest.targets(items)) if rule else ()
        places = [voice.place(*each) for each in digest.unique([*named, *digest.places(items)])]
        look = f"Look at {listed(places, most=FEW)}." if places else ""
        steps.append(f"{voice.name(rule_id)}: {advice}{look}".rstrip())
    return steps


def _named_in(advice: str, report: Report, targets: Sequence[str]) -> tuple[tuple[str, int | None], ...]:
    """Where the constants that an advice speaks of are defined on these targets."""
    words = set(re.findall(r"[\w:]+", advice))
    constants = [each for target in report.targets if target.target in targets for each in target.constants]
    return digest.unique((each.path, each.line) for each in constants if each.path is not None and each.name in words)


def _unblock(troubles: Sequence[Trouble], voice: Voice) -> list[str]:
    steps = []
    for side, hint in (
        (Side.HEAD, "Make it evaluate: what could not be evaluated never counts as a pass."),
        (Side.BASE, f"The base is at fault, not {voice.subject}: without it nobody can tell what is new."),
    ):
        mine = [trouble for trouble in troubles if trouble.side is side]
        places = digest.unique(where(trouble, voice) for trouble in mine if trouble.path)
        look = f"Look at {listed(places, most=FEW)}. " if places else ""
        if mine:
            steps.append(f"{look}{hint}")
    return steps


def where(trouble: Trouble, voice: Voice) -> str:
    """The place of a trouble; one at base is not to be linked to head."""
    if trouble.side is Side.HEAD:
        return voice.place(trouble.path, trouble.line)
    return voice.name(place(trouble.path, trouble.line))
