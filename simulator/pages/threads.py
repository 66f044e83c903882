"""Conversations about lines of a diff, as the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator import patch, reviews
from simulator.records import Pull, Repository, ReviewComment

SHOWN_LINES = 4
"""How much of a hunk is shown above a comment."""


@dataclass(frozen=True)
class Thread:
    """A comment, and the replies to it. `line` is where it is now, `None` when it is outdated."""

    comments: tuple[ReviewComment, ...]
    line: int | None

    @property
    def first(self) -> ReviewComment:
        """The comment that the others reply to."""
        return self.comments[0]

    @property
    def hunk(self) -> list[patch.Line]:
        """The last lines of the hunk, down to the line that the comment is on."""
        return list(patch.lines(self.first.diff_hunk))[-SHOWN_LINES:]

    @property
    def commented(self) -> str:
        """The line that the comment is on, and that a suggestion in it would replace."""
        return self.first.diff_hunk.rpartition("\n")[2][1:]


def threads(repository: Repository, pull: Pull, comments: Sequence[ReviewComment]) -> list[Thread]:
    """The conversations that `comments` make up; a reply whose first comment was deleted leads its own."""
    known = {one.id for one in comments}
    found = []
    for first in comments:
        if first.in_reply_to in known:
            continue
        now = reviews.place(repository, pull, first)
        replies = tuple(one for one in comments if one.in_reply_to == first.id)
        found.append(Thread((first, *replies), now.line if now else None))
    return found
