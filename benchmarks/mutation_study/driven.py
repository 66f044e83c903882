"""What the driver sees of a tree: run once on each page size, remembered by everything that the result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.libpas_driver.run import MEMORY_LIMIT, SEED, TIME_LIMIT, Emulator, Ending, Outcome, run_phase
from workers.stress.libpas.build import Build, CompileError
from workers.stress.libpas.crashes import Place
from workers.stress.libpas.sources import Sources


@dataclass(frozen=True)
class Driven:
    """The end of each phase on each page size, or why there is no binary."""

    outcomes: tuple[Outcome, ...] = ()
    refused: str | None = None


@dataclass(frozen=True)
class Driver:
    """Builds and runs; results are kept below `cache`."""

    build: Build
    emulator: Emulator
    cache: Path

    def drive(self, sources: Sources, page_sizes: Sequence[int]) -> Driven:
        """All phases of the driver on libpas of `sources`, on OS pages of these sizes in bytes."""
        kept = {size: self.cache / "results" / f"{self._key(sources, size)}.json" for size in page_sizes}
        known = {size: driven for size, path in kept.items() if (driven := _read(path)) is not None}
        missing = [size for size in page_sizes if size not in known]
        if missing:
            fresh = self._drive(sources, missing)
            for size in missing:
                outcomes = tuple(outcome for outcome in fresh.outcomes if outcome.page_size == size)
                known[size] = Driven(outcomes, fresh.refused)
                kept[size].parent.mkdir(parents=True, exist_ok=True)
                kept[size].write_text(json.dumps(asdict(known[size])))
        outcomes = tuple(outcome for size in page_sizes for outcome in known[size].outcomes)
        return Driven(outcomes, next((driven.refused for driven in known.values()), None))

    def _key(self, sources: Sources, page_size: int) -> str:
        run = (str(page_size), str(SEED), str(TIME_LIMIT), str(MEMORY_LIMIT))
        return hashlib.sha256("\0".join((self.build.digest(sources), self.emulator.version, *run)).encode()).hexdigest()

    def _drive(self, sources: Sources, page_sizes: Sequence[int]) -> Driven:
        try:
            driver = self.build.driver(sources)
        except CompileError as error:
            return Driven(refused=error.first)
        phases = [phase.name for phase in driver.phases if not phase.unavailable]
        with ThreadPoolExecutor(self.build.jobs) as pool:
            per_phase = list(pool.map(lambda phase: self._on_pages(driver.binary, phase, page_sizes), phases))
        return Driven(tuple(outcome for outcomes in per_phase for outcome in outcomes))

    def _on_pages(self, binary: Path, phase: str, page_sizes: Sequence[int]) -> list[Outcome]:
        """A phase that hangs on one page size is not waited for on the next."""
        outcomes: list[Outcome] = []
        for page_size in page_sizes:
            if outcomes and outcomes[-1].ending is Ending.HANG:
                outcomes.append(Outcome(phase, page_size, Ending.HANG, said="not run: it hung on other pages"))
            else:
                outcomes.append(run_phase(self.emulator, self.build.toolchain, binary, phase, page_size))
        return outcomes


def _read(path: Path) -> Driven | None:
    try:
        return _from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _from_json(data: dict[str, Any]) -> Driven:
    outcomes = (
        Outcome(
            **{
                **outcome,
                "ending": Ending(outcome["ending"]),
                "places": tuple(Place(**place) for place in outcome["places"]),
            }
        )
        for outcome in data["outcomes"]
    )
    return Driven(tuple(outcomes), data["refused"])
