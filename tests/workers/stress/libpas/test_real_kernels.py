"""The reference trees under real kernels with 4K and 64K pages: each fails where it must, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from checker.profile import load_profile
from workers.stress.libpas.build import Build
from workers.stress.libpas.reference import debian_sources, scenario_sources
from workers.stress.libpas.subject import LibpasSubject
from workers.stress.lineup import Entrant, run_lineup
from workers.stress.machine import Vm
from workers.stress.verdicts import Role, Verdict

PHASES = ("baseline", "utility", "jit-medium-bitfit", "jit-small-bitfit", "jit-small", "bitfit")
"""The quick ones."""
FAILING: Mapping[int, Mapping[str, frozenset[str]]] = {
    4096: {
        "A": frozenset(),
        "B": frozenset({"baseline", "jit-medium-bitfit", "jit-small-bitfit"}),
        "C": frozenset({"jit-medium-bitfit", "jit-small-bitfit"}),
        "D": frozenset({"jit-small-bitfit"}),
    },
    65536: {
        "A": frozenset(PHASES),
        "B": frozenset({"baseline", "jit-medium-bitfit", "jit-small-bitfit"}),
        "C": frozenset({"jit-medium-bitfit", "jit-small-bitfit"}),
        "D": frozenset({"jit-small-bitfit"}),
    },
}


@pytest.mark.parametrize("page_size", FAILING)
def test_each_tree_fails_where_it_must(page_size: int, kernel_images: Mapping[int, Path]) -> None:
    base, _origin = debian_sources()
    profile, build = load_profile("libpas"), Build()
    entrants = [
        Entrant(LibpasSubject(name, build.driver(scenario_sources(base, name)), profile), Role.HEAD, PHASES)
        for name in FAILING[page_size]
    ]
    records = run_lineup(Vm(page_size, kernel_images[page_size]), entrants, [1])
    seen = {
        name: frozenset(record.phase for record in records if record.subject == name and record.verdict is Verdict.FAIL)
        for name in FAILING[page_size]
    }
    assert seen == FAILING[page_size]
    passed = [record for record in records if record.verdict is not Verdict.FAIL]
    assert {record.verdict for record in passed} == {Verdict.PASS}
    if page_size == 65536:
        places = {record.crash.function for record in records if record.subject == "A" and record.crash is not None}
        assert places == {"decommit_impl"}
    (trapped,) = [record for record in records if (record.subject, record.phase) == ("C", "jit-medium-bitfit")]
    assert trapped.progress == "254 objects made and shrunk"
    assert trapped.evidence.core is not None
