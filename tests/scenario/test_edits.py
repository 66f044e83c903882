from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from workers.scenario import ScenarioError
from workers.scenario.edits import COMMITS, AddSwitch, Commit, Renumber, apply

LIBPAS = "Source/bmalloc/libpas/src/libpas"
PROBE = """
#include "bmalloc_heap_config.h"
#include "jit_heap_config.h"
#include "pas_utility_heap_config.h"
#include "pas_expendable_memory.h"
#define VALUE(name) extern "C" const unsigned long long probe_##name = (name);
VALUE(PAS_SMALL_PAGE_DEFAULT_SHIFT)
VALUE(PAS_SMALL_BITFIT_PAGE_DEFAULT_SHIFT)
VALUE(PAS_MEDIUM_PAGE_DEFAULT_SHIFT)
VALUE(PAS_GRANULE_DEFAULT_SHIFT)
VALUE(PAS_MAX_OBJECTS_PER_PAGE)
VALUE(PAS_EXPENDABLE_MEMORY_PAGE_SIZE)
VALUE(JIT_SMALL_PAGE_SIZE)
VALUE(JIT_SMALL_GRANULE_SIZE)
VALUE(JIT_MEDIUM_PAGE_SIZE)
VALUE(JIT_MEDIUM_GRANULE_SIZE)
VALUE(JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT)
#ifdef BUSE_PRECOMPUTED_CONSTANTS_VMPAGE64K
VALUE(BUSE_PRECOMPUTED_CONSTANTS_VMPAGE64K)
#endif
"""
A_ON_ARM64 = {
    "PAS_SMALL_PAGE_DEFAULT_SHIFT": 14,
    "PAS_SMALL_BITFIT_PAGE_DEFAULT_SHIFT": 14,
    "PAS_MEDIUM_PAGE_DEFAULT_SHIFT": 17,
    "PAS_GRANULE_DEFAULT_SHIFT": 14,
    "PAS_MAX_OBJECTS_PER_PAGE": 2048,
    "PAS_EXPENDABLE_MEMORY_PAGE_SIZE": 16384,
    "JIT_SMALL_PAGE_SIZE": 16384,
    "JIT_SMALL_GRANULE_SIZE": 16384,
    "JIT_MEDIUM_PAGE_SIZE": 131072,
    "JIT_MEDIUM_GRANULE_SIZE": 16384,
    "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT": 8,
}
B_ON_ARM64 = {
    **A_ON_ARM64,
    "PAS_SMALL_PAGE_DEFAULT_SHIFT": 16,
    "PAS_SMALL_BITFIT_PAGE_DEFAULT_SHIFT": 16,
    "PAS_MEDIUM_PAGE_DEFAULT_SHIFT": 18,
    "PAS_GRANULE_DEFAULT_SHIFT": 16,
    "PAS_EXPENDABLE_MEMORY_PAGE_SIZE": 65536,
    "JIT_SMALL_PAGE_SIZE": 65536,
    "JIT_SMALL_GRANULE_SIZE": 65536,
    "JIT_MEDIUM_PAGE_SIZE": 262144,
    "JIT_MEDIUM_GRANULE_SIZE": 65536,
    "BUSE_PRECOMPUTED_CONSTANTS_VMPAGE64K": 1,
}
C_ON_ARM64 = {**B_ON_ARM64, "PAS_MAX_OBJECTS_PER_PAGE": 8192}
D_ON_ARM64 = {**C_ON_ARM64, "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT": 9}


def applied(text: str, *edits: Renumber | AddSwitch) -> str:
    return apply(Commit("X", "", edits), {"a.h": text}.__getitem__)["a.h"]


def values(compiler: str, root: Path) -> dict[str, int]:
    """What `compiler` makes of the probe, read from its assembly."""
    include = [f"-I{root / part}" for part in (LIBPAS, "Source/bmalloc/bmalloc", "Source/bmalloc")]
    done = subprocess.run(
        [
            compiler,
            "-std=c++20",
            "-w",
            "-S",
            "-o-",
            "-xc++",
            "-DPAS_BMALLOC=1",
            "-D_GNU_SOURCE",
            *include,
            "-",
        ],
        input=PROBE,
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.findall(r"^probe_(\w+):\n\s*\.(?:quad|xword)\s+(\d+)", done.stdout, re.MULTILINE)
    return {name: int(value) for name, value in found}


def trees(original: Path, directory: Path) -> Mapping[str, Path]:
    """A to D of one version, each as a directory."""
    made = {"A": original}
    last = original
    for commit in COMMITS:
        fresh = directory / commit.name
        shutil.copytree(last, fresh)
        for path, text in apply(commit, reader(last)).items():
            (fresh / path).write_text(text, "latin-1")
        made[commit.name] = last = fresh
    return made


def reader(root: Path) -> Callable[[str], str]:
    return lambda path: (root / path).read_text("latin-1")


@pytest.mark.skipif(not shutil.which("aarch64-linux-gnu-g++"), reason="needs Debian's g++-aarch64-linux-gnu")
@pytest.mark.parametrize("version", ["webkit_2_50", "webkit_2_42"])
def test_a_real_compiler_for_arm64_sees_the_reference_numbers(
    version: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = trees(request.getfixturevalue(version), tmp_path)
    seen = {name: values("aarch64-linux-gnu-g++", root) for name, root in made.items()}
    assert seen == {"A": A_ON_ARM64, "B": B_ON_ARM64, "C": C_ON_ARM64, "D": D_ON_ARM64}


@pytest.mark.skipif(not shutil.which("x86_64-linux-gnu-g++"), reason="needs Debian's g++ for x86-64")
@pytest.mark.parametrize("version", ["webkit_2_50", "webkit_2_42"])
def test_a_real_compiler_for_x86_64_sees_no_change(
    version: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seen = {
        name: values("x86_64-linux-gnu-g++", root)
        for name, root in trees(request.getfixturevalue(version), tmp_path).items()
    }
    assert seen["A"]["PAS_GRANULE_DEFAULT_SHIFT"] == 12
    assert seen["B"] == seen["C"] == seen["D"] == seen["A"]


def test_an_edit_keeps_the_old_definition_elsewhere() -> None:
    text = "// first\n#define SIZE     16384u\n// last\n"
    assert applied(text, Renumber("a.h", "SIZE", 16384, "65536", "ARM")) == (
        "// first\n#if ARM\n#define SIZE     65536u\n#else\n#define SIZE     16384u\n#endif\n// last\n"
    )


def test_of_several_definitions_the_one_with_the_expected_number_is_edited() -> None:
    text = "#if ARM\n#define SIZE 16\n#else\n#define SIZE 4\n#endif\n"
    assert applied(text, Renumber("a.h", "SIZE", 16, "64", None)) == text.replace("16", "64")


def test_names_that_only_begin_alike_are_left_alone() -> None:
    text = "#define SIZE_MAX 16\n#define MY_SIZE 16\n#define SIZE 16\n"
    assert (
        applied(text, Renumber("a.h", "SIZE", 16, "64", None))
        == "#define SIZE_MAX 16\n#define MY_SIZE 16\n#define SIZE 64\n"
    )


def test_an_unexpected_number_is_refused_with_its_line() -> None:
    with pytest.raises(ScenarioError, match=r"a\.h:2: SIZE is 32\nexpected exactly one definition of SIZE with 16"):
        applied("\n#define SIZE 32\n", Renumber("a.h", "SIZE", 16, "64", None))


def test_an_ambiguous_definition_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"a\.h:1: .*\na\.h:2: .*\nexpected exactly one"):
        applied("#define SIZE 16\n#define SIZE 16\n", Renumber("a.h", "SIZE", 16, "64", None))


def test_a_missing_definition_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"a\.h: no definition of SIZE as a number, expected one with 16"):
        applied("#define SIZE OTHER\n", Renumber("a.h", "SIZE", 16, "64", None))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"Source/WTF/wtf/PageBlock\.h: no such file, expected .*CeilingOnPageSize"):
        apply(COMMITS[0], lambda path: (tmp_path / path).read_text())


def test_a_switch_is_refused_where_it_is_already() -> None:
    text = "#if !defined(OLD)\n#define OLD 1\n#endif\n"
    fresh = applied(text, AddSwitch("a.h", "NEW", "OLD", "ARM"))
    assert fresh == f"{text}\n#if !defined(NEW) && ARM\n#define NEW 1\n#endif\n"
    for bad in (fresh, "#define OLD 1\n"):
        with pytest.raises(ScenarioError, match=r"a\.h: expected a block .*OLD.* and no NEW yet"):
            applied(bad, AddSwitch("a.h", "NEW", "OLD", "ARM"))
