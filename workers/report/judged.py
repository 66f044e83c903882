"""What several profiles say together: worst first, in one line, and with which conclusion."""

from __future__ import annotations

from collections.abc import Sequence

from checker.report import Verdict
from workers.report.context import Judged
from workers.report.digest import digest
from workers.report.sentences import LONGEST_TITLE, NOT_APPLICABLE, headline
from workers.report.words import cut, plain, prose

CONCLUSIONS = {
    Verdict.PASS: "success",
    Verdict.FAIL: "failure",
    Verdict.ERROR: "failure",
    Verdict.NOT_APPLICABLE: "success",
}
_WORST_FIRST = (Verdict.FAIL, Verdict.ERROR, Verdict.PASS, Verdict.NOT_APPLICABLE)


def telling(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """Worst first. One that does not apply is told only where none does."""
    ranked = sorted(judged, key=lambda each: _WORST_FIRST.index(each.report.verdict))
    applying = tuple(each for each in ranked if applies(each))
    return applying or tuple(ranked[:1])


def applies(judged: Judged) -> bool:
    """Whether the profile has something to do with the change."""
    return judged.report.verdict is not Verdict.NOT_APPLICABLE


def conclusion(told: Sequence[Judged]) -> str:
    """GitHub's word for the worst verdict; nothing to judge is a success."""
    return CONCLUSIONS[told[0].report.verdict] if told else "success"


def headline_of_all(told: Sequence[Judged]) -> str:
    """The whole answer in one plain line, at most `LONGEST_TITLE` characters; several profiles are named."""
    if not told:
        return NOT_APPLICABLE
    if len(told) == 1:
        return _headline(told[0])
    return cut("; ".join(f"{plain(each.profile.name)}: {_headline(each)}" for each in told), LONGEST_TITLE)


def titled(judged: Judged) -> str:
    """Markdown: one profile's title, and its answer."""
    return f"{prose(judged.profile.title)}: {prose(_headline(judged))}"


def _headline(judged: Judged) -> str:
    return headline(judged.report, digest(judged.report))
