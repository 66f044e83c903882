"""How long steps (downloads, unpacking) are told: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn


@dataclass(frozen=True)
class Step:
    """What is being done now, or a `note` that stays to be read.

    `done` and `total` are bytes, or None where nobody knows them.
    """

    text: str
    done: int | None = None
    total: int | None = None
    note: bool = False


Tell = Callable[[Step], None]


def silent(step: Step) -> None:
    """Tell nobody."""


@contextmanager
def told_on(console: Console) -> Iterator[Tell]:
    """Tell steps on `console`: one bar that follows the current step, or a line for each new step."""
    if console.is_terminal:
        with _bar(console) as tell:
            yield tell
    else:
        yield _lines(console)


@contextmanager
def _bar(console: Console) -> Iterator[Tell]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(step: Step) -> None:
            if step.note:
                progress.console.print(step.text, markup=False, highlight=False)
                return
            progress.update(task, description=step.text, completed=step.done or 0, total=step.total)

        yield tell


def _lines(console: Console) -> Tell:
    last = ""

    def tell(step: Step) -> None:
        nonlocal last
        if step.text != last:
            size = f" ({step.total / 1e6:.0f} MB)" if step.total else ""
            end = "" if step.note else f"{size} …"
            console.print(f"{step.text}{end}", markup=False, highlight=False, soft_wrap=True)
            last = step.text

    return tell
