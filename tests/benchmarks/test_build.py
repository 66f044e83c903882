"""What the build makes of sources and of compilers' words; the compilers themselves are the study's business."""

from __future__ import annotations

from benchmarks.libpas_driver.build import first_error
from benchmarks.libpas_driver.source import digest_of, scenario_sources

CONFIG = "Source/bmalloc/libpas/src/libpas/pas_internal_config.h"


def test_the_first_error_of_a_compiler_is_told_without_its_directory() -> None:
    told = (
        "In file included from Source/bmalloc/libpas/src/libpas/a.c:3:\n"
        "Source/bmalloc/libpas/src/libpas/pas_x.h:7:20: error: static assertion failed\n"
        "Source/bmalloc/libpas/src/libpas/pas_x.h:9:20: error: another\n"
    )
    assert first_error(told) == "pas_x.h:7:20: error: static assertion failed"
    assert first_error("ld: x.o: in function `f':\nx.c:(.text+0x1): undefined reference to `g'\n").endswith("`g'")
    assert first_error("") == "no reason given"


def test_equal_trees_have_equal_digests_and_others_not() -> None:
    tree = {"a.h": b"1", "b.h": b"2"}
    assert digest_of(tree) == digest_of(dict(reversed(tree.items())))
    assert digest_of(tree) != digest_of({"a.h": b"1", "b.h": b"3"})
    assert digest_of({"a.h": b"12"}) != digest_of({"a.h": b"1", "b.h": b"2"})


def test_a_tree_of_the_scenario_has_the_edits_of_its_files_and_those_before() -> None:
    base = {
        CONFIG: b"".join(
            b"#define %s %d\n" % line
            for line in (
                (b"PAS_SMALL_PAGE_DEFAULT_SHIFT", 14),
                (b"PAS_SMALL_BITFIT_PAGE_DEFAULT_SHIFT", 14),
                (b"PAS_MEDIUM_PAGE_DEFAULT_SHIFT", 17),
                (b"PAS_GRANULE_DEFAULT_SHIFT", 14),
                (b"PAS_MAX_OBJECTS_PER_PAGE", 2048),
            )
        )
    }
    assert scenario_sources(base, "A") == base
    assert b"#define PAS_GRANULE_DEFAULT_SHIFT 16" in scenario_sources(base, "B")[CONFIG]
    assert b"#define PAS_MAX_OBJECTS_PER_PAGE 2048" in scenario_sources(base, "B")[CONFIG]
    assert b"#define PAS_MAX_OBJECTS_PER_PAGE 2048" not in scenario_sources(base, "C")[CONFIG]
