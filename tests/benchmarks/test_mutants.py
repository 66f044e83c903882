"""Which literals the study changes, on the real headers."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from benchmarks.mutation_study.mutants import Mutant, distinct, mutants, values_near
from checker.evaluation import Evaluation, evaluate, headers, read
from checker.knobs import Knob, edited
from checker.profile import Profile, load_profile
from checker.tree import Tree
from workers.git import local_tree
from workers.scenario import Scenario

PROFILE = load_profile("libpas")
TARGET = PROFILE.targets["linux-arm64"]


@pytest.fixture(scope="module")
def tree(scenario: Scenario) -> Tree:
    return local_tree(scenario.path, scenario.shas["D"], PROFILE)


@pytest.fixture(scope="module")
def content(tree: Tree) -> Mapping[str, bytes]:
    return read(tree, headers(tree, PROFILE))


@pytest.fixture(scope="module")
def every(tree: Tree, content: Mapping[str, bytes]) -> list[Mutant]:
    return mutants("D", PROFILE, evaluate(tree, PROFILE, TARGET), content)


def test_shifts_move_by_bits_and_sizes_by_factors() -> None:
    shift = Knob("PAS_X_SHIFT", "x.h", 1, 0, "1", 1, shift=True)
    size = Knob("PAS_X_SIZE", "x.h", 1, 0, "2u", 2, shift=False)
    assert list(values_near(shift)) == [2, 0, 3]
    assert list(values_near(size)) == [4, 1, 8]


def test_every_page_and_granule_literal_is_changed_both_ways(every: list[Mutant]) -> None:
    changes = {mutant.change for mutant in every}
    assert {"PAS_SMALL_PAGE_DEFAULT_SHIFT 16 → 17", "PAS_SMALL_PAGE_DEFAULT_SHIFT 16 → 14"} <= changes
    assert {"JIT_MEDIUM_GRANULE_SIZE 65536 → 131072", "JIT_MEDIUM_GRANULE_SIZE 65536 → 16384"} <= changes
    assert "PAS_EXPENDABLE_MEMORY_PAGE_SIZE 65536 → 262144" in changes
    assert "BMALLOC_MINALIGN_SHIFT 4 → 5" in changes


def test_only_definitions_in_effect_are_changed(every: list[Mutant]) -> None:
    granules = [mutant for mutant in every if mutant.turn.knob.name == "PAS_GRANULE_DEFAULT_SHIFT"]
    assert {mutant.turn.knob.value for mutant in granules} == {16}


def test_neither_webkit_beside_libpas_nor_formulas_nor_marks_are_changed(every: list[Mutant]) -> None:
    names = {mutant.turn.knob.name for mutant in every}
    assert all(mutant.turn.knob.path.startswith("Source/bmalloc/") for mutant in every)
    assert not names & {"CeilingOnPageSize", "PAS_BITVECTOR_NUM_WORDS", "PAS_PAGE_GRANULE_DECOMMITTED"}


def test_a_mutant_differs_from_its_tree_in_one_line(every: list[Mutant], content: Mapping[str, bytes]) -> None:
    mutant = next(each for each in every if each.turn.knob.name == "JIT_SMALL_PAGE_SIZE")
    mutated = mutant.of(content)
    path = mutant.turn.knob.path
    assert {each for each in content if content[each] != mutated[each]} == {path}
    lines = zip(content[path].splitlines(), mutated[path].splitlines(), strict=True)
    assert [(before, after) for before, after in lines if before != after] == [
        (b"#define JIT_SMALL_PAGE_SIZE 65536u", b"#define JIT_SMALL_PAGE_SIZE 131072u")
    ]


def test_mutants_of_one_value_are_one(every: list[Mutant], tree: Tree) -> None:
    chosen = [each for each in every if each.turn.knob.name == "PAS_COMPACT_EXPENDABLE_MEMORY_PAYLOAD_SIZE"]
    doubled = [each for each in chosen if each.turn.value == 2 * each.turn.knob.value]
    assert len(doubled) > 1
    evaluations = [_evaluate(edited(tree, [each.turn]), PROFILE) for each in doubled]
    assert distinct(doubled, evaluations) == doubled[:1]


def _evaluate(tree: Tree, profile: Profile) -> Evaluation:
    return evaluate(tree, profile, TARGET)
