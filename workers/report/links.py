"""A chain of definitions as a tree: which of them stands in which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checker.report import Link


def nested(chain: Sequence[Link]) -> Iterator[tuple[int, Link]]:
    """(depth, definition), each below the first one of the chain before it that names it."""
    parents: dict[int, int | None] = {}
    for index, link in enumerate(chain):
        word = re.compile(rf"\b{re.escape(link.name.rpartition('::')[2])}\b")
        parents[index] = next((above for above in range(index) if word.search(chain[above].body)), None)
    yield from _below(None, 0, chain, parents)


def _below(
    parent: int | None, depth: int, chain: Sequence[Link], parents: dict[int, int | None]
) -> Iterator[tuple[int, Link]]:
    for index, above in parents.items():
        if above == parent:
            yield depth, chain[index]
            yield from _below(index, depth + 1, chain, parents)
