"""Does the checker say of a mutated libpas what the mutated libpas does?

    python -m benchmarks.mutations [--tree A|D] [--limit N] [--no-run] [--write docs/mutations.md]

Every page-size literal of libpas on linux-arm64 is changed in small steps, on the reference scenario's trees. Each
mutant is checked against its original; then libpas is built from it for aarch64, and an allocation driver runs under
qemu. That takes some 20 seconds of processor time for a mutant; results are kept below the cache, so a repeat is quick.

Needs Debian's g++-aarch64-linux-gnu and qemu-user-static; without them there is the static part only.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path

from benchmarks.libpas_driver.run import MissingToolError, find_emulator
from benchmarks.mutation_study.driven import Driven, Driver
from benchmarks.mutation_study.judge import Judged, judge, pages_to_run, predicted
from benchmarks.mutation_study.mutants import Mutant, distinct, mutants
from benchmarks.mutation_study.table import Conditions, Study, document, line
from checker.check import check
from checker.clang import libclang_version
from checker.evaluation import headers, read
from checker.evaluations import Evaluations
from checker.knobs import edited
from checker.profile import Profile, load_profile
from checker.tree import Tree
from config.page_sizes import PAGE_SIZES
from workers.git import local_tree
from workers.scenario import DEFAULT_VERSION, make_scenario
from workers.scenario.source import default_cache_dir
from workers.stress.libpas.build import Build
from workers.stress.libpas.reference import debian_sources, scenario_sources
from workers.stress.libpas.sources import Sources
from workers.stress.subjects import SubjectError

TARGET = "linux-arm64"
TREES = ("A", "D")
ALL_PAGES = tuple(PAGE_SIZES.values())


@dataclass(frozen=True)
class Bench:
    """All that a study of one tree needs."""

    profile: Profile
    evaluations: Evaluations
    cache: Path
    driver: Driver | None
    limit: int | None

    def study(self, name: str, tree: Tree, sources: Sources) -> Study:
        """The tree as it is, and each of its mutants; prints a line for each."""
        before = self.driver.drive(sources, ALL_PAGES) if self.driver else None
        chosen = self._mutants(name, tree)
        judged = []
        for number, mutant in enumerate(chosen, 1):
            started = time.monotonic()
            judged.append(self._judged(mutant, tree, sources, before))
            print(f"{number}/{len(chosen)} {time.monotonic() - started:5.1f} s  {line(judged[-1])}", flush=True)
        return Study(name, before, tuple(judged))

    def _mutants(self, name: str, tree: Tree) -> Sequence[Mutant]:
        evaluation = self.evaluations.of([tree], [TARGET])[0][TARGET]
        content = read(tree, headers(tree, self.profile))
        every = mutants(name, self.profile, evaluation, content)
        evaluated = self.evaluations.of([edited(tree, [mutant.turn]) for mutant in every], [TARGET])
        return distinct(every, [each[TARGET] for each in evaluated])[: self.limit]

    def _judged(self, mutant: Mutant, tree: Tree, sources: Sources, before: Driven | None) -> Judged:
        mutated = edited(tree, [mutant.turn])
        report = check(tree, mutated, self.profile, targets=[TARGET], cache_dir=self.cache)
        after = None
        if self.driver is not None:
            after = self.driver.drive(mutant.of(sources), pages_to_run(predicted(report)))
        return judge(mutant, report, before, after)


def studies(bench: Bench, names: Sequence[str], base: Sources, version: str) -> Iterator[Study]:
    """One study a tree."""
    with tempfile.TemporaryDirectory(prefix="pagewarden-") as directory:
        scenario = make_scenario(Path(directory) / "scenario", version=version)
        for name in names:
            tree = local_tree(scenario.path, scenario.shas[name], bench.profile)
            yield bench.study(name, tree, scenario_sources(base, name))


def driver_if_possible(cache: Path) -> Driver | None:
    """The driver, or None and a word on stderr where a tool is missing."""
    try:
        return Driver(Build(jobs=cpu_count() or 1), find_emulator(), cache)
    except (MissingToolError, SubjectError) as missing:
        print(f"{missing}; only the static part is done", file=sys.stderr)
        return None


def main() -> None:
    """Prints progress, then the document, or writes it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", choices=TREES, action="append", help="one tree only; A and D unless told")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N mutants of each tree")
    parser.add_argument("--no-run", action="store_true", help="the static part only")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table there")
    parser.add_argument("--version", default=DEFAULT_VERSION, help="Debian's version of WebKit")
    arguments = parser.parse_args()
    cache = default_cache_dir()
    own = cache / "mutations"
    driver = None if arguments.no_run else driver_if_possible(own)
    base, origin = debian_sources(arguments.version)
    profile = load_profile("libpas")
    bench = Bench(profile, Evaluations(profile, cache), cache, driver, arguments.limit)
    done = list(studies(bench, arguments.tree or TREES, base, arguments.version))
    conditions = Conditions(
        date=datetime.now(UTC).date().isoformat(),
        source=f"Debian's {origin.tarball} (SHA-256 {origin.digest}…)",
        checker=f"libclang {libclang_version()}; profile libpas with {len(profile.rules)} rules",
        tools=(driver.build.toolchain.version, driver.emulator.version) if driver else (),
        page_sizes=ALL_PAGES[1:],
    )
    text = document(conditions, done)
    if arguments.write:
        arguments.write.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
