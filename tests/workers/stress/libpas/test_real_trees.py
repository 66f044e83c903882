"""Real libpas, as it is and broken on purpose, under qemu with 4K pages. Drivers come from the shared cache."""

from __future__ import annotations

import shutil
from functools import cache

import pytest

from checker.entries import Stress
from checker.profile import load_profile
from workers.stress.emulated import UserEmulation
from workers.stress.libpas.build import Build
from workers.stress.libpas.controls import controls
from workers.stress.libpas.reference import debian_sources, scenario_sources
from workers.stress.libpas.sources import LIBPAS, Sources
from workers.stress.libpas.subject import LibpasSubject
from workers.stress.lineup import Entrant, run_lineup
from workers.stress.result import held_against
from workers.stress.verdicts import Record, Role, Verdict

PAGE = 4096
PROFILE = load_profile("libpas")

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-aarch64-static") is None or shutil.which("aarch64-linux-gnu-g++") is None,
    reason="needs qemu-user-static and g++-aarch64-linux-gnu",
)


@cache
def debian(version: str) -> Sources:
    return debian_sources(version)[0]


@cache
def subject(version: str, name: str) -> LibpasSubject:
    """A tree of the reference scenario on Debian's sources."""
    return built(name, scenario_sources(debian(version), name))


def built(name: str, tree: Sources) -> LibpasSubject:
    return LibpasSubject(f"libpas {name}", Build().driver(tree), PROFILE)


def run(tried: LibpasSubject, *phases: str, seed: int = 1) -> dict[str, Record]:
    records = run_lineup(UserEmulation(PAGE), [Entrant(tried, Role.HEAD, phases or None)], [seed])
    return {record.phase: record for record in records}


def stress() -> Stress:
    assert PROFILE.stress is not None
    return PROFILE.stress


@pytest.mark.parametrize("version", ["2.42.2", "2.50.6"])
def test_an_unmodified_tree_passes_every_phase(version: str) -> None:
    tried = subject(version, "A")
    assert [phase for phase in tried.phases if phase.unavailable] == []
    records = run(tried)
    assert {name: (each.verdict, each.reason) for name, each in records.items()} == {
        phase.name: (Verdict.PASS, "") for phase in tried.phases
    }


def test_c_fails_at_its_254th_shrunk_object_and_nowhere_else_but_where_its_pages_do() -> None:
    records = run(subject("2.50.6", "C"), "baseline", "jit-medium-bitfit", "jit-small-bitfit", "threads")
    assert records["baseline"].verdict is Verdict.PASS
    assert records["threads"].verdict is Verdict.PASS
    failed = records["jit-medium-bitfit"]
    assert (failed.verdict, failed.signal, failed.progress) == (
        Verdict.FAIL,
        "SIGTRAP",
        "254 objects made and shrunk",
    )
    assert failed.crash is not None
    assert failed.crash.file == "pas_bitfit_page_inlines.h"
    assert failed.crash.line > 0
    assert "use-count" in failed.crash.rules
    header = records["jit-small-bitfit"].crash
    assert header is not None
    assert (header.file, header.rules) == ("pas_utility_heap.c", ("out-of-line-header",))


def test_another_seed_does_other_work_with_the_same_end() -> None:
    good, bad = subject("2.50.6", "A"), subject("2.50.6", "C")
    first, second, again = (run(good, "jit-medium-bitfit", "utility", seed=seed) for seed in (1, 2, 2))
    for phase in first:
        assert {first[phase].verdict, second[phase].verdict} == {Verdict.PASS}
        assert first[phase].checksum != second[phase].checksum == again[phase].checksum
    assert run(bad, "jit-medium-bitfit", seed=2)["jit-medium-bitfit"].verdict is Verdict.FAIL


@pytest.mark.parametrize("base", ["A", "D"])
def test_controls_of_a_real_base_behave(base: str) -> None:
    """On A by the reference pull request's edits, on D by the profile's mutants."""
    made = controls(scenario_sources(debian("2.50.6"), base), stress())
    assert {control.made_by.split()[1] for control in made} == {"reference" if base == "A" else "profile's"}
    for control in made:
        records = run(built(control.name.removeprefix("libpas "), control.tree), *control.phases)
        seen = held_against(control.expectations([PAGE]), list(records.values()))
        assert all(each.behaved for each in seen), seen


def test_a_tree_without_an_interface_loses_the_phases_that_need_it() -> None:
    tree = dict(debian("2.50.6"))
    path = f"{LIBPAS}/jit_heap.h"
    tree[path] = tree[path].replace(b"jit_heap_shrink", b"jit_heap_diminish")
    path = f"{LIBPAS}/jit_heap.c"
    tree[path] = tree[path].replace(b"jit_heap_shrink", b"jit_heap_diminish")
    missing = {phase.name: phase.unavailable for phase in built("renamed", tree).phases if phase.unavailable}
    assert set(missing) == {
        "jit-medium-bitfit",
        "jit-small-bitfit",
        "scavenger",
        "threads",
        "threads-exit",
        "jit-baseline",
        "jit-small",
    }
    assert all("jit_heap_shrink" in reason for reason in missing.values())
