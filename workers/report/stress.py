"""The check `pagewarden / stress` in each of its states, and the comment's section on it.

The context's `details_url` is the address of the run's page, which the links lead to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from workers.report import stress_tables as tables
from workers.report.context import CheckOutput, Context
from workers.report.markdown import LIMIT, fitted, joined, voice_for
from workers.report.sections import folded, section
from workers.report.stress_cells import Mark, by_mark
from workers.report.stress_progress import only_awaits_a_build, pages_table, under_way
from workers.report.stress_words import (
    ORDERING,
    next_steps,
    obstacles,
    regressions,
    title,
    troubled,
    unproven,
    verdict,
    what_ran,
)
from workers.report.voice import Voice
from workers.report.words import code, cut, plain, prose
from workers.stress.progress import Progress
from workers.stress.result import Conclusion, Result
from workers.stress.verdicts import Record, Role, Verdict

CONCLUSIONS = {
    Conclusion.PASS: "success",
    Conclusion.FAIL: "failure",
    Conclusion.VOID: "neutral",
    Conclusion.INCONCLUSIVE: "neutral",
    Conclusion.ERROR: "failure",
}
"""The run's conclusion → GitHub's. What nobody looked at must not count as a pass."""
MOST_IN_COMMENT = 12
"""A comment is read, a check is searched."""
MOST_TAILS = (25, 12, 6, 3, 1)
"""How many records' evidence is shown; all of it is on the run's page."""


def queued(context: Context, now: Progress | None = None) -> CheckOutput:
    """The check from the moment that a stress run is wanted; `now` tells of a preview build that is waited for."""
    head = code(context.head_sha[:12])
    if now is not None and only_awaits_a_build(now):
        return CheckOutput(
            conclusion=None,
            title=cut(under_way(now), 200),
            summary=f"What is built of {head} is to be stressed under kernels with each page size, beside controls "
            "that must fail. It waits for the check `pagewarden / preview`.\n",
        )
    return CheckOutput(
        conclusion=None,
        title="Waiting for a machine",
        summary=f"{head} is to be stressed under kernels with each page size, "
        "beside its base and beside controls that must fail. It waits for a free machine.\n",
    )


def progress(context: Context, now: Progress) -> CheckOutput:
    """The check while machines build and run."""
    return CheckOutput(
        conclusion=None,
        title=cut(under_way(now), 200),
        summary=joined([[f"{code(context.head_sha[:12])} is under stress."], pages_table(now)]),
    )


def concluded(result: Result, context: Context) -> CheckOutput:
    """The check of a run that is over."""
    voice = voice_for(context)

    def summary(cap: int) -> str:
        return joined(
            [
                [f"{verdict(result, voice)} {what_ran(result, voice)}"],
                section("Stress by page size", tables.matrix(result, context, cap)),
                *_events(result, context, cap),
                *_in_the_way(result, voice, context, cap),
                tables.controls(result, context, cap),
                section("What to do next", [f"- {step}" for step in next_steps(result, voice)]),
                _ordering(result),
            ]
        )

    def details(cap: int) -> str:
        return joined(
            [tables.phases(result, context, cap), section("Phases that are not offered", tables.unavailable(result))]
        )

    text = fitted(details, limit=LIMIT // 2)
    room = LIMIT - len(text) - 1
    tails = fitted(lambda cap: joined(_evidence(result, cap)), MOST_TAILS, limit=room).strip()
    return CheckOutput(
        conclusion=CONCLUSIONS[result.conclusion],
        title=title(result),
        summary=fitted(summary),
        text=f"{text}\n{tails}\n" if tails else text,
    )


Reason = Literal["fork", "newcomer"]
_WHY: dict[Reason, tuple[str, str]] = {
    "fork": ("this head comes from a fork", "The code of a fork"),
    "newcomer": ("its author is new to this repository", "The code of somebody who is new to this repository"),
}


def waiting_for_approval(context: Context, reason: Reason = "fork") -> CheckOutput:
    """The check of a head that nobody has approved."""
    why, whose = _WHY[reason]
    return CheckOutput(
        conclusion="neutral",
        title=f"Waiting for approval: {why}",
        summary=f"{whose} is neither built nor run until someone with write access has approved this very commit, "
        f"by the comment {code(f'/ok-to-test {context.head_sha}')}. Read the change before: its code will run. "
        "A push needs another approval.\n",
    )


def not_offered(_context: Context, reason: str) -> CheckOutput:
    """The check where there is nothing to be stressed."""
    return CheckOutput(
        conclusion="neutral",
        title=cut(f"Not stressed: {plain(reason)}", 200),
        summary=f"Nothing was built or run: {prose(reason)}. This is neither a pass nor a failure.\n",
    )


def section_for_comment(seen: Result | Progress, context: Context, cap: int = MOST_IN_COMMENT) -> list[list[str]]:
    """Blocks for the comment's document: the matrix with links, a line of verdict, the rest folded away."""
    if isinstance(seen, Progress):
        # A comment is not edited every few seconds, so it does not tell how far.
        page = f", and so does [its page]({context.details_url})" if context.details_url is not None else ""
        return [section("Stress", [f"Under way. The check `pagewarden / stress` tells how far it is{page}."])]
    cap = min(cap, MOST_IN_COMMENT)
    voice = voice_for(context)
    details = joined(
        [
            [what_ran(seen, voice)],
            *_events(seen, context, cap),
            *_in_the_way(seen, voice, context, cap),
            tables.controls(seen, context, cap),
            [f"- {step}" for step in next_steps(seen, voice)],
            _ordering(seen),
        ]
    )
    head = f"**{prose(title(seen))}.** {verdict(seen, voice)}"
    shown = [head, "", *tables.matrix(seen, context, cap)]
    return [section("Stress", shown), folded("Stress in detail", details.rstrip().split("\n"))]


def _events(result: Result, context: Context, cap: int) -> list[list[str]]:
    """What failed and what came to no verdict, worst first; what the base does too is folded away."""
    marked = by_mark(result)

    def told(records: Sequence[Record], noun: str) -> list[str]:
        return tables.told(records, context, noun, cap)

    new = "Newly failing" if result.has_base else "Failing"
    return [
        section(new, told(regressions(result), "failure")),
        section("Failing, but the controls did not behave", told(unproven(result), "failure")),
        section("Failing, and perhaps at the base, too", told(marked[Mark.UNDECIDED], "failure")),
        section("No verdict", told(marked[Mark.INCONCLUSIVE], "phase")),
        section("Not offered any more", told(marked[Mark.LOST], "phase")),
        folded("Failing at the base, too", told(marked[Mark.STANDING], "failure")),
        folded("Fixed", told(marked[Mark.FIXED], "phase")),
    ]


def _in_the_way(result: Result, voice: Voice, context: Context, cap: int) -> list[list[str]]:
    """Why something was not run."""
    own = [f"- {troubled(each, voice)}" for each in result.troubles if each.own]
    others = [f"- {voice.prose(each)}" for each in obstacles(result)]
    lines = [*own, *others]
    return [
        section("What was in the way", [*lines[:cap], *tables.left_out(len(lines) - cap, "trouble", context)]),
    ]


def _evidence(result: Result, cap: int) -> list[list[str]]:
    marked = by_mark(result)
    heads = [record for each in Mark if each not in {Mark.PASSES, Mark.FIXED} for record in marked[each]]
    wrong = [control.seen for control in result.controls if control.seen is not None and not control.behaved]
    bases = [record for record in result.of(Role.BASE) if record.verdict not in {Verdict.PASS, Verdict.FAIL}]
    return tables.evidence([*heads, *wrong, *bases], cap)


def _ordering(result: Result) -> list[str]:
    return [f"<sub>{ORDERING}</sub>"] if result.machine in {"vm", "user"} else []
