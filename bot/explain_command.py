"""`pagewarden explain`: where a constant, a heap config or a rule comes from, and how far its limits are."""

from __future__ import annotations

from typing import Annotated

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
    Revision,
    cache_dir,
    fail,
    need_git,
    page_sizes_in,
)


def explain(
    name: Annotated[str, typer.Argument(help="A constant, a macro, a heap config or a rule.", metavar="NAME_OR_RULE")],
    repo: Repo,
    rev: Revision = "HEAD",
    target: Annotated[
        str | None, typer.Option(help="On this target; the profile's first unless given.", metavar="TARGET")
    ] = None,
    profile: Bundled = "libpas",
    page_sizes: PageSizes = ALL_PAGE_SIZES,
    format_: Printed = Format.TEXT,
    cache: Cached = True,
) -> None:
    """Explain a constant, a heap config or a rule.

    The definition in effect, what it is made of, the rules it takes part in and how far they are from their limits.

    Exit status 0, or 2 where the name is unknown or something could not be evaluated.
    """
    from checker.check import UnknownTarget
    from checker.evaluations import Evaluations
    from checker.explain import UnknownName, shape_of
    from checker.explain import explain as run_explain
    from checker.profile import ProfileError, load_profile
    from workers.git import GitError, local_tree
    from workers.report import explanation

    sizes = page_sizes_in(page_sizes)
    need_git()
    try:
        loaded = load_profile(profile)
        tree = local_tree(repo, rev, loaded)
        on = target or next(iter(loaded.targets), "")
        evaluations = Evaluations(loaded, cache_dir(cache))
        found = run_explain(evaluations, tree, name, on, sizes)
        shape = shape_of(evaluations, tree, name, on)
    except (ProfileError, GitError, UnknownTarget, UnknownName) as error:
        fail(str(error))
    match format_:
        case Format.JSON:
            typer.echo(found.model_dump_json(indent=2))
        case Format.MARKDOWN:
            typer.echo(explanation.markdown(found, shape))
        case Format.TEXT:
            explanation.render(found, Console(highlight=False), shape)
    raise SystemExit(Exit.ERROR if found.errors else Exit.OK)
