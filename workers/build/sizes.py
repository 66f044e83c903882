"""How large what was built is, beside the same of its base: which binary of one is which of the other. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workers.build.result import Binary

_CHANGING = re.compile(r"(?<![a-z0-9])[0-9a-f]{7,40}(?![a-z0-9])|\d+(\.\d+)*", re.IGNORECASE)
"""What differs from build to build in names: commits, versions, numbers."""
_DEEPEST = 8
_Key = Callable[[Binary], tuple[str, ...]]


@dataclass(frozen=True)
class Change:
    """One binary of head, base or both, by its name at the head where it is there. Sizes are in `Binary`."""

    name: str
    base: Binary | None
    head: Binary | None

    @property
    def is_of_both(self) -> bool:
        """Whether there is something to compare."""
        return self.base is not None and self.head is not None


def compared(head: Sequence[Binary], base: Sequence[Binary]) -> tuple[Change, ...]:
    """Each binary of `head`, in its order, with the one that it was at `base`; then those that are gone.

    Two are the same when artifact and path are equal; of what is left, when they are so but for versions and commits;
    then when the ends of their paths are, the longer the sooner, whatever artifact or folder they lie in. A rule takes
    only what it tells apart on either side: of two that look alike, none is taken for the other's.
    """
    found: dict[Binary, Binary] = {}
    left = list(base)
    for key in _KEYS:
        for mine, its in _pairs([each for each in head if each not in found], left, key):
            found[mine] = its
            left.remove(its)
    gone = (Change(each.name, each, None) for each in left)
    return (*(Change(each.name, found.get(each), each) for each in head), *gone)


def _pairs(head: Sequence[Binary], base: Sequence[Binary], key: _Key) -> list[tuple[Binary, Binary]]:
    """Those that have the same key, which nothing else of their side has."""
    at_head, at_base = Counter(map(key, head)), Counter(map(key, base))
    by_key = {key(each): each for each in base if at_base[key(each)] == 1}
    return [(each, by_key[key(each)]) for each in head if at_head[key(each)] == 1 and key(each) in by_key]


def _whole(binary: Binary) -> tuple[str, ...]:
    return binary.artifact, binary.path


def _steady(binary: Binary) -> tuple[str, ...]:
    return binary.kind, _plain(binary.artifact), _plain(binary.path)


def _end(parts: int) -> _Key:
    """Its kind and the last `parts` of its path; of an artifact that is the binary itself, its name."""

    def key(binary: Binary) -> tuple[str, ...]:
        return binary.kind, *_plain(binary.path or binary.artifact).split("/")[-parts:]

    return key


def _plain(name: str) -> str:
    return _CHANGING.sub("*", name)


_KEYS: tuple[_Key, ...] = (_whole, _steady, *map(_end, range(_DEEPEST, 0, -1)))
