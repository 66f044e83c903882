"""Every rule of the libpas profile fails on real headers in which a number or two were changed, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from checker.evaluation import Evaluation, evaluate
from checker.profile import load_profile
from checker.rules import Cell, CellKey, Status, cells
from tests.checker.trees import files_below, memory_tree

PROFILE = load_profile("libpas")
TARGET = PROFILE.targets["linux-arm64"]
PAGES = (4096, 16384, 65536)

LIBPAS = "Source/bmalloc/libpas/src/libpas"
CONFIG = f"{LIBPAS}/pas_config.h"
INTERNAL = f"{LIBPAS}/pas_internal_config.h"
JIT = f"{LIBPAS}/jit_heap_config.h"
UTILITY = f"{LIBPAS}/pas_utility_heap_config.h"
SEGREGATED = f"{LIBPAS}/pas_segregated_page_config_utils.h"
HEAP_CONFIGS = f"{LIBPAS}/pas_heap_config_utils.h"
EXPENDABLE = f"{LIBPAS}/pas_expendable_memory.h"
COMPACT = f"{LIBPAS}/pas_compact_expendable_memory.h"
GUARD_MALLOC = f"{LIBPAS}/pas_probabilistic_guard_malloc_allocator.h"
MBMALLOC = "Source/bmalloc/bmalloc/mbmalloc.cpp"
PAGE_BLOCK = "Source/WTF/wtf/PageBlock.h"
WTF_CONFIG = "Source/WTF/wtf/WTFConfig.h"
MARKED_BLOCK = "Source/JavaScriptCore/heap/MarkedBlock.h"
LLINT = "Source/JavaScriptCore/llint/LLIntData.h"

OPCODE_CONFIG = "namespace JSC::LLInt { constexpr size_t OpcodeConfigSizeToProtect = 16 * KB; }\n"

Key = tuple[str | None, int | None]
"""Heap config and OS page size (bytes)."""


@dataclass(frozen=True)
class Edit:
    """Puts `new` for `old` in what follows `after`, which is the macro or the field that is changed."""

    path: str
    after: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A tree that breaks `rule` where the original does not: in `broken`, for the reason `text`."""

    rule: str
    edits: tuple[Edit, ...]
    broken: frozenset[Key]
    text: str


def mutant(
    rule: str, heap: str | tuple[str, ...] | None, text: str, *edits: Edit, pages: tuple[int, ...] = ()
) -> Mutant:
    heaps = heap if isinstance(heap, tuple) else (heap,)
    return Mutant(rule, edits, frozenset((each, page) for each in heaps for page in pages or (None,)), text)


TYPED_PARTIAL_VIEWS = Edit(INTERNAL, "PAS_TYPED_BOUND_FOR_PARTIAL_VIEWS", " 0", " 10")
SMALL_PAGE_OF_128K = Edit(INTERNAL, "PAS_SMALL_PAGE_DEFAULT_SHIFT", " 14", " 17")

MUTANTS = (
    mutant(
        "view-kind-bits",
        None,
        "1 << 2 = 4, must be >= 8",
        Edit(CONFIG, "PAS_INTERNAL_MIN_ALIGN_SHIFT", "3", "2"),
    ),
    mutant(
        "compact-pointer-unit",
        None,
        "16, must be a multiple of the internal alignment, 32",
        Edit(CONFIG, "PAS_INTERNAL_MIN_ALIGN_SHIFT", "3", "5"),
    ),
    mutant(
        "layout-segment-size",
        None,
        "1040, must be <= 696",
        Edit(INTERNAL, "PAS_UTILITY_LOOKUP_SIZE_UPPER_BOUND", "1400", "700"),
    ),
    mutant(
        "known-configs",
        None,
        "1 + 5 + 4 = 10, must be 9",
        Edit(JIT, ".marge_bitfit_config", "false", "true"),
    ),
    mutant(
        "page-shape",
        "jit_medium_bitfit",
        "98304, must be a power of two and a multiple of the granule, 16384",
        Edit(JIT, "JIT_MEDIUM_PAGE_SIZE", "131072u", "98304u"),
    ),
    mutant(
        "page-shape",
        "jit_medium_bitfit",
        "131072, must be a power of two and a multiple of the granule, 262144",
        Edit(JIT, "JIT_MEDIUM_GRANULE_SIZE", "16384u", "262144u"),
    ),
    mutant(
        "granule-covers-os-page",
        "jit_medium_bitfit",
        "8192, must be a multiple of the OS page, 16384",
        Edit(JIT, "JIT_MEDIUM_GRANULE_SIZE", "16384u", "8192u"),
        pages=(16384,),
    ),
    mutant(
        "use-count",
        "jit_medium_bitfit",
        "(16384 >> 6) + 1 = 257, must be < 255",
        Edit(JIT, "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT", "8u", "6u"),
    ),
    mutant(
        "granule-count",
        "bmalloc_marge_bitfit",
        "4194304 / 16384 = 256, must be from 2 to 255",
        Edit(CONFIG, "PAS_MAX_GRANULES", "256", "255"),
    ),
    mutant(
        "alloc-bits",
        "utility",
        "16384 >> 3 = 2048, must be <= 2047",
        Edit(INTERNAL, "PAS_MAX_OBJECTS_PER_PAGE", "2048", "2047"),
    ),
    mutant(
        "payload-bits",
        "jit_small_segregated",
        "16384 >> 4 = 1024, must be <= 512",
        Edit(JIT, ".num_alloc_bits", "JIT_SMALL_PAGE_SIZE)", "JIT_SMALL_PAGE_SIZE / 2)"),
    ),
    mutant(
        "non-empty-words",
        "utility",
        "16384 / 32 - (2096 >> 3) / 32 = 504, must be <= 255",
        SMALL_PAGE_OF_128K,
    ),
    mutant(
        "partial-view-words",
        "bmalloc_small_segregated",
        "8192 / 32 = 256, must be <= 255",
        TYPED_PARTIAL_VIEWS,
        SMALL_PAGE_OF_128K,
    ),
    mutant(
        "view-cache-capacity",
        "jit_small_segregated",
        "1638400 / 4096 = 400, must be from 1 to 255",
        Edit(JIT, "JIT_SMALL_PAGE_SIZE", "16384u", "4096u"),
    ),
    mutant(
        "view-cache-capacity",
        "bmalloc_medium_segregated",
        "1638400 / 2097152 = 0, must be from 1 to 255",
        Edit(INTERNAL, "PAS_MEDIUM_PAGE_DEFAULT_SHIFT", " 17", " 21"),
    ),
    mutant(
        "designated-min-align",
        "bmalloc_small_segregated",
        "1 << 6 = 64, must be 8, 16 or 32",
        Edit(f"{LIBPAS}/bmalloc_heap_config.h", "BMALLOC_MINALIGN_SHIFT", "4", "6"),
    ),
    mutant(
        "designated-sizes",
        "bmalloc_small_segregated",
        "402, must be >= 416",
        Edit(INTERNAL, "PAS_SMALL_PAGE_DEFAULT_SHIFT", " 14", " 12"),
    ),
    mutant(
        "designated-sizes",
        "bmalloc_small_bitfit",
        "401, must be >= 416",
        Edit(INTERNAL, "PAS_SMALL_BITFIT_PAGE_DEFAULT_SHIFT", " 14", " 12"),
    ),
    mutant(
        "shared-handle-size",
        "bmalloc_small_segregated",
        "4116, must be <= 1400",
        TYPED_PARTIAL_VIEWS,
        Edit(f"{LIBPAS}/bmalloc_heap_config.h", "BMALLOC_SMALL_SHARING_SHIFT", "4", "0"),
    ),
    mutant(
        "live-bits",
        "jit_small_bitfit",
        "(262144 - 0) >> 2 = 65536, must be <= 65535",
        Edit(JIT, "JIT_SMALL_PAGE_SIZE", "16384u", "262144u"),
    ),
    mutant(
        "bitfit-object-size",
        ("jit_small_bitfit", "jit_medium_bitfit"),
        "1016, must be <= 1012",
        Edit(JIT, ".max_object_size", "PAS_BITFIT_MAX_FREE_MAX_VALID", "254"),
    ),
    mutant(
        "bitfit-object-fits-page",
        "jit_medium_bitfit",
        "64768, must be <= 32768",
        Edit(JIT, "JIT_MEDIUM_PAGE_SIZE", "131072u", "32768u"),
    ),
    mutant(
        "out-of-line-header",
        "jit_small_bitfit",
        "(16384 >> 1) * (1 + 1) / 8 + 32 = 2080, must be <= 1400",
        Edit(JIT, "JIT_SMALL_BITFIT_MIN_ALIGN_SHIFT", "2u", "1u"),
    ),
    mutant(
        "out-of-line-header",
        "jit_small_bitfit",
        "(16384 >> 2) * (1 + 1) / 8 + 32 = 1056, must be <= 1048",
        Edit(INTERNAL, "PAS_UTILITY_LOOKUP_SIZE_UPPER_BOUND", "1400", "1055"),
    ),
    mutant(
        "page-fits-megapage",
        "bmalloc_marge_bitfit",
        "4194304, must be a divisor of the megapage, 2097152",
        Edit(INTERNAL, "PAS_MEDIUM_MEGAPAGE_SHIFT", "24", "21"),
    ),
    mutant(
        "small-pages-agree",
        None,
        "32768, must be the segregated page's size, 16384",
        Edit(INTERNAL, "PAS_SMALL_BITFIT_PAGE_DEFAULT_SHIFT", " 14", " 15"),
    ),
    mutant(
        "medium-pages-agree",
        None,
        "262144, must be the segregated page's size, 131072",
        Edit(HEAP_CONFIGS, ").medium_bitfit_min_align_shift", ".medium_page_size", ".medium_page_size * 2"),
    ),
    mutant(
        "utility-one-granule",
        "utility",
        "16384, must be the granule's size, 8192",
        Edit(UTILITY, ".granule_size", "PAS_SMALL_PAGE_DEFAULT_SIZE", "PAS_SMALL_PAGE_DEFAULT_SIZE / 2"),
    ),
    mutant(
        "jit-small-pages-agree",
        "jit_small_bitfit",
        "32768, must be 16384, the page size of their header table",
        Edit(JIT, ".page_size", "_PAGE_SIZE", "_PAGE_SIZE * 2"),
    ),
    mutant(
        "expendable-covers-os-page",
        None,
        "8192, must be a multiple of the OS page, 16384",
        Edit(EXPENDABLE, "PAS_EXPENDABLE_MEMORY_PAGE_SIZE", "16384llu", "8192llu"),
        pages=(16384,),
    ),
    mutant(
        "expendable-payload",
        None,
        "8589410304, must be <= 4294967295",
        Edit(EXPENDABLE, "PAS_EXPENDABLE_MEMORY_PAGE_SIZE", "16384llu", "262144llu"),
    ),
    mutant(
        "expendable-alignment",
        None,
        "301989888, must be a power of two > 301940736",
        Edit(EXPENDABLE, "PAS_EXPENDABLE_MEMORY_PAGE_SIZE", "16384llu", "49152llu"),
    ),
    mutant(
        "compact-expendable-pages",
        None,
        "20500480, must be a multiple of the expendable page, 16384",
        Edit(COMPACT, "PAS_COMPACT_EXPENDABLE_MEMORY_PAYLOAD_SIZE", "1024llu", "1001llu"),
    ),
    mutant(
        "guarded-page-size",
        None,
        "16384, must be <= 255",
        Edit(GUARD_MALLOC, "uint16_t mem_to_waste;", "uint16_t", "uint8_t"),
        pages=(4096, 16384),
    ),
    mutant(
        "header-fits-page",
        "bmalloc_small_bitfit",
        "32, must be < 32",
        Edit(INTERNAL, "PAS_SMALL_BITFIT_PAGE_DEFAULT_SHIFT", " 14", " 5"),
    ),
    mutant(
        "ceiling-covers-os-page",
        None,
        "24576, must be a multiple of the OS page, 16384",
        Edit(PAGE_BLOCK, "CeilingOnPageSize =", "16 * KB", "24 * KB"),
        pages=(16384,),
    ),
    mutant(
        "block-covers-os-page",
        None,
        "20480, must be a multiple of the OS page, 16384",
        Edit(MARKED_BLOCK, "blockSize =", "16 * KB", "20 * KB"),
        pages=(16384,),
    ),
    mutant(
        "mark-count",
        None,
        "32768, must be <= 32767",
        Edit(MARKED_BLOCK, "blockSize =", "16 * KB", "512 * KB"),
    ),
    mutant(
        "block-size-bits",
        None,
        "4294967296, must be < 4294967296",
        Edit(MARKED_BLOCK, "blockSize =", "16 * KB", "4 * GB"),
    ),
    mutant(
        "config-covers-os-page",
        None,
        "20480, must be a multiple of the OS page, 16384",
        Edit(WTF_CONFIG, "ConfigSizeToProtect =", "16 * KB", "20 * KB"),
        pages=(16384,),
    ),
    mutant(
        "opcode-config-covers-os-page",
        None,
        "20480, must be a multiple of the OS page, 16384",
        Edit(LLINT, "OpcodeConfigSizeToProtect =", "16 * KB", "20 * KB"),
        pages=(16384,),
    ),
    mutant(
        "mbmalloc-config-covers-os-page",
        None,
        "8192, must be a multiple of the OS page, 16384",
        Edit(MBMALLOC, "ConfigSizeToProtect =", "16 *", "8 *"),
        pages=(16384,),
    ),
)

WIDER = (
    Edit(f"{LIBPAS}/pas_page_granule_use_count.h", "typedef", "uint8_t", "uint16_t"),
    Edit(f"{LIBPAS}/pas_page_granule_use_count.h", "PAS_PAGE_GRANULE_DECOMMITTED", "255u", "65535u"),
    Edit(f"{LIBPAS}/pas_segregated_size_directory.h", "end_of_last_object; /*", "uint8_t", "uint16_t"),
    Edit(f"{LIBPAS}/pas_segregated_partial_view.h", "uint8_t index;", "uint8_t", "uint16_t"),
    Edit(f"{LIBPAS}/pas_heap_runtime_config.h", "PAS_API", "uint8_t", "uint16_t"),
    Edit(f"{LIBPAS}/pas_bitfit_page.h", "did_note_max_free;", "uint16_t", "uint32_t"),
    Edit(EXPENDABLE, "unsigned bump;", "unsigned", "size_t"),
    Edit(GUARD_MALLOC, "uint16_t mem_to_waste;", "uint16_t", "uint32_t"),
    Edit(MARKED_BLOCK, "m_biasedMarkCount;", "MarkCountBiasType", "int32_t"),
    Edit(INTERNAL, "PAS_UTILITY_LOOKUP_SIZE_UPPER_BOUND", "1400", "8192"),
    TYPED_PARTIAL_VIEWS,
)

WIDENED = {
    ("use-count", "jit_medium_bitfit"): 65535,
    ("non-empty-words", "utility"): 65535,
    ("out-of-line-header", "jit_small_bitfit"): 8192,
    ("shared-handle-size", "bmalloc_small_segregated"): 8192,
    ("mark-count", None): 2**31 - 1,
}
CAST_ALL_THE_SAME = {
    ("partial-view-words", "bmalloc_small_segregated"): 255,
    ("view-cache-capacity", "jit_small_segregated"): 255,
    ("live-bits", "jit_small_bitfit"): 65535,
    ("expendable-payload", None): 2**32 - 1,
}
"""Functions pass these through the narrow type, so that widening the declared one alone is not enough."""


@pytest.fixture(scope="module")
def original(webkit_2_50: Path) -> Mapping[str, bytes]:
    """2.50.6, and the one declaration that only later versions have."""
    files = files_below(webkit_2_50, PROFILE)
    return {**files, LLINT: files[LLINT] + OPCODE_CONFIG.encode()}


@pytest.fixture(scope="module")
def original_cells(original: Mapping[str, bytes]) -> Mapping[CellKey, Cell]:
    return cells_of(original)


def cells_of(files: Mapping[str, bytes]) -> Mapping[CellKey, Cell]:
    evaluation: Evaluation = evaluate(memory_tree(files), PROFILE, TARGET)
    assert not evaluation.failures
    return cells(PROFILE, TARGET, evaluation, PAGES)


def edited(files: Mapping[str, bytes], edits: tuple[Edit, ...]) -> dict[str, bytes]:
    """Each edit changes the first `old` after the first `after`."""
    result = dict(files)
    for edit in edits:
        before, after, rest = result[edit.path].decode().partition(edit.after)
        assert edit.old in rest, f"{edit.path}: no {edit.old!r} after {edit.after!r}"
        result[edit.path] = f"{before}{after}{rest.replace(edit.old, edit.new, 1)}".encode()
    return result


def broken(found: Mapping[CellKey, Cell], rule: str) -> dict[Key, str]:
    return {
        (key.heap, key.os_page): cell.text
        for key, cell in found.items()
        if key.rule == rule and cell.status is Status.FAILS
    }


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.rule)
def test_a_rule_fails_where_a_number_breaks_it(
    original: Mapping[str, bytes], original_cells: Mapping[CellKey, Cell], mutant: Mutant
) -> None:
    before = broken(original_cells, mutant.rule)
    after = broken(cells_of(edited(original, mutant.edits)), mutant.rule)
    assert after.keys() - before.keys() == mutant.broken
    assert mutant.text in after.values()


def test_every_rule_has_a_tree_that_breaks_it() -> None:
    assert {each.rule for each in MUTANTS} == {rule.id for rule in PROFILE.rules}


def test_the_original_is_broken_by_64k_pages_alone(original_cells: Mapping[CellKey, Cell]) -> None:
    assert {key.os_page for key, cell in original_cells.items() if cell.status is Status.FAILS} == {65536}
    assert {cell.status for cell in original_cells.values()} == {Status.HOLDS, Status.FAILS, Status.NOT_APPLICABLE}


def test_a_wider_counter_moves_the_limit(original: Mapping[str, bytes]) -> None:
    found = cells_of(edited(original, WIDER))
    limits = {
        (key.rule, key.heap): cell.measure.limit for key, cell in found.items() if cell.measure and key.os_page is None
    }
    assert {key: limits[key] for key in WIDENED} == WIDENED
    assert {key: limits[key] for key in CAST_ALL_THE_SAME} == CAST_ALL_THE_SAME
    guarded = found[CellKey("guarded-page-size", None, 65536)]
    assert guarded.status is Status.HOLDS


def test_a_signed_counter_holds_half_as_much(original: Mapping[str, bytes]) -> None:
    signed = Edit(f"{LIBPAS}/pas_segregated_size_directory.h", "end_of_last_object; /*", "uint8_t", "int8_t")
    measure = cells_of(edited(original, (signed,)))[CellKey("non-empty-words", "utility", None)].measure
    assert measure is not None
    assert measure.limit == 127


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (Edit(INTERNAL, "PAS_MAX_OBJECTS_PER_PAGE", "2048", "(-1)"), "max_objects_per_page"),
        (Edit(f"{LIBPAS}/pas_bitfit_page.h", "num_live_bits", ";", " : 8;"), "largest_live_bits"),
    ],
)
def test_a_limit_without_a_number_is_an_error(original: Mapping[str, bytes], edit: Edit, name: str) -> None:
    """A negative one, and that of a bit-field, which has no size."""
    evaluation = evaluate(memory_tree(edited(original, (edit,))), PROFILE, TARGET)
    assert name in {wanted.name for wanted in evaluation.failures}


@pytest.mark.parametrize(
    ("path", "macro", "value"),
    [
        (MARKED_BLOCK, "PAS_PAGE_GRANULE_DECOMMITTED", "70000"),
        (MARKED_BLOCK, "PAS_MAX_OBJECTS_PER_PAGE", "70000"),
        (GUARD_MALLOC, "LIBPAS_ENABLED", "0"),
        (GUARD_MALLOC, "PAS_MAX_OBJECTS_PER_PAGE", "70000"),
    ],
)
def test_a_second_definition_does_not_count(original: Mapping[str, bytes], path: str, macro: str, value: str) -> None:
    """Not where another file makes it after all of libpas is read, and not silently where libpas does."""
    again = f"\n#undef {macro}\n#define {macro} {value}\n".encode()
    evaluation = evaluate(memory_tree({**original, path: original[path] + again}), PROFILE, TARGET)
    values = {wanted.name: value for wanted, value in evaluation.values.items() if wanted.kind == "limit"}
    assert str(values.get({"PAS_MAX_OBJECTS_PER_PAGE": "max_objects_per_page"}.get(macro, "decommitted"))) != value
    told = " ".join(failure.message for failure in evaluation.failures.values())
    assert path == MARKED_BLOCK or f"{macro} is defined more than once" in told


def test_a_bound_for_partial_views_makes_their_rules_apply(
    original: Mapping[str, bytes], original_cells: Mapping[CellKey, Cell]
) -> None:
    rules = ("partial-view-words", "shared-handle-size")
    found = cells_of(edited(original, (TYPED_PARTIAL_VIEWS,)))
    for rule in rules:
        key = CellKey(rule, "bmalloc_small_segregated", None)
        assert original_cells[key].status is Status.NOT_APPLICABLE
        assert found[key].status is Status.HOLDS


def test_medium_pages_may_differ_where_each_kind_has_its_table(original: Mapping[str, bytes]) -> None:
    """Later versions have two tables of medium headers, under other names."""
    one, another = b"_medium_page_header_table", b"_medium_kinds_page_header_table"
    renamed = {path: content.replace(one, another) for path, content in original.items()}
    taller = Edit(HEAP_CONFIGS, ").medium_bitfit_min_align_shift", ".medium_page_size", ".medium_page_size * 4")
    cell = cells_of(edited(renamed, (taller,)))[CellKey("medium-pages-agree", None, None)]
    assert cell.status is Status.NOT_APPLICABLE
