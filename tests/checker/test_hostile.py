"""Headers made to escape, hang or crash the evaluation: each an error that names the file, and nothing leaks."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from checker.check import check
from checker.clang import WALL_SECONDS
from checker.profile import load_profile
from checker.report import Report, Side, Verdict
from checker.tree import Kind
from tests.checker.trees import files_below, memory_tree

LIBPAS = "Source/bmalloc/libpas/src/libpas"
CONFIG = f"{LIBPAS}/pas_internal_config.h"
PAGE_BLOCK = "Source/WTF/wtf/PageBlock.h"
PROFILE = load_profile("libpas")


@pytest.fixture(scope="module")
def good(webkit_2_50: Path) -> Mapping[str, bytes]:
    return files_below(webkit_2_50, PROFILE)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def checked(
    good: Mapping[str, bytes], cache: Path, changed: Mapping[str, bytes], kinds: Mapping[str, Kind] | None = None
) -> Report:
    """A check of the good tree with some files changed, on one target."""
    base, head = memory_tree(good), memory_tree({**good, **changed}, kinds)
    return check(base, head, PROFILE, targets=["linux-arm64"], cache_dir=cache)


def prepended(good: Mapping[str, bytes], text: bytes) -> dict[str, bytes]:
    return {CONFIG: text + b"\n" + good[CONFIG]}


def assert_error_names(report: Report, path: str) -> None:
    assert report.verdict is Verdict.ERROR
    at_head = [error for error in report.errors if error.side is Side.HEAD]
    assert at_head
    assert path in {error.path for error in at_head}
    assert not [error for error in report.errors if error.side is Side.BASE]


@pytest.mark.parametrize("how", ['"{}"', "<{}>"])
@pytest.mark.parametrize(
    "host_file", ["/etc/passwd", "/proc/self/environ", "/dev/zero", "../../../../../../etc/passwd"]
)
def test_host_files_cannot_be_included(good: Mapping[str, bytes], cache: Path, how: str, host_file: str) -> None:
    include = f"#include {how.format(host_file)}".encode()
    report = checked(good, cache, prepended(good, include))
    assert_error_names(report, CONFIG)
    assert "root:" not in report.to_json()
    assert {error.line for error in report.errors} == {1}


@pytest.mark.parametrize("host_file", ["/etc/passwd", "/usr/include/stdio.h", "/probe.cpp.d", "/"])
def test_has_include_does_not_see_the_host(good: Mapping[str, bytes], cache: Path, host_file: str) -> None:
    text = f'#if __has_include("{host_file}")\n#error seen\n#endif'.encode()
    report = checked(good, cache, prepended(good, text))
    assert report.verdict is Verdict.PASS
    assert not report.errors


BOMB = b"\n".join(
    [b"#define B0 1+1", *(b"#define B%d B%d+B%d+B%d+B%d" % (n, *[n - 1] * 4) for n in range(1, 20)), b"int bomb = B19;"]
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BOMB, id="macro bomb"),
        pytest.param(b"#pragma clang __debug crash", id="debug crash"),
        pytest.param(b"#pragma clang __debug overflow_stack", id="debug overflow_stack"),
        pytest.param(b"#pragma clang __debug llvm_fatal_error", id="debug llvm_fatal_error"),
        pytest.param(b"int deep = " + b"(" * 200_000 + b"1" + b")" * 200_000 + b";", id="200k parentheses"),
        pytest.param(
            b"#ifdef __cplusplus\nconstexpr int forever(int n) { while (true) n ^= 1; return n; }\n"
            b"static_assert(forever(1));\n#endif",
            id="endless constexpr",
        ),
        pytest.param(b"template<int n> struct T { T<n + 1> t; }; T<0> t;", id="endless template"),
        pytest.param(b'#include "pas_internal_config.h"\n#undef PAS_INTERNAL_CONFIG_H', id="includes itself"),
        pytest.param(b"\xff\xfe int \x80\x81;", id="invalid UTF-8"),
        pytest.param(b"#error stop here", id="#error"),
        pytest.param(b"x;\n" * 500_000, id="half a million errors"),
        pytest.param(b"int " + b"a" * 1_900_000 + b";", id="a name of two megabytes"),
        pytest.param(b'#line 1 "/etc/passwd"\n#error stop here', id="another name for itself"),
        pytest.param(b'const char p[] = {\n#embed "/etc/passwd"\n};', id="#embed"),
        pytest.param(b"#define constexpr", id="no constexpr"),
        pytest.param(b"#if 1", id="unfinished conditional"),
    ],
)
def test_every_attack_is_an_error_that_names_the_file(good: Mapping[str, bytes], cache: Path, text: bytes) -> None:
    started = time.monotonic()
    report = checked(good, cache, prepended(good, text))
    assert_error_names(report, CONFIG)
    assert len(report.to_json()) < 500_000
    assert time.monotonic() - started < WALL_SECONDS + 10


def test_an_absurd_shift_is_an_error_at_its_definition(good: Mapping[str, bytes], cache: Path) -> None:
    before, after = b"PAS_SMALL_PAGE_DEFAULT_SHIFT     14", b"PAS_SMALL_PAGE_DEFAULT_SHIFT     200"
    assert before in good[CONFIG]
    report = checked(good, cache, {CONFIG: good[CONFIG].replace(before, after)})
    assert_error_names(report, CONFIG)
    assert any("shift count 200" in error.message for error in report.errors)


def test_an_absurd_shift_of_a_cpp_constant_is_an_error(good: Mapping[str, bytes], cache: Path) -> None:
    changed = good[PAGE_BLOCK].replace(b"CeilingOnPageSize = 16 * KB", b"CeilingOnPageSize = 1 << 200")
    report = checked(good, cache, {PAGE_BLOCK: changed})
    assert_error_names(report, PAGE_BLOCK)
    assert {"CeilingOnPageSize", "MarkedBlock::blockSize"} <= {error.name for error in report.errors}
    # What does not depend on it still has a value.
    assert "JIT_SMALL_PAGE_SIZE" not in {error.name for error in report.errors}


def test_a_huge_header_is_not_read(good: Mapping[str, bytes], cache: Path) -> None:
    report = checked(good, cache, {CONFIG: good[CONFIG] + b"//" + b"x" * (50 * 1024 * 1024)})
    assert_error_names(report, CONFIG)
    assert "this file has 52" in report.to_json()


@pytest.mark.parametrize("kind", [Kind.SYMLINK, Kind.SUBMODULE])
def test_what_is_no_file_is_not_followed(good: Mapping[str, bytes], cache: Path, kind: Kind) -> None:
    report = checked(good, cache, {CONFIG: b"/etc/passwd"}, {CONFIG: kind})
    assert_error_names(report, CONFIG)
    assert any(f"is a {kind.value} and not a file" in error.message for error in report.errors)


def test_odd_paths_survive(good: Mapping[str, bytes], cache: Path) -> None:
    odd = f'{LIBPAS}/it\'s "odd", <b>and spaced.h'
    report = checked(good, cache, {odd: b"#error never included\n"})
    assert report.verdict is Verdict.PASS
    assert any(odd in change.files for change in report.changes)


def test_an_oddly_named_header_is_named_when_it_is_at_fault(good: Mapping[str, bytes], cache: Path) -> None:
    odd = f'{LIBPAS}/it\'s "odd" and\tspaced.h'
    report = checked(good, cache, {**prepended(good, b'#include <it\'s "odd" and\tspaced.h>'), odd: b"#error found\n"})
    assert_error_names(report, odd)


def test_a_path_that_is_no_utf8_is_not_read(good: Mapping[str, bytes], cache: Path) -> None:
    odd = f"{LIBPAS}/" + os.fsdecode(b"\xff.h")
    report = checked(good, cache, {odd: b"#error never read\n"})
    assert report.verdict is Verdict.PASS
    assert f"{LIBPAS}/\ufffd.h" in report.to_json()


def test_harmless_oddities_are_no_alarm(good: Mapping[str, bytes], cache: Path) -> None:
    """Latin-1 in a comment and stray NULs change no value."""
    assert checked(good, cache, prepended(good, b"/* \xa9 1998 */ \0\0")).verdict is Verdict.PASS


def test_a_missing_constant_is_an_error_and_not_silence(good: Mapping[str, bytes], cache: Path) -> None:
    renamed = good[f"{LIBPAS}/jit_heap_config.h"].replace(b"define JIT_HEAP_CONFIG ", b"define JIT_HEAP_CONFIGURATION ")
    report = checked(good, cache, {f"{LIBPAS}/jit_heap_config.h": renamed})
    assert report.verdict is Verdict.ERROR
    assert "jit_medium_bitfit" in {error.name for error in report.errors}
    assert "JIT_HEAP_CONFIG is not defined" in report.to_json()


def test_the_probe_cannot_be_answered_by_the_headers(good: Mapping[str, bytes], cache: Path) -> None:
    """A header that defines every likely name of a probe changes nothing: the names are drawn anew each time."""
    text = b"\n".join(b"#define pw%02x_0 1" % n for n in range(256))
    assert checked(good, cache, prepended(good, text)).verdict is Verdict.PASS


@pytest.mark.parametrize("text", [b"#define long short", b"#define unsigned signed char"])
def test_the_headers_cannot_change_what_a_probe_is(good: Mapping[str, bytes], cache: Path, text: bytes) -> None:
    last = good[CONFIG].rindex(b"#endif")
    report = checked(good, cache, {CONFIG: good[CONFIG][:last] + text + b"\n" + good[CONFIG][last:]})
    constants = {constant.name: constant.head for constant in report.targets[0].constants}
    assert constants["JIT_MEDIUM_PAGE_SIZE"] == 131072


def test_an_error_in_wtf_leaves_libpas_values(good: Mapping[str, bytes], cache: Path) -> None:
    report = checked(good, cache, {PAGE_BLOCK: b"#error broken\n" + good[PAGE_BLOCK]})
    assert_error_names(report, PAGE_BLOCK)
    constants = {constant.name: constant.head for constant in report.targets[0].constants}
    assert constants["JIT_MEDIUM_PAGE_SIZE"] == 131072
    assert constants["CeilingOnPageSize"] is None


def test_a_repair_of_a_broken_base_passes(good: Mapping[str, bytes], cache: Path) -> None:
    """Everything that applies holds at head on x86-64, so what base was does not matter."""
    broken = memory_tree({**good, CONFIG: b"#error broken\n"})
    report = check(broken, memory_tree(good), PROFILE, targets=["linux-x86_64"], cache_dir=cache)
    assert report.verdict is Verdict.PASS
    assert {error.side for error in report.errors} == {Side.BASE}


def test_a_failure_whose_base_is_broken_is_an_error(good: Mapping[str, bytes], cache: Path) -> None:
    broken = memory_tree({**good, CONFIG: b"#error broken\n"})
    report = check(broken, memory_tree(good), PROFILE, targets=["linux-arm64"], cache_dir=cache)
    assert report.verdict is Verdict.ERROR


def test_messages_show_nothing_of_the_probe(good: Mapping[str, bytes]) -> None:
    """Neither its names, which differ each time, nor the paths of its file system."""
    text = good[CONFIG].replace(b"PAS_SMALL_PAGE_DEFAULT_SHIFT     14", b"PAS_SMALL_PAGE_DEFAULT_SHIFT     (1 / 0)")
    reports = [check(memory_tree(good), memory_tree({**good, CONFIG: text}), PROFILE) for _ in range(2)]
    assert reports[0] == reports[1]
    messages = {error.message for error in reports[0].errors}
    assert "division by zero" in " ".join(messages)
    assert not [message for message in messages if "/tree/" in message or "/slices/" in message or "pw" in message]
