"""Profiles: what they select, and what a mistake in one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.profile import MOST_BYTES, Profile, ProfileError, bundled_profiles, load_profile, parse_profile

MINIMAL = """
schema: 1
name: tiny
title: A tiny allocator
watch: [src/*.h]
headers: [src/**/*.h]
include: [src]
targets:
  linux-arm64: {title: Linux on Arm, triple: aarch64-unknown-linux-gnu, page_sizes: [4096]}
sections:
  - {name: main, include: [tiny.h]}
constants:
  - {name: PAGE, macro: true}
limits: {page: PAGE}
rules:
  - id: covers
    title: The page covers the OS page
    scope: tree
    value: page
    limit: os_page
    expression: "value >= limit"
    must: ">= {limit}"
    decided_by: [page]
    why: It would crash.
    relied_on_in: src/tiny.c
    advice: Raise PAGE.
"""


def written(tmp_path: Path, text: str) -> str:
    file = tmp_path / "tiny.yml"
    file.write_text(text)
    return str(file)


def test_libpas_comes_with_pagewarden(libpas: Profile) -> None:
    assert "libpas" in bundled_profiles()
    assert len(libpas.heaps) == 9


@pytest.mark.parametrize(
    ("path", "watched", "read"),
    [
        ("Source/bmalloc/libpas/src/libpas/pas_internal_config.h", True, True),
        ("Source/WTF/wtf/PageBlock.h", True, True),
        ("Source/bmalloc/bmalloc/mbmalloc.cpp", True, True),
        ("Source/WTF/wtf/PageBlock.cpp", False, False),
        ("Source/bmalloc/libpas/src/test/LibpasTests.cpp", False, False),
        ("third_party/Source/WTF/wtf/PageBlock.h", False, False),
        ("README.md", False, False),
    ],
)
def test_what_libpas_watches_and_reads(libpas: Profile, path: str, watched: bool, read: bool) -> None:
    assert (libpas.watches(path), libpas.reads(path)) == (watched, read)


def test_all_that_is_read_is_watched(libpas: Profile) -> None:
    """Otherwise a change of it would be "not applicable"."""
    assert set(libpas.headers) <= set(libpas.watch)


def test_roots_cover_every_path_that_is_read(libpas: Profile) -> None:
    assert any("Source/bmalloc/libpas/src/libpas/x.h".startswith(root) for root in libpas.tree_roots)
    assert "Source" not in libpas.tree_roots


def test_files_fall_into_the_first_cohort_that_has_them(libpas: Profile) -> None:
    assert libpas.cohort_of("Source/bmalloc/libpas/src/libpas/jit_heap_config.h") == "libpas JIT heap"
    assert libpas.cohort_of("Source/bmalloc/libpas/src/libpas/pas_config.h") == "libpas"
    assert libpas.cohort_of("elsewhere.h") == libpas.title


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path, MINIMAL))
    assert profile.name == "tiny"
    assert profile.rule("covers").per_page


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: A tiny allocator", "titel: A tiny allocator", "titel: Extra inputs are not permitted"),
        ("value: page", "value: pag", "rule covers: unknown name 'pag'"),
        ("value: page", "value: 'page +'", "not a C expression"),
        ("page_sizes: [4096]", "page_sizes: [8192]", "page_sizes.0: Input should be 4096, 16384 or 65536"),
        ("schema: 1", "schema: 2", "schema: Input should be 1"),
        ("name: tiny", "name: [", "not YAML"),
        ("name: tiny", "name: " + "[" * 20_000, "not YAML"),
        ("name: tiny", "name: \0", "not YAML"),
        ("src/**/*.h", "'src/[z-a].h'", "headers.0: Value error, not a glob"),
        ('must: ">= {limit}"', 'must: ">= {limits}"', "rules.0.must: Value error, not text with {limit}"),
        ('must: ">= {limit}"', 'must: ">= {"', "rules.0.must: Value error, not text with {limit}"),
        ("decided_by: [page]", "decided_by: [pages]", "rule covers: unknown name 'pages' in what decides it"),
        ("value: page", "arithmetic: pages * 1\n    value: page", "rule covers: unknown name 'pages'"),
        ("{name: PAGE, macro: true}", "{name: PAGE, macro: true}\n  - {name: PAGE}", "constant PAGE is there twice"),
        ("  - {name: main, include: [tiny.h]}", "  []", "sections: Tuple should have at least 1 item"),
        ("{name: PAGE, macro: true}", '{name: "N::PAGE", macro: true}', "is no macro name"),
        ("why: It", "severity: warning\n    why: It", "a warning says in `bites` when it would do harm"),
        ("value: page", "heaps: [small]\n    value: page", "rule covers: no heap 'small'"),
        ("value: page", "value: small.page", "rule covers: unknown name 'small.page'"),
        ("limits: {page: PAGE}", "limits: {page: {expression: PAGE, need: X}}", "need: Extra inputs are not permitted"),
        ("rules:", "costs: [{id: c, title: C, value: pag}]\nrules:", "cost c: unknown name 'pag'"),
    ],
)
def test_a_mistake_says_where_and_what(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in MINIMAL
    with pytest.raises(ProfileError) as raised:
        load_profile(written(tmp_path, MINIMAL.replace(old, new)))
    assert "tiny.yml" in str(raised.value)
    assert says in str(raised.value)


def test_a_guard_may_depend_on_the_page_size(tmp_path: Path) -> None:
    guarded = '    guards: [{expression: "os_page > 1", otherwise: never}]\n    value: page'
    text = MINIMAL.replace("    value: page", guarded).replace("limit: os_page", 'limit: "4096"')
    assert load_profile(written(tmp_path, text)).rule("covers").per_page


def test_a_profile_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "tiny.yml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError, match="not YAML"):
        load_profile(str(file))


@pytest.mark.parametrize("name", ["jemallocc", "../secrets", "/etc/passwd", "missing.yml"])
def test_a_profile_that_is_not_there(name: str) -> None:
    with pytest.raises(ProfileError) as raised:
        load_profile(name)
    assert name in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: A", "titel: A", "mine.yml: line 4, column 8: titel: Extra inputs are not permitted"),
        ("title: A", "name: A", "mine.yml: line 4, column 1: 'name' is there twice, first on line 3"),
        ("page_sizes: [4096]", "page_sizes: [8192]", "mine.yml: line 9, column 86: targets.linux-arm64.page_sizes.0: "),
        ("name: tiny", "name: !!python/name:os.system", "mine.yml: line 3, column 7: a tag (!) is not read here"),
        ("value: page", f"value: {'(' * 5000}page{')' * 5000}", "mine.yml: an expression is nested too deeply"),
        (
            '">= {limit}"',
            '"{limit:>9999999999}"',
            "mine.yml: line 22, column 11: rules.0.must: Value error, ",
        ),
        ('">= {limit}"', '"{limit.real}"', "mine.yml: line 22, column 11: rules.0.must: Value error, "),
        ('">= {limit}"', '"{limit!r}"', "mine.yml: line 22, column 11: rules.0.must: Value error, "),
        ("name: tiny", "name: &a [*a]", "mine.yml: line 1, column 1: more than 50,000 values, or aliases without"),
        ("name: tiny", f"name: {'x' * MOST_BYTES}", "mine.yml: line 1, column 1: expected at most 1,048,576 bytes"),
    ],
)
def test_a_text_s_mistakes_are_told_with_their_place(old: str, new: str, says: str) -> None:
    assert parse_profile(MINIMAL, "mine.yml").name == "tiny"
    with pytest.raises(ProfileError) as raised:
        parse_profile(MINIMAL.replace(old, new, 1), "mine.yml")
    assert any(line.startswith(says) for line in str(raised.value).splitlines())


def test_a_text_may_say_things_once_and_refer_to_them() -> None:
    """As libpas's own profile does."""
    text = MINIMAL.replace("why: It would crash.", "why: &why It would crash.").replace(
        "advice: Raise PAGE.", "advice: *why"
    )
    assert parse_profile(text, "mine.yml").rule("covers").advice == "It would crash."
