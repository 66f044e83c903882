"""How long steps (downloads, unpacking, compiling) are told: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

BYTES = "bytes"
_SECONDS_BETWEEN_LINES = 20.0


@dataclass(frozen=True)
class Step:
    """What is being done now, or a `note` that stays to be read.

    `done` and `total` count `unit`s, or are None where nobody knows them. `left` is an estimate in seconds.
    """

    text: str
    done: int | None = None
    total: int | None = None
    note: bool = False
    unit: str = BYTES
    left: float | None = None

    @property
    def amount(self) -> str:
        """How much is done, and how long the rest may take: "45.2/139.3 MB", "812/1534 files, about 95 s left"."""
        if not self.total:
            return ""
        done = self.done or 0
        bytes_ = self.unit == BYTES
        said = f"{done / 1e6:.1f}/{self.total / 1e6:.1f} MB" if bytes_ else f"{done}/{self.total} {self.unit}"
        return said if self.left is None else f"{said}, about {_duration(self.left)} left"


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
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None, amount="")

        def tell(step: Step) -> None:
            if step.note:
                progress.console.print(step.text, markup=False, highlight=False)
                return
            progress.update(task, description=step.text, completed=step.done or 0, total=step.total, amount=step.amount)

        yield tell


def _lines(console: Console) -> Tell:
    """A line for each new step, and more while one that is estimated goes on."""
    last, told = "", 0.0

    def tell(step: Step) -> None:
        nonlocal last, told
        now = time.monotonic()
        if step.text != last:
            size = f" ({step.total / 1e6:.0f} MB)" if step.total and step.unit == BYTES else ""
            line = step.text if step.note else f"{step.text}{size} …"
        elif step.left is not None and now - told >= _SECONDS_BETWEEN_LINES:
            line = f"{step.text}: {step.amount}"
        else:
            return
        console.print(line, markup=False, highlight=False, soft_wrap=True)
        last, told = step.text, now

    return tell


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
