"""The name and the body of a preview's release."""

from __future__ import annotations

from collections.abc import Sequence

from config.preview import PreviewSettings
from workers.build.manifest import LOG, MANIFEST, REPORT, asset_names
from workers.build.order import SHORT_SHA
from workers.build.result import Made
from workers.report import preview_tables as tables
from workers.report.context import Context, Judged
from workers.report.judged import headline_of_all, telling
from workers.report.markdown import fitted, footer, joined
from workers.report.preview_marker import release_marker
from workers.report.preview_words import LARGE, counted, linked, short
from workers.report.sections import folded, section
from workers.report.words import code, plain, plural, prose

LIMIT = 100_000
"""Characters; GitHub takes 125,000 in a release's body."""

BESIDE = (
    f"Beside them: {code(MANIFEST)} tells programs what is told here, {code(REPORT)} has each constant and the "
    f"verdict, and {code(LOG)}, where pagewarden itself built them, is the build's log."
)


def release_name(context: Context) -> str:
    """Its title, plain."""
    return f"Preview of pull request {context.number} at {plain(context.head_sha)[:SHORT_SHA]}"


def release_body(made: Made, context: Context, judged: Sequence[Judged], settings: PreviewSettings) -> str:
    """What the release is, and of what; its last line is the marker. Of `made` it tells what was built, of `judged` the
    verdict, where there is one. `context.number` is that of the pull request."""
    assert context.number is not None
    marker = release_marker(context.repository, context.number, context.head_sha)
    body = fitted(lambda cap: _body(made, context, judged, settings, cap), limit=LIMIT - len(marker) - 2)
    return f"{body}\n{marker}\n"


def _body(made: Made, context: Context, judged: Sequence[Judged], settings: PreviewSettings, cap: int) -> str:
    artifacts = made.inspection.artifacts
    compared, sizes = tables.sizes(made, context, cap)
    return joined(
        [
            [_lead(made, context)],
            [_verdict(judged, context)] if judged else [],
            section("Files", [*tables.files(artifacts, cap, asset_names(each.name for each in artifacts)), "", BESIDE]),
            section("Binaries", tables.binaries(made.inspection, cap)),
            folded(compared, sizes),
            footer(_small_print(settings)),
        ]
    )


def _lead(made: Made, context: Context) -> str:
    pull = linked(f"Pull request {context.number}", tables.page_of(context, f"pull/{context.number}"))
    at = linked(short(context.head_sha), tables.page_of(context, f"commit/{plain(context.head_sha)}"))
    loads = f" and aligned for {LARGE}" if any(each.alignment for each in made.inspection.binaries) else ""
    return f"{pull} at {at}, built for aarch64{loads}: {counted(made)}. To be tried, not to be relied on."


def _verdict(judged: Sequence[Judged], context: Context) -> str:
    see = f" {linked('The check', context.check_url)} has the details." if context.check_url is not None else ""
    return f"**Page sizes:** {prose(headline_of_all(telling(judged)))}.{see}"


def _small_print(settings: PreviewSettings) -> list[str]:
    last = "commit" if settings.keep == 1 else f"{settings.keep} commits"
    days = f"{plural(settings.remove_after_days, 'day')} after" if settings.remove_after_days else "once"
    return [
        "made by pagewarden",
        f"kept for the last {last} of a pull request",
        f"removed, with its tag, {days} that is closed",
    ]
