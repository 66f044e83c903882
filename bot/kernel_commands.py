"""`pagewarden kernels …`: the kernels that stress runs on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot.options import ALL_PAGE_SIZES, fail, page_sizes_in

if TYPE_CHECKING:
    from workers.stress.kernels import Kernel

app = typer.Typer(help="The kernels that stress runs on.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _commands() -> None:
    """Commands about kernels."""


@app.command()
def build(
    page_size: Annotated[str, typer.Option(help="Page sizes to build kernels for.", metavar="LIST")] = ALL_PAGE_SIZES,
    images: Annotated[
        Path | None,
        typer.Option("--from", help="Take Image-4K and so on from here; build nothing.", metavar="DIR"),
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Ask Debian for a newer kernel source.")] = False,
) -> None:
    """Build the kernels that are missing, from Debian's kernel source.

    About four minutes for each on two idle cores, and 1.6 GB of disk meanwhile. Exit status 2 when one cannot be built.
    """
    from workers.scenario.progress import told_on
    from workers.stress import kernels

    sizes = page_sizes_in(page_size, "--page-size")
    if images is not None and latest:
        fail("--from builds nothing, so --latest says nothing; leave one out")
    try:
        with told_on(Console(stderr=True)) as tell:
            made = kernels.adopt(images, sizes) if images else kernels.build(sizes, tell=tell, latest=latest)
    except kernels.KernelError as error:
        fail(str(error))
    _print(made)


@app.command("list")
def list_() -> None:
    """Say which kernels are there."""
    from config.page_sizes import PAGE_SIZES
    from workers.stress import kernels

    try:
        found = kernels.known()
    except kernels.KernelError as error:
        fail(str(error))
    for name, size in PAGE_SIZES.items():
        of_size = [kernel for kernel in found if kernel.page_size == size]
        usable = [kernel for kernel in of_size if kernels.usable(kernel)]
        _print(usable)
        if not usable:
            typer.echo(f"{name:>3}  not built; pagewarden kernels build --page-size {name}")
        for kernel in of_size:
            if kernel not in usable:
                typer.echo(f"     {kernel.path} is of another configuration: nothing uses it")


def _print(kernels: list[Kernel]) -> None:
    """One line for each, by page size."""
    from workers.stress.processes import page_name

    for kernel in kernels:
        built = kernel.built.astimezone().strftime("%Y-%m-%d %H:%M")
        typer.echo(f"{page_name(kernel.page_size):>3}  {kernel.version}  {kernel.size} bytes  {built}  {kernel.path}")
