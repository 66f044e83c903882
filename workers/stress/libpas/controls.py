"""Trees that must fail, made from the base: without them a stress that passes proves nothing. Pure.

The reference pull request, as numbers, gives B and C where a base has the numbers it was written for. Elsewhere the
profile's own mutants do: the same page sizes with the same faults, whatever the base has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checker.entries import MacroOverride, Stress, StressControl
from workers.scenario import ScenarioError
from workers.stress.libpas.reference import scenario_sources
from workers.stress.libpas.sources import Sources
from workers.stress.result import Expectation
from workers.stress.verdicts import Verdict


@dataclass(frozen=True)
class ControlTree:
    """A tree to build as a control. `made_by` says how, for people."""

    name: str
    tree: Sources
    must_fail: tuple[str, ...]
    must_pass: tuple[str, ...]
    made_by: str

    @property
    def phases(self) -> tuple[str, ...]:
        """Those that need be run."""
        return (*self.must_fail, *self.must_pass)

    def expectations(self, page_sizes: Iterable[int]) -> tuple[Expectation, ...]:
        """What must be seen of it on OS pages of these sizes, in bytes. Its own pages are as large as the largest."""
        return tuple(
            Expectation(self.name, page_size, phase, verdict)
            for page_size in page_sizes
            for phases, verdict in ((self.must_fail, Verdict.FAIL), (self.must_pass, Verdict.PASS))
            for phase in phases
        )


def controls(base: Sources, stress: Stress) -> tuple[ControlTree, ...]:
    """A tree for each control of the profile that can be made from `base`; none where no definition is there."""
    trees = []
    for control in stress.controls:
        made = _by_edits(base, control) or _by_overrides(base, [*stress.pages, *control.overrides])
        if made is not None:
            tree, made_by = made
            trees.append(ControlTree(f"libpas {control.name}", tree, control.must_fail, control.must_pass, made_by))
    return tuple(trees)


def _by_edits(base: Sources, control: StressControl) -> tuple[Sources, str] | None:
    try:
        return scenario_sources(base, control.name), "the reference pull request's edits"
    except ScenarioError:
        return None


def _by_overrides(base: Sources, overrides: Sequence[MacroOverride]) -> tuple[Sources, str] | None:
    tree = dict(base)
    for override in overrides:
        made = overridden(tree.get(override.file, b""), override.macro, override.value)
        if made is None:
            return None
        tree[override.file] = made
    return tree, "the profile's mutants"


def overridden(content: bytes, macro: str, value: str) -> bytes | None:
    """`content` with `macro` defined as `value` after each of its definitions; None where there is none.

    Not at the end of the file: its own inline functions are to see it.
    """
    definition = re.compile(
        rb"^[ \t]*#[ \t]*define[ \t]+" + macro.encode() + rb"\b(?!\()(?:\\\r?\n|[^\n])*\n", re.MULTILINE
    )
    again = f"#undef {macro}\n#define {macro} {value}\n".encode()
    fresh, count = definition.subn(lambda match: match[0] + again, content)
    return fresh if count else None
