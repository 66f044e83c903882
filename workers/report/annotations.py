"""A check's remarks beside the lines of head: what each one breaks, or why it cannot be evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from checker.report import Side
from workers.report.arithmetic import excess, made_of
from workers.report.context import Annotation
from workers.report.digest import Digest, Item, Trouble, grouped, rules, unique
from workers.report.voice import PLAIN
from workers.report.words import cut, listed, page, plain

LONGEST_ANNOTATION = 8_000
"""Characters of one annotation's message; GitHub takes 64 KB."""
Level = Literal["failure", "warning"]
Place = tuple[str, int]
Remark = tuple[Level, str, str]
"""Level, title, message."""


def annotated(every: Sequence[Digest]) -> tuple[Annotation, ...]:
    """One for each line at head that breaks a limit or cannot be evaluated, by path and line."""
    lines: dict[Place, list[Remark]] = {}
    for told in every:
        for at, remark in _remarks(told):
            lines.setdefault(at, []).append(remark)
    return tuple(_annotation(at, remarks) for at, remarks in sorted(lines.items()))


def _remarks(told: Digest) -> Iterator[tuple[Place, Remark]]:
    for level, items in _levels(told):
        for at, group in _by_place(items).items():
            yield at, (level, _broken_title(group), _broken_message(group, told))
    for trouble in told.troubles:
        if trouble.side is Side.HEAD and trouble.path is not None and _annotatable(trouble.path):
            message = f"{plain(trouble.message)} ({listed(trouble.targets)})"
            yield (trouble.path, max(trouble.line or 1, 1)), ("failure", _trouble_title(trouble), message)


def _levels(told: Digest) -> tuple[tuple[Level, tuple[Item, ...]], ...]:
    return ("failure", told.broken), ("warning", told.warned), ("warning", told.undecided)


def _by_place(items: Iterable[Item]) -> dict[Place, tuple[Item, ...]]:
    known = (item for item in items if item.finding.path is not None and _annotatable(item.finding.path))
    return grouped(known, lambda item: (item.finding.path or "", max(item.finding.line or 1, 1)))


def _annotatable(path: str) -> bool:
    """GitHub refuses a whole batch for one path that it cannot take."""
    return path.isprintable() and len(path) <= 1000


def _broken_title(items: tuple[Item, ...]) -> str:
    return f"{listed(rules(items), most=3)} broken"


def _broken_message(items: tuple[Item, ...], told: Digest) -> str:
    """The arithmetic of each cell, what it is made of, and why it matters."""
    lines, chains = [], []
    for item in items:
        finding = item.finding
        at = f", {page(finding.os_page)} pages" if finding.os_page is not None else ""
        heap = finding.heap or "the whole tree"
        arithmetic = f"{finding.explanation}{excess(finding)}"
        lines.append(f"{finding.rule} on {heap}{at} ({listed(item.targets)}): {arithmetic}")
        chains += [made_of(finding.chain, PLAIN)] if finding.chain else []
    texts = [told.texts[rule] for rule in rules(items) if rule in told.texts]
    reasons = [f"{text.why} When it bites: {text.bites}" if text.bites else text.why for text in texts]
    return "\n".join([*lines, *unique(chains), *unique(reasons)])


def _trouble_title(trouble: Trouble) -> str:
    return "Could not be evaluated" if trouble.whole else f"{listed(trouble.names, most=3)}: not evaluated"


def _annotation(at: Place, remarks: list[Remark]) -> Annotation:
    path, line = at
    levels = {level for level, _, _ in remarks}
    return Annotation(
        path=path,
        line=line,
        level="failure" if "failure" in levels else "warning",
        title=cut(plain("; ".join(dict.fromkeys(title for _, title, _ in remarks))), 200),
        message=cut("\n".join(message for _, _, message in remarks), LONGEST_ANNOTATION),
    )
