"""Base against head on one target: constants, heap configs, findings, and the errors on either side.

Pure: two evaluations in, a target's report out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from checker.cost import costs
from checker.entries import ConstantProbe, HeapConfig, Rule
from checker.evaluation import Definition, Evaluation, Failure, chain
from checker.origins import Origins
from checker.probe import ENABLED, Wanted
from checker.profile import Profile
from checker.report import (
    Constant,
    EvaluationError,
    Finding,
    Heap,
    HeapShape,
    IgnoredFinding,
    NotApplicable,
    Severity,
    Side,
    State,
    TargetReport,
)
from checker.rules import WITHOUT_ANSWER, Cell, CellKey, Status, cells
from config.repository import Ignore


@dataclass(frozen=True)
class Comparison:
    """One target's report and its errors.

    `introduced` says whether something fails at head that certainly did not at base; `undecided`, whether a value
    that is missing, on either side, leaves it open if something does. Warnings count for neither, nor do failures that
    are `ignored`. `unvalued` are macros in the findings' chains that nobody asked the compiler about.
    """

    report: TargetReport
    ignored: tuple[IgnoredFinding, ...]
    errors: tuple[EvaluationError, ...]
    introduced: bool
    undecided: bool
    unvalued: frozenset[str]


def compare(
    profile: Profile,
    name: str,
    base: Evaluation,
    head: Evaluation,
    page_sizes: Sequence[int],
    ignore: Sequence[Ignore] = (),
) -> Comparison:
    """What `head` changes against `base` on the target called `name`. Failures that `ignore` covers are set apart."""
    target = profile.targets[name]
    pair = _Pair(profile, name, base, head)
    base_cells = cells(profile, target, base, page_sizes)
    head_cells = cells(profile, target, head, page_sizes)
    findings: list[Finding] = []
    ignored: list[IgnoredFinding] = []
    not_applicable: list[NotApplicable] = []
    introduced = undecided = False
    for key, cell in head_cells.items():
        before = base_cells[key]
        gone = cell.out_of_question and before.measure is not None
        state = State.GONE if gone else state_of(before.status, cell.status)
        failing, open_before = cell.status is Status.FAILS, before.status in WITHOUT_ANSWER
        if state is not None and failing and (entry := covering(ignore, key, name)) is not None:
            finding = pair.finding(key, before, cell, state)
            expires = entry.expires.isoformat()
            ignored.append(IgnoredFinding(target=name, finding=finding, reason=entry.reason, expires=expires))
            continue
        if state is not None:
            findings.append(pair.finding(key, before, cell, state))
        elif cell.status is Status.NOT_APPLICABLE:
            not_applicable.append(NotApplicable(rule=key.rule, heap=key.heap, os_page=key.os_page, reason=cell.text))
        if profile.rule(key.rule).severity is Severity.ERROR:
            introduced |= failing and not open_before and before.status is not Status.FAILS
            undecided |= (failing and open_before) or cell.status in WITHOUT_ANSWER
    report = TargetReport(
        target=name,
        constants=tuple(pair.constant(constant) for constant in profile.constants),
        heaps=tuple(pair.heap(heap) for heap in profile.heaps),
        findings=tuple(findings),
        not_applicable=tuple(not_applicable),
        costs=costs(profile, target, base, head, page_sizes),
    )
    errors = (
        *errors_of(name, Side.BASE, base),
        *pair.impossible(Side.BASE, base_cells),
        *errors_of(name, Side.HEAD, head),
        *pair.impossible(Side.HEAD, head_cells),
    )
    told = (*findings, *(each.finding for each in ignored))
    unvalued = frozenset(name for finding in told for name in pair.unvalued(finding))
    return Comparison(report, tuple(ignored), errors, introduced, undecided, unvalued)


def covering(ignore: Iterable[Ignore], key: CellKey, target: str) -> Ignore | None:
    """The first entry that speaks of a cell."""
    return next((entry for entry in ignore if entry.covers(key.rule, key.heap, target)), None)


def state_of(base: Status, head: Status) -> State | None:
    """What became of a cell; `None` where head has no measure and base did not fail.

    A failure at head whose base could not be evaluated counts as introduced here; the check as a whole is then
    an error, because nobody can tell.
    """
    if head is Status.FAILS:
        return State.STANDING if base is Status.FAILS else State.INTRODUCED
    if head is Status.HOLDS:
        return State.FIXED if base is Status.FAILS else State.HOLDS
    if head is Status.NOT_APPLICABLE and base is Status.FAILS:
        return State.FIXED
    return None


def errors_of(target: str, side: Side, evaluation: Evaluation) -> Iterator[EvaluationError]:
    """One error per value that could not be had; fields of one heap config with one cause count once."""
    if evaluation.stopped is not None:
        yield error_of(target, side, "*", evaluation.stopped)
        return
    seen: set[tuple[str, Failure]] = set()
    for wanted, failure in evaluation.failures.items():
        if (wanted.name, failure) not in seen:
            seen.add((wanted.name, failure))
            yield error_of(target, side, wanted.name, failure)


def error_of(target: str, side: Side, name: str, failure: Failure) -> EvaluationError:
    """A value that could not be had, as a report tells it."""
    return EvaluationError(
        target=target, side=side, name=name, path=failure.path, line=failure.line, message=failure.message
    )


@dataclass(frozen=True)
class _Pair:
    """Two evaluations of one target."""

    profile: Profile
    target: str
    base: Evaluation
    head: Evaluation

    def constant(self, constant: ConstantProbe) -> Constant:
        wanted = Wanted("constant", constant.name)
        base, head = self.base.value(wanted), self.head.value(wanted)
        failed = any(wanted in side.failures or side.stopped is not None for side in (self.base, self.head))
        place = self.head.definitions.get(constant.name) or self.base.definitions.get(constant.name)
        return Constant(
            name=constant.name,
            base=base,
            head=head,
            changed=base != head and not failed,
            path=place.path if place else None,
            line=place.line if place else None,
        )

    def heap(self, heap: HeapConfig) -> Heap:
        place = self.head.definitions.get(self.profile.objects[heap.object].initializer)
        return Heap(
            name=heap.name,
            base=_shape(heap, self.base),
            head=_shape(heap, self.head),
            path=place.path if place else None,
            line=place.line if place else None,
        )

    def finding(self, key: CellKey, base: Cell, head: Cell, state: State) -> Finding:
        rule = self.profile.rule(key.rule)
        place = self._place(rule, key.heap)
        # A cell that head no longer has is explained by what it was, or why it is gone.
        explained = head if head.measure is not None or state is State.GONE else base
        moved = head.measure != base.measure
        close = head.on_the_edge and moved and not self._limit_follows(rule, key.heap)
        return Finding(
            rule=key.rule,
            heap=key.heap,
            os_page=key.os_page,
            state=state,
            severity=rule.severity,
            close=close,
            base=base.measure,
            head=head.measure,
            path=place.path if place else None,
            line=place.line if place else None,
            explanation=explained.text,
            chain=self._head.links(self._head.made_of(rule, key.heap)) if close or head.status is Status.FAILS else (),
        )

    def unvalued(self, finding: Finding) -> Iterator[str]:
        """Macros in the chain of a finding that have no value because nobody asked for it."""
        if finding.chain:
            yield from self._head.unvalued(self._head.made_of(self.profile.rule(finding.rule), finding.heap))

    def _limit_follows(self, rule: Rule, heap: str | None) -> bool:
        """Whether the limit is made of all that the value is made of, so that no step of it gets nearer."""
        deciding = self._head.deciding(rule, heap)
        return bool(deciding) and set(deciding) <= set(chain(self._head.limiting(rule, heap), self.head.definitions))

    @cached_property
    def _head(self) -> Origins:
        return Origins(self.profile, self.head)

    def impossible(self, side: Side, side_cells: Mapping[CellKey, Cell]) -> Iterator[EvaluationError]:
        """Cells whose values make no arithmetic; that must not look like a rule that holds."""
        for key, cell in side_cells.items():
            if cell.status is Status.IMPOSSIBLE:
                place = self._place(self.profile.rule(key.rule), key.heap)
                path, line = (place.path, place.line) if place else (None, None)
                yield error_of(self.target, side, key.heap or key.rule, Failure(f"{key.rule}: {cell.text}", path, line))

    def _place(self, rule: Rule, heap: str | None) -> Definition | None:
        """The definition, at head, that decides the cell: one that differs from base if there is one."""
        deciding = self._head.deciding(rule, heap)
        for origin in self._head.made_of(rule, heap):
            for name in chain([origin], self.head.definitions):
                if _differs(name, self.base, self.head):
                    return self.head.definitions[name]
        return next((self.head.definitions[name] for name in deciding if name in self.head.definitions), None)


def _shape(heap: HeapConfig, evaluation: Evaluation) -> HeapShape | None:
    """`None` when the tree does not use the config or a size could not be had."""
    page_size, granule_size, min_align_shift = (
        evaluation.value(Wanted("heap", heap.name, field)) for field in ("page_size", "granule_size", "min_align_shift")
    )
    if page_size is None or granule_size is None or min_align_shift is None:
        return None
    if evaluation.value(Wanted("heap", heap.name, ENABLED)) == 0:
        return None
    return HeapShape(page_size=page_size, granule_size=granule_size, min_align_shift=min_align_shift)


def _differs(name: str, base: Evaluation, head: Evaluation) -> bool:
    """Whether the definition of `name` itself is another one at head."""
    before = base.definitions.get(name)
    return before is None or before.body != head.definitions[name].body
