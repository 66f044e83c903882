"""One name or rule explained on one tree and target: definitions in effect, values, the rules and their headroom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from checker.check import known_targets, rule_texts
from checker.compare import errors_of
from checker.entries import Rule
from checker.evaluations import Evaluations
from checker.origins import Origins
from checker.probe import Wanted
from checker.profile import Profile
from checker.report import Commit, EvaluationError, HeapShape, Link, Measure, Model, RuleText, Side
from checker.rules import CellKey, Status, cells
from checker.tree import Tree


class UnknownName(Exception):
    """Neither a rule, nor a heap config, nor anything that the tree defines. The text names what is spelt alike."""


class ExplainedCell(Model):
    """What one rule says of one heap config on one OS page size (bytes)."""

    rule: str
    heap: str | None
    os_page: int | None
    status: Status
    measure: Measure | None
    text: str


class Explanation(Model):
    """Everything about one name or rule. `chain` begins with the definition in effect, where there is one."""

    name: str
    target: str
    commit: Commit
    chain: tuple[Link, ...]
    rules: tuple[RuleText, ...]
    cells: tuple[ExplainedCell, ...]
    errors: tuple[EvaluationError, ...]


def explain(evaluations: Evaluations, tree: Tree, name: str, target: str, page_sizes: Sequence[int]) -> Explanation:
    """Explains a constant, a macro, a heap config or a rule. Page sizes in bytes.

    Raises `UnknownTarget`, `UnknownName`.
    """
    profile = evaluations.profile
    known_targets(profile, [target])
    asked = {name} if name.isidentifier() else set()
    evaluation = evaluations.with_links(tree, target, asked)
    origins = Origins(profile, evaluation)
    topic = _Topic(profile, origins, name)
    missing = frozenset(origins.unvalued(topic.names()))
    if missing - asked:
        evaluation = evaluations.with_links(tree, target, asked | missing)
        topic = _Topic(profile, Origins(profile, evaluation), name)
    its = cells(profile, profile.targets[target], evaluation, page_sizes)
    spoken = {key: cell for key, cell in its.items() if topic.speaks_of(key)}
    links = topic.links()
    errors = tuple(errors_of(target, Side.HEAD, evaluation))
    if not links and not spoken and not errors:
        raise UnknownName(_unknown(name, target, profile, origins))
    return Explanation(
        name=name,
        target=target,
        commit=Commit(sha=tree.sha),
        chain=links,
        rules=tuple(text for text in rule_texts(profile) if any(key.rule == text.id for key in spoken)),
        cells=tuple(
            ExplainedCell(
                rule=key.rule,
                heap=key.heap,
                os_page=key.os_page,
                status=cell.status,
                measure=cell.measure,
                text=cell.text,
            )
            for key, cell in spoken.items()
        ),
        errors=errors,
    )


def shape_of(evaluations: Evaluations, tree: Tree, name: str, target: str) -> HeapShape | None:
    """The sizes of a heap config; `None` where `name` is none, or a size could not be had."""
    ((evaluation,),) = (each.values() for each in evaluations.of([tree], [target]))
    sizes = {field: evaluation.value(Wanted("heap", name, field)) for field in HeapShape.model_fields}
    known = {field: value for field, value in sizes.items() if value is not None}
    return HeapShape(**known) if known.keys() == sizes.keys() else None


class _Topic:
    """What is asked about: a rule, a heap config, or a name that the tree defines."""

    def __init__(self, profile: Profile, origins: Origins, name: str) -> None:
        self.profile = profile
        self.origins = origins
        self.name = name
        self.rule = next((rule for rule in profile.rules if rule.id == name), None)
        self.heap = next((heap for heap in profile.heaps if heap.name == name), None)

    def names(self) -> tuple[str, ...]:
        """The definitions to begin with."""
        if self.rule is not None:
            heaps = [heap.name for heap in self.profile.heaps] if self.rule.scope == "heap" else [None]
            return tuple(dict.fromkeys(name for heap in heaps for name in self.origins.made_of(self.rule, heap)))
        if self.heap is not None:
            rules = (rule for rule in self.profile.rules if rule.scope == "heap")
            return tuple(dict.fromkeys(name for rule in rules for name in self.origins.made_of(rule, self.heap.name)))
        return (self.name,)

    def links(self) -> tuple[Link, ...]:
        return self.origins.links(self.names())

    def speaks_of(self, key: CellKey) -> bool:
        if self.rule is not None:
            return key.rule == self.rule.id
        if self.heap is not None:
            return key.heap == self.heap.name
        return self._place(self.name) in set(self._places(self.profile.rule(key.rule), key.heap))

    def _places(self, rule: Rule, heap: str | None) -> Iterator[tuple[str, int] | None]:
        return (self._place(name) for name in self.origins.chain(self.origins.made_of(rule, heap)))

    def _place(self, name: str) -> tuple[str, int] | None:
        """One definition can be known under two names: a constant's, and that of a limit which it is."""
        definition = self.origins.evaluation.definitions.get(name)
        return (definition.path, definition.line) if definition else None


def _unknown(name: str, target: str, profile: Profile, origins: Origins) -> str:
    known = {
        *(rule.id for rule in profile.rules),
        *(heap.name for heap in profile.heaps),
        *(constant.name for constant in profile.constants),
        *origins.evaluation.definitions,
    }
    alike = get_close_matches(name, sorted(known), n=3)
    meant = f"; did you mean {' or '.join(alike)}?" if alike else ""
    return f"{name!r} is no rule, no heap config, and not defined on {target}{meant}"
