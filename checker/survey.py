"""What a profile finds in one tree: every value it asks for, on every target, and how its rules come out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checker.compare import errors_of
from checker.cost import costs
from checker.entries import HeapConfig
from checker.evaluation import Evaluation
from checker.evaluations import Evaluations
from checker.names import without
from checker.probe import ENABLED, Wanted
from checker.profile import Profile
from checker.report import CellName, EvaluationError, Side
from checker.rules import Cell, CellKey, Status, cells
from checker.tree import Tree


@dataclass(frozen=True)
class Probed:
    """One value that the profile asks for. Without one, `absent` says why the tree need not have it, if so.

    `path` and `line` are of the definition in effect, where it has a name.
    """

    name: str
    value: int | None
    absent: str | None = None
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class ProbedHeap:
    """One heap config: whether the tree uses it, and its fields."""

    name: str
    enabled: bool
    fields: tuple[Probed, ...]


@dataclass(frozen=True)
class RuleCount:
    """How many cells of a rule there are of each kind, and which of them fail."""

    rule: str
    counts: tuple[tuple[Status, int], ...]
    failing: tuple[CellName, ...]


@dataclass(frozen=True)
class CostCount:
    """How many cells of a cost entry have a value."""

    cost: str
    values: int


@dataclass(frozen=True)
class TargetSurvey:
    """Everything that the profile finds on one target, in its own order."""

    target: str
    constants: tuple[Probed, ...]
    limits: tuple[Probed, ...]
    heaps: tuple[ProbedHeap, ...]
    rules: tuple[RuleCount, ...]
    costs: tuple[CostCount, ...]
    errors: tuple[EvaluationError, ...]


@dataclass(frozen=True)
class Survey:
    """A profile on one tree."""

    profile: str
    title: str
    sha: str
    targets: tuple[TargetSurvey, ...]

    @property
    def errors(self) -> tuple[EvaluationError, ...]:
        """Everything that could not be evaluated."""
        return tuple(error for target in self.targets for error in target.errors)


def survey(evaluations: Evaluations, tree: Tree, page_sizes: Sequence[int]) -> Survey:
    """Evaluates everything that the profile asks for, on all its targets and OS page sizes (bytes)."""
    profile = evaluations.profile
    found = evaluations.of([tree], tuple(profile.targets))[0]
    targets = tuple(_surveyed(profile, name, evaluation, page_sizes) for name, evaluation in found.items())
    return Survey(profile.name, profile.title, tree.sha, targets)


def _surveyed(profile: Profile, name: str, evaluation: Evaluation, page_sizes: Sequence[int]) -> TargetSurvey:
    target = profile.targets[name]
    its_cells = cells(profile, target, evaluation, page_sizes)
    errors = tuple(errors_of(name, Side.HEAD, evaluation))
    paid = Counter(cost.id for cost in costs(profile, target, evaluation, evaluation, page_sizes))
    return TargetSurvey(
        target=name,
        constants=tuple(_constants(profile, evaluation)),
        limits=tuple(_limits(profile, evaluation)),
        heaps=tuple(_heap(profile, heap, evaluation) for heap in profile.heaps),
        rules=tuple(_rule(rule.id, name, its_cells) for rule in profile.rules),
        costs=tuple(CostCount(entry.id, paid[entry.id]) for entry in profile.costs),
        errors=(*errors, *_mistakes(name, its_cells, Status.IMPOSSIBLE if errors else Status.UNKNOWN)),
    )


def _constants(profile: Profile, evaluation: Evaluation) -> Iterator[Probed]:
    for constant in profile.constants:
        wanted = Wanted("constant", constant.name)
        absent = "not defined" if wanted in evaluation.absent else None
        yield _probed(constant.name, wanted, evaluation, absent, constant.name)


def _limits(profile: Profile, evaluation: Evaluation) -> Iterator[Probed]:
    for name, asked in profile.limits.items():
        wanted = Wanted("limit", name)
        absent = without(asked.needs) if wanted in evaluation.absent else None
        yield _probed(name, wanted, evaluation, absent, asked.expression, name)


def _heap(profile: Profile, heap: HeapConfig, evaluation: Evaluation) -> ProbedHeap:
    fields = []
    for field, asked in profile.heap_fields[heap.kind].items():
        wanted = Wanted("heap", heap.name, field)
        absent = without(asked.needs) if wanted in evaluation.absent else None
        fields.append(_probed(field, wanted, evaluation, absent))
    return ProbedHeap(heap.name, evaluation.value(Wanted("heap", heap.name, ENABLED)) != 0, tuple(fields))


def _probed(name: str, wanted: Wanted, evaluation: Evaluation, absent: str | None, *defined_as: str) -> Probed:
    definitions = evaluation.definitions
    place = next((definitions[each] for each in defined_as if each in definitions), None)
    return Probed(name, evaluation.value(wanted), absent, place.path if place else None, place.line if place else None)


def _rule(rule: str, target: str, its_cells: dict[CellKey, Cell]) -> RuleCount:
    mine = {key: cell for key, cell in its_cells.items() if key.rule == rule}
    counted = Counter(cell.status for cell in mine.values())
    failing = (key for key, cell in mine.items() if cell.status is Status.FAILS)
    return RuleCount(
        rule=rule,
        counts=tuple((status, counted[status]) for status in Status if counted[status]),
        failing=tuple(
            CellName(rule=key.rule, heap=key.heap, os_page=key.os_page, targets=(target,)) for key in failing
        ),
    )


def _mistakes(target: str, its_cells: dict[CellKey, Cell], *also: Status) -> Iterator[EvaluationError]:
    """Rules whose values make no arithmetic; and where every value is there, rules that ask for one nobody probes."""
    told = dict.fromkeys(
        (key.rule, cell.text) for key, cell in its_cells.items() if cell.status in {Status.IMPOSSIBLE, *also}
    )
    for rule, text in told:
        yield EvaluationError(target=target, side=Side.HEAD, name=rule, path=None, line=None, message=text)
