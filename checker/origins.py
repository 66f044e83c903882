"""Which definitions of a tree a rule's value and limit are made of, and what each of them is worth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from checker.entries import HeapConfig, Rule
from checker.evaluation import Definition, Evaluation, chain
from checker.probe import Wanted
from checker.profile import Profile
from checker.report import Link

LONGEST_BODY = 200
MOST_LINKS = 50
"""How many definitions of a chain are told, and at most asked for: headers can be made to have any number."""


@dataclass(frozen=True)
class Origins:
    """The definitions of one evaluated tree."""

    profile: Profile
    evaluation: Evaluation

    def deciding(self, rule: Rule, heap: str | None) -> tuple[str, ...]:
        """Names that the rule's value on `heap` is made of, the likeliest first."""
        return self._all(rule.decided_by, heap)

    def limiting(self, rule: Rule, heap: str | None) -> tuple[str, ...]:
        """Names that its limit is made of."""
        return self._all(rule.limit_decided_by, heap)

    def made_of(self, rule: Rule, heap: str | None) -> tuple[str, ...]:
        """Both, the value's first."""
        return tuple(dict.fromkeys((*self.deciding(rule, heap), *self.limiting(rule, heap))))

    def chain(self, names: Iterable[str]) -> Iterator[str]:
        """`names` and all they are made of, nearest first; not that of a whole initializer, which holds everything."""
        return chain([name for name in names if self.value(name) is not None], self.evaluation.definitions)

    def links(self, names: Iterable[str]) -> tuple[Link, ...]:
        """The definitions that `names` are made of, nearest first: all that have a value, and `names` themselves."""
        first = dict.fromkeys(names)
        told = (
            name
            for name in dict.fromkeys((*self.chain(first), *first))
            if name in self.evaluation.definitions and (name in first or self.value(name) is not None)
        )
        return tuple(self._link(name, self.evaluation.definitions[name]) for name in islice(told, MOST_LINKS))

    def unvalued(self, names: Iterable[str]) -> Iterator[str]:
        """Macros in the chains of `names` that may have a value which nobody has asked for."""
        for name in islice(self.chain(names), MOST_LINKS):
            definition = self.evaluation.definitions[name]
            if self.value(name) is None and definition.body and not definition.takes_arguments:
                yield name

    def value(self, name: str) -> int | None:
        """What a constant, a named limit or a macro is worth, if it was asked for and has a value."""
        limits = (name, *self._limits_by_expression.get(name, ()))
        asked = (
            *(Wanted(kind, name) for kind in ("constant", "macro", "link")),
            *(Wanted("limit", limit) for limit in limits),
        )
        return next((self.evaluation.values[wanted] for wanted in asked if wanted in self.evaluation.values), None)

    @cached_property
    def _limits_by_expression(self) -> Mapping[str, Sequence[str]]:
        names: dict[str, list[str]] = {}
        for name, asked in self.profile.limits.items():
            names.setdefault(asked.expression, []).append(name)
        return names

    @cached_property
    def _constants_by_expression(self) -> Mapping[str, str]:
        return {constant.asked_as: constant.name for constant in self.profile.constants}

    def _link(self, name: str, definition: Definition) -> Link:
        body = definition.body
        shown = body if len(body) <= LONGEST_BODY else f"{body[: LONGEST_BODY - 1]}…"
        return Link(name=name, path=definition.path, line=definition.line, body=shown, value=self.value(name))

    def _all(self, names: Iterable[str], heap_name: str | None) -> tuple[str, ...]:
        heaps = {heap.name: heap for heap in self.profile.heaps}
        found = (self._origin(name, heaps.get(heap_name or "")) for name in names)
        return tuple(dict.fromkeys(origin for origin in found if origin is not None))

    def _origin(self, name: str, heap: HeapConfig | None) -> str | None:
        """The macro or constant that defines a field of `heap`, or that a named limit stands for."""
        if name in self.profile.limits:
            expression = self.profile.limits[name].expression
            constant = self._constants_by_expression.get(expression, expression)
            return constant if constant in self.evaluation.definitions else name
        other, _, field = name.rpartition(".")
        if other:
            heap = next(each for each in self.profile.heaps if each.name == other)
        if heap is None:
            return None
        value = self.evaluation.value(Wanted("heap", heap.name, field))
        for macro in heap.definitions.get(field, ()):
            if value is not None and self.value(macro) == value:
                return macro
        return self.profile.objects[heap.object].initializer
