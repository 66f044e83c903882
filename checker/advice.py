"""Repairs for what a change breaks: the smallest edits of literals, found by turning knobs and evaluating again.

The knobs are the literals that the failing rule's value and limit are made of. Nothing is predicted: a repair is one
only if a real evaluation of the edited tree shows the failures gone and nothing else broken, on every target.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import log2
from os import cpu_count

from checker.blame import cell_names
from checker.cost import costs
from checker.evaluation import Evaluation, headers, read
from checker.evaluations import Evaluations
from checker.expression import sets_only_bounds
from checker.knobs import Knob, Turn, edited, knobs, lines_of, turned
from checker.origins import Origins
from checker.profile import Profile
from checker.report import Advice, CostChange, Edit, Memory, Repair, Report, State
from checker.rules import WITHOUT_ANSWER, Cell, CellKey, Status, cells
from checker.tree import Tree

STEPS = 3
"""How far a knob is turned in one direction: three bits, or a factor of eight."""
REPAIRS = 3
"""How many repairs of one rule are told."""
MOST_KNOBS = 16
MOST_TRIED = 120
"""How many edited trees are evaluated for one rule."""
PATIENCE = 60.0
"""Seconds for all rules together: headers can be made to be slow."""

Cells = Mapping[CellKey, Cell]
Failing = Mapping[str, frozenset[CellKey]]
"""Target → cells."""
WRONG = WITHOUT_ANSWER | {Status.FAILS}


def advise(
    evaluations: Evaluations, head: Tree, report: Report, clock: Callable[[], float] = time.monotonic
) -> tuple[Advice, ...]:
    """For each rule that the change breaks on some target, what mends all of it there and breaks nothing else.

    `clock` gives seconds.
    """
    until = clock() + PATIENCE
    targets = tuple(each.target for each in report.targets)
    workshop = _Workshop(evaluations, head, targets, report.page_sizes, lambda: clock() > until)
    searches = [_Search(workshop, rule, failing) for rule, failing in introduced(report).items()]
    found = {repair.edits: repair for search in searches for repair in search.repairs()}
    return tuple(search.advice(found.values(), {each.rule for each in searches}) for search in searches)


def introduced(report: Report) -> Mapping[str, Failing]:
    """Per rule the cells that the change breaks, by target."""
    broken: dict[str, dict[str, frozenset[CellKey]]] = {}
    for target in report.targets:
        for finding in target.findings:
            if finding.state is State.INTRODUCED:
                key = CellKey(finding.rule, finding.heap, finding.os_page)
                on = broken.setdefault(finding.rule, {})
                on[target.target] = on.get(target.target, frozenset()) | {key}
    return broken


@dataclass(frozen=True)
class _Workshop:
    """Head, and trees that differ from it in a few literals."""

    evaluations: Evaluations
    head: Tree
    targets: tuple[str, ...]
    page_sizes: Sequence[int]
    out_of_time: Callable[[], bool]
    _cells: dict[tuple[str, str], Cells] = field(default_factory=dict)
    _trees: dict[tuple[Turn, ...], Tree] = field(default_factory=dict)

    @property
    def profile(self) -> Profile:
        return self.evaluations.profile

    @cached_property
    def content(self) -> Mapping[str, bytes]:
        return read(self.head, headers(self.head, self.profile))

    def at_head(self, target: str) -> Evaluation:
        return self.evaluations.of([self.head], [target])[0][target]

    def cells(self, tree: Tree, target: str) -> Cells:
        """Every cell of a tree; asked for often, so they are kept."""
        key = self.evaluations.digest(tree), target
        if key not in self._cells:
            evaluation = self.evaluations.of([tree], [target])[0][target]
            self._cells[key] = cells(self.profile, self.profile.targets[target], evaluation, self.page_sizes)
        return self._cells[key]

    def edited(self, turns: tuple[Turn, ...]) -> Tree:
        """Head with these turns made."""
        return self._trees.setdefault(turns, edited(self.head, turns))

    def harms(self, tree: Tree, target: str) -> bool:
        """Whether something goes wrong, or is no longer told or spoken of, that is right at head."""
        before, after = self.cells(self.head, target), self.cells(tree, target)
        failures = self.evaluations.of([tree], [target])[0][target].failures.keys() - self.at_head(target).failures
        return bool(failures) or any(
            (cell.status in WRONG and before[key].status not in WRONG)
            or (cell.out_of_question and not before[key].out_of_question)
            for key, cell in after.items()
        )

    def repair(self, turns: tuple[Turn, ...]) -> Repair:
        """Everything about edits that are known to be good."""
        tree = self.edited(turns)
        self.evaluations.of([tree], self.targets)
        mended: dict[CellKey, list[str]] = {}
        for target in self.targets:
            after = self.cells(tree, target)
            for key, cell in self.cells(self.head, target).items():
                if cell.status is Status.FAILS and after[key].status is not Status.FAILS:
                    mended.setdefault(key, []).append(target)
        return Repair(
            edits=tuple(self._edit(turn, turns) for turn in turns),
            mends=tuple(cell_names(mended)),
            costs=tuple(change for target in self.targets for change in self._costs(tree, target)),
        )

    def _edit(self, turn: Turn, turns: Sequence[Turn]) -> Edit:
        knob = turn.knob
        before = self.content[knob.path]
        after = turned(before, [each for each in turns if each.knob.path == knob.path])
        return Edit(
            name=knob.name,
            path=knob.path,
            line=knob.line,
            before=lines_of(before)[knob.line - 1],
            after=lines_of(after)[knob.line - 1],
            old=knob.value,
            new=turn.value,
        )

    def _costs(self, tree: Tree, target: str) -> Iterator[CostChange]:
        (repaired,) = (each[target] for each in self.evaluations.of([tree], [target]))
        for cost in costs(self.profile, self.profile.targets[target], self.at_head(target), repaired, self.page_sizes):
            if cost.base is not None and cost.head is not None and cost.base != cost.head:
                yield CostChange(
                    id=cost.id,
                    target=target,
                    heap=cost.heap,
                    os_page=cost.os_page,
                    head=cost.base,
                    repaired=cost.head,
                )


@dataclass(frozen=True)
class _Try:
    """What came of some turns on the targets that fail: all is mended, something is harmed, how far it still is.

    `missing` adds up how far the failing cells are outside their bounds; fewer is nearer.
    """

    turns: tuple[Turn, ...]
    mended: bool
    harms: bool
    missing: int


class _Search:
    """The search for one rule."""

    def __init__(self, workshop: _Workshop, rule: str, failing: Failing) -> None:
        self.workshop = workshop
        self.rule = rule
        self.failing = failing
        self.tries: dict[tuple[Turn, ...], _Try] = {}
        self.knobs: list[Knob] = []
        self.cut_short = False

    def repairs(self) -> list[Repair]:
        """Searches: single knobs first, and two together where no single one does."""
        every = self._knobs()
        self.knobs = every[:MOST_KNOBS]
        walks = [(knob, up) for knob in self.knobs for up in (True, False)]
        with ThreadPoolExecutor(max_workers=cpu_count() or 1) as pool:
            list(pool.map(lambda walk: self._walk(*walk), walks))
            good = self._good()
            pairs = [] if good else list(self._pairs(self.knobs))
            room = max(MOST_TRIED - len(self.tries), 0)
            list(pool.map(self._try, pairs[:room]))
        self.cut_short = len(every) > len(self.knobs) or len(pairs) > room or self.workshop.out_of_time()
        return [self.workshop.repair(turns) for turns in good or self._good()]

    def advice(self, found: Iterable[Repair], broken: Collection[str]) -> Advice:
        """What mends this rule among all that was found, which may mend another of the `broken` rules too."""
        cells = {(target, key) for target, keys in self.failing.items() for key in keys}
        mending = [repair for repair in found if cells <= set(_cells_of(repair))]
        named = {key.heap for keys in self.failing.values() for key in keys}
        return Advice(
            rule=self.rule,
            heaps=tuple(heap for heap in self._heap_names() if heap in named),
            targets=tuple(self.failing),
            repairs=tuple(sorted(mending, key=lambda repair: self._price(repair, broken))[:REPAIRS]),
            tried=len(self.tries),
            knobs=tuple(dict.fromkeys(knob.name for knob in self.knobs)),
            exhausted=not self.cut_short,
        )

    def _knobs(self) -> list[Knob]:
        """The literals that value and limit are made of, on the first of the targets that fail."""
        target, keys = next(iter(self.failing.items()))
        evaluation = self.workshop.at_head(target)
        origins = Origins(self.workshop.profile, evaluation)
        rule = self.workshop.profile.rule(self.rule)
        heaps = [heap for heap in (*self._heap_names(), None) if any(key.heap == heap for key in keys)]
        made_of = [name for heap in heaps for name in origins.made_of(rule, heap)]
        numbers = [name for name in dict.fromkeys(made_of) if origins.value(name) is not None]
        return knobs(numbers, evaluation, self.workshop.content, self.workshop.profile)

    def _heap_names(self) -> tuple[str, ...]:
        return tuple(heap.name for heap in self.workshop.profile.heaps)

    def _walk(self, knob: Knob, up: bool) -> None:
        """Turns one knob further and further, until all is mended or it gets further away."""
        missing = self._missing_at_head()
        for value in _values(knob, up):
            tried = self._try((Turn(knob, value),))
            if tried is None or tried.mended or tried.missing > missing:
                return
            missing = tried.missing

    def _pairs(self, found: Sequence[Knob]) -> Iterator[tuple[Turn, ...]]:
        """Two knobs: one that alone gets nearer, or mends with harm, and any other, in small steps first."""
        missing, blind = self._missing_at_head(), not self._tells_how_far()
        singles = [tried for tried in self._sorted_tries() if len(tried.turns) == 1]
        helpful = dict.fromkeys(tried.turns[0] for tried in singles if blind or tried.mended or tried.missing < missing)
        small = [Turn(knob, value) for knob in found for up in (True, False) for value in _values(knob, up)[:2]]
        options = list(dict.fromkeys([*small, *helpful]))
        candidates = [
            pair
            for pair in combinations(options, 2)
            if pair[0].knob != pair[1].knob and (pair[0] in helpful or pair[1] in helpful)
        ]
        yield from sorted(candidates, key=lambda pair: sum(map(_size, pair)))

    def _try(self, turns: tuple[Turn, ...]) -> _Try | None:
        """Nothing when there is no time left."""
        if self.workshop.out_of_time():
            return None
        workshop, tree = self.workshop, self.workshop.edited(turns)
        after = {target: workshop.cells(tree, target) for target in self.failing}
        at = [after[target][key] for target, keys in self.failing.items() for key in keys]
        tried = _Try(
            turns=turns,
            mended=all(cell.status not in WRONG and not cell.out_of_question for cell in at),
            harms=any(workshop.harms(tree, target) for target in self.failing),
            missing=_missing(at),
        )
        self.tries[turns] = tried
        return tried

    def _missing_at_head(self) -> int:
        head = self.workshop.head
        return _missing(
            [self.workshop.cells(head, target)[key] for target, keys in self.failing.items() for key in keys]
        )

    def _tells_how_far(self) -> bool:
        """Whether the rule sets bounds only: else a step in the right direction may look like none."""
        return sets_only_bounds(self.workshop.profile.rule(self.rule).expression)

    def _sorted_tries(self) -> list[_Try]:
        """In an order that no thread decides."""
        return sorted(self.tries.values(), key=lambda tried: [_order(turn) for turn in tried.turns])

    def _good(self) -> list[tuple[Turn, ...]]:
        """Turns that mend everything and harm nothing on any target."""
        hopeful = [tried.turns for tried in self._sorted_tries() if tried.mended and not tried.harms]
        return [turns for turns in hopeful if not self._harms_elsewhere(turns)]

    def _harms_elsewhere(self, turns: tuple[Turn, ...]) -> bool:
        tree = self.workshop.edited(turns)
        others = [target for target in self.workshop.targets if target not in self.failing]
        if self.workshop.out_of_time():
            return True  # for all that is known
        self.workshop.evaluations.of([self.workshop.head, tree], others)
        return any(self.workshop.harms(tree, target) for target in others)

    def _price(self, repair: Repair, broken: Collection[str]) -> tuple[float | str, ...]:
        """Fewer edits first, then what mends more rules, less memory, fewer addresses, what is nearest in the chain."""
        memory = {entry.id: entry.memory for entry in self.workshop.profile.costs}

        def growth(kind: Memory) -> float:
            changes = (change for change in repair.costs if memory[change.id] is kind)
            logs = (log2(change.repaired / change.head) for change in changes if change.head and change.repaired > 0)
            return max(0.0, sum(logs))

        order = {(knob.path, knob.line, knob.name): number for number, knob in reversed(list(enumerate(self.knobs)))}
        nearness = sum(order.get((edit.path, edit.line, edit.name), len(order)) for edit in repair.edits)
        return (
            len(repair.edits),
            -len({cell.rule for cell in repair.mends} & set(broken)),
            growth(Memory.RESIDENT),
            growth(Memory.ADDRESS_SPACE),
            nearness,
            sum(abs(log2(edit.new / edit.old)) if edit.old and edit.new else 1 for edit in repair.edits),
            *(f"{edit.path}:{edit.line}:{edit.after}" for edit in repair.edits),
        )


def _cells_of(repair: Repair) -> Iterator[tuple[str, CellKey]]:
    """What a repair mends, target by target."""
    for cell in repair.mends:
        for target in cell.targets:
            yield target, CellKey(cell.rule, cell.heap, cell.os_page)


def _order(turn: Turn) -> tuple[str, int, int, int]:
    return turn.knob.path, turn.knob.line, turn.knob.column, turn.value


def _values(knob: Knob, up: bool) -> list[int]:
    """What a knob is set to, step by step: one bit more or less, or twice or half the size."""
    if knob.shift:
        values = [knob.value + step if up else knob.value - step for step in range(1, STEPS + 1)]
        return [value for value in values if value >= 0]
    values = [knob.value << step if up else knob.value >> step for step in range(1, STEPS + 1)]
    return [value for value in values if value > 0]


def _size(turn: Turn) -> int:
    """How many steps a knob is turned."""
    if turn.knob.shift:
        return abs(turn.value - turn.knob.value)
    return abs(turn.value.bit_length() - turn.knob.value.bit_length())


def _missing(failing: Iterable[Cell]) -> int:
    """A cell without a measure, or without bounds, tells nothing of how near it is."""
    rooms = (cell.measure.headroom for cell in failing if cell.measure is not None and not cell.measure.holds)
    return sum(-room for room in rooms if room is not None)
