"""What came of a build: plain data that goes to the store, to the texts, and as JSON beside the release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from workers.plain import Plain

LARGEST_PAGE = 65536
"""Bytes: the largest pages of arm64 kernels, which LOAD segments have to be aligned to."""


class Fault(StrEnum):
    """What is wrong with a file that was built. In brackets: what `Problem.found` holds."""

    MACHINE = "machine"
    """An executable or library for another machine or of another class (`x86-64`, `32-bit ARM`)."""
    ALIGNMENT = "alignment"
    """A LOAD segment that is aligned to less than the largest page (bytes)."""
    ESCAPES = "escapes"
    """An archive's member that leads out of it (its path)."""
    TOO_LARGE = "too-large"
    """More bytes than are looked at (the limit, in bytes)."""
    TOO_MANY = "too-many"
    """More files than are looked at (the limit)."""
    DAMAGED = "damaged"
    """Nothing that could be read as what it says it is (why)."""
    EMPTY = "empty"
    """Nothing was built that runs on, or is linked for, aarch64; `file` is empty."""


@dataclass(frozen=True)
class Problem(Plain):
    """Why what was built does not count. `file` is the artifact, or `artifact: path`: both are a stranger's text."""

    fault: str
    file: str
    found: str = ""


@dataclass(frozen=True)
class Artifact(Plain):
    """One file that was built. `size` in bytes, `sha256` in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Binary(Plain):
    """One ELF file for aarch64, or one static library: an object with the sizes of all its members.

    `path` is where it lies in the artifact, "" where it is the artifact itself.

    `kind` is executable, library or object. `alignment` is the smallest of its LOAD segments, in bytes, 0 where it has
    none; `build_id` in hexadecimal, "" where it has none. `text`, `data` and `bss` in bytes as `size` counts them,
    `file` the whole file's.
    """

    artifact: str
    path: str
    kind: str
    alignment: int
    build_id: str
    text: int
    data: int
    bss: int
    file: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.artifact}: {self.path}" if self.path else self.artifact


@dataclass(frozen=True)
class Inspection:
    """What was built, looked at. It counts when there is no problem. `more` binaries were found that are not listed."""

    artifacts: tuple[Artifact, ...] = ()
    binaries: tuple[Binary, ...] = ()
    problems: tuple[Problem, ...] = ()
    more: int = 0

    def to_json(self) -> dict[str, Any]:
        """JSON-able; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `KeyError`."""
        return cls(
            tuple(Artifact.from_json(each) for each in data["artifacts"]),
            tuple(Binary.from_json(each) for each in data["binaries"]),
            tuple(Problem.from_json(each) for each in data["problems"]),
            data["more"],
        )


@dataclass(frozen=True)
class Release(Plain):
    """A release on GitHub. `url` is its page, `at` when it was made, in epoch seconds."""

    tag: str
    url: str
    at: float


class Ending(StrEnum):
    """How a build ended."""

    RELEASED = "released"
    BUILT = "built"
    """It is good; the settings want no release."""
    TAKEN = "taken"
    """It is good, and the tag of its release is somebody else's."""
    FORBIDDEN = "forbidden"
    """It is good, and GitHub does not let the App release it."""
    FAILED = "failed"
    UNFIT = "unfit"
    """It was built, and the inspection found problems, or nothing was built."""
    CANCELLED = "cancelled"
    """Somebody ended it where it ran."""
    TIMED_OUT = "timed-out"
    GONE = "gone"
    BROKEN = "broken"
    """pagewarden could not do its part."""


GOOD = frozenset({Ending.RELEASED, Ending.BUILT, Ending.TAKEN, Ending.FORBIDDEN})
"""Ends with a build that counts, be it released or not."""


@dataclass(frozen=True)
class Made:
    """What came of a build. `url` leads to where it was made, `reason` is for people, `log` is the end of the build's.

    `base` are the binaries of the base's build, where there is one to compare with, and `base_tag` its release.
    """

    ending: Ending
    reason: str = ""
    log: str = ""
    url: str = ""
    inspection: Inspection = Inspection()
    release: Release | None = None
    base: tuple[Binary, ...] = ()
    base_tag: str = ""

    @property
    def is_good(self) -> bool:
        """Whether there is a build that counts."""
        return self.ending in GOOD

    def to_json(self) -> dict[str, Any]:
        """JSON-able; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `KeyError` or `ValueError`."""
        return cls(
            Ending(data["ending"]),
            data["reason"],
            data["log"],
            data["url"],
            Inspection.from_json(data["inspection"]),
            Release.from_json(data["release"]) if data["release"] is not None else None,
            tuple(Binary.from_json(each) for each in data["base"]),
            data["base_tag"],
        )


class RowState(StrEnum):
    """What a row of the comment's table says of a commit's build."""

    WAITING = "waiting"
    """For somebody's leave."""
    QUEUED = "queued"
    BUILDING = "building"
    RELEASED = "released"
    BUILT = "built"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REMOVED = "removed"
    """Its release was there, and later commits have taken its place."""


@dataclass(frozen=True)
class Row(Plain):
    """One commit of a pull request in the comment's table. `url` is the release's page, or leads to the build or its
    check, "" where nothing does. `at`, in epoch seconds: since when it has been so."""

    sha: str
    state: str
    tag: str = ""
    url: str = ""
    at: float = 0.0
