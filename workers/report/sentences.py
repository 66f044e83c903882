"""The sentences that every form of the report shares: headline and walkthrough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checker.report import Blamed, CellName, Constant, Heap, Report, Side, Verdict
from workers.report import digest, history
from workers.report.arithmetic import share
from workers.report.digest import Changed, Digest, Item, Trouble
from workers.report.voice import FEW, Voice, cells_in_words
from workers.report.words import cut, listed, plain, plural

LONGEST_TITLE = 200
NOT_APPLICABLE = "Not applicable: no page-size header touched"


def headline(report: Report, told: Digest) -> str:
    """The whole answer in one plain line, at most `LONGEST_TITLE` characters."""
    match report.verdict:
        case Verdict.NOT_APPLICABLE:
            line = NOT_APPLICABLE
        case Verdict.ERROR:
            line = f"Could not evaluate {_first_trouble(told)}"
        case Verdict.FAIL:
            unknown = f"; could not be evaluated: {_unknown(told.troubles)}" if told.troubles else ""
            line = f"{_limits(told.broken)} broken on {_on(told.broken, told)}{unknown}{_ignored(told)}"
        case Verdict.PASS:
            line = f"{_good_news(told)}{_ignored(told)}{_silenced(told)}"
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
        return f"Nothing broken but {_dormant(told.warned)} on {_on(told.warned, told)}"
    if told.standing:
        return f"Nothing newly broken; {_limits(told.standing)} still broken on {_on(told.standing, told)}"
    if told.dormant:
        return f"Nothing newly broken; {_dormant(told.dormant)} still broken on {_on(told.dormant, told)}"
    if told.ignored:
        return "Nothing newly broken"
    configs = f"{plural(len(told.heaps), 'heap config')}, " if told.heaps else ""
    if not told.rules:
        return "Nothing broken"
    everywhere = f"on {configs}{plural(len(told.targets), 'target')}"
    holds = f"All {plural(len(told.rules), 'limit')} hold" if len(told.rules) != 1 else "The limit holds"
    count = len(digest.rules(told.close))
    close = f"; {count} {'is' if count == 1 else 'are'} close" if count else ""
    return f"{holds} {everywhere}{close}" + ("; the base could not be evaluated" if told.troubles else "")


def _ignored(told: Digest) -> str:
    count = len(digest.rules(each.item for each in told.ignored))
    return f"; {plural(count, 'broken limit')} {'is' if count == 1 else 'are'} ignored here" if count else ""


def _silenced(told: Digest) -> str:
    count = len(digest.rules(told.gone))
    return f"; {plural(count, 'limit')} {'is' if count == 1 else 'are'} no longer judged" if count else ""


def _on(items: Iterable[Item], told: Digest) -> str:
    return _all_of(digest.targets(items), told, most=FEW)


def _dormant(items: Iterable[Item]) -> str:
    return plural(len(digest.rules(items)), "dormant limit")


def _limits(items: Iterable[Item]) -> str:
    return plural(len(digest.rules(items)), "limit")


def walkthrough(report: Report, told: Digest, voice: Voice) -> tuple[str, ...]:
    """What changes and what follows from it, sentence by sentence."""
    if report.verdict is Verdict.NOT_APPLICABLE:
        return (untouched(voice),)
    sentences = _story(told, report.blame, voice)
    ignored = [each.item for each in told.ignored]
    wrong = (*told.broken, *told.warned, *told.undecided, *told.standing, *told.dormant, *ignored, *told.troubles)
    if report.verdict is Verdict.PASS and told.rules and not wrong:
        sentences.append(f"All {plural(len(told.rules), 'limit')} hold.")
    for what, items in (
        ("Broken, and perhaps before, too", told.undecided),
        ("Broken before, and still", told.standing),
        ("Dormant limits, broken before, and still", told.dormant),
        ("Broken, but ignored by this repository's settings", ignored),
    ):
        sentences += [f"{what}, on {_where(items, told, voice)}."] if items else []
    sentences += _no_longer_judged(told, voice)
    if told.troubles:
        sentences.append(f"Could not be evaluated: {_unknown(told.troubles)}.")
    return tuple(sentences)


def untouched(voice: Voice) -> str:
    """What is said where nothing is watched."""
    return f"{voice.subject[:1].upper()}{voice.subject[1:]} touches no header that holds page-size constants."


def _no_longer_judged(told: Digest, voice: Voice) -> list[str]:
    """Limits that had an answer at base, and why they have none at head; counted where there are many reasons."""
    groups = digest.grouped(told.gone, lambda item: (item.targets, item.finding.explanation))
    if len(groups) > FEW:
        return [f"No longer judged on {_on(told.gone, told)}: {_limits(told.gone)}."]
    return [
        f"No longer judged on {_all_of(targets, told)}: {_cells(items, voice)} ({voice.prose(why)})."
        for (targets, why), items in groups.items()
    ]


def _story(told: Digest, blame: Sequence[Blamed], voice: Voice) -> list[str]:
    """The target with the largest change first, with what follows from it; then the others."""
    effects = _effects(told, blame, voice)
    if not told.changed:
        return [*_nothing_moves(told), *(f"On {_all_of(its, told)} {voice.subject} {what}" for its, what in effects)]
    first, *others = sorted(told.changed, key=lambda group: -len(group.constants))
    sentences = [f"On {_all_of(first.targets, told)} {voice.subject} {_movement(first, voice)}."]
    sentences += [f"It {what}" for targets, what in effects if targets == first.targets]
    sentences += [f"It reaches {listed(each.targets)}, too, where it {_movement(each, voice)}." for each in others]
    for targets, what in effects:
        if targets != first.targets:
            sentences.append(f"On {_all_of(targets, told)} it {what}")
    quiet = set(told.targets) - {target for group in told.changed for target in group.targets}
    return [*sentences, *_quiet(quiet, told)]


def _quiet(targets: set[str], told: Digest) -> list[str]:
    """What is known of the targets on which nothing changes."""
    if not targets:
        return []
    blind = [target for target in told.targets if target in targets & told.blind]
    unknown = f"nothing is known of {listed(blind)}"
    if len(blind) == len(targets):
        return [f"{unknown[0].upper()}{unknown[1:]}."]
    known = ", as far as could be evaluated" if targets & told.troubled - told.blind else ""
    return [f"No other target changes{known}{f'; {unknown}' if blind else ''}."]


def _nothing_moves(told: Digest) -> list[str]:
    if told.troubled.issuperset(told.targets):
        return []
    known = ", as far as could be evaluated" if told.troubled else ""
    return [f"No constant and no heap config changes on any target{known}."]


def _all_of(targets: Sequence[str], told: Digest, most: int = 10) -> str:
    return f"all {len(targets)} targets" if len(targets) == len(told.targets) > 1 else listed(targets, most=most)


def _movement(group: Changed, voice: Voice) -> str:
    return listed([*_moved(group.constants, voice), *_reshaped(group.heaps, voice)])


def _effects(told: Digest, blame: Sequence[Blamed], voice: Voice) -> list[tuple[tuple[str, ...], str]]:
    """What follows for the limits, once for targets that have it in common: those targets, and a predicate.

    What breaks is named, with the commit that broke it. Beside it the rest is only counted: sections have the names.
    """
    effects = []
    for verb, noun, items in (
        ("breaks", "limit", told.broken),
        ("breaks", "dormant limit", told.warned),
        ("fixes", "limit", told.fixed),
        ("comes close to", "limit", told.close),
    ):
        groups: dict[tuple[Item, ...], list[str]] = {}
        for target in told.targets:
            if mine := digest.on_target(items, target):
                groups.setdefault(mine, []).append(target)
        for mine, targets in groups.items():
            breaks = verb == "breaks"
            named = f": {_consequence(verb, mine, voice)}" if breaks or not told.broken else ""
            culprit = history.first_broken(blame, mine, voice) if breaks else ""
            predicate = f"{verb} {_scale(mine, noun)}{named}."
            effects.append((tuple(targets), f"{predicate} {culprit}".rstrip()))
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
    heaps = digest.heaps(item.cell for item in items)
    by_rule = digest.grouped(items, lambda item: item.finding.rule).values()
    named = all(len(digest.heaps(item.cell for item in group)) <= FEW for group in by_rule)
    limits = plural(len(digest.rules(items)), noun)
    return limits + (f" on {plural(len(heaps), 'heap config')}" if heaps and named else "")


def _consequence(verb: str, items: Sequence[Item], voice: Voice) -> str:
    """`alloc-bits on utility; use-count on jit_medium_bitfit`; how close, where it is only close."""
    if verb != "comes close to":
        return _cells(items, voice)
    groups: dict[tuple[str, str], list[CellName]] = {}
    for item in items:
        how = share(item.finding.head).partition(",")[0] if item.finding.head is not None else ""
        groups.setdefault((item.finding.rule, how), []).append(item.cell)
    if len(groups) > FEW:
        return _cells(items, voice)
    return "; ".join(f"{cells_in_words(cells, voice)} ({how})" for (_, how), cells in groups.items())


def _cells(items: Sequence[Item], voice: Voice) -> str:
    return cells_in_words([item.cell for item in items], voice)


def _where(items: Sequence[Item], told: Digest, voice: Voice) -> str:
    """`linux-arm64: use-count on jit_medium_bitfit`, for all targets that any of the findings has.

    Only how many limits, where others are newly broken.
    """
    return f"{_all_of(digest.targets(items), told)}: {_limits(items) if told.broken else _cells(items, voice)}"
