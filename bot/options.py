"""What the commands of the command line share: their options, their exit statuses, how they end with an error."""

from __future__ import annotations

import os
import shutil
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from config.page_sizes import PAGE_SIZES


class Exit(IntEnum):
    """Exit statuses."""

    OK = 0
    FAILED = 1
    ERROR = 2


class Format(StrEnum):
    """How a command prints its answer."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


Repo = Annotated[Path, typer.Option(help="A git repository; nothing is checked out in it.", metavar="PATH")]
Bundled = Annotated[str, typer.Option(help="A bundled profile, or a .yml file.", metavar="NAME")]
PageSizes = Annotated[str, typer.Option(help="OS page sizes to check.", metavar="LIST")]
ALL_PAGE_SIZES = ",".join(PAGE_SIZES)
Printed = Annotated[Format, typer.Option("--format", help="How to print it.")]
Cached = Annotated[bool, typer.Option(help="Keep evaluations for the next time.")]
Revision = Annotated[str, typer.Option(help="The revision to look at, or WORKTREE.", metavar="REV")]


def fail(message: str) -> NoReturn:
    """Ends the command with status 2 and this line."""
    typer.echo(f"pagewarden: {message}", err=True)
    raise SystemExit(Exit.ERROR)


def page_sizes_in(text: str, option: str = "--page-sizes") -> tuple[int, ...]:
    """Page sizes in bytes from a list such as `4K,64K`; ends the command where it is none."""
    names = [name.strip().upper() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in PAGE_SIZES]:
        fail(f"{option}: {unknown[0]!r} is no page size; say some of {ALL_PAGE_SIZES}")
    return tuple(PAGE_SIZES[name] for name in names) or fail(f"{option}: say at least one")


def cache_dir(wanted: bool) -> Path | None:
    """Where evaluations are kept, if they are to be."""
    return Path(os.environ.get("PAGEWARDEN_CACHE_DIR", Path.home() / ".cache/pagewarden")) if wanted else None


def need_git() -> None:
    """Ends the command where git is missing."""
    if shutil.which("git") is None:
        fail("git is not on this machine's PATH; install it (Debian: apt-get install git)")
