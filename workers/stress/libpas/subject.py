"""libpas as a subject: the driver of one tree, its phases, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checker.profile import Profile
from workers.sandbox import Limits, Sandbox
from workers.stress.libpas.build import Driver
from workers.stress.libpas.crashes import Place, files_of, known_places, speaking
from workers.stress.libpas.reading import read_ended
from workers.stress.libpas.toolchain import Toolchain
from workers.stress.processes import Ended, Process
from workers.stress.subjects import Phase, Reading

SECONDS = 60.0
"""Of one phase. On a good tree the longest takes 7 s under emulation on a machine with eight times its work to do."""

READER_LIMITS = Limits(seconds=30.0, memory=1 << 30, processes=4, output=1 << 20)


@dataclass(frozen=True, eq=False)
class LibpasSubject:
    """One tree's driver. `name` is for people: `libpas 359179baaf70`."""

    name: str
    driver: Driver
    profile: Profile
    toolchain: Toolchain = field(default_factory=Toolchain)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """In the order in which they are run; those that the tree cannot offer say why."""
        return self.driver.phases

    @property
    def files(self) -> Mapping[str, Path]:
        """The driver, in a directory named by what it was made from."""
        return {self._path: self.driver.binary}

    def process(self, phase: str, seed: int, process_id: str, seconds: float | None = None) -> Process:
        """Runs one phase; `seconds` of wall time instead of `SECONDS`."""
        return Process(process_id, (f"/subject/{self._path}", phase, str(seed)), seconds=seconds or SECONDS)

    def read(self, phase: str, seed: int, ended: Ended) -> Reading:
        """The verdict, and for a crash its place and the profile's rules that speak of it."""
        return read_ended(phase, seed, ended, self._locate, self._rules)

    @property
    def _path(self) -> str:
        return f"libpas-{self.driver.digest[:16]}/driver"

    def _locate(self, addresses: Sequence[int]) -> Sequence[Place]:
        return locate(self.toolchain, self.driver.binary, addresses)

    def _rules(self, places: Sequence[Place]) -> tuple[str, ...]:
        named = ((rule.id, files_of((rule.relied_on_in, *rule.also_in))) for rule in self.profile.rules)
        return speaking(named, places)


def locate(toolchain: Toolchain, binary: Path, addresses: Sequence[int]) -> Sequence[Place]:
    """Source lines of code addresses, nearest first; empty where the binary cannot be read. It is hostile, too."""
    box = Sandbox(read_only={"/driver": binary}, limits=READER_LIMITS)
    asked = (f"{address:#x}" for address in addresses)
    finished = box.run((toolchain.addr2line, "-i", "-f", "-e", "/driver", *asked))
    return known_places(finished.stdout.decode(errors="replace")) if finished.status == 0 else ()
