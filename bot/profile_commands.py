"""`pagewarden profile …`: for those who write profiles."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from bot.options import (
    ALL_PAGE_SIZES,
    Cached,
    Exit,
    PageSizes,
    Repo,
    Revision,
    cache_dir,
    fail,
    need_git,
    page_sizes_in,
)

app = typer.Typer(help="For those who write profiles.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _commands() -> None:
    """Commands about profiles."""


@app.command()
def check(
    profile: Annotated[str, typer.Argument(help="A .yml file, or a bundled profile.", metavar="FILE_OR_NAME")],
    repo: Repo,
    rev: Revision = "HEAD",
    page_sizes: PageSizes = ALL_PAGE_SIZES,
    cache: Cached = True,
) -> None:
    """Validate a profile, and print what it finds in a tree.

    Exit status 0 when everything could be evaluated, 2 when something could not or the profile is invalid.
    """
    from checker.evaluations import Evaluations
    from checker.profile import ProfileError, load_profile
    from checker.survey import survey
    from workers.git import GitError, local_tree
    from workers.report import surveyed

    sizes = page_sizes_in(page_sizes)
    need_git()
    try:
        loaded = load_profile(profile)
        tree = local_tree(repo, rev, loaded)
    except (ProfileError, GitError) as error:
        fail(str(error))
    found = survey(Evaluations(loaded, cache_dir(cache)), tree, sizes)
    surveyed.render(found, Console(highlight=False))
    raise SystemExit(Exit.ERROR if found.errors else Exit.OK)
