"""The check `pagewarden / preview` in each of its states, and the comment's section on preview builds.

The context's `details_url` is the address of the run's page.
"""

from __future__ import annotations

from collections.abc import Sequence

from workers.build.result import Ending, Made, Row
from workers.report import preview_tables as tables
from workers.report import stress
from workers.report.check import BUILT
from workers.report.context import CheckOutput, Context
from workers.report.markdown import LIMIT, fitted, joined
from workers.report.preview_words import linked, next_steps, short, title, told
from workers.report.sections import folded, section
from workers.report.sentences import LONGEST_TITLE
from workers.report.words import code, cut, plain, prose

CONCLUSIONS = {
    Ending.RELEASED: "success",
    Ending.BUILT: "success",
    Ending.TAKEN: "neutral",
    Ending.FORBIDDEN: "neutral",
    Ending.FAILED: "failure",
    Ending.UNFIT: "failure",
    Ending.CANCELLED: "cancelled",
    Ending.TIMED_OUT: "timed_out",
    Ending.GONE: "cancelled",
    Ending.BROKEN: "failure",
}
"""How the build ended → GitHub's word. What nobody looked at must not count as a pass."""
ROOM = 1_000
"""Characters of a summary that are left for what is told of the attempt."""
MOST_IN_COMMENT = 40
"""A comment is read, a check is searched."""


def queued(context: Context) -> CheckOutput:
    """The check from the moment that a preview is wanted."""
    return CheckOutput(
        conclusion=None,
        title="Waiting for the build to begin",
        summary=f"{short(context.head_sha)} is to be built for aarch64. What is built is looked at before it counts.\n",
    )


def waiting_for_approval(context: Context, reason: stress.Reason = "fork") -> CheckOutput:
    """The check of a head that nobody has approved."""
    return stress.waiting_for_approval(context, reason)


def building(context: Context, url: str = "", since: float | None = None) -> CheckOutput:
    """The check while it is built. `url` leads to where, `since` is in epoch seconds."""
    began = f", since {tables.moment(since)}" if since is not None else ""
    where = linked("This is where", url)
    return CheckOutput(
        conclusion=None,
        title="Building for aarch64",
        summary=f"{short(context.head_sha)} is being built for aarch64{began}."
        f"{f' {where}.' if where.startswith('[') else ''} What is built is looked at before it counts.\n",
    )


def concluded(made: Made, context: Context) -> CheckOutput:
    """The check of a build that is over."""
    where = linked("Where it was built", made.url)

    def summary(cap: int) -> str:
        compared, lines = tables.sizes(made, context, cap)
        return joined(
            [
                [told(made, context)],
                *tables.problems(made.inspection.problems, cap),
                section("Files", tables.files(made.inspection.artifacts, cap)),
                section("Binaries", tables.binaries(made.inspection, cap)),
                section(compared, lines),
                section("What to do next", [f"- {step}" for step in next_steps(made, context)]),
                [f"{where}."] if where.startswith("[") else [],
            ]
        )

    log = [] if made.is_good else tables.log(made)
    return CheckOutput(
        conclusion=CONCLUSIONS[made.ending],
        title=title(made, context),
        summary=fitted(summary, limit=LIMIT - ROOM),
        text=joined([log]) if log else None,
    )


def closed(context: Context) -> CheckOutput:
    """The check of a build that was ended as its pull request was closed."""
    return CheckOutput(
        conclusion="cancelled",
        title="Ended: the pull request was closed",
        summary=f"{short(context.head_sha)} was not built to the end, as the pull request was closed. "
        f"{code(BUILT[1])} in a comment has it built once that is open again.\n",
    )


def not_offered(context: Context, driver: str) -> CheckOutput:
    """The check where the settings ask for a driver that this server does not offer."""
    return CheckOutput(
        conclusion="neutral",
        title=cut(f"Not built: this pagewarden offers no builds by {plain(driver)}", LONGEST_TITLE),
        summary=f"This repository's settings have previews built by {code(f'preview.{driver}')}, which this pagewarden "
        f"does not offer, so {short(context.head_sha)} was not built. This is neither a pass nor a failure.\n\n"
        f"Whoever runs pagewarden can offer it, with {code('PAGEWARDEN_PREVIEW_DRIVERS')}; then "
        f"{code(BUILT[1])} in a comment has it built.\n",
    )


def section_for_comment(rows: Sequence[Row], made: Made | None, context: Context, cap: int) -> list[list[str]]:
    """Blocks for the comment's document: commit, release and date, and what came of the present head's build, where it
    is over."""
    if not rows:
        return []
    cap = min(cap, MOST_IN_COMMENT)
    blocks = [section("Preview Builds", tables.commits(rows, context, cap))]
    if made is None:
        return blocks
    if made.ending not in {Ending.RELEASED, Ending.BUILT}:
        see = f" See {linked('the check', context.check_url or '')}."
        blocks.append([f"{tables.commit(context.head_sha, context)}: {prose(title(made, context))}.{see}"])
    compared, lines = tables.sizes(made, context, cap)
    return [*blocks, folded(compared, lines)]
