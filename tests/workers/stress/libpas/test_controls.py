"""Controls as sources, made from a base."""

from __future__ import annotations

import pytest

from checker.entries import Stress
from checker.profile import load_profile
from workers.stress.libpas.controls import controls, overridden
from workers.stress.libpas.reference import scenario_sources
from workers.stress.libpas.sources import BMALLOC, LIBPAS, Sources
from workers.stress.result import Expectation
from workers.stress.verdicts import Verdict

CONFIG, JIT, EXPENDABLE = (
    f"{LIBPAS}/{name}" for name in ("pas_internal_config.h", "jit_heap_config.h", "pas_expendable_memory.h")
)


@pytest.fixture
def stress() -> Stress:
    found = load_profile("libpas").stress
    assert found is not None
    return found


def defined(**values: str) -> bytes:
    return "".join(f"#define {name} {value}\n" for name, value in values.items()).encode()


def base(small: str = "14") -> Sources:
    """As much of a tree as the edits and the mutants touch."""
    return {
        CONFIG: defined(
            PAS_SMALL_PAGE_DEFAULT_SHIFT=small,
            PAS_SMALL_BITFIT_PAGE_DEFAULT_SHIFT="14",
            PAS_MEDIUM_PAGE_DEFAULT_SHIFT="17",
            PAS_GRANULE_DEFAULT_SHIFT="14",
            PAS_MAX_OBJECTS_PER_PAGE="2048",
        ),
        JIT: defined(
            JIT_SMALL_PAGE_SIZE="16384u",
            JIT_SMALL_GRANULE_SIZE="16384u",
            JIT_MEDIUM_PAGE_SIZE="131072u",
            JIT_MEDIUM_GRANULE_SIZE="16384u",
            JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT="8u",
        ),
        EXPENDABLE: defined(PAS_EXPENDABLE_MEMORY_PAGE_SIZE="16384llu"),
        f"{BMALLOC}/BPlatform.h": b"#if !defined(BUSE_PRECOMPUTED_CONSTANTS_VMPAGE16K)\n"
        b"#define BUSE_PRECOMPUTED_CONSTANTS_VMPAGE16K 1\n#endif\n",
    }


def test_where_the_edits_apply_they_make_the_controls(stress: Stress) -> None:
    b, c = controls(base(), stress)
    assert (b.name, c.name) == ("libpas B", "libpas C")
    assert (b.tree, c.tree) == (scenario_sources(base(), "B"), scenario_sources(base(), "C"))
    assert b.made_by == c.made_by == "the reference pull request's edits"


def test_elsewhere_the_profile_has_mutants(stress: Stress) -> None:
    b, c = controls(base(small="15"), stress)
    assert b.made_by == c.made_by == "the profile's mutants"
    assert b"SHIFT 15\n#undef PAS_SMALL_PAGE_DEFAULT_SHIFT\n#define PAS_SMALL_PAGE_DEFAULT_SHIFT 16\n" in b.tree[CONFIG]
    assert b.tree[JIT] == c.tree[JIT] != base()[JIT]
    assert b.tree[CONFIG] != c.tree[CONFIG]


def test_edits_outside_libpas_are_left_out(stress: Stress) -> None:
    assert set(controls(base(), stress)[0].tree) == set(base())


def test_a_base_without_the_definitions_has_no_controls(stress: Stress) -> None:
    assert controls({CONFIG: b"", JIT: b""}, stress) == ()


def test_a_control_says_what_it_must_do(stress: Stress) -> None:
    b, c = controls(base(), stress)
    assert b.phases == ("baseline", "jit-medium-bitfit")
    assert [each.verdict for each in b.expectations([4096])] == [Verdict.FAIL, Verdict.FAIL]
    assert c.expectations([4096, 65536]) == (
        Expectation("libpas C", 4096, "jit-medium-bitfit", Verdict.FAIL),
        Expectation("libpas C", 4096, "baseline", Verdict.PASS),
        Expectation("libpas C", 65536, "jit-medium-bitfit", Verdict.FAIL),
        Expectation("libpas C", 65536, "baseline", Verdict.PASS),
    )


def test_each_definition_is_followed_by_the_other_value() -> None:
    text = b"#if X\n# define  M 1\n#else\n#define M \\\n  2\n#endif\n#define M2 3\n#define M(x) 4\n//#define M 5\n"
    again = b"#undef M\n#define M (N >> 1)\n"
    assert overridden(text, "M", "(N >> 1)") == (
        b"#if X\n# define  M 1\n" + again + b"#else\n#define M \\\n  2\n" + again + b"#endif\n"
        b"#define M2 3\n#define M(x) 4\n//#define M 5\n"
    )
    assert overridden(text, "N", "1") is None
