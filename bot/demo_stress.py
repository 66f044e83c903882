"""The demo's stress: B and D really built for aarch64, and run under real kernels with 4K and 64K pages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.console import Console

from bot.demo_watch import followed, say
from simulator.server import Simulator
from workers.scenario import Tell
from workers.scenario.source import default_cache_dir
from workers.stress import kernels
from workers.stress.kernels import KernelError
from workers.stress.machines import lacking
from workers.stress.show import CHECK_NAME

PAGE_SIZES = (4096, 65536)
EXPECTED: Mapping[str, frozenset[str]] = {
    "B": frozenset({"baseline", "jit-medium-bitfit", "jit-small-bitfit", "threads-exit", "jit-baseline"}),
    "D": frozenset({"jit-small-bitfit"}),
}
"""Head → the phases that newly fail: on 4K pages, as the base fails all with 64K pages."""

_SECONDS = 1200.0
_NEWLY_FAILING = re.compile(r"^#### Newly failing$(.*?)(?=^#### |^<details>|\Z)", re.MULTILINE | re.DOTALL)
_PHASE = re.compile(r"^- `([\w-]+)` at ", re.MULTILINE)
"""How the check tells of a failure; see `workers.report.stress`."""


class CannotStress(Exception):
    """This machine lacks something. The text says what, and what to do."""


@dataclass(frozen=True)
class StressVerdict:
    """What GitHub shows of the stress of one head."""

    commit: str
    conclusion: str
    title: str
    failing: frozenset[str]
    seconds: float

    @property
    def expected(self) -> bool:
        return self.conclusion == "failure" and self.failing == EXPECTED[self.commit]


def prepare(tell: Tell) -> Mapping[str, str]:
    """Builds the kernels where they are missing; the settings that stress needs. Raises `CannotStress`."""
    cache = default_cache_dir()
    try:
        kernels.build(PAGE_SIZES, cache, tell)
    except KernelError as error:
        raise CannotStress(str(error)) from error
    if (missing := lacking("vm", PAGE_SIZES, cache)) is not None:
        raise CannotStress(missing)
    # Kernels and objects are kept by content, so they may stay for the next time.
    return {"STRESS": "true", "PAGE_SIZES": str(list(PAGE_SIZES)), "CACHE_DIR": str(cache)}


def wait_for(
    github: Simulator, repository: str, commit: str, sha: str, console: Console, require_server: Callable[[], None]
) -> StressVerdict | None:
    """Follows the stress check of a head to its end, telling what it tells; `None` where it does not end in time."""
    started = time.monotonic()

    def tell(title: str) -> None:
        say(console, f"   stress: {title.removeprefix('Stress: ')}")

    check = followed(github, repository, sha, CHECK_NAME, tell=tell, seconds=_SECONDS, require_server=require_server)
    if check is None:
        return None
    section = _NEWLY_FAILING.search(check["output"]["summary"])
    failing = frozenset(_PHASE.findall(section[1])) if section is not None else frozenset[str]()
    return StressVerdict(commit, check["conclusion"], check["output"]["title"], failing, time.monotonic() - started)
