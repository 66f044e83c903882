"""How one form of the report writes names, places and cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from checker.report import CellName, Commit
from workers.report import digest
from workers.report.words import listed, page, place, plain, plural

FEW = 4
"""Up to so many things are named; more are counted."""
SHORT_SHA = 12


@dataclass(frozen=True)
class Voice:
    """How one form of the report writes a name, other people's sentences and a place in a file.

    `subject` is what is being checked: a pull request, or a change that is none yet. `again` says how it is checked
    once more, where that is not up to the reader. `place` names a file by its path, `near` by its name alone.
    `commands` tells whether the reader can write commands in comments.
    """

    subject: str
    again: tuple[str, ...]
    name: Callable[[str], str]
    prose: Callable[[str], str]
    place: Callable[[str | None, int | None], str]
    near: Callable[[str | None, int | None], str]
    commands: bool = False


PLAIN = Voice(
    subject="this change",
    again=(),
    name=plain,
    prose=lambda text: plain(text, 1000),
    place=place,
    near=lambda path, line: place(path.rpartition("/")[2] if path else None, line),
)
"""For terminals and annotations."""


def retry(voice: Voice, what: str = "checked", command: str = "/recheck") -> str:
    """How to begin again: ``Comment `/recheck` to have it checked again``."""
    if voice.commands:
        return f"Comment {voice.name(command)} to have it {what} again"
    return f"Re-run the check to have it {what} again" if voice.again else "Run it again"


def cells_in_words(cells: Iterable[CellName], voice: Voice) -> str:
    """`alloc-bits on utility and jit_small_segregated; use-count on jit_medium_bitfit`.

    Rules that share heap configs and page sizes are told together.
    """
    rules: dict[tuple[tuple[str, ...], frozenset[int]], list[str]] = {}
    for rule, group in digest.grouped(cells, lambda cell: cell.rule).items():
        os_pages = frozenset(cell.os_page for cell in group if cell.os_page is not None)
        rules.setdefault((digest.heaps(group), os_pages), []).append(voice.name(rule))
    return "; ".join(
        listed(names)
        + (f" for {listed([page(each) for each in sorted(os_pages)])} pages" if os_pages else "")
        + (f" on {some_heaps(heaps, voice)}" if heaps else "")
        for (heaps, os_pages), names in rules.items()
    )


def some_heaps(heaps: Sequence[str], voice: Voice) -> str:
    """The heap configs, or how many they are."""
    return listed([voice.name(heap) for heap in heaps]) if len(heaps) <= FEW else plural(len(heaps), "heap config")


def commit_in_words(commit: Commit, voice: Voice) -> str:
    """`0123456789ab (Raise the page size)`."""
    sha = voice.name(plain(commit.sha)[:SHORT_SHA])
    return f"{sha} ({voice.prose(commit.subject)})" if commit.subject else sha
