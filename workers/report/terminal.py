"""Lines on a terminal: wrapped where they may be, whole where they are to be copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.console import Console
from rich.text import Text

NO_BREAK = "\u00a0"


@dataclass(frozen=True)
class Page:
    """Where the lines go. Nothing is read as rich's markup."""

    console: Console

    def gap(self) -> None:
        self.console.print()

    def heading(self, title: str, style: str = "") -> None:
        """After an empty line; wrapped at the console's width."""
        self.gap()
        self.paragraph(title, indent=0, style=f"bold {style}".strip())

    def headline(self, label: str, style: str, title: str) -> None:
        """A coloured word and a bold line, wrapped at the console's width."""
        width = max(self.console.width, 20)
        first, *others = wrap(f"{label}  {title}", width, break_long_words=False, break_on_hyphens=False)
        self.exact(Text.assemble((label, style), (first.removeprefix(label), "bold")), indent=0)
        for line in others:
            self.exact(line, indent=0, style="bold")

    def paragraph(self, text: str, *, indent: int = 2, style: str = "") -> None:
        """Wrapped at the console's width."""
        width = max(self.console.width - indent, 20)
        for line in wrap(text, width, break_long_words=False, break_on_hyphens=False):
            self.exact(line, indent=indent, style=style)

    def items(self, texts: Sequence[str], *, indent: int) -> None:
        """A list that is wrapped between its items."""
        joined = "; ".join(text.replace(" ", NO_BREAK) for text in texts)
        width = max(self.console.width - indent, 20)
        for line in wrap(joined, width, break_long_words=False, break_on_hyphens=False):
            self.exact(line.replace(NO_BREAK, " "), indent=indent)

    def exact(self, text: str | Text, *, indent: int = 2, style: str = "") -> None:
        """Never wrapped: a place must stay in one piece to be copied."""
        line = text if isinstance(text, Text) else Text(text, style=style)
        self.console.print(Text.assemble(" " * indent, line), soft_wrap=True)
