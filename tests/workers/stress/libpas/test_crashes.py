"""Where a crash is, and which rules speak of it."""

from __future__ import annotations

from workers.stress.libpas.crashes import Match, Place, known_places, meant_places, nearness, own_places, speaking

ASSERTED = Place("pas_assertion_failed", "pas_utils.h", 270)
COMMIT = Place("commit_granules", "pas_bitfit_page_inlines.h", 193)
ALLOCATE = Place("allocate", "pas_bitfit_allocator_inlines.h", 151)
UTILITY = Place("allocate", "pas_utility_heap.c", 86)
TABLE = Place("add", "pas_page_header_table.c", 90)


def test_an_assertion_is_where_it_stands_not_where_it_is_told() -> None:
    assert own_places([ASSERTED, COMMIT, ALLOCATE]) == [COMMIT, ALLOCATE]
    assert own_places([COMMIT]) == [COMMIT]
    split = [Place("deallocate", "pas_utils.h", 270), ASSERTED, COMMIT]
    assert own_places(split) == [COMMIT]


def test_who_asked_too_much_is_meant_not_who_was_asked() -> None:
    assert meant_places([ASSERTED, UTILITY, TABLE, ALLOCATE]) == [TABLE, ALLOCATE]
    assert meant_places([UTILITY]) == [UTILITY]
    assert list(meant_places([])) == []


def test_a_rule_is_as_near_as_the_first_file_that_it_names() -> None:
    meant = meant_places([ASSERTED, COMMIT, ALLOCATE])
    assert nearness({COMMIT.file, ALLOCATE.file}, meant) is Match.ASSERTION
    assert nearness({ALLOCATE.file}, meant) is Match.CALLER
    assert nearness({UTILITY.file}, meant) is None
    assert nearness({UTILITY.file}, []) is None


def test_the_rules_that_name_the_nearest_file_speak() -> None:
    count, other, far = ("use-count", {COMMIT.file}), ("other", {ALLOCATE.file}), ("far", {"pas_heap.c"})
    places = [ASSERTED, COMMIT, ALLOCATE, Place("run", "pas_heap.c", 7)]
    assert speaking([count, other, far], places) == ("use-count",)
    assert speaking([other, far], places) == ("other",)
    assert speaking([far], places[:3]) == ()
    assert speaking([("header", {TABLE.file})], [ASSERTED, UTILITY, TABLE]) == ("header",)


def test_a_rule_that_names_the_shared_assertion_too_is_meant() -> None:
    header, agree = ("header", {TABLE.file, UTILITY.file}), ("agree", {TABLE.file})
    assert speaking([agree, header], [ASSERTED, UTILITY, TABLE]) == ("header",)
    assert speaking([agree, header], [ASSERTED, TABLE, UTILITY]) == ("agree", "header")


def test_addr2line_tells_files_of_libpas_and_of_the_driver_only() -> None:
    told = (
        "pas_page_malloc_decommit\n./Source/bmalloc/libpas/src/libpas/pas_page_malloc.c:361 (discriminator 2)\n"
        "memset\n??:0\n"
        "puts\n/usr/lib/overdriver/puts.c:12\n"
        "churn\ndriver/objects.c:120\n"
        "odd\n"
    )
    assert known_places(told) == [
        Place("pas_page_malloc_decommit", "pas_page_malloc.c", 361),
        Place("churn", "objects.c", 120),
    ]
