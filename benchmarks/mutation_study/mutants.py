"""Which literals are changed, and to what. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from checker.evaluation import Evaluation
from checker.knobs import Knob, Turn, knobs, turned
from checker.probe import Wanted
from checker.profile import Profile
from workers.stress.libpas.sources import Sources

LIBPAS_ROOT = "Source/bmalloc/"
NO_SIZES = frozenset(
    {
        "PAS_BITVECTOR_BITS_PER_WORD",  # the width of a type
        "PAS_PAGE_GRANULE_DECOMMITTED",  # marks: the largest values of a byte
        "PAS_BITFIT_MAX_FREE_MAX_VALID",
        "PAS_BITFIT_MAX_FREE_UNPROCESSED",
        "PAS_SMALL_SHARING_SHIFT",  # how pages are shared between sizes, which no heap does
        "BMALLOC_SMALL_SHARING_SHIFT",
        "PAS_MEDIUM_SHARING_SHIFT",
    }
)
"""Constants of libpas in the profile that are no size of a page or an object, and no limit on one."""

STEPS = (1, 2)
"""How far: a shift by so many bits up and down, a size by so many factors of two."""


@dataclass(frozen=True)
class Mutant:
    """A tree of the reference scenario with one literal changed."""

    tree: str
    turn: Turn

    @property
    def name(self) -> str:
        """Unique in a study."""
        return f"{self.tree}: {self.change}"

    @property
    def change(self) -> str:
        """Such as "PAS_GRANULE_DEFAULT_SHIFT 14 → 15"."""
        return f"{self.turn.knob.name} {self.turn.knob.value} → {self.turn.value}"

    def of(self, sources: Sources) -> Sources:
        """The mutated tree's sources."""
        path = self.turn.knob.path
        return {**sources, path: turned(sources[path], [self.turn])}


def mutants(tree: str, profile: Profile, evaluation: Evaluation, content: Mapping[str, bytes]) -> list[Mutant]:
    """Every mutant of one tree: each literal that a size of libpas is defined by, in steps up and down.

    `content` is path → bytes of the headers, as the evaluation read them.
    """
    found = knobs(names_of_sizes(profile), evaluation, content, profile)
    ours = (knob for knob in found if _is_size(knob, content))
    return [Mutant(tree, Turn(knob, value)) for knob in ours for value in values_near(knob)]


def _is_size(knob: Knob, content: Mapping[str, bytes]) -> bool:
    """Not so the literals of a macro with parameters: that is a formula over sizes."""
    formula = re.search(rb"#\s*define\s+" + knob.name.encode() + rb"\(", content.get(knob.path, b""))
    return knob.path.startswith(LIBPAS_ROOT) and knob.name not in NO_SIZES and formula is None


def names_of_sizes(profile: Profile) -> list[str]:
    """What the profile shows as a constant, or knows as the origin of a heap config's field."""
    constants = [constant.name for constant in profile.constants if constant.macro]
    origins = [macro for heap in profile.heaps for macros in heap.definitions.values() for macro in macros]
    return list(dict.fromkeys([*constants, *origins]))


def distinct(every: Sequence[Mutant], evaluations: Sequence[Evaluation]) -> list[Mutant]:
    """Without those whose values are all another one's: two literals of one product, say."""
    seen: set[frozenset[tuple[Wanted, int]]] = set()
    kept: list[Mutant] = []
    for mutant, evaluation in zip(every, evaluations, strict=True):
        values = frozenset(evaluation.values.items())
        if values not in seen or evaluation.failures or evaluation.stopped:
            kept.append(mutant)
        seen.add(values)
    return kept


def values_near(knob: Knob) -> Iterable[int]:
    """Other values for a knob, nearest first; never zero for a size."""
    for step in STEPS:
        more, less = (knob.value + step, knob.value - step) if knob.shift else (knob.value << step, knob.value >> step)
        yield from (value for value in (more, less) if value >= (0 if knob.shift else 1))
