"""Conditions around a declaration, and declarations that stand or fall with a macro nobody can see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from checker.check import check
from checker.conditions import all_conditions, conditions_around, names_asked
from checker.profile import Profile
from checker.report import Report, Verdict
from tests.checker.trees import files_below, memory_tree

PAGE_BLOCK = "Source/WTF/wtf/PageBlock.h"
DECLARATION = b"constexpr size_t CeilingOnPageSize = 16 * KB;\n"

SOURCE = b"""#pragma once
#if OUTER // not INNER
#ifdef BEFORE
#endif
#if defined(FIRST) && CPU(ARM64)
one
# elif \\
  SECOND
two
#else
three
#endif
#endif
four
"""


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (1, []),
        (3, ["OUTER", "BEFORE"]),
        (6, ["OUTER", "FIRST", "CPU"]),
        (9, ["OUTER", "FIRST", "CPU", "SECOND"]),
        (11, ["OUTER", "FIRST", "CPU", "SECOND"]),
        (14, []),
    ],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_conditions_around_a_line(line: int, names: list[str], line_end: bytes) -> None:
    found = conditions_around(SOURCE.replace(b"\n", line_end), line)
    assert [name for condition in found for name in condition.names] == names


def test_every_condition_and_its_line() -> None:
    assert [condition.line for condition in all_conditions(SOURCE)] == [2, 3, 5, 7]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("defined(A) || !defined B", ("A", "B")),
        ("USE(64KB_PAGE_BLOCK) || CPU(X) && OS(Y)", ("USE", "CPU", "OS")),
        ("A > 0x10 && 1u < B /* C */", ("A", "B")),
        ("!(CPU(X) && !(A + 1))", ("CPU", "A")),
        ('__has_include("a.h")', ("__has_include",)),
        ("1", ()),
    ],
)
def test_names_that_a_condition_asks_about(condition: str, names: tuple[str, ...]) -> None:
    assert names_asked(condition) == names


@pytest.fixture(scope="module")
def good(webkit_2_50: Path, libpas: Profile) -> Mapping[str, bytes]:
    return files_below(webkit_2_50, libpas)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def checked(good: Mapping[str, bytes], profile: Profile, cache: Path, condition: bytes) -> Report:
    """The arm64 declaration, only where `condition` is false, and a smaller one where it is true."""
    assert DECLARATION in good[PAGE_BLOCK]
    arms = b"#if " + condition + b"\nconstexpr size_t CeilingOnPageSize = 4 * KB;\n#else\n" + DECLARATION + b"#endif\n"
    changed = {PAGE_BLOCK: b"#include <wtf/PageSizes.h>\n" + good[PAGE_BLOCK].replace(DECLARATION, arms)}
    head = memory_tree({**good, **changed})
    return check(memory_tree(good), head, profile, targets=["linux-arm64"], page_sizes=[16384], cache_dir=cache)


@pytest.mark.parametrize(
    "condition", [b"WTF_SMALL_PAGES", b"defined(WTF_SMALL_PAGES)", b"CPU(ARM64) && WTF_SMALL_PAGES"]
)
def test_a_macro_that_only_a_dropped_header_defines_is_no_silent_no(
    good: Mapping[str, bytes], libpas: Profile, cache: Path, condition: bytes
) -> None:
    report = checked(good, libpas, cache, condition)
    assert report.verdict is Verdict.ERROR
    error = next(error for error in report.errors if error.name == "CeilingOnPageSize")
    assert error.message == "depends on WTF_SMALL_PAGES, which no header that is read here defines"
    assert error.path == PAGE_BLOCK
    line = good[PAGE_BLOCK][: good[PAGE_BLOCK].index(DECLARATION)].count(b"\n") + 2
    assert error.line == line
    # What is made of it is not known either.
    assert "MarkedBlock::blockSize" in {error.name for error in report.errors}


@pytest.mark.parametrize(
    "condition", [b"USE(SMALL_PAGES)", b"defined(USE_SMALL_PAGES)", b"defined(__MIPS__)", b"OS(WINDOWS)"]
)
def test_what_may_well_be_undefined_is_no_alarm(
    good: Mapping[str, bytes], libpas: Profile, cache: Path, condition: bytes
) -> None:
    assert checked(good, libpas, cache, condition).verdict is Verdict.PASS


def test_the_other_arm_is_taken_where_the_macro_is_known(
    good: Mapping[str, bytes], libpas: Profile, cache: Path
) -> None:
    report = checked(good, libpas, cache, b"CPU(ARM64)")
    assert report.verdict is Verdict.FAIL
    assert not report.errors
