"""`pagewarden check`: one tree against another, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot.options import (
    ALL_PAGE_SIZES,
    Bundled,
    Cached,
    Exit,
    Format,
    PageSizes,
    Printed,
    Repo,
    cache_dir,
    fail,
    need_git,
    page_sizes_in,
)

if TYPE_CHECKING:
    from checker.profile import Profile
    from checker.report import Report


def check(
    repo: Repo,
    base: Annotated[str, typer.Option(help="The revision to compare with.", metavar="REV")],
    head: Annotated[str, typer.Option(help="The revision to check, or WORKTREE.", metavar="REV")],
    profile: Bundled = "libpas",
    target: Annotated[
        list[str] | None, typer.Option(help="Check this target only; may be repeated.", metavar="TARGET")
    ] = None,
    page_sizes: PageSizes = ALL_PAGE_SIZES,
    format_: Printed = Format.TEXT,
    each_commit: Annotated[
        bool, typer.Option("--each-commit", help="Tell what each commit from BASE to HEAD did.")
    ] = False,
    advice: Annotated[bool, typer.Option(help="Search for repairs of what is newly broken.")] = True,
    headroom: Annotated[bool, typer.Option("--headroom", help="Print how far each limit is; in text only.")] = False,
    cache: Cached = True,
) -> None:
    """Check the constants of HEAD, and tell what is new since BASE.

    Exit status 0: no introduced failure. 1: introduced failures. 2: could not evaluate, or bad usage.
    """
    from checker.check import UnknownTarget
    from checker.check import check as run_check
    from checker.profile import ProfileError, load_profile
    from workers.git import GitError, fork, local_commits, local_tree

    sizes = page_sizes_in(page_sizes)
    need_git()
    try:
        loaded = load_profile(profile)
        trees = local_tree(repo, base, loaded), local_tree(repo, head, loaded)
        if (parted := fork(repo, base, head)) is not None and not each_commit:
            typer.echo(_as_they_are(base, head, parted), err=True)
        commits = local_commits(repo, base, head, loaded) if each_commit else ()
        with _told("evaluating; where a limit breaks, searching for a repair" if advice else "evaluating"):
            report = run_check(
                *trees,
                loaded,
                targets=target or (),
                page_sizes=sizes,
                cache_dir=cache_dir(cache),
                commits=commits,
                advice=advice,
            )
    except (ProfileError, GitError, UnknownTarget) as error:
        fail(str(error))
    _print_report(report, loaded, format_, headroom)
    raise SystemExit(_exit_status(report))


def _as_they_are(base: str, head: str, parted: str) -> str:
    """Else what base has gained since would look like something that head takes away."""
    return (
        f"Compared as they are: {base} has commits that {head} lacks. "
        f"To see only what {head} does: --base {parted[:12]}"
    )


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Says what is going on, to a terminal only."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(f"{what} …"):
            yield
    else:
        yield


def _print_report(report: Report, profile: Profile, format_: Format, headroom: bool) -> None:
    from workers.report import markdown, text

    match format_:
        case Format.JSON:
            typer.echo(report.to_json())
        case Format.MARKDOWN:
            typer.echo(markdown.render(report, profile))
        case Format.TEXT:
            text.render(report, profile, Console(highlight=False), headroom=headroom)


def _exit_status(report: Report) -> Exit:
    from checker.report import Verdict

    return {Verdict.FAIL: Exit.FAILED, Verdict.ERROR: Exit.ERROR}.get(report.verdict, Exit.OK)
