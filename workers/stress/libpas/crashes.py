"""Where libpas ended the process, and which rules of a profile speak of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from workers.stress.libpas.sources import LIBPAS

SHARED = frozenset({"pas_utility_heap.c"})
"""Files whose assertion any request can break: the one who asked for too much is meant."""

MESSENGERS = re.compile(r"pas_(?:assertion_failed|panic|report_|deallocation_did_fail|reallocation_did_fail)")
"""Functions of libpas that end the process for another one."""


class Match(StrEnum):
    """How near a prediction comes to a crash, best first."""

    ASSERTION = "the assertion's file"
    CALLER = "a caller's file"
    OTHER = "other rules fail"
    NONE = "nothing"


@dataclass(frozen=True)
class Place:
    """A line of libpas or of the driver; `file` has no directory."""

    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}"


def own_places(places: Sequence[Place]) -> Sequence[Place]:
    """The assertion, or the access, that trapped, and its callers: without what a failing assertion calls."""
    messengers = [index for index, place in enumerate(places) if MESSENGERS.match(place.function)]
    return places[messengers[-1] + 1 :] if messengers else places


def meant_places(places: Sequence[Place]) -> Sequence[Place]:
    """`own_places`; without a shared assertion, where one was asked from elsewhere."""
    own = own_places(places)
    asking = next((index for index, place in enumerate(own) if place.file not in SHARED), 0)
    return own[asking:]


def nearness(files: Collection[str], meant: Sequence[Place]) -> Match | None:
    """How near a rule that names these files comes to a crash with these `meant_places`; None where it doesn't."""
    if not meant:
        return None
    if meant[0].file in files:
        return Match.ASSERTION
    return Match.CALLER if any(place.file in files for place in meant[1:]) else None


def files_of(paths: Iterable[str]) -> frozenset[str]:
    """Names without directories."""
    return frozenset(PurePosixPath(path).name for path in paths)


def speaking(rules: Iterable[tuple[str, Collection[str]]], places: Sequence[Place]) -> tuple[str, ...]:
    """The ids of the rules that name the assertion's file; else those that name the nearest caller's that any names.

    `rules`: id and names of files of each. Where a shared assertion was passed over, rules that name it, too, go before
    others.
    """
    known = list(rules)
    for place in meant_places(places):
        if found := [(rule, files) for rule, files in known if place.file in files]:
            asserting = own_places(places)[0].file
            both = [rule for rule, files in found if asserting in files]
            return tuple(both or [rule for rule, _files in found])
    return ()


def known_places(told: str) -> list[Place]:
    """What `addr2line -i -f` told, as places, without those of the C library."""
    lines = told.splitlines()
    pairs = zip(lines[::2], lines[1::2], strict=False)
    return [
        Place(function[:200], match[1], int(match[2]))
        for function, where in pairs
        if (match := re.search(rf"(?:{LIBPAS}|(?:^|/)driver)/([\w.]+):(\d{{1,9}})", where)) is not None
    ]
