"""The report as Markdown: for `--format markdown`, for the comment and for the check, from the same pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from checker.profile import Profile
from checker.report import Report, Side, Verdict
from workers.report import tables
from workers.report.context import Context
from workers.report.digest import Digest, Item, Trouble, alike, digest
from workers.report.matrix import Matrix, matrices
from workers.report.sentences import Voice, before, by_rule, headline, next_steps, rule_of, walkthrough, where
from workers.report.words import LONGEST_MESSAGE, code, listed, page, place, plain, plural, prose

LIMIT = 65_000
"""Characters; GitHub takes 65,535 in a check's summary and text, 65,536 in a comment."""
CAPS = (400, 200, 100, 50, 25, 12, 6, 3, 1)
"""How many findings, errors and table rows are shown; the largest number that fits is taken."""


def render(report: Report, profile: Profile) -> str:
    """A document of its own, with places as plain `path:line`."""
    context = Context("", None, report.base.sha, report.head.sha, None)
    return fitted(lambda cap: document(report, profile, context, cap))


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

    if context.number is None:
        return Voice(subject="this change", again=(), name=code, prose=prose, place=linked)
    again = ("A push runs the check again.",)
    return Voice(subject="this pull request", again=again, name=code, prose=prose, place=linked)


def document(report: Report, profile: Profile, context: Context, cap: int) -> str:
    """Heading and all sections; lists are cut after `cap` entries, and say so."""
    told = digest(report)
    voice = voice_for(context)
    heading, footer = [f"### pagewarden: {prose(headline(report, told))}"], [_footer(report, profile, context)]
    story = [" ".join(walkthrough(report, told, voice))]
    if report.verdict is Verdict.NOT_APPLICABLE:
        return joined([heading, story, footer])
    blocks = [
        heading,
        story,
        troubles(told, voice, context, cap),
        *changed(report, told, profile, voice, cap),
        *verdicts(report, cap),
        *findings(told, profile, voice, context, cap),
        _section("What to do next", _bullets(next_steps(report, told, profile, voice))),
        footer,
    ]
    return joined(blocks)


def joined(blocks: Iterable[Sequence[str]]) -> str:
    """Blocks with an empty line between them."""
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def changed(report: Report, told: Digest, profile: Profile, voice: Voice, cap: int) -> list[list[str]]:
    """The changes, then the constants and heap configs of each group of targets."""
    blocks = [_section("Changes", tables.changes(report.changes, told.changed, profile, cap))]
    for group in told.changed:
        on = listed(group.targets)
        blocks.append(_section(f"Constants on {on}", tables.constants(group, profile, voice, cap)))
        shapes = tables.heap_configs(group, cap)
        blocks.append(_folded(f"{plural(len(group.heaps), 'heap config')} changed on {on}", shapes))
    return blocks


def verdicts(report: Report, cap: int) -> list[list[str]]:
    """A matrix for each group of targets that has something to say; a sentence for the others."""
    every = tuple(each for each in matrices(report) if each.answers)
    loud = [each for each in every if not each.quiet] or list(every[:1])
    rest = [target for each in every if each not in loud for target in each.targets]
    blocks = [_matrix(each, cap) for each in loud]
    if rest:
        blocks.append([f"On {listed(rest)} every limit holds."])
    return blocks


def _matrix(verdict: Matrix, cap: int) -> list[str]:
    return _section(f"Limits on {listed(verdict.targets)}", tables.matrix(verdict, cap))


def findings(told: Digest, profile: Profile, voice: Voice, context: Context, cap: int) -> list[list[str]]:
    """Each finding with its arithmetic, place and reason; what was broken before is folded away."""
    told_in_full = _explained(told.broken, profile, voice, context, cap)
    warnings = _explained(told.warned, profile, voice, context, cap)
    undecided = _explained(told.undecided, profile, voice, context, cap)
    standing = _explained(told.standing, profile, voice, context, cap)
    fixed = _repaired(told.fixed[:cap])
    return [
        _section(f"Newly broken ({len(told.broken)})", told_in_full),
        _section(f"Newly broken, but dormant ({len(told.warned)})", warnings),
        _section(f"Broken, and perhaps before, too ({len(told.undecided)})", undecided),
        _folded(f"Fixed ({len(told.fixed)})", [*fixed, *_more(len(told.fixed) - cap, "finding", context)]),
        _folded(f"Broken before, and still ({len(told.standing)})", standing),
    ]


def _explained(items: Sequence[Item], profile: Profile, voice: Voice, context: Context, cap: int) -> list[str]:
    lines: list[str] = []
    for rule_id, group in by_rule(items[:cap]).items():
        rule, finding = rule_of(profile, rule_id), group[0].finding
        title = f"**{prose(rule.title)}** ({code(rule_id)})." if rule else f"**{code(rule_id)}**."
        lines += ["", f"{title} {prose(finding.why)} {voice.place(finding.relied_on_in, None)} relies on it.", ""]
        lines += [_item(item, voice) for item in group]
    return [*lines[1:], *_more(len(items) - cap, "finding", context)]


def _item(item: Item, voice: Voice) -> str:
    finding = item.finding
    heap = code(finding.heap) if finding.heap else tables.WHOLE_TREE
    at = f" at {voice.place(finding.path, finding.line)}" if finding.path is not None else ""
    arithmetic = f"{code(finding.explanation)}{before(finding)}"
    return f"- {heap}{_with(finding.os_page)}, {listed(item.targets)}: {arithmetic}{at}"


def _repaired(items: Sequence[Item]) -> list[str]:
    """What holds again needs no arithmetic: one line for all heap configs of a rule."""
    return [
        f"- {code(rule)}{_with(os_page)}, {listed(targets)}: "
        f"{listed([code(item.finding.heap) if item.finding.heap else tables.WHOLE_TREE for item in group], most=20)}"
        for (rule, os_page, targets), group in alike(items).items()
    ]


def _with(os_page: int | None) -> str:
    return f", {page(os_page)} pages" if os_page is not None else ""


def troubles(told: Digest, voice: Voice, context: Context, cap: int) -> list[str]:
    """What could not be evaluated, and why."""
    lines = [_trouble(each, voice) for each in told.troubles[:cap]]
    return _section("Could not be evaluated", [*lines, *_more(len(told.troubles) - cap, "error", context)])


def _trouble(trouble: Trouble, voice: Voice) -> str:
    what = "every value" if trouble.whole else listed([code(name) for name in trouble.names], most=5)
    side = "the base" if trouble.side is Side.BASE else "the head"
    on = listed(trouble.targets)
    at = f" at {where(trouble, voice)}" if trouble.path is not None else ""
    return f"- {what} of {side}, {on}{at}: {code(trouble.message, LONGEST_MESSAGE)}"


def _more(count: int, noun: str, context: Context) -> list[str]:
    if count <= 0:
        return []
    if context.details_url is not None:
        see = f"see [the check]({context.details_url})"
    else:
        see = "see the check" if context.number is not None else "see `--format json`"
    return ["", f"… {plural(count, f'more {noun}')}, {see}."]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"#### {title}", "", *lines] if lines else []


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    return [f"<details><summary>{escape(title)}</summary>", "", *lines, "", "</details>"] if lines else []


def _bullets(paragraphs: Sequence[str]) -> list[str]:
    return list(paragraphs) if len(paragraphs) == 1 else [f"- {paragraph}" for paragraph in paragraphs]


def _footer(report: Report, profile: Profile, context: Context) -> str:
    base, head = (plain(sha)[:12] for sha in (report.base.sha, report.head.sha))
    parts = [f"{head} against {base}", f"profile {profile.name}", tables.page_list(report.page_sizes)]
    if context.details_url is not None:
        parts.append(f"[the check]({context.details_url})")
    return f"<sub>{' · '.join(parts)}</sub>"
