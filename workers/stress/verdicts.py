"""From what a machine saw to a verdict, by the table of outcomes. Pure.

| evidence | verdict |
|---|---|
| a fatal signal without a timeout, an error told by the phase, a checksum that differs | fail |
| exit status 0 and the end line and the phase's ok | pass |
| a timeout after a retry with twice the time, an out-of-memory kill | inconclusive |
| anything else: no start, no end line, status 126 or 127, a machine in trouble | error: ours |
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is known of one phase. `UNAVAILABLE`: the tree does not offer it, which is no verdict on the tree."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    UNAVAILABLE = "unavailable"


class Role(StrEnum):
    """What a subject is there for."""

    HEAD = "head"
    BASE = "base"
    CONTROL = "control"


@dataclass(frozen=True)
class Crash:
    """Where a process ended itself. `file` has no directory, `line` counts from 1; `rules` of the profile speak of it.

    Names are empty and `line` is 0 where nothing is known.
    """

    function: str = ""
    file: str = ""
    line: int = 0
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What is kept of a run that did not pass: tails, cut. `core` is a gzip file."""

    stdout: str = ""
    stderr: str = ""
    kernel_log: str = ""
    maps: str = ""
    console: str = ""
    core: bytes | None = None


@dataclass(frozen=True)
class Record:
    """One subject × page size × phase × seed.

    `page_size` in bytes. `reason` says in a few words what was seen; `signal` is its name (`SIGTRAP`), `progress` the
    last line the phase told. `seconds` of wall time. `attempts`: 2 where a timeout was tried again.
    """

    subject: str
    role: Role
    page_size: int
    phase: str
    seed: int
    verdict: Verdict
    reason: str = ""
    signal: str | None = None
    progress: str = ""
    crash: Crash | None = None
    checksum: str | None = None
    seconds: float = 0.0
    attempts: int = 1
    evidence: Evidence = Evidence()
