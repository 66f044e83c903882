"""What each commit of a change did: which introduced, fixed or left each failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checker.report import Blamed, CellName, Commit
from workers.report.digest import Item, rules, unique
from workers.report.voice import SHORT_SHA, Voice, cells_in_words, commit_in_words
from workers.report.words import listed, plain, plural

NOTHING = "–"


@dataclass(frozen=True)
class Row:
    """One commit in words."""

    commit: str
    introduced: str
    fixed: str
    left: str


def only_one(blame: Sequence[Blamed]) -> str:
    """What there is to say of a change that is one commit; empty for others."""
    return "One commit: it did all of this." if len(blame) == 1 and blame[0].touched else ""


def is_told(blame: Sequence[Blamed]) -> bool:
    """Whether commits have more to tell than the check as a whole."""
    return len(blame) > 1 and any(each.touched for each in blame)


def rows(blame: Sequence[Blamed], voice: Voice) -> tuple[Row, ...]:
    """The commits that touch a header, in their order."""
    return tuple(_row(each, voice) for each in blame if each.touched)


def _row(each: Blamed, voice: Voice) -> Row:
    unknown = len({(error.name, error.path, error.line) for error in each.errors})
    left = [plural(each.left, "finding")] if each.left else []
    left += [f"{plural(unknown, 'value')} could not be evaluated"] if unknown else []
    return Row(
        commit=commit_in_words(each.commit, voice),
        introduced=cells_in_words(each.introduced, voice) or NOTHING,
        fixed=cells_in_words(each.fixed, voice) or NOTHING,
        left="; ".join(left) or NOTHING,
    )


def untouched(blame: Sequence[Blamed]) -> str:
    """The commits that are not among the rows, counted; empty where there are none."""
    count = sum(not each.touched for each in blame)
    touch = "touches" if count == 1 else "touch"
    return f"{plural(count, 'commit')} {touch} no header that is read." if count else ""


def first_broken(blame: Sequence[Blamed], broken: Sequence[Item], voice: Voice) -> str:
    """Which commit broke what is broken, in a sentence; empty where nobody asked or there is but one commit."""
    if not is_told(blame):
        return ""
    guilty: dict[tuple[Commit, str | None], list[Item]] = {}
    for item in broken:
        for culprit in unique(_introducers(blame, item.cell)):
            guilty.setdefault(culprit, []).append(item)
    if len(guilty) == 1:
        ((commit, since),) = guilty
        them = "it" if len(rules(broken)) == 1 else "them"
        return f"{commit_in_words(commit, voice)} broke {them} first{_or_since(since, voice)}."
    told = [
        f"{commit_in_words(commit, voice)} broke {listed([voice.name(rule) for rule in rules(items)])} first"
        f"{_or_since(since, voice)}"
        for (commit, since), items in guilty.items()
    ]
    return f"{'; '.join(told)}." if told else ""


def _or_since(since: str | None, voice: Voice) -> str:
    """Where commits before could not be evaluated, one of them may be at fault."""
    return f", or one from {voice.name(plain(since)[:SHORT_SHA])} on, where it had no answer" if since else ""


def _introducers(blame: Sequence[Blamed], cell: CellName) -> Iterator[tuple[Commit, str | None]]:
    """For each of the cell's targets the last commit that introduced it, and since when it had no answer before."""
    for target in cell.targets:
        for each in reversed(blame):
            same = (
                one
                for one in each.introduced
                if (one.rule, one.heap, one.os_page) == (cell.rule, cell.heap, cell.os_page) and target in one.targets
            )
            if (found := next(same, None)) is not None:
                yield each.commit, found.since
                break
