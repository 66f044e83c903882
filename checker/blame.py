"""Which commit of a change introduced, fixed or left each failure. Pure, over evaluations of every commit's tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from checker.compare import covering, error_of, errors_of
from checker.evaluation import Evaluation, Failure
from checker.profile import Profile
from checker.report import Blamed, CellName, Commit, EvaluationError, Side
from checker.rules import WITHOUT_ANSWER, Cell, CellKey, Status, cells
from config.repository import Ignore


@dataclass(frozen=True)
class Step:
    """One commit of the change: its tree on each target, and whether its headers differ from those before it."""

    commit: Commit
    evaluations: Mapping[str, Evaluation]
    touched: bool


def blame(
    profile: Profile,
    base: Mapping[str, Evaluation],
    steps: Sequence[Step],
    page_sizes: Sequence[int],
    ignore: Sequence[Ignore] = (),
) -> tuple[Blamed, ...]:
    """What each of `steps`, in order, did to the cells. `base` maps targets to evaluations of what they start from.

    Cells that `ignore` covers are left out; what could not be evaluated is not.

    Where a cell has no answer at some commits and is broken after them, any of those may be at fault, and the report
    says from which on. A cell that never had an answer before is nobody's fault.
    """
    history = _History(profile, page_sizes, ignore)
    for target, evaluation in base.items():
        history.known[target] = {
            key: cell.status for key, cell in history.cells(target, evaluation) if cell.status not in WITHOUT_ANSWER
        }
    return tuple(history.advance(step) for step in steps)


@dataclass
class _History:
    """The last answer of every cell, by target, and the first commit since then that had none."""

    profile: Profile
    page_sizes: Sequence[int]
    ignore: Sequence[Ignore]
    known: dict[str, dict[CellKey, Status]] = field(default_factory=dict)
    silent: dict[tuple[str, CellKey], str] = field(default_factory=dict)

    def advance(self, step: Step) -> Blamed:
        introduced: dict[tuple[CellKey, str | None], list[str]] = {}
        fixed: dict[tuple[CellKey, str | None], list[str]] = {}
        errors: list[EvaluationError] = []
        left = 0
        for target, evaluation in step.evaluations.items():
            errors += errors_of(target, Side.HEAD, evaluation)
            known = self.known[target]
            for key, cell in self.cells(target, evaluation):
                if cell.status is Status.IMPOSSIBLE:
                    failure = Failure(f"{key.rule}: {cell.text}")
                    errors.append(error_of(target, Side.HEAD, key.heap or key.rule, failure))
                if cell.status in WITHOUT_ANSWER:
                    self.silent.setdefault((target, key), step.commit.sha)
                    continue
                if covering(self.ignore, key, target) is not None:
                    continue
                since = self.silent.pop((target, key), None)
                before, fails = known.get(key), cell.status is Status.FAILS
                if before is not None and fails and before is not Status.FAILS:
                    introduced.setdefault((key, since), []).append(target)
                elif before is Status.FAILS and not fails and not cell.out_of_question:
                    fixed.setdefault((key, None), []).append(target)
                left += before is Status.FAILS and fails
                known[key] = cell.status
        return Blamed(
            commit=step.commit,
            introduced=tuple(_named(key, since, targets) for (key, since), targets in introduced.items()),
            fixed=tuple(_named(key, since, targets) for (key, since), targets in fixed.items()),
            left=left,
            touched=step.touched,
            errors=tuple(errors),
        )

    def cells(self, target: str, evaluation: Evaluation) -> Iterable[tuple[CellKey, Cell]]:
        """Every cell of one commit on one target."""
        return cells(self.profile, self.profile.targets[target], evaluation, self.page_sizes).items()


def cell_names(cells_on: Mapping[CellKey, Sequence[str]]) -> Iterator[CellName]:
    """Cells with the targets that agree on them, as a report names them."""
    return (_named(key, None, targets) for key, targets in cells_on.items())


def _named(key: CellKey, since: str | None, targets: Sequence[str]) -> CellName:
    return CellName(rule=key.rule, heap=key.heap, os_page=key.os_page, targets=tuple(targets), since=since)
