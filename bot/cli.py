"""The command line: `pagewarden check`, `scenario`, `demo`, `serve`, `web`, `worker`.

Commands import what they need when they run, so that each starts quickly.
"""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from config.page_sizes import PAGE_SIZES

if TYPE_CHECKING:
    from checker.profile import Profile
    from checker.report import Report
    from config.settings import Settings

app = typer.Typer(
    help="Guards the page-size constants of memory allocators and JavaScript engines.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Exit(IntEnum):
    """Exit statuses of `pagewarden check`."""

    OK = 0
    FAILED = 1
    ERROR = 2


class Format(StrEnum):
    """How `pagewarden check` prints its report."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


Repo = Annotated[Path, typer.Option(help="A git repository; nothing is checked out in it.", metavar="PATH")]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="A YAML file of settings; environment variables win.", metavar="FILE")
]


Source = Annotated[
    Path | None, typer.Option(help="A WebKit checkout or tarball, instead of Debian's source package.", metavar="PATH")
]


def _fail(message: str) -> NoReturn:
    typer.echo(f"pagewarden: {message}", err=True)
    raise SystemExit(Exit.ERROR)


def _page_sizes(text: str) -> tuple[int, ...]:
    names = [name.strip().upper() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in PAGE_SIZES]:
        _fail(f"--page-sizes: {unknown[0]!r} is no page size; say some of {','.join(PAGE_SIZES)}")
    return tuple(PAGE_SIZES[name] for name in names) or _fail("--page-sizes: say at least one")


def _cache_dir() -> Path:
    return Path(os.environ.get("PAGEWARDEN_CACHE_DIR", Path.home() / ".cache/pagewarden"))


@app.command()
def check(
    repo: Repo,
    base: Annotated[str, typer.Option(help="The revision to compare with.", metavar="REV")],
    head: Annotated[str, typer.Option(help="The revision to check, or WORKTREE.", metavar="REV")],
    profile: Annotated[str, typer.Option(help="A bundled profile, or a .yml file.", metavar="NAME")] = "libpas",
    target: Annotated[
        list[str] | None, typer.Option(help="Check this target only; may be repeated.", metavar="TARGET")
    ] = None,
    page_sizes: Annotated[str, typer.Option(help="OS page sizes to check.", metavar="LIST")] = ",".join(PAGE_SIZES),
    format_: Annotated[Format, typer.Option("--format", help="How to print the report.")] = Format.TEXT,
    cache: Annotated[bool, typer.Option(help="Keep evaluations for the next time.")] = True,
) -> None:
    """Check the constants of HEAD, and tell what is new since BASE.

    Exit status 0: no introduced failure. 1: introduced failures. 2: could not evaluate, or bad usage.
    """
    from checker.check import UnknownTarget
    from checker.check import check as run_check
    from checker.profile import ProfileError, load_profile
    from workers.git import GitError, local_tree

    sizes = _page_sizes(page_sizes)
    if shutil.which("git") is None:
        _fail("git is not on this machine's PATH; install it (Debian: apt-get install git)")
    try:
        loaded = load_profile(profile)
        trees = local_tree(repo, base, loaded), local_tree(repo, head, loaded)
        report = run_check(
            *trees, loaded, targets=target or (), page_sizes=sizes, cache_dir=_cache_dir() if cache else None
        )
    except (ProfileError, GitError, UnknownTarget) as error:
        _fail(str(error))
    _print_report(report, loaded, format_)
    raise SystemExit(_exit_status(report))


def _print_report(report: Report, profile: Profile, format_: Format) -> None:
    from workers.report import markdown, text

    match format_:
        case Format.JSON:
            typer.echo(report.to_json())
        case Format.MARKDOWN:
            typer.echo(markdown.render(report, profile))
        case Format.TEXT:
            text.render(report, profile, Console(highlight=False))


def _exit_status(report: Report) -> Exit:
    from checker.report import Verdict

    return {Verdict.FAIL: Exit.FAILED, Verdict.ERROR: Exit.ERROR}.get(report.verdict, Exit.OK)


@app.command()
def scenario(
    directory: Annotated[Path, typer.Argument(help="A new or empty directory for the git repository.", metavar="DIR")],
    source: Source = None,
    version: Annotated[
        str | None, typer.Option(help="Which version of Debian's webkit2gtk, such as 2.42.2.", metavar="VERSION")
    ] = None,
) -> None:
    """Make a git repository of the reference pull request.

    Real headers as commit A, the pull request's three commits B, C and D, and one that touches no header.
    """
    from workers.scenario import CHANGE_BRANCH, ScenarioError, make_scenario, told_on

    try:
        with told_on(Console(stderr=True)) as tell:
            made = make_scenario(directory, version=version, source=source, tell=tell)
    except ScenarioError as error:
        _fail(str(error))
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{made.path}")
    for name, sha in made.shas.items():
        console.print(f"  {name}  {sha}")
    console.print(f"Try: pagewarden check --repo {made.path} --base base --head {CHANGE_BRANCH}")


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself; status 0 if the verdicts are right.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep everything in this directory.", metavar="DIR")] = None,
    source: Source = None,
) -> None:
    """Show all of it on this machine, against a simulated GitHub.

    It plays the reference pull request from webhook to verdict, then stays up to be looked at.
    """
    from bot.demo import run_demo

    raise SystemExit(run_demo(once=once, keep=keep, source=source))


@contextmanager
def _settings(path: Path | None) -> Iterator[Settings]:
    """Settings for a server command; what makes them unusable ends it with a readable message."""
    from config.settings import SettingsError, load

    try:
        yield load(path)
    except SettingsError as error:
        _fail(f"cannot start: {error}")


@app.command()
def serve(settings: SettingsFile = None) -> None:
    """Run web server, worker and Valkey as one supervised tree."""
    from bot import serve as server

    with _settings(settings) as loaded:
        raise SystemExit(server.serve(loaded))


@app.command()
def web(settings: SettingsFile = None) -> None:
    """Run the web server alone; needs PAGEWARDEN_REDIS_URL."""
    from bot import serve as server

    with _settings(settings) as loaded:
        server.web(loaded)


@app.command()
def worker(settings: SettingsFile = None) -> None:
    """Run a worker alone; needs PAGEWARDEN_REDIS_URL."""
    from bot import serve as server

    with _settings(settings) as loaded:
        server.worker(loaded)


def main() -> None:
    """Entry point of the `pagewarden` script.

    A file that cannot be had ends with a line that names it, a mistake of ours with a traceback; both with status 2:
    Python's own 1 would say that a limit is broken.
    """
    try:
        app()
    except Exception as error:  # noqa: BLE001 - what went wrong is printed, nothing is hidden
        if isinstance(error, OSError) and error.filename is not None:
            _fail(f"{error.filename}: {error.strerror}")
        traceback.print_exc()
        raise SystemExit(Exit.ERROR) from None


if __name__ == "__main__":
    main()
