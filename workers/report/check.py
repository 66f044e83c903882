"""What GitHub's check run shows, in each state that a check can be in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from workers.report.annotations import annotated
from workers.report.context import Action, CheckOutput, Context, Judged
from workers.report.digest import digest
from workers.report.judged import applies, conclusion, headline_of_all, telling, titled
from workers.report.markdown import LIMIT, details, fitted, joined, story, voice_for
from workers.report.sentences import LONGEST_TITLE, NOT_APPLICABLE
from workers.report.voice import SHORT_SHA, Voice, retry
from workers.report.words import code, cut, plain, plural, prose

ROOM = 5_000
"""Characters of a summary that are left for what is told of the settings, the stress and the attempt."""
MOST_FILES = 50

Again = tuple[str, str]
"""What is to be done once more to a head, and the command for it."""
CHECKED: Again = ("checked", "/recheck")
STRESSED: Again = ("stressed", "/stress")
BUILT: Again = ("built", "/preview")

RECHECK = Action("recheck", "Recheck", "Look at this commit again.")
STRESS = Action("stress", "Stress", "Put this commit under stress again.")
PREVIEW = Action("preview", "Preview", "Build a preview of this commit again.")
CANCEL = Action("cancel", "Cancel", "End what is under way for this commit.")
BUTTONS = (RECHECK, STRESS, CANCEL)
"""Of a check that is over; GitHub takes three. The last one is for a stress or a build under way."""
PREVIEW_BUTTONS = (PREVIEW, CANCEL)
"""Of the check of a preview build that is over."""


def concluded(judged: Sequence[Judged], context: Context) -> CheckOutput:
    """The check of an evaluated head, with what each profile says."""
    told = telling(judged)
    if not any(map(applies, told)):
        return not_applicable(context, told[0].profile.title if told else "")

    def of_all(sections: Callable[[Judged, Context, int], list[list[str]]], cap: int) -> str:
        titles = [[[f"### {titled(each)}"]] if len(told) > 1 else [] for each in told]
        parts = [sections(each, context, cap) for each in told]
        return joined(block for title, its in zip(titles, parts, strict=True) for block in [*title, *its])

    return CheckOutput(
        conclusion=conclusion(told),
        title=headline_of_all(told),
        summary=fitted(lambda cap: of_all(story, cap), limit=LIMIT - ROOM),
        text=fitted(lambda cap: of_all(details, cap)),
        annotations=annotated([digest(each.report) for each in told]),
    )


def in_progress(context: Context) -> CheckOutput:
    """The check from the moment that pagewarden knows it has to look."""
    files = len(context.watched_files)
    what = f"{plural(files, 'page-size header')}" if files else "the page-size headers"
    shown = "".join(f"\n- {code(path)}" for path in context.watched_files[:MOST_FILES])
    rest = f"\n- … {plural(files - MOST_FILES, 'more file')}" if files > MOST_FILES else ""
    return CheckOutput(
        conclusion=None,
        title=f"Checking {what}",
        summary=f"pagewarden evaluates {what} at base and at head.\n{shown}{rest}\n",
    )


def not_applicable(context: Context, profile_title: str = "") -> CheckOutput:
    """The check of a head that changes nothing pagewarden has an opinion on."""
    subject = voice_for(context).subject
    whose = f" of {prose(profile_title)}" if profile_title else ""
    return CheckOutput(
        conclusion="success",
        title=NOT_APPLICABLE,
        summary=f"{subject[:1].upper()}{subject[1:]} touches no header that holds page-size constants{whose}.\n",
    )


def draft(context: Context) -> CheckOutput:
    """The check of a draft, where a repository's settings say that drafts are left alone."""
    return CheckOutput(
        conclusion="neutral",
        title="A draft: checked once it is ready for review",
        summary=f"{_short(context.head_sha)} was not looked at: this repository's settings leave drafts alone. "
        f"It is checked when the pull request is ready for review; {code('/recheck')} in a comment has it "
        "checked now.\n",
    )


def superseded(context: Context, new_head: str) -> CheckOutput:
    """The check of a head that a later push replaced while it was looked at, or whose base is another one now."""
    if new_head == context.head_sha:
        return CheckOutput(
            conclusion="cancelled",
            title="Superseded: the base has changed",
            summary=f"{_short(context.head_sha)} is no longer compared with {_short(context.base_sha)}; "
            "there is another check for its new base. Nothing to do.\n",
        )
    return CheckOutput(
        conclusion="cancelled",
        title=f"Superseded by {plain(new_head)[:SHORT_SHA]}",
        summary=f"The branch has moved from {_short(context.head_sha)} to {_short(new_head)}, "
        "which has a check of its own. Nothing to do.\n",
    )


def commit_gone(context: Context) -> CheckOutput:
    """The check of a head that GitHub no longer gives out."""
    why = "the branch was force-pushed, or its repository deleted. The next push is checked as usual."
    if context.is_merge_group:
        why = "the merge queue has made another group. Nothing to do."
    return CheckOutput(
        conclusion="cancelled",
        title="The commits are gone",
        summary=f"{_short(context.head_sha)} or its base {_short(context.base_sha)} can no longer be fetched: {why}\n",
    )


def cancelled(context: Context, by: str, again: Again = CHECKED) -> CheckOutput:
    """The check that somebody, by login, has ended before it came to an answer."""
    return CheckOutput(
        conclusion="cancelled",
        title="Cancelled before there was an answer",
        summary=f"{code(by)} ended the check of {_short(context.head_sha)}. Nothing is known of it. "
        f"{retry(voice_for(context), *again)}.\n",
    )


def timed_out(context: Context, limit: str, again: Again = CHECKED) -> CheckOutput:
    """The check that came to no answer in time. `limit` is how long that is, in words."""
    voice = voice_for(context)
    return CheckOutput(
        conclusion="timed_out",
        title=cut(f"No answer within {plain(limit)}", LONGEST_TITLE),
        summary=f"{_short(context.head_sha)} was not {again[0]} within {prose(limit)}, so nothing is known of it. "
        f"{too_slow(voice) if again == BUILT else _not_its_fault(voice, again)}\n",
    )


def broken(context: Context, reason: str) -> CheckOutput:
    """The check when pagewarden itself failed. It fails: what nobody looked at must not count as a pass."""
    voice = voice_for(context)
    return CheckOutput(
        conclusion="failure",
        title=cut(f"pagewarden could not evaluate this: {plain(reason)}", LONGEST_TITLE),
        summary=f"pagewarden failed on {_short(context.head_sha)}: {code(reason, 1000)}\n\n"
        f"{_not_its_fault(voice, CHECKED)}\n",
    )


def _not_its_fault(voice: Voice, again: Again) -> str:
    return (
        f"This is not the fault of {voice.subject}. {retry(voice, *again)}; if that ends like this, too, tell whoever "
        "runs pagewarden."
    )


def too_slow(voice: Voice) -> str:
    """What to do about a build that takes too long: it may well be its own doing."""
    return (
        f"{retry(voice, *BUILT)}. If it takes as long again, make the build faster, or give it more time with "
        f"{code('preview.minutes')} in this repository's settings."
    )


def finished(output: CheckOutput, context: Context, buttons: tuple[Action, ...] = BUTTONS) -> CheckOutput:
    """The last touch: which attempt it is, who asked for it, and the buttons; none once another head took its place."""
    actions = () if context.superseded_by is not None else actions_of(output, buttons)
    if context.attempt < 2:
        return replace(output, actions=actions)
    suffix = f" (attempt {context.attempt})"
    asked = f", asked for by {code(context.asked_by)}" if context.asked_by else ""
    return replace(
        output,
        title=cut(output.title, LONGEST_TITLE - len(suffix)) + suffix,
        summary=f"{output.summary.rstrip()}\n\nAttempt {context.attempt}{asked}.\n",
        actions=actions,
    )


def actions_of(output: CheckOutput, buttons: tuple[Action, ...] = BUTTONS) -> tuple[Action, ...]:
    """The buttons: `buttons` once it is over. GitHub shows those of a completed check run only."""
    return (CANCEL,) if output.conclusion is None else buttons


def _short(sha: str) -> str:
    return code(plain(sha)[:SHORT_SHA])
