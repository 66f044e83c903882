"""The command line: `pagewarden check`, `explain`, `stress`, `kernels`, `scenario`, `demo`, `serve` and so on.

Commands import what they need when they run, so that each starts quickly.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot import kernel_commands, profile_commands, settings_commands
from bot.check_command import check
from bot.explain_command import explain
from bot.options import Exit, fail
from bot.stress_command import stress

if TYPE_CHECKING:
    from config.settings import Settings

app = typer.Typer(
    help="Guards the page-size constants of memory allocators and JavaScript engines.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="A YAML file of settings; environment variables win.", metavar="FILE")
]


Source = Annotated[
    Path | None, typer.Option(help="A WebKit checkout or tarball, instead of Debian's source package.", metavar="PATH")
]


app.command()(check)
app.command()(explain)
app.command()(stress)
app.add_typer(profile_commands.app, name="profile")
app.add_typer(settings_commands.app, name="settings")
app.add_typer(kernel_commands.app, name="kernels")


@app.command()
def scenario(
    directory: Annotated[Path, typer.Argument(help="A new or empty directory for the git repository.", metavar="DIR")],
    source: Source = None,
    version: Annotated[
        str | None, typer.Option(help="Which version of Debian's webkit2gtk, such as 2.42.2.", metavar="VERSION")
    ] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Also libpas's sources, so that it can be put under stress.")
    ] = False,
) -> None:
    """Make a git repository of the reference pull request.

    Real headers as commit A, the pull request's three commits B, C and D, and one that touches no header.
    """
    from workers.scenario import CHANGE_BRANCH, ScenarioError, make_scenario, told_on
    from workers.stress.libpas.reference import SELECTION

    try:
        with told_on(Console(stderr=True)) as tell:
            more = SELECTION if sources else None
            made = make_scenario(directory, version=version, source=source, tell=tell, more=more)
    except ScenarioError as error:
        fail(str(error))
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
    stress: Annotated[
        bool, typer.Option("--stress", help="Also run B and D under real kernels, which are built if need be.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Also build B and D for aarch64, and release them.")
    ] = False,
) -> None:
    """Show all of it on this machine, against a simulated GitHub.

    It plays the reference pull request from webhook to verdict, then stays up to be looked at.
    """
    from bot.demo import Extras, run_demo

    raise SystemExit(run_demo(once=once, keep=keep, source=source, extras=Extras(stress=stress, preview=preview)))


@contextmanager
def _settings(path: Path | None) -> Iterator[Settings]:
    """Settings for a server command; what makes them unusable ends it with a readable message."""
    from config.settings import SettingsError, load

    try:
        yield load(path)
    except SettingsError as error:
        fail(f"cannot start: {error}")


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
            fail(f"{error.filename}: {error.strerror}")
        traceback.print_exc()
        raise SystemExit(Exit.ERROR) from None


if __name__ == "__main__":
    main()
