"""What to do next: for each broken rule, and for the whole change."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checker.report import Report, Side, Verdict
from workers.report import digest
from workers.report.digest import Digest, Item, Trouble
from workers.report.voice import FEW, Voice
from workers.report.words import listed, place

NOTHING = ("Nothing to do.",)


def next_steps(report: Report, told: Digest, voice: Voice) -> tuple[str, ...]:
    """What to do beside what each broken rule says, one paragraph for each thing."""
    match report.verdict:
        case Verdict.FAIL:
            return (*_unblock(told.troubles, voice), *voice.again)
        case Verdict.ERROR:
            return (*_unblock(told.troubles, voice), *voice.again)
        case _ if told.warned:
            return ("Nothing has to be done: what is newly broken is dormant.",)
        case _ if told.gone:
            return ("Nothing is broken. See whether what is no longer judged needs another guard.",)
        case _ if told.standing or told.dormant:
            return (f"Nothing to do here: {voice.subject} did not cause what is broken.",)
        case _:
            return NOTHING


def remedy(rule: str, items: Sequence[Item], told: Digest, report: Report, voice: Voice) -> str:
    """What the rule's author says; and where to look, unless a search has found it out."""
    text = told.texts.get(rule)
    parts = [voice.prose(text.advice)] if text else []
    if not any(each.rule == rule and each.repairs for each in report.advice):
        places = _places(text.advice if text else "", items, report, voice)
        parts += [f"Look at {listed(places, most=FEW)}."] if places else []
    return " ".join(parts)


def _places(advice: str, items: Sequence[Item], report: Report, voice: Voice) -> list[str]:
    named = _named_in(advice, report, digest.targets(items))
    return [voice.place(*each) for each in digest.unique([*named, *digest.places(items)])]


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
