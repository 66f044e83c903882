"""What a stress run of libpas costs, stage by stage, and its phases under qemu's user mode beside those under a kernel.

    python -m benchmarks.stress [--page-sizes 4K,16K,64K] [--skip-cold]

Heads are D of the reference scenario, and D with a declaration more in a header that all files include, so that each
file has to be compiled. The base is A. Processor time is that of the whole machine: nothing else should run on it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from checker.profile import load_profile
from config.page_sizes import PAGE_SIZES
from workers.scenario.source import default_cache_dir
from workers.stress.campaign import Campaign, merged, run_on
from workers.stress.emulated import UserEmulation
from workers.stress.libpas.build import Build
from workers.stress.libpas.campaign import Revision, Wanted, libpas_campaign
from workers.stress.libpas.reference import debian_sources, scenario_sources
from workers.stress.libpas.sources import LIBPAS, Sources
from workers.stress.lineup import Entrant, Place
from workers.stress.machines import machine_for
from workers.stress.processes import Machine, page_name
from workers.stress.result import Result
from workers.stress.verdicts import Role, Verdict

AIM_SECONDS = 150.0
EVERYWHERE = f"{LIBPAS}/pas_config.h"
"""A header that all of libpas includes."""

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """Seconds. `cpu` of all processors."""

    wall: float
    cpu: float


@dataclass
class Stages:
    """What was measured, in order."""

    costs: dict[str, Cost] = field(default_factory=dict)

    def measure(self, name: str, work: Callable[[], T]) -> T:
        """Does it, prints what it cost, and keeps that."""
        wall, cpu = time.perf_counter(), busy_seconds()
        result = work()
        self.costs[name] = Cost(time.perf_counter() - wall, busy_seconds() - cpu)
        print(f"| {name} | {self.costs[name].wall:.1f} s | {self.costs[name].cpu:.1f} s |", flush=True)
        return result


def busy_seconds() -> float:
    """Processor time of the whole machine since its start: all but idle time and waiting for disks."""
    fields = [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def changed_everywhere(tree: Sources) -> Sources:
    """A tree of which each file has another text."""
    return {**tree, EVERYWHERE: tree[EVERYWHERE] + b"\nextern int pagewarden_benchmark;\n"}


@dataclass
class Boot:
    """Notices when the first process of a machine starts."""

    started: float
    booted: float = 0.0

    def __call__(self, place: Place | None) -> None:
        if place is not None and not self.booted:
            self.booted = time.perf_counter() - self.started


def run(campaign: Campaign, sizes: Sequence[int], stages: Stages) -> Result:
    """All machines, one after another, with the time until each one's first process."""
    parts = []
    for size in sizes:
        boot = Boot(time.perf_counter())

        def stage(size: int = size, boot: Boot = boot) -> Result:
            return run_on(machine_for("vm", size), campaign, sizes, boot)

        parts.append(stages.measure(f"{page_name(size)}: boot and all phases of head, base and controls", stage))
        print(f"| {page_name(size)}: of these until the first phase starts | {boot.booted:.1f} s | |", flush=True)
    return merged("vm", sizes, parts)


def seconds_of(machine: Machine, entrant: Entrant) -> Mapping[str, float]:
    """Phase → wall seconds, of those that pass."""
    result = run_on(machine, Campaign((entrant,), (), (1,)), (machine.page_size,), lambda _place: None)
    return {record.phase: record.seconds for record in result.records if record.verdict is Verdict.PASS}


def compared(campaign: Campaign) -> None:
    """The same phases under both emulators, and their ratio."""
    entrant = Entrant(campaign.entrants[0].subject, Role.HEAD)
    user = seconds_of(UserEmulation(PAGE_SIZES["4K"]), entrant)
    vm = seconds_of(machine_for("vm", PAGE_SIZES["4K"]), entrant)
    print("\n| phase of D, 4K | kernel in QEMU | qemu's user mode | user mode / kernel |\n|---|---|---|---|")
    for phase in vm.keys() & user.keys():
        print(f"| {phase} | {vm[phase]:.2f} s | {user[phase]:.2f} s | {user[phase] / vm[phase]:.2f} |")
    shared = vm.keys() & user.keys()
    totals = [sum(each[phase] for phase in shared) for each in (vm, user)]
    print(f"| all | {totals[0]:.2f} s | {totals[1]:.2f} s | {totals[1] / totals[0]:.2f} |")


def main() -> None:
    """Prints tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page-sizes", default="4K,16K,64K")
    parser.add_argument("--skip-cold", action="store_true", help="do not build with nothing cached")
    arguments = parser.parse_args()
    sizes = tuple(PAGE_SIZES[name] for name in arguments.page_sizes.split(","))
    source, _origin = debian_sources()
    base, d = Revision("A", source), scenario_sources(source, "D")
    profile, stages = load_profile("libpas"), Stages()

    def built(head: Sources, cache: Path) -> Campaign:
        return libpas_campaign(Wanted(Revision("head", head), base, sizes, (1,)), profile, Build(cache=cache))

    for size in sizes:
        machine_for("vm", size)
    print("| stage | wall | processor time |\n|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="pagewarden-", dir=default_cache_dir()) as name:
        cache = Path(name)
        if arguments.skip_cold:
            built(source, cache)
        else:
            stages.measure("build head D, base and controls, nothing cached", lambda: built(d, cache))
        whole = time.perf_counter()
        campaign = stages.measure(
            "build a head that changes every file, base and controls cached",
            lambda: built(changed_everywhere(d), cache),
        )
        result = run(campaign, sizes, stages)
        seconds = time.perf_counter() - whole
        print(f"| from push to verdict ({result.conclusion}) | {seconds:.1f} s | |")
        print(f"\n{seconds / AIM_SECONDS:.2f} of the aim, {AIM_SECONDS:.0f} s on two idle cores.")
        stages.measure("build D again, all cached", lambda: built(d, cache))
        compared(campaign)


if __name__ == "__main__":
    main()
