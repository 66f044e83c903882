"""What GitHub's check run shows, in each state that a check can be in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from checker.profile import Profile
from checker.report import Report, Side, Verdict
from workers.report.arithmetic import excess, made_of
from workers.report.context import Annotation, CheckOutput, Context
from workers.report.digest import Digest, Item, Trouble, digest, grouped, rules, unique
from workers.report.markdown import changed, fitted, joined, verdicts, voice_for
from workers.report.sections import alternatives, commits, findings, newly_broken, paid, rooms, section, unsure
from workers.report.sentences import headline, walkthrough
from workers.report.steps import next_steps
from workers.report.voice import PLAIN
from workers.report.words import code, cut, listed, page, plain, plural, prose

CONCLUSIONS = {
    Verdict.PASS: "success",
    Verdict.FAIL: "failure",
    Verdict.ERROR: "failure",
    Verdict.NOT_APPLICABLE: "success",
}
LONGEST_ANNOTATION = 8_000
"""Characters of one annotation's message; GitHub takes 64 KB."""


def concluded(report: Report, context: Context, profile: Profile) -> CheckOutput:
    """The check of an evaluated head."""
    if report.verdict is Verdict.NOT_APPLICABLE:
        return not_applicable(context, profile.title)
    told = digest(report)
    voice = voice_for(context)

    def summary(cap: int) -> str:
        steps = next_steps(report, told, voice)
        return joined(
            [
                [" ".join(walkthrough(report, told, voice))],
                *newly_broken(told, report, voice, context, cap),
                *unsure(told, voice, context, cap),
                section("What to do next", [f"- {step}" for step in steps]),
            ]
        )

    def text(cap: int) -> str:
        return joined(
            [
                *findings(told, voice, context, cap),
                alternatives(report, voice, cap),
                *changed(report, told, profile, voice, cap),
                *verdicts(report, told, profile, cap),
                commits(report, voice, cap),
                paid(report, profile, voice, cap),
                rooms(report, voice, cap),
            ]
        )

    return CheckOutput(
        conclusion=CONCLUSIONS[report.verdict],
        title=headline(report, told),
        summary=fitted(summary),
        text=fitted(text),
        annotations=annotated(told),
    )


def in_progress(context: Context) -> CheckOutput:
    """The check from the moment that pagewarden knows it has to look."""
    files = len(context.watched_files)
    what = f"{plural(files, 'page-size header')}" if files else "the page-size headers"
    shown = "".join(f"\n- {code(path)}" for path in context.watched_files[:50])
    rest = f"\n- … {plural(files - 50, 'more file')}" if files > 50 else ""
    return CheckOutput(
        conclusion=None,
        title=f"Checking {what}",
        summary=f"pagewarden evaluates {what} at base and at head.\n{shown}{rest}\n",
    )


def not_applicable(context: Context, profile_title: str) -> CheckOutput:
    """The check of a head that changes nothing pagewarden has an opinion on."""
    subject = "This pull request" if context.number is not None else "This change"
    return CheckOutput(
        conclusion="success",
        title="Not applicable: no page-size header touched",
        summary=f"{subject} touches no header that holds page-size constants of {prose(profile_title)}. "
        "Nothing to do.\n",
    )


def superseded(context: Context, new_head: str) -> CheckOutput:
    """The check of a head that a later push replaced while it was looked at, or whose base is another one now."""
    if new_head == context.head_sha:
        return CheckOutput(
            conclusion="cancelled",
            title="Superseded: the base has changed",
            summary=f"{code(context.head_sha[:12])} is no longer compared with {code(context.base_sha[:12])}; "
            "there is another check for its new base. Nothing to do.\n",
        )
    return CheckOutput(
        conclusion="cancelled",
        title=f"Superseded by {plain(new_head)[:12]}",
        summary=f"The branch has moved from {code(context.head_sha[:12])} to {code(new_head[:12])}, "
        "which has a check of its own. Nothing to do.\n",
    )


def commit_gone(context: Context) -> CheckOutput:
    """The check of a head that GitHub no longer gives out."""
    return CheckOutput(
        conclusion="cancelled",
        title="The commits are gone",
        summary=f"{code(context.head_sha[:12])} or its base {code(context.base_sha[:12])} can no longer be fetched: "
        "the branch was force-pushed, or its repository deleted. The next push is checked as usual.\n",
    )


def broken(context: Context, reason: str) -> CheckOutput:
    """The check when pagewarden itself failed. It fails: what nobody looked at must not count as a pass."""
    return CheckOutput(
        conclusion="failure",
        title=cut(f"pagewarden could not evaluate this: {plain(reason)}", 200),
        summary=f"pagewarden failed on {code(context.head_sha[:12])}: {code(reason, 1000)}\n\n"
        "This is not the pull request's fault. Close and reopen it, or push, to have it checked again; "
        "if that fails too, tell whoever runs pagewarden.\n",
    )


Place = tuple[str, int]


def annotated(told: Digest) -> tuple[Annotation, ...]:
    """One for each line at head that breaks a limit or cannot be evaluated, by path and line."""
    lines: dict[Place, list[tuple[Literal["failure", "warning"], str, str]]] = {}
    for level, items in _levels(told):
        for at, group in _by_place(items).items():
            lines.setdefault(at, []).append((level, _broken_title(group), _broken_message(group, told)))
    for trouble in told.troubles:
        if trouble.side is Side.HEAD and trouble.path is not None and _annotatable(trouble.path):
            message = f"{plain(trouble.message)} ({listed(trouble.targets)})"
            at = (trouble.path, max(trouble.line or 1, 1))
            lines.setdefault(at, []).append(("failure", _trouble_title(trouble), message))
    return tuple(_annotation(at, remarks) for at, remarks in sorted(lines.items()))


def _levels(told: Digest) -> tuple[tuple[Literal["failure", "warning"], tuple[Item, ...]], ...]:
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


def _annotation(at: Place, remarks: list[tuple[Literal["failure", "warning"], str, str]]) -> Annotation:
    path, line = at
    levels = {level for level, _, _ in remarks}
    return Annotation(
        path=path,
        line=line,
        level="failure" if "failure" in levels else "warning",
        title=cut(plain("; ".join(dict.fromkeys(title for _, title, _ in remarks))), 200),
        message=cut("\n".join(message for _, _, message in remarks), LONGEST_ANNOTATION),
    )
