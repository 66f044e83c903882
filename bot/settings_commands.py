"""`pagewarden settings …`: for those who write a repository's `.github/pagewarden.yml`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.options import Exit
from config.repository import PATH

app = typer.Typer(help="For those who write a repository's settings.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _commands() -> None:
    """Commands about a repository's settings."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The settings file.", metavar="FILE")] = Path(PATH),
) -> None:
    """Validate a repository's settings, and say what they come to.

    Mistakes are printed as FILE:LINE:COLUMN: MESSAGE. Exit status 0 when there are none, else 2.
    """
    from checker.profile import bundled_profiles
    from workers.report import settings_words
    from workers.ruling import Side, profile_files, understand

    text = file.read_bytes().decode(errors="replace")
    beside = {path: _root(file) / path for path in profile_files(text)}
    files = tuple((path, own.read_bytes().decode(errors="replace")) for path, own in beside.items() if own.is_file())
    found = understand(Side(text, files), bundled_profiles())
    if found.problems:
        for line in settings_words.located(str(file), found.problems):
            typer.echo(line)
        raise SystemExit(Exit.ERROR)
    today = datetime.now(UTC).date()
    settings_words.render(str(file), found.settings, found.profiles, today, Console(highlight=False))


def _root(file: Path) -> Path:
    """The repository that a settings file belongs to: what its `.github` lies in."""
    directory = file.resolve().parent
    return directory.parent if directory.name == ".github" else directory
