"""What is told of a repository's own settings, in the check and in the comment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from config.repository import Problem
from workers.report.context import Annotation, CheckOutput, Context, SettingsNews
from workers.report.markdown import CAPS, fitted, joined, voice_for
from workers.report.sections import section
from workers.report.sentences import LONGEST_TITLE
from workers.report.words import LONGEST_MESSAGE, code, cut, plain, plural, prose

LONGEST = 4_000
"""Characters that the settings may take of a check's summary, which leaves so many; see `check.ROOM`."""
MOST = 50
"""Problems that are annotated; the others are counted."""
_JUDGED = frozenset({"success", "neutral", "failure"})
"""Conclusions that invalid settings turn into a failure; the others say that nobody looked."""


def with_settings(output: CheckOutput, news: SettingsNews, context: Context) -> CheckOutput:
    """The check, with what there is to tell of the settings. Invalid ones that a change brings fail it."""
    told = fitted(lambda cap: joined(_sections(news, context, cap)), CAPS, LONGEST).strip()
    story = [output.summary.strip()]
    if not news.proposed or output.conclusion not in _JUDGED:
        return replace(output, summary=joined([story, [told] if told else []]))
    title = f"Settings are invalid: {plural(len(news.proposed), 'problem')}"
    notes = [*_annotations(news.path, news.proposed), *output.annotations]
    return replace(
        output,
        summary=joined([[told], section("Static check", story)]),
        conclusion="failure",
        title=cut(f"{title}. {output.title}", LONGEST_TITLE),
        annotations=tuple(sorted(notes, key=lambda note: (note.path, note.line))),
    )


def settings_section(news: SettingsNews | None, context: Context, cap: int) -> list[str]:
    """The comment's section: a sentence for each thing that is not as usual; the check has the particulars."""
    if news is None:
        return []
    overridden = [
        f"{code(rule)} counts as {_AS[each.severity]} here: {prose(each.reason)}"
        for rule, each in news.settings.rules.items()
    ]
    lines = [*_standing(news), *_proposal(news, context), *overridden[:cap]]
    rest = len(overridden) - cap
    lines += [f"… {plural(rest, 'more rule')} count otherwise than their profile says."] if rest > 0 else []
    return section("Settings", [f"- {line}" for line in lines])


_AS = {"error": "an error", "warning": "a warning"}


def _standing(news: SettingsNews) -> list[str]:
    if not news.problems:
        return []
    return [
        f"⚠️ {code(news.path)} of {code(news.ref)} has {plural(len(news.problems), 'problem')}. "
        "The last valid settings keep ruling, or the defaults, if there were none."
    ]


def _proposal(news: SettingsNews, context: Context) -> list[str]:
    if news.proposed is None:
        return []
    subject = voice_for(context).subject
    if news.removed:
        return [
            f"{subject[:1].upper()}{subject[1:]} removes {code(news.path)}. Its settings rule until that is merged, "
            "then the defaults."
        ]
    brings = f"{subject[:1].upper()}{subject[1:]} changes {code(news.path)}."
    if not news.proposed:
        return [f"{brings} The new settings are valid; they rule once they are merged."]
    return [f"{brings} The new settings are invalid: {plural(len(news.proposed), 'problem')}."]


def _sections(news: SettingsNews, context: Context, cap: int) -> list[list[str]]:
    """The check's: each problem with its place. That of the base is not linked: its lines are not head's."""
    url = context.file_url(news.path, None)

    def at(problem: Problem) -> str:
        where = code(f"{problem.line}:{problem.column}")
        return f"[{where}]({context.file_url(news.path, problem.line)})" if url else where

    standing = [_problem(code(f"{each.line}:{each.column}"), each) for each in news.problems]
    proposed = [_problem(at(each), each) for each in news.proposed or ()]
    return [
        section("Settings", _proposal(news, context)) if not proposed else [],
        section("The new settings are invalid", [*_proposal(news, context), "", *_cut(proposed, cap)])
        if proposed
        else [],
        section("The settings of the base are invalid", [*_standing(news), "", *_cut(standing, cap)])
        if standing
        else [],
    ]


def _problem(at: str, problem: Problem) -> str:
    return f"- {at}: {prose(cut(problem.message, LONGEST_MESSAGE))}"


def _cut(lines: Sequence[str], cap: int) -> list[str]:
    rest = len(lines) - cap
    return [*lines[:cap], *(["", f"… {plural(rest, 'more problem')}."] if rest > 0 else [])]


def _annotations(path: str, problems: Sequence[Problem]) -> list[Annotation]:
    """One for each problem, as many as are not counted only."""
    return [
        Annotation(path, max(each.line, 1), "failure", f"Invalid settings, column {each.column}", plain(each.message))
        for each in problems[:MOST]
    ]
