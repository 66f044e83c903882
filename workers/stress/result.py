"""A whole stress run, and what follows from it. Pure.

A run counts only if its controls behaved: a stress that could not fail proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from workers.stress.verdicts import Record, Role, Verdict

REFERENCE_PAGE = 4096
"""Checksums on other page sizes are held against those of this one."""


class Conclusion(StrEnum):
    """What a whole run says of its subject."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    VOID = "void"
    ERROR = "error"


class Change(StrEnum):
    """What became of one phase on one page size between base and head."""

    PASSES = "passes"
    REGRESSION = "regression"
    STANDING = "standing"
    """The base fails, too."""
    FIXED = "fixed"
    UNKNOWN = "unknown"
    """Inconclusive or an error, at head, or at the base where head fails; or there is no base where one was wanted."""
    UNAVAILABLE = "unavailable"
    LOST = "lost"
    """The head does not offer what the base does, so that nobody looked."""


@dataclass(frozen=True)
class Expectation:
    """What a control must do, for a run to count. `page_size` in bytes."""

    subject: str
    page_size: int
    phase: str
    verdict: Verdict


@dataclass(frozen=True)
class Control:
    """An expectation and what was seen of it; `seen` is None where it was never run."""

    expected: Expectation
    seen: Record | None

    @property
    def behaved(self) -> bool:
        return self.seen is not None and self.seen.verdict is self.expected.verdict

    @property
    def contradicts(self) -> bool:
        """Whether it did the opposite of what it must, rather than nothing that can be judged."""
        return self.seen is not None and {self.seen.verdict, self.expected.verdict} == {Verdict.PASS, Verdict.FAIL}


@dataclass(frozen=True)
class Trouble:
    """Why something was not run. `page_size` in bytes, None for all. `own`: the head's fault (it does not compile)."""

    text: str
    page_size: int | None = None
    own: bool = False


@dataclass(frozen=True)
class Result:
    """Everything a run found out. `records` are those of head and base; `machine` is `vm`, `native` or `user`.

    `alone` are subjects of head whose base was wanted beside them and was not to be had.
    """

    machine: str
    page_sizes: tuple[int, ...]
    records: tuple[Record, ...] = ()
    controls: tuple[Control, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    alone: tuple[str, ...] = ()

    def of(self, role: Role) -> tuple[Record, ...]:
        """The records of one role, in their order."""
        return tuple(record for record in self.records if record.role is role)

    @cached_property
    def has_base(self) -> bool:
        return any(record.role is Role.BASE for record in self.records)

    def change(self, record: Record) -> Change:
        """What became of a head's record since the base; where none was wanted every failure is new."""
        base = self._base.get(_cell(record))
        if record.verdict is Verdict.UNAVAILABLE:
            return Change.UNAVAILABLE if base is None or base.verdict is Verdict.UNAVAILABLE else Change.LOST
        if record.verdict is Verdict.PASS:
            return Change.FIXED if base is not None and base.verdict is Verdict.FAIL else Change.PASSES
        if record.verdict is not Verdict.FAIL:
            return Change.UNKNOWN
        if base is None or base.verdict in {Verdict.PASS, Verdict.UNAVAILABLE}:
            is_bare = not self.has_base and record.subject not in self.alone
            return Change.REGRESSION if base is not None or is_bare else Change.UNKNOWN
        return Change.STANDING if base.verdict is Verdict.FAIL else Change.UNKNOWN

    def counts(self, page_size: int) -> bool:
        """Whether all controls of a page size behaved, and one failed as it must, be it on another page size."""
        concerned = [control for control in self.controls if control.expected.page_size == page_size]
        failed = any(control.behaved and control.expected.verdict is Verdict.FAIL for control in self.controls)
        return failed and all(control.behaved for control in concerned)

    @property
    def survived(self) -> tuple[Control, ...]:
        """Controls that did the opposite of what they must."""
        return tuple(control for control in self.controls if control.contradicts)

    @property
    def can_fail(self) -> bool:
        """Whether any control must fail: without one, a run that passes proves nothing."""
        return any(control.expected.verdict is Verdict.FAIL for control in self.controls)

    @property
    def conclusion(self) -> Conclusion:
        """Never `PASS` unless each phase on each page size passed, or failed at the base too, beside good controls."""
        if self.survived or not (self.can_fail or self.troubles):
            return Conclusion.VOID
        head = self.of(Role.HEAD)
        changes = {self.change(record) for record in head}
        regressions = [record for record in head if self.change(record) is Change.REGRESSION]
        if any(self.counts(record.page_size) for record in regressions) or any(each.own for each in self.troubles):
            return Conclusion.FAIL
        strange = {record.page_size for record in head} - set(self.page_sizes)
        if self.troubles or strange or self.missing or not all(control.behaved for control in self.controls):
            return Conclusion.ERROR
        if any(record.verdict is Verdict.ERROR for record in self.records):
            return Conclusion.ERROR
        judged = {record.page_size for record in head if record.verdict is not Verdict.UNAVAILABLE}
        if changes & {Change.UNKNOWN, Change.LOST} or not judged or judged != set(self.page_sizes):
            return Conclusion.INCONCLUSIVE
        return Conclusion.PASS

    @property
    def missing(self) -> tuple[tuple[int, str, int], ...]:
        """(page size, phase, seed) that the head has no record of: what it or the base ran anywhere is due everywhere.

        Where nothing was run at all, each page size stands there with an empty phase.
        """
        seen = {_cell(record) for record in self.of(Role.HEAD)}
        due = dict.fromkeys((record.phase, record.seed) for record in self.records)
        every = [(size, *each) for size in self.page_sizes for each in due or [("", 0)]]
        return tuple(cell for cell in every if cell not in seen)

    @cached_property
    def _base(self) -> Mapping[tuple[int, str, int], Record]:
        return {_cell(record): record for record in self.records if record.role is Role.BASE}


def _cell(record: Record) -> tuple[int, str, int]:
    return record.page_size, record.phase, record.seed


def held_against(expectations: Iterable[Expectation], records: Sequence[Record]) -> tuple[Control, ...]:
    """Each expectation beside the control's record for it. Where seeds differ, the one that contradicts it most."""
    controls = []
    for expected in expectations:
        found = [
            record
            for record in records
            if (record.subject, record.page_size, record.phase)
            == (expected.subject, expected.page_size, expected.phase)
        ]
        every = [Control(expected, record) for record in found]
        contrary = [control for control in every if control.contradicts]
        undecided = [control for control in every if not control.behaved]
        controls.append(next(iter([*contrary, *undecided, *every]), Control(expected, None)))
    return tuple(controls)


def with_checksums_compared(records: Sequence[Record]) -> tuple[Record, ...]:
    """Records that passed with another checksum than the same subject, phase and seed has on 4K pages have failed.

    Without a run on 4K pages, any difference fails all: nobody knows which is right.
    """
    groups: dict[tuple[str, str, int], list[Record]] = {}
    for record in records:
        if record.verdict is Verdict.PASS and record.checksum is not None:
            groups.setdefault((record.subject, record.phase, record.seed), []).append(record)
    return tuple(_compared(record, groups) for record in records)


def _compared(record: Record, groups: Mapping[tuple[str, str, int], Sequence[Record]]) -> Record:
    if record.verdict is not Verdict.PASS or record.checksum is None:
        return record
    group = groups[record.subject, record.phase, record.seed]
    reference = {each.checksum for each in group if each.page_size == REFERENCE_PAGE}
    allowed = reference or {each.checksum for each in group}
    if len(allowed) == 1 and record.checksum in allowed:
        return record
    other = "that on 4K pages" if reference else "those on other pages"
    return replace(record, verdict=Verdict.FAIL, reason=f"the checksum differs from {other}")
