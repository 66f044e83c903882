"""States of a run beside what its report says: what is told with it, and what is told without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from config.repository import Problem, RepositorySettings
from tests.workers.report.preview_states import MADE, ROWS
from tests.workers.report.samples import CONTEXT, HEAD_SHA, A, B, C, D, ignoring, judged, profile, report
from tests.workers.report.states import HOSTILE_MESSAGE, REPORTS
from tests.workers.report.stress_states import RUNNING
from tests.workers.report.stress_states import STATES as STRESSES
from workers.conversation.commands import TABLE, Who
from workers.report import check, preview, replies, stress, unclear
from workers.report.comment import Beside, comment
from workers.report.context import CheckOutput, Context, Gate, Judged, RelatedPull, SettingsNews
from workers.report.gate import gated
from workers.report.replies import Trouble
from workers.report.settings_news import with_settings

NEW_SHA = "c" * 40
AGAIN = replace(CONTEXT, attempt=2, asked_by="octocat")
OUTDATED = replace(CONTEXT, superseded_by=NEW_SHA)
OTHER_BASE = replace(CONTEXT, superseded_by=HEAD_SHA)
PUSH = replace(CONTEXT, number=None, ref="main")
MERGE_GROUP = replace(CONTEXT, number=None, ref="gh-readonly-queue/main/pr-176-" + "a" * 40)
PAGE = replace(CONTEXT, details_url="https://pagewarden.example/runs/1")

OTHER = profile().model_copy(update={"name": "jemalloc", "title": "jemalloc"})
FAILS, HOLDS = judged(REPORTS["fail-many"]), judged(REPORTS["pass"])
SEVERAL = (*judged(report(C, D), OTHER), *FAILS)
SEVERAL_HOLD = (*HOLDS, *judged(REPORTS["pass-nothing-changed"], OTHER))
IGNORED = judged(ignoring(report(A, B), "use-count", "Known since 2026; the 64K configs are to go.", "2027-03-31"))
ALL_IGNORED = judged(ignoring(report(A, C), "use-count", "Known since 2026; the 64K configs are to go.", "2027-03-31"))

RELATED = (
    RelatedPull(171, "Use 16 KiB pages on Linux arm64", ("CeilingOnPageSize", "PAS_SMALL_PAGE_DEFAULT_SHIFT")),
    RelatedPull(98, "Make JIT_MEDIUM_PAGE_SIZE a power of two", ("JIT_MEDIUM_PAGE_SIZE",)),
)
HOSTILE_RELATED = (RelatedPull(7, HOSTILE_MESSAGE, (HOSTILE_MESSAGE, "X")),)

SETTINGS = RepositorySettings.model_validate(
    {"rules": {"use-count": {"severity": "warning", "reason": "The bitfit heaps are off in our builds."}}}
)
PROBLEMS = (
    Problem(3, 1, 'unknown setting "targts"; did you mean "targets"?'),
    Problem(7, 15, '"8K" is no page size; write 4K, 16K or 64K'),
)
PLAIN_NEWS = SettingsNews(".github/pagewarden.yml", "main")
OVERRIDDEN = replace(PLAIN_NEWS, settings=SETTINGS)
VALID = replace(PLAIN_NEWS, proposed=())
REMOVED = replace(PLAIN_NEWS, proposed=(), removed=True)
INVALID = replace(PLAIN_NEWS, proposed=PROBLEMS)
BASE_INVALID = replace(PLAIN_NEWS, problems=PROBLEMS[:1])
BOTH_INVALID = replace(PLAIN_NEWS, problems=PROBLEMS[:1], proposed=PROBLEMS)
HOSTILE_NEWS = SettingsNews(
    ".github/pagewarden.yml",
    HOSTILE_MESSAGE,
    RepositorySettings.model_validate({"rules": {"x": {"severity": "error", "reason": HOSTILE_MESSAGE[:60]}}}),
    (Problem(1, 1, HOSTILE_MESSAGE),),
    (Problem(2, 2, HOSTILE_MESSAGE),),
)


def beside_stress(state: str) -> Beside:
    """What a comment tells of a stress."""
    return Beside(stress=lambda cap: stress.section_for_comment(STRESSES[state], PAGE, cap))


UNDER_WAY = Beside(stress=lambda cap: stress.section_for_comment(RUNNING, PAGE, cap))
PREVIEW = Beside(preview=lambda cap: preview.section_for_comment(ROWS["released"], MADE["released-base"], PAGE, cap))

COMMENTS = {
    "run-nothing-watched": comment((), CONTEXT),
    "run-superseded": comment(FAILS, OUTDATED, Beside(related=RELATED)),
    "run-new-base": comment(HOLDS, OTHER_BASE),
    "run-attempt": comment(HOLDS, AGAIN),
    "run-several": comment(SEVERAL, CONTEXT),
    "run-several-hold": comment(SEVERAL_HOLD, CONTEXT),
    "run-ignored": comment(IGNORED, CONTEXT, Beside(settings=PLAIN_NEWS)),
    "run-all-ignored": comment(ALL_IGNORED, CONTEXT),
    "run-related": comment(HOLDS, CONTEXT, Beside(related=RELATED)),
    "run-related-hostile": comment(HOLDS, CONTEXT, Beside(related=HOSTILE_RELATED)),
    "run-overridden": comment(HOLDS, CONTEXT, Beside(settings=OVERRIDDEN)),
    "run-settings-valid": comment(HOLDS, CONTEXT, Beside(settings=VALID)),
    "run-settings-removed": comment(HOLDS, CONTEXT, Beside(settings=REMOVED)),
    "run-settings-invalid": comment(HOLDS, CONTEXT, Beside(settings=BOTH_INVALID)),
    "run-settings-hostile": comment(HOLDS, CONTEXT, Beside(settings=HOSTILE_NEWS)),
    "run-preview": comment(HOLDS, CONTEXT, PREVIEW),
    "run-stressing": comment(HOLDS, CONTEXT, UNDER_WAY),
    "run-stressed": comment(FAILS, PAGE, beside_stress("regression-64k")),
}


def ended(judged: Sequence[Judged], context: Context = CONTEXT) -> CheckOutput:
    """The check of what was judged."""
    return check.finished(check.concluded(judged, context), context)


FINE = check.concluded(HOLDS, CONTEXT)
BAD = check.concluded(FAILS, CONTEXT)
CHECKS = {
    "run-nothing-watched": ended(()),
    "run-several": ended(SEVERAL),
    "run-ignored": ended(IGNORED),
    "run-all-ignored": ended(ALL_IGNORED),
    "run-attempt": ended(HOLDS, AGAIN),
    "run-attempt-under-way": check.finished(check.in_progress(AGAIN), AGAIN),
    "run-push": ended(HOLDS, PUSH),
    "run-push-broken": ended(FAILS, PUSH),
    "run-merge-group": ended(FAILS, MERGE_GROUP),
    "run-merge-group-untouched": ended((), MERGE_GROUP),
    "run-draft": check.finished(check.draft(CONTEXT), CONTEXT),
    "run-cancelled": check.finished(check.cancelled(CONTEXT, "octocat"), CONTEXT),
    "run-cancelled-by-hostile": check.cancelled(PUSH, HOSTILE_MESSAGE),
    "run-timed-out": check.finished(check.timed_out(CONTEXT, "1 hour"), CONTEXT),
    "run-timed-out-merge-group": check.timed_out(MERGE_GROUP, "1 hour"),
    "run-broken-push": check.broken(PUSH, "its commits could not be fetched"),
    "run-gone-merge-group": check.commit_gone(MERGE_GROUP),
    "run-superseded-finished": check.finished(check.superseded(OUTDATED, NEW_SHA), OUTDATED),
    "run-gated-waiting": check.finished(gated(FINE, Gate.WAITING, CONTEXT), CONTEXT),
    "run-gated-approval": gated(FINE, Gate.APPROVAL, CONTEXT),
    "run-gated-failed": gated(FINE, Gate.FAILED, CONTEXT),
    "run-gated-unsure": gated(FINE, Gate.UNSURE, CONTEXT),
    "run-gated-passed": gated(FINE, Gate.PASSED, CONTEXT),
    "run-gated-but-broken": gated(BAD, Gate.WAITING, CONTEXT),
    "run-settings-valid": with_settings(FINE, VALID, CONTEXT),
    "run-settings-removed": with_settings(FINE, REMOVED, CONTEXT),
    "run-settings-invalid": with_settings(FINE, INVALID, CONTEXT),
    "run-settings-invalid-and-broken": with_settings(BAD, BOTH_INVALID, CONTEXT),
    "run-settings-base-invalid": with_settings(FINE, BASE_INVALID, CONTEXT),
    "run-settings-hostile": with_settings(FINE, HOSTILE_NEWS, CONTEXT),
}

REPLIES = {
    "help": replies.helped(TABLE),
    "trouble": replies.trouble(
        (
            Trouble("/recheck sttic", unclear.STAGE, "/recheck static"),
            Trouble("/stress 64k", replies.not_allowed(Who.AUTHOR)),
            Trouble("/cancel", replies.nothing_to_cancel()),
        )
    ),
    "approvals": replies.trouble(
        (
            Trouble("/ok-to-test bbbbbbb", replies.short_sha(HEAD_SHA), f"/ok-to-test {HEAD_SHA}"),
            Trouble(f"/ok-to-test {NEW_SHA}", replies.old_sha(HEAD_SHA)),
            Trouble(f"/ok-to-test {HEAD_SHA}", replies.not_allowed(Who.WRITER)),
            Trouble(f"/ok-to-test {HEAD_SHA}", replies.no_approval_needed()),
        )
    ),
    "not-here": replies.trouble(
        (
            Trouble("/recheck", replies.closed()),
            Trouble("/stress", replies.no_stress()),
            Trouble("/stress", replies.nothing_watched()),
            Trouble("/preview", replies.no_preview()),
            Trouble("/preview", replies.preview_not_here("docker")),
            Trouble("/preview", replies.nothing_built_yet()),
            Trouble("/explain CeilingOnPagSize", replies.unknown_name("CeilingOnPagSize", ("CeilingOnPageSize",))),
            Trouble("/explain nonsense", replies.unknown_name("nonsense")),
        )
    ),
    "hostile": replies.trouble((Trouble(HOSTILE_MESSAGE, HOSTILE_MESSAGE, HOSTILE_MESSAGE),)),
}
