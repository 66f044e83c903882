"""Repairs as suggestions on lines of the diff: which can be made, and every word in them.

Nothing in a text depends on the head's sha, so that a push which changes nothing about it leaves it as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checker.report import Advice, Edit, Finding, Repair, Report, Severity, State
from workers.report import repairs
from workers.report.voice import Voice, cells_in_words
from workers.report.words import code, fenced, listed, place, prose

MOST = 10
"""Comments on lines of one pull request; the sticky comment has the repairs beyond."""
LONGEST_LINE = 1000
"""Characters; nobody edits longer lines by hand."""

Shown = Mapping[str, Mapping[int, str]]
"""Path → line number at head → text, for all that the diff shows."""

_MARKER = re.compile(r"<!-- pagewarden suggestion (\S+) ([0-9a-f]+) -->")
_VOICE = Voice(
    subject="this pull request",
    again=(),
    name=code,
    prose=prose,
    place=lambda path, line: code(place(path, line)),
    near=lambda path, line: code(place((path or "").rpartition("/")[2], line)),
)


@dataclass(frozen=True)
class Suggestion:
    """A comment on a line of a file at head, for one rule."""

    rule: str
    path: str
    line: int
    body: str


@dataclass(frozen=True)
class _Change:
    """One line of a repair, with all edits on it."""

    advice: Advice
    repair: Repair
    path: str
    line: int
    after: str

    @property
    def here(self) -> list[Edit]:
        return [edit for edit in self.repair.edits if (edit.path, edit.line) == (self.path, self.line)]

    @property
    def elsewhere(self) -> list[Edit]:
        return [edit for edit in self.repair.edits if (edit.path, edit.line) != (self.path, self.line)]


def suggestions(report: Report, shown: Shown) -> tuple[Suggestion, ...]:
    """For each rule its cheapest repair, where the diff shows every line of it; each repair once.

    At most `MOST`: first what mends errors, then what mends the most cells. A repair is never cut apart.
    """
    changes: list[_Change] = []
    known: set[frozenset[tuple[str, int, str]]] = set()
    for advice in _best_first(report):
        if not advice.repairs or not all(_can_be_suggested(edit, shown) for edit in advice.repairs[0].edits):
            continue
        repair = advice.repairs[0]
        lines = {(edit.path, edit.line, edit.after): None for edit in repair.edits}
        if frozenset(lines) not in known and len(changes) + len(lines) <= MOST:
            known.add(frozenset(lines))
            changes += [_Change(advice, repair, *line) for line in lines]
    return tuple(
        Suggestion(change.advice.rule, change.path, change.line, _body(change, changes, report)) for change in changes
    )


def rule_of(body: str) -> str | None:
    """The rule that a comment of ours suggests something for; `None` when it does no such thing."""
    found = _MARKER.match(body)
    return found[1] if found else None


def is_edited(body: str) -> bool:
    """Whether somebody changed a comment of ours below its marker."""
    found = _MARKER.match(body)
    return found is not None and found[2] != _digest(body[found.end() :])


def retracted(body: str) -> str:
    """What becomes of a suggestion of ours that somebody replied to, when it has no purpose any more."""
    return _marked(rule_of(body) or "", "This suggestion no longer applies.")


def _best_first(report: Report) -> list[Advice]:
    def rank(advice: Advice) -> tuple[bool, int]:
        serious = any(finding.severity is Severity.ERROR for finding in _broken(advice, report))
        return not serious, -sum(len(cell.targets) for repair in advice.repairs[:1] for cell in repair.mends)

    return sorted(report.advice, key=rank)


def _can_be_suggested(edit: Edit, shown: Shown) -> bool:
    """Whether the diff shows the very line, and a suggestion can hold it unharmed."""
    plain = edit.after.replace("\t", "")
    harmless = plain.isprintable() and "\N{REPLACEMENT CHARACTER}" not in plain and len(plain) <= LONGEST_LINE
    return harmless and edit.path.isprintable() and shown.get(edit.path, {}).get(edit.line) == edit.before


def _marked(rule: str, text: str) -> str:
    return f"<!-- pagewarden suggestion {rule} {_digest(text)} -->\n{text}"


def _digest(text: str) -> str:
    # GitHub may change line ends and trim: that is no edit.
    return hashlib.sha256(text.replace("\r\n", "\n").strip().encode()).hexdigest()[:12]


def _body(change: _Change, changes: Sequence[_Change], report: Report) -> str:
    sentences = [
        _broken_now(change, report),
        _mended(change, report),
        repairs.effect(change.repair, change.advice, report, _VOICE),
        *_rivals(change, changes),
    ]
    lines = [" ".join(sentences), "", *fenced([change.after], "suggestion"), ""]
    return _marked(change.advice.rule, "\n".join(lines))


def _broken_now(change: _Change, report: Report) -> str:
    """What is wrong at head, with the arithmetic of one of the cells."""
    advice = change.advice
    own = [cell for cell in change.repair.mends if cell.rule == advice.rule]
    new = {(finding.heap, finding.os_page) for finding in _broken(advice, report)}
    # What was broken before may be mended, too, but is not the change's doing.
    cells = cells_in_words([cell for cell in own if (cell.heap, cell.os_page) in new] or own, _VOICE)
    found = next(_broken(advice, report), None)
    if found is None:
        return f"This breaks {cells}."
    on = f"on {code(found.heap)} " if found.heap is not None and len(advice.heaps) > 1 else ""
    return f"This breaks {cells}: {on}{code(found.explanation)}."


def _mended(change: _Change, report: Report) -> str:
    count = len(report.targets)
    checked = f"{count} targets" if count > 1 else "target"
    together = [f"{_in_place(edit)} ({_VOICE.near(edit.path, edit.line)})" for edit in change.elsewhere]
    also = f", together with {listed(together)}," if together else ""
    here = listed([_in_place(edit) for edit in change.here])
    return f"With {here}{also} it holds, and nothing else breaks on the {checked} checked."


def _in_place(edit: Edit) -> str:
    return f"{_VOICE.name(edit.name)} {edit.new} in place of {edit.old}"


def _broken(advice: Advice, report: Report) -> Iterator[Finding]:
    for target in report.targets:
        for finding in target.findings:
            if finding.rule == advice.rule and finding.state is State.INTRODUCED:
                yield finding


def _rivals(change: _Change, changes: Sequence[_Change]) -> Iterator[str]:
    """A reader of one suggestion must hear of another for the same line."""
    place = (change.path, change.line)
    rules = [one.advice.rule for one in changes if (one.path, one.line) == place and one.after != change.after]
    if rules:
        others = "The suggestion" if len(rules) == 1 else "The suggestions"
        changes_it = "changes" if len(rules) == 1 else "change"
        yield f"{others} for {listed([code(rule) for rule in rules])} {changes_it} this line otherwise: take one."
