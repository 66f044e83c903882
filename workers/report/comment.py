"""The one comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from workers.report.context import Context, Judged, RelatedPull, SettingsNews
from workers.report.judged import applies, headline_of_all, telling, titled
from workers.report.markdown import (
    CAPS,
    LIMIT,
    Blocks,
    compared,
    details,
    fitted,
    footer,
    joined,
    no_blocks,
    story,
    voice_for,
)
from workers.report.sections import folded, more, section
from workers.report.sentences import untouched
from workers.report.settings_news import settings_section
from workers.report.voice import SHORT_SHA
from workers.report.words import code, listed, plain, prose

MARKER = "<!-- pagewarden -->"
"""How pagewarden knows its own again. It is the last line: an e-mail shows the first one as it is written."""
MOST = 40
"""A comment is read, a check is searched: beyond so many entries the rest is left to the check."""
LONGEST_OPEN = 9_000
"""Characters, without addresses, of the details that are open; the largest are folded until no more are."""
SMALLEST_FOLDED = 400
"""Characters; what is smaller is not worth a click."""
_ADDRESS = re.compile(r"\]\([^)\s]*\)")
_HEADING = "#### "


@dataclass(frozen=True)
class Beside:
    """What is told beside the reports: `stress` and `preview` are blocks of their own sections."""

    related: tuple[RelatedPull, ...] = ()
    stress: Blocks = no_blocks
    preview: Blocks = no_blocks
    settings: SettingsNews | None = None


_ALONE = Beside()


def is_ours(body: str) -> bool:
    """Whether a comment of the App is the one; older ones began with the marker."""
    return body.rstrip().endswith(MARKER) or body.startswith(MARKER)


def comment(judged: Sequence[Judged], context: Context, beside: Beside = _ALONE) -> str:
    """The comment's body, below GitHub's limit of 65,536 characters. Nothing judged: nothing is watched any more."""
    caps = (MOST, *(cap for cap in CAPS if cap < MOST))
    body = fitted(lambda cap: _body(judged, context, beside, cap), caps, LIMIT - len(MARKER) - 2)
    return f"{body}\n{MARKER}\n"


def _body(judged: Sequence[Judged], context: Context, beside: Beside, cap: int) -> str:
    told = telling(judged)
    headline = f"pagewarden: {prose(headline_of_all(told))}"
    level = "##" if len(told) > 1 else "###"
    rest = [
        *_parts(told, context, cap),
        *(_beside(beside, context, cap) if any(map(applies, told)) else []),
        settings_section(beside.settings, context, cap),
        footer([*compared(told, context), *_aside(context)]),
    ]
    if context.superseded_by is None:
        return joined([[f"{level} {headline}"], *rest])
    old = f"What was found at {plain(context.head_sha)[:SHORT_SHA]}"
    return joined([[_superseded(context)], [f"{level} ~~{headline}~~"], folded(old, joined(rest).rstrip().split("\n"))])


def _superseded(context: Context) -> str:
    old, new = (code(plain(sha)[:SHORT_SHA]) for sha in (context.head_sha, context.superseded_by or ""))
    if context.superseded_by == context.head_sha:
        return f"pagewarden is checking {old} against another base now; this is about the one before."
    return f"pagewarden is checking {new} now; this is about an older commit, {old}."


def _parts(told: Sequence[Judged], context: Context, cap: int) -> list[list[str]]:
    """Each profile's sections, under a title of its own where there are several."""
    if not told:
        return [[untouched(voice_for(context))]]
    blocks: list[list[str]] = []
    for each in told:
        blocks += [[f"### {titled(each)}"]] if len(told) > 1 else []
        blocks += [*story(each, context, cap), *readable(details(each, context, cap), LONGEST_OPEN // len(told))]
    return blocks


def readable(blocks: Sequence[list[str]], longest: int) -> list[list[str]]:
    """The blocks, the largest sections folded until no more than `longest` characters are open."""
    shown = list(blocks)
    while sum(map(_open, shown)) > longest:
        largest = max(range(len(shown)), key=lambda index: _open(shown[index]))
        if _open(shown[largest]) < SMALLEST_FOLDED:
            break
        shown[largest] = folded(shown[largest][0].removeprefix(_HEADING), shown[largest][2:])
    return shown


def _open(block: Sequence[str]) -> int:
    """Characters that are seen and could be folded away."""
    if not block or not block[0].startswith(_HEADING):
        return 0
    return sum(len(_ADDRESS.sub("]", line)) for line in block)


def _beside(beside: Beside, context: Context, cap: int) -> list[list[str]]:
    previews = [list(block) for block in beside.preview(cap)]
    return [
        section("Possibly related pull requests", _related(beside.related, context, cap)),
        *previews,
        *(list(block) for block in beside.stress(cap)),
    ]


def _related(related: Sequence[RelatedPull], context: Context, cap: int) -> list[str]:
    """Links that tell the other pull requests nothing of this one."""
    lines = [
        f"- [{prose(f'#{each.number}')}]({_address(each, context)}) {prose(each.title)}: "
        f"{listed([code(name) for name in each.constants], most=6)}"
        for each in related[:cap]
    ]
    return [*lines, *more(len(related) - cap, "pull request", context)] if lines else []


def _address(related: RelatedPull, context: Context) -> str:
    """A link to a pull request makes GitHub mention this one there, unless it goes by the host that is for that."""
    root = "https://redirect.github.com" if context.web_url == "https://github.com" else context.web_url
    return f"{root}/{quote(context.repository)}/pull/{related.number}"


def _aside(context: Context) -> list[str]:
    again = [f"attempt {context.attempt}"] if context.attempt > 1 else []
    return [*again, f"{code('/pagewarden help')} lists the commands"]
