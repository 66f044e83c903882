"""A campaign: which subjects are run on which machines, and what the controls beside them must do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from workers.stress.lineup import Entrant, Heard, run_lineup
from workers.stress.processes import Machine
from workers.stress.result import Expectation, Result, Trouble, held_against, with_checksums_compared
from workers.stress.subjects import Subject
from workers.stress.verdicts import Role, Verdict


@dataclass(frozen=True)
class ControlSubject:
    """A subject that is known, and what it must do."""

    subject: Subject
    expectations: tuple[Expectation, ...]

    def on(self, page_size: int) -> tuple[Expectation, ...]:
        """What it must do on pages of so many bytes."""
        return tuple(each for each in self.expectations if each.page_size == page_size)


@dataclass(frozen=True)
class Campaign:
    """`entrants` are heads and bases: they run on each page size asked for. `seeds` are tried one after another.

    `alone` are names of heads whose base would run beside them, if it were there.
    """

    entrants: tuple[Entrant, ...]
    controls: tuple[ControlSubject, ...]
    seeds: tuple[int, ...]
    alone: tuple[str, ...] = ()

    def page_sizes(self, asked: Sequence[int]) -> tuple[int, ...]:
        """Those asked for; where no control must fail on any of them, also the one where the controls can."""
        failing = {
            expected.page_size
            for control in self.controls
            for expected in control.expectations
            if expected.verdict is Verdict.FAIL
        }
        return with_failing(asked, failing)

    def lineup(self, page_size: int, asked: Sequence[int]) -> tuple[Entrant, ...]:
        """Who runs on one machine: the controls first, as nothing counts without them."""
        controls = [
            Entrant(control.subject, Role.CONTROL, tuple(dict.fromkeys(each.phase for each in expected)))
            for control in self.controls
            if (expected := control.on(page_size))
        ]
        return (*controls, *(self.entrants if page_size in asked else ()))


def with_failing(asked: Sequence[int], failing: Collection[int]) -> tuple[int, ...]:
    """The page sizes asked for; where a control can fail on `failing` ones only, also one of these."""
    more = set() if set(failing) & set(asked) else {min(failing)} if failing else set()
    return tuple(sorted({*asked, *more}))


def run_on(machine: Machine, campaign: Campaign, asked: Sequence[int], heard: Heard) -> Result:
    """What one machine finds out, for `merged`. Raises `MachineError`, and what `heard` raises."""
    records = run_lineup(machine, campaign.lineup(machine.page_size, asked), campaign.seeds, heard)
    controls = [record for record in records if record.role is Role.CONTROL]
    expectations = [each for control in campaign.controls for each in control.on(machine.page_size)]
    return Result(
        machine=machine.name,
        page_sizes=(machine.page_size,) if machine.page_size in asked else (),
        records=tuple(record for record in records if record.role is not Role.CONTROL),
        controls=held_against(expectations, controls),
        alone=campaign.alone,
    )


def merged(machine: str, asked: Sequence[int], parts: Iterable[Result], troubles: Iterable[Trouble] = ()) -> Result:
    """One result of what was found out on each page size."""
    parts = tuple(parts)
    return Result(
        machine=machine,
        page_sizes=tuple(asked),
        records=with_checksums_compared([record for part in parts for record in part.records]),
        controls=tuple(control for part in parts for control in part.controls),
        # What stands in the way of all is told by each part.
        troubles=tuple(dict.fromkeys((*troubles, *(trouble for part in parts for trouble in part.troubles)))),
        alone=tuple(dict.fromkeys(name for part in parts for name in part.alone)),
    )
