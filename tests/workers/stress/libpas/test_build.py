"""Building trees, small and hostile ones, with the real cross compilers in the real sandbox."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from workers.sandbox import Finished
from workers.stress.libpas import build as building
from workers.stress.libpas.build import KEPT_FOR, Build, CompileError, first_error, units, unresolved_adapters
from workers.stress.libpas.harness import PHASES
from workers.stress.libpas.sources import LIBPAS
from workers.stress.libpas.toolchain import Toolchain, find_toolchain
from workers.stress.subjects import SubjectError

GOOD = {
    f"{LIBPAS}/pas_x.c": b'#include "pas_x.h"\nint pas_x(void) { return PAS_X; }\n',
    f"{LIBPAS}/pas_x.h": b"#define PAS_X 1\n",
}
SCAVENGER = b"void pas_scavenger_run_synchronously_now(void);\nvoid pas_scavenger_suspend(void);\n"


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(cache=tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """One whose objects of the driver are compiled once."""
    return Build(cache=tmp_path_factory.mktemp("cache"))


def tree_with(text: str | bytes, name: str = "pas_y.c") -> Mapping[str, bytes]:
    return {**GOOD, f"{LIBPAS}/{name}": text if isinstance(text, bytes) else text.encode()}


def refused(build: Build, tree: Mapping[str, bytes]) -> CompileError:
    with pytest.raises(CompileError) as caught:
        build.driver(tree)
    return caught.value


def objects(build: Build) -> set[Path]:
    return set((build.cache / "objects").glob("*/*.o"))


def test_the_first_error_of_a_compiler_is_told_without_its_directory() -> None:
    told = (
        f"In file included from {LIBPAS}/a.c:3:\n"
        f"{LIBPAS}/pas_x.h:7:20: error: static assertion failed\n"
        f"{LIBPAS}/pas_x.h:9:20: error: another\n"
    )
    assert first_error(told) == "pas_x.h:7:20: error: static assertion failed"
    assert first_error("ld: x.o: in function `f':\nx.c:(.text+0x1): undefined reference to `g'\n").endswith("`g'")
    assert first_error("") == "no reason given"
    assert first_error("x.c:1: error: \x1b[31m" + "y" * 9999) == "x.c:1: error: [31m" + "y" * 382


def test_a_linker_names_the_adapters_that_miss_something() -> None:
    told = (
        "ld: 7-libpas_jit.c.o: in function `executable_shrink':\n"
        "libpas_jit.c:(.text+0x30): undefined reference to `jit_heap_shrink'\n"
        "pas_x.c:(.text+0x30): undefined reference to `gone'\n"
    )
    assert unresolved_adapters(told) == {"libpas_jit.c": "this tree's libpas has no jit_heap_shrink"}


def test_what_takes_longest_comes_first() -> None:
    first, *others = units(tree_with("", "jit_heap.c"))
    assert (first.path, first.cplusplus) == (f"{LIBPAS}/jit_heap.c", True)
    assert not any(unit.cplusplus for unit in others)


def test_missing_compilers_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SubjectError, match=r"apt-get install g\+\+-aarch64-linux-gnu") as caught:
        find_toolchain()
    assert not caught.value.own


def test_a_tree_without_an_api_offers_no_phase_and_says_why(shared: Build) -> None:
    driver = shared.driver(GOOD)
    assert [phase.name for phase in driver.phases] == list(PHASES)
    assert all("pas_scavenger.h: No such file" in phase.unavailable for phase in driver.phases)
    assert driver.binary.read_bytes().startswith(b"\x7fELF")


def test_a_function_that_is_only_declared_costs_its_phases(shared: Build) -> None:
    tree = tree_with(SCAVENGER + b"void pas_scavenger_decommit_expendable_memory(void);\n", "pas_scavenger.h")
    driver = shared.driver(tree)
    assert driver.phases[0].unavailable.startswith("this tree's libpas has no pas_scavenger_")


def test_a_second_build_compiles_only_what_changed(shared: Build) -> None:
    shared.driver(GOOD)
    before = objects(shared)
    told: list[tuple[int, int]] = []
    shared.driver(
        {**GOOD, f"{LIBPAS}/pas_x.h": b"\n\n#define PAS_X 2\n"}, lambda done, total: told.append((done, total))
    )
    assert len(objects(shared) - before) == 1
    assert told == [(done, len(told)) for done in range(1, len(told) + 1)]
    shared.driver(GOOD, lambda done, total: pytest.fail("it was there"))


def test_an_error_is_the_trees_own_with_file_and_line(shared: Build) -> None:
    error = refused(shared, tree_with('#include "pas_x.h"\n\n_Static_assert(PAS_X == 2, "two");\n'))
    assert error.own
    assert error.first.startswith("pas_y.c:3:1: error: static assertion failed")
    assert str(error) == f"libpas does not compile: {error.first}"


def test_a_function_that_the_harness_lacks_is_not_the_trees_fault(shared: Build) -> None:
    error = refused(shared, tree_with("void of_bmalloc(void);\nvoid f(void) { of_bmalloc(); }\n"))
    assert not error.own
    assert "undefined reference to `of_bmalloc'" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        '#include "{host}"\n',
        '#if !__has_include("{host}")\n#error there is no such file\n#endif\n',
        '__asm__(".incbin \\"{host}\\"");\n',
        '#include "/dev/zero"\n',
    ],
)
def test_no_file_of_the_host_gets_in(shared: Build, tmp_path: Path, text: str) -> None:
    secret = tmp_path / "secret.h"
    secret.write_text("int secret_of_the_host;\n")
    error = refused(shared, tree_with(text.replace("{host}", str(secret))))
    assert error.own
    assert "secret_of_the_host" not in str(error)


def test_a_compiler_that_takes_too_much_is_stopped(shared: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "LIMITS", replace(building.LIMITS, output=1 << 20))
    long = "#define A(x) x x x x x x x x\n#define B(x) A(A(A(A(x))))\nint i = 0" + " B(+ 1)\n" * 300 + ";\n"
    error = refused(shared, tree_with(long))
    assert error.own
    assert error.first == "pas_y.c: the compiler was stopped after 1 MiB of output"


def test_a_compiler_that_runs_out_of_memory_says_so(shared: Build) -> None:
    bomb = "#define A(x) x x x x x x x x\n#define B(x) A(A(A(A(x))))\nint i = 0 B(B(B(+ 1)));\n"
    error = refused(shared, tree_with(bomb))
    assert error.own
    assert "memory" in error.first


def test_a_stop_that_does_not_repeat_is_the_machines() -> None:
    ends = iter([Finished(None, 9, b"", b"", "memory"), Finished(0, None, b"1", b"")])
    assert building._finished(lambda: next(ends)).stdout == b"1"


def test_a_driver_that_was_cut_off_is_built_again(shared: Build) -> None:
    kept = shared.driver(GOOD)
    (kept.binary.parent / "phases.json").write_text("[")
    assert shared.driver(GOOD) == kept
    assert (kept.binary.parent / "phases.json").read_text().endswith("]")


def test_what_nobody_asks_for_is_deleted(shared: Build) -> None:
    kept = shared.driver(GOOD)
    old = shared.cache / "objects" / "00" / "old.o"
    old.parent.mkdir(exist_ok=True)
    old.touch()
    long_ago = time.time() - KEPT_FOR - 60
    for path in (old, kept.binary.parent):
        os.utime(path, (long_ago, long_ago))
    fresh = objects(shared) - {old}
    shared.driver(tree_with("int fresh;\n"))
    assert not old.exists()
    assert not kept.binary.exists()
    assert fresh <= objects(shared)


def test_the_toolchains_version_is_part_of_what_is_made() -> None:
    version = Toolchain().version
    assert "aarch64-linux-gnu-gcc" in version
