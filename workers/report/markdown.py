"""The report as Markdown: for `--format markdown`, for the comment and for the check, from the same pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from checker.profile import Profile
from checker.report import Report, Verdict
from workers.report import tables
from workers.report.context import Context, Judged
from workers.report.digest import Digest, digest
from workers.report.matrix import matrices
from workers.report.sections import (
    alternatives,
    commits,
    findings,
    folded,
    ignored,
    newly_broken,
    paid,
    rooms,
    section,
    unsure,
)
from workers.report.sentences import headline, walkthrough
from workers.report.spread import Spread, spread
from workers.report.steps import NOTHING, next_steps
from workers.report.verified import verified
from workers.report.voice import FEW, SHORT_SHA, Voice
from workers.report.words import code, listed, place, plain, plural, prose

LIMIT = 65_000
"""Characters; GitHub takes 65,535 in a check's summary and text, 65,536 in a comment."""
CAPS = (400, 200, 100, 50, 25, 12, 6, 3, 1)
"""How many findings, errors and table rows are shown; the largest number that fits is taken."""

Blocks = Callable[[int], Sequence[Sequence[str]]]
"""Blocks of lines, with lists cut after so many entries."""


def no_blocks(_cap: int) -> Sequence[Sequence[str]]:
    """Nothing more to tell."""
    return ()


def render(report: Report, profile: Profile) -> str:
    """A document of its own, with places as plain `path:line`."""
    context = Context("", None, report.base.sha, report.head.sha, None)
    return fitted(lambda cap: document(Judged(report, profile), context, cap))


def fitted(render_with: Callable[[int], str], caps: Sequence[int] = CAPS, limit: int = LIMIT) -> str:
    """The fullest rendering that fits; if even the tersest does not, its beginning."""
    for cap in caps:
        text = render_with(cap)
        if len(text) <= limit:
            return text
    return f"{text[: limit - 40].rpartition(chr(10))[0]}\n\n… cut here: too long.\n"


def voice_for(context: Context) -> Voice:
    """Markdown that links places to their lines where a repository is known."""

    def linked(path: str | None, line: int | None) -> str:
        if path is None:
            return "an unknown place"
        url = context.file_url(path, line)
        return f"[{code(place(path.rpartition('/')[2], line))}]({url})" if url else code(place(path, line))

    def near(path: str | None, line: int | None) -> str:
        return linked(path, line) if context.repository else code(place((path or "?").rpartition("/")[2], line))

    voice = Voice(subject="this change", again=(), name=code, prose=prose, place=linked, near=near)
    if context.number is not None:
        again = f"A push runs the check again, and so does {code('/recheck')}."
        return replace(voice, subject="this pull request", again=(again,), commands=True)
    if context.repository:
        subject = "this merge group" if context.is_merge_group else "this commit"
        return replace(voice, subject=subject, again=("To look at it again, re-run the check.",))
    return voice


def story(judged: Judged, context: Context, cap: int) -> list[list[str]]:
    """What everybody reads: the walkthrough, what is newly broken or unknown, what to do. Lists are cut after `cap`
    entries, and say so."""
    report, told, voice = judged.report, digest(judged.report), voice_for(context)
    blocks = [[" ".join(walkthrough(report, told, voice))]]
    if report.verdict is Verdict.NOT_APPLICABLE:
        return blocks
    steps = next_steps(report, told, voice)
    return [
        *blocks,
        *newly_broken(told, report, voice, context, cap),
        *unsure(told, voice, context, cap),
        section("What to do next", _bullets(steps)) if steps != NOTHING else [],
    ]


def details(judged: Judged, context: Context, cap: int) -> list[list[str]]:
    """All other sections, none where the profile does not apply; cut likewise."""
    report, profile = judged.report, judged.profile
    if report.verdict is Verdict.NOT_APPLICABLE:
        return []
    told, voice = digest(report), voice_for(context)
    return [
        alternatives(report, voice, cap),
        *changed(report, told, profile, voice, cap),
        section("Verified", verified(report, told)),
        *findings(told, voice, context, cap),
        ignored(told, voice, context, cap),
        *verdicts(report, told, profile, cap),
        commits(report, voice, cap),
        rooms(report, voice, cap),
        paid(report, profile, voice, cap),
    ]


def document(judged: Judged, context: Context, cap: int) -> str:
    """Heading, all sections and the footer."""
    report = judged.report
    heading = [f"### pagewarden: {prose(headline(report, digest(report)))}"]
    blocks = [*story(judged, context, cap), *details(judged, context, cap)]
    return joined([heading, *blocks, footer(compared([judged], context))])


def compared(judged: Sequence[Judged], context: Context) -> list[str]:
    """Which commits, with which profiles, for which page sizes."""
    base, head = (plain(sha)[:SHORT_SHA] for sha in (context.base_sha, context.head_sha))
    names = [prose(each.profile.name) for each in judged]
    sizes = sorted({size for each in judged for size in each.report.page_sizes})
    return [
        f"{head} against {base}",
        *([f"profile{'s' if len(names) > 1 else ''} {listed(names)}", tables.page_list(sizes)] if names else []),
        *([f"[the check]({context.details_url})"] if context.details_url is not None else []),
    ]


def footer(parts: Sequence[str]) -> list[str]:
    """The small print of a document."""
    return [f"<sub>{' · '.join(parts)}</sub>"]


def joined(blocks: Iterable[Sequence[str]]) -> str:
    """Blocks with an empty line between them."""
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def changed(report: Report, told: Digest, profile: Profile, voice: Voice, cap: int) -> list[list[str]]:
    """The changes, the constants on all targets, and the heap configs of each group of targets."""
    found = spread(report, profile)
    constants = tables.constants(found, told.targets, voice, cap)
    blocks = [
        section(f"Changes: {_counted_files(report)}", tables.changes(report.changes, told.changed, profile, cap)),
        _by_target(found, constants),
    ]
    for heaps, targets in told.reshaped.items():
        title = f"{plural(len(heaps), 'heap config')} changed on {listed(targets)}"
        blocks.append(folded(title, tables.heap_configs(heaps, cap)))
    return blocks


def _counted_files(report: Report) -> str:
    return f"{plural(len({path for change in report.changes for path in change.files}), 'file')}"


def _by_target(found: Spread, lines: Sequence[str]) -> list[str]:
    """The changes have told the values; here is where they are defined, and which targets have which."""
    its = f" on {listed(found.columns[0].targets, most=4)}" if len(found.columns) == 1 else ", by target"
    return folded(f"{plural(len(found.names), 'constant')} changed{its}", lines)


def verdicts(report: Report, told: Digest, profile: Profile, cap: int) -> list[list[str]]:
    """A matrix for each group of targets that has something to say; a sentence for the others."""
    every = matrices(report, profile)
    loud = [each for each in every if each.rows]
    rest = [target for each in every if not each.rows for target in each.targets]
    blocks = [section(f"Limits on {listed(each.targets)}", tables.matrix(each, cap)) for each in loud]
    if rest:
        blocks.append([f"On {_all_or_other(rest, told)} every limit holds wherever it applies."])
    return blocks


def _all_or_other(targets: Sequence[str], told: Digest) -> str:
    if len(targets) == len(told.targets) > 1:
        return f"all {len(targets)} targets"
    return listed(targets) if len(targets) <= FEW else f"the {len(targets)} other targets"


def _bullets(paragraphs: Sequence[str]) -> list[str]:
    return list(paragraphs) if len(paragraphs) == 1 else [f"- {paragraph}" for paragraph in paragraphs]
