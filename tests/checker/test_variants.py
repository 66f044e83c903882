"""Ways to write a constant: each has the right value and the line of its definition in effect, or is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from checker.check import check
from checker.profile import load_profile
from checker.report import Constant, Finding, Report, State, Verdict
from tests.checker.trees import files_below, memory_tree

LIBPAS = "Source/bmalloc/libpas/src/libpas"
INTERNAL = f"{LIBPAS}/pas_internal_config.h"
JIT = f"{LIBPAS}/jit_heap_config.h"
COUNTS = f"{LIBPAS}/pas_page_granule_use_count.h"
PAGE_BLOCK = "Source/WTF/wtf/PageBlock.h"
MARKED_BLOCK = "Source/JavaScriptCore/heap/MarkedBlock.h"
PROFILE = load_profile("libpas")

Checked = Callable[[Mapping[str, bytes], Mapping[str, bytes]], Report]

CEILING = "constexpr size_t CeilingOnPageSize = 16 * KB;"
BLOCK_SIZE = "static constexpr size_t blockSize = std::max(16 * KB, CeilingOnPageSize);"
OBJECTS = "#define PAS_MAX_OBJECTS_PER_PAGE         2048"


@pytest.fixture(scope="module")
def good(webkit_2_50: Path) -> Mapping[str, bytes]:
    return files_below(webkit_2_50, PROFILE)


def replaced(files: Mapping[str, bytes], path: str, old: str, new: str) -> dict[str, bytes]:
    assert old.encode() in files[path]
    return {**files, path: files[path].replace(old.encode(), new.encode(), 1)}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """A check of two trees on one target."""
    cache = tmp_path_factory.mktemp("cache")

    def run(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> Report:
        return check(memory_tree(base), memory_tree(head), PROFILE, targets=["linux-arm64"], cache_dir=cache)

    return run


def constant(report: Report, name: str) -> Constant:
    return next(constant for constant in report.targets[0].constants if constant.name == name)


def line(files: Mapping[str, bytes], at: Constant | Finding) -> str:
    assert at.path is not None
    assert at.line is not None
    return files[at.path].decode(errors="replace").splitlines()[at.line - 1].strip()


@pytest.mark.parametrize(
    ("written", "defined_in"),
    [
        ("inline constexpr size_t CeilingOnPageSize { 64 * KB };", "inline constexpr size_t Ceiling"),
        ("static const size_t CeilingOnPageSize = 0x1'0000ull;", "static const size_t Ceiling"),
        ("constexpr size_t\n    CeilingOnPageSize =\n    64 * KB;", "constexpr size_t"),
        ("#define CEILING (64 * KB)\nconstexpr size_t CeilingOnPageSize = CEILING;", "constexpr size_t Ceiling"),
        (
            "struct Limits { static constexpr size_t page = 64 * KB; };\n"
            "constexpr auto CeilingOnPageSize = Limits::page;",
            "constexpr auto Ceiling",
        ),
        (
            "consteval size_t ceiling() { size_t most = 16 * KB; while (most < 64 * KB) most *= 2; return most; }\n"
            "constexpr size_t CeilingOnPageSize = ceiling();",
            "constexpr size_t Ceiling",
        ),
        (
            "template<bool large> constexpr size_t ceiling = large ? 64 * KB : 16 * KB;\n"
            "constexpr size_t CeilingOnPageSize = ceiling<sizeof(void*) == 8>;",
            "constexpr size_t Ceiling",
        ),
        (
            "#include <wtf/Elsewhere.h> /* a comment of\n two lines */\nconstexpr size_t CeilingOnPageSize = 64 * KB;",
            "constexpr size_t Ceiling",
        ),
    ],
)
def test_a_cpp_constant(good: Mapping[str, bytes], checked: Checked, written: str, defined_in: str) -> None:
    head = replaced(good, PAGE_BLOCK, CEILING, written)
    report = checked(good, head)
    assert not report.errors
    ceiling = constant(report, "CeilingOnPageSize")
    assert (ceiling.head, ceiling.path) == (65536, PAGE_BLOCK)
    assert line(head, ceiling).startswith(defined_in)
    assert constant(report, "MarkedBlock::blockSize").head == 65536


@pytest.mark.parametrize(
    "written",
    [
        "enum : size_t { blockSize = 64 * KB };",
        "enum : size_t { half = 32 * KB, blockSize = half * 2 };",
        "static const size_t blockSize = 64 * KB;",
        "#define BLOCK_SIZE 65536\n    static constexpr size_t blockSize = BLOCK_SIZE;",
    ],
)
def test_a_member(good: Mapping[str, bytes], checked: Checked, written: str) -> None:
    head = replaced(good, MARKED_BLOCK, BLOCK_SIZE, written)
    report = checked(good, head)
    assert not report.errors
    block_size = constant(report, "MarkedBlock::blockSize")
    assert block_size.head == 65536
    assert line(head, block_size) == written.splitlines()[-1].strip()


def test_a_member_of_another_class_of_that_name_does_not_count(good: Mapping[str, bytes], checked: Checked) -> None:
    other = "namespace Other { class MarkedBlock { public: static constexpr size_t blockSize = 3; }; }\n"
    report = checked(good, {**good, MARKED_BLOCK: good[MARKED_BLOCK] + other.encode()})
    assert report.verdict is Verdict.PASS
    assert not constant(report, "MarkedBlock::blockSize").changed


@pytest.mark.parametrize(
    "written",
    [
        "struct Page {\n    char c;\n    Elsewhere e;\n};\nconstexpr size_t CeilingOnPageSize = sizeof(Page);",
        "struct alignas(ELSEWHERE) Page {\n    char c;\n};\nconstexpr size_t CeilingOnPageSize = sizeof(Page);",
        "enum Sizes : size_t {\n    first = elsewhere,\n    page\n};\nconstexpr size_t CeilingOnPageSize = page;",
        "constexpr size_t ceiling()\n{\n    size_t page = 16 * KB;\n    elsewhere(page);\n    return page;\n}\n"
        "constexpr size_t CeilingOnPageSize = ceiling();",
        "extern const size_t CeilingOnPageSize;",
    ],
)
def test_what_is_made_of_names_from_elsewhere_is_an_error(
    good: Mapping[str, bytes], checked: Checked, written: str
) -> None:
    """The file's includes are not there, so clang knows parts of it only; what it makes of them is no value."""
    report = checked(good, replaced(good, PAGE_BLOCK, CEILING, written))
    assert report.verdict is Verdict.ERROR
    failed = {error.name: error.path for error in report.errors}
    assert failed["CeilingOnPageSize"] == failed["MarkedBlock::blockSize"] == PAGE_BLOCK


@pytest.mark.parametrize(
    ("written", "defined_in"),
    [
        ("#define PAS_MAX_OBJECTS_PER_PAGE (4096)", 0),
        (f"{OBJECTS}\n#undef PAS_MAX_OBJECTS_PER_PAGE\n#define PAS_MAX_OBJECTS_PER_PAGE 0x1000u", 2),
        (f"#if !PAS_ARM64\n{OBJECTS}\n#else\n#define PAS_MAX_OBJECTS_PER_PAGE ((size_t)1 << 12)\n#endif", 3),
        ("#define PASTED(a, b) a##b\n#define PAS_MAX_OBJECTS_PER_PAGE PASTED(40, 96)", 1),
        ("#define PAS_MAX_OBJECTS_PER_PAGE /* not\n 2048 */ \\\n  4096llu // nor 1", 0),
        ("enum { PAS_MAX_OBJECTS_PER_PAGE = 4096 };", 0),
        ("static const unsigned PAS_MAX_OBJECTS_PER_PAGE = 4096;", 0),
        ("enum { most = 4095 };\n#define PAS_MAX_OBJECTS_PER_PAGE (most + 1)", 1),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_macro(good: Mapping[str, bytes], checked: Checked, written: str, defined_in: int, line_end: str) -> None:
    head = replaced(good, INTERNAL, OBJECTS, written)
    head[INTERNAL] = b"\xef\xbb\xbf" + head[INTERNAL].replace(b"\n", line_end.encode())
    report = checked(good, head)
    assert not report.errors
    objects = constant(report, "PAS_MAX_OBJECTS_PER_PAGE")
    assert objects.head == 4096
    assert line(head, objects) == written.split("\n")[defined_in].strip()


def test_a_macro_that_is_gone_is_an_error(good: Mapping[str, bytes], checked: Checked) -> None:
    report = checked(good, replaced(good, INTERNAL, OBJECTS, ""))
    assert report.verdict is Verdict.ERROR
    assert "use of undeclared identifier 'PAS_MAX_OBJECTS_PER_PAGE'" in report.to_json()


def test_other_line_ends_change_no_definition(good: Mapping[str, bytes], checked: Checked) -> None:
    """A finding is shown where something changed, and a macro of two lines did not."""
    shift = "#define PAS_SMALL_PAGE_DEFAULT_SHIFT     14"
    size = "#define PAS_SMALL_PAGE_DEFAULT_SIZE      ((size_t)1 << PAS_SMALL_PAGE_DEFAULT_SHIFT)"
    base = replaced(good, INTERNAL, size, size.replace("((", "\\\n    (("))
    head = replaced(base, INTERNAL, shift, shift.replace("14", "17"))
    head[INTERNAL] = head[INTERNAL].replace(b"\n", b"\r\n")
    report = checked(base, head)
    introduced = [cell for cell in report.targets[0].findings if cell.state is State.INTRODUCED]
    assert {line(head, cell) for cell in introduced} == {shift.replace("14", "17")}


def test_a_rule_that_comes_to_apply_is_shown_at_what_made_it_apply(good: Mapping[str, bytes], checked: Checked) -> None:
    """With a page of many granules the JIT's small objects are counted, and were not before."""
    larger = "#define JIT_SMALL_PAGE_SIZE 131072u"
    head = replaced(good, JIT, "#define JIT_SMALL_PAGE_SIZE 16384u", larger)
    introduced = [cell for cell in checked(good, head).targets[0].findings if cell.state is State.INTRODUCED]
    assert ("use-count", "jit_small_bitfit") in {(cell.rule, cell.heap) for cell in introduced}
    assert {line(head, cell) for cell in introduced} == {larger}


def test_a_sentinel_larger_than_its_counter_counts_no_further(good: Mapping[str, bytes], checked: Checked) -> None:
    raised = replaced(good, COUNTS, "DECOMMITTED 255u", "DECOMMITTED 65535u")
    finer = replaced(raised, JIT, "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT 8u", "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT 5u")
    report = checked(good, finer)
    assert report.verdict is Verdict.FAIL
    assert "(16384 >> 5) + 1 = 513, must be < 255" in report.to_json()
    wider = replaced(finer, COUNTS, "typedef uint8_t", "typedef uint16_t")
    assert checked(good, wider).verdict is Verdict.PASS
