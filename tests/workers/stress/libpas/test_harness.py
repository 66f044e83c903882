"""The driver's own files, and the phases that a tree can offer."""

from __future__ import annotations

from checker.profile import load_profile
from workers.stress.libpas.harness import ADAPTERS, CORE, PHASES, offered, own_files, table
from workers.stress.subjects import Phase

ISSUE = (
    "baseline",
    "utility",
    "jit-medium-bitfit",
    "jit-small-bitfit",
    "bitfit",
    "scavenger",
    "expendable-memory",
    "auxiliary-heaps",
    "threads",
    "threads-exit",
)


def test_every_file_is_compiled() -> None:
    assert {name for name in own_files() if name.endswith(".c")} == {*CORE, *ADAPTERS}


def test_only_adapters_see_libpas() -> None:
    own = own_files()
    for name in CORE:
        includes = {line.split(b'"')[1] for line in own[name].splitlines() if line.startswith(b'#include "')}
        assert includes <= {b"driver.h", b"threads.h"}


def test_the_phases_are_those_that_are_promised() -> None:
    assert tuple(PHASES)[: len(ISSUE)] == ISSUE
    assert all(not phase.unavailable for phase in offered({}))


def test_a_phase_goes_with_any_of_its_files() -> None:
    phases = offered({"libpas_expendable.c": "no such function"})
    assert [phase for phase in phases if phase.unavailable] == [Phase("expendable-memory", "no such function")]
    assert all(phase.unavailable == "gone" for phase in offered({"libpas_scavenger.c": "gone"}))


def test_the_table_names_functions_or_reasons() -> None:
    hostile = 'x.h:1: error: "; } int main() { return 0; } /* \\ ??/ \n \x1b ä'
    text = table((Phase("jit-small"), Phase("bitfit", hostile))).decode()
    assert '{ "jit-small", jit_small, NULL },' in text
    row = next(line for line in text.splitlines() if "bitfit" in line)
    assert row.count('"') == 4
    assert "\\" not in row
    assert "?" not in row


def test_controls_name_phases_that_there_are() -> None:
    stress = load_profile("libpas").stress
    assert stress is not None
    named = {phase for control in stress.controls for phase in (*control.must_fail, *control.must_pass)}
    assert named <= set(PHASES)
