"""The house with stress, but nothing is built: the machine is held by somebody else for as long as a test lasts.

So what is to be stressed waits, as it does on a busy host, and a test puts the results into the store as a process
would that did the work. The same holds for preview builds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from simulator.server import Simulator
from tests.workers.driven import FORK, MAIN, SETTINGS, STRANGER, WRITER, Driven
from tests.workers.heard import hearing
from workers.build import drivers
from workers.build.result import Made
from workers.host import alone
from workers.stress import job
from workers.stress.document import to_json
from workers.stress.processes import page_name
from workers.stress.result import Control, Expectation, Result, Trouble
from workers.stress.store import BUILD, Stress
from workers.stress.verdicts import Record, Role, Verdict
from workers.tools import Job

__all__ = [
    "FORK",
    "MAIN",
    "PART",
    "PROFILE",
    "SETTINGS",
    "SIZE",
    "STRANGER",
    "STRESS",
    "WRITER",
    "Stressing",
    "result",
    "under_stress",
]

PROFILE = Path(__file__).with_name("small-stress.yml")
STRESS = "pagewarden / stress"
SIZE = 16384
"""Of an OS page, in bytes: `main` holds its limit there."""
PART = page_name(SIZE)


@dataclass
class Stressing(Driven):
    """A house where stress and builds wait for the machine. `waiting` are the jobs that look for it."""

    CHECK: ClassVar[str] = STRESS
    PAUSE: ClassVar[float] = job.SHOW_SECONDS

    def state(self) -> Stress:
        """The stress of the current run."""
        found = self.house.tools.stresses.get(self.run_id())
        assert found is not None
        return found

    def is_waiting(self) -> bool:
        """Whether the current head may be run, and only waits for the machine."""
        return not self.state().over and self.waits(BUILD)

    def waits(self, part: str) -> bool:
        """Whether somebody looks again and again whether a part of the current run's stress can begin."""
        return job.key_of(self.run_id(), part) in {each.key for each in self.waiting}

    def built(self, made: Made, run_id: str | None = None) -> None:
        """The preview build of the current run is over, as a process that did the work would leave it."""
        run_id = run_id or self.run_id()
        self.house.tools.builds.conclude(run_id, made)
        self.house.tools.send(Job.BUILD, run_id)
        self.settle()

    def find(self, verdict: Verdict, *, run_id: str | None = None) -> None:
        """The whole stress of the current run is done, and found this of the head."""
        self.finish(BUILD, result(None), run_id)
        self.finish(PART, result(verdict), run_id)
        self.look_again()

    def finish(self, part: str, found: Result, run_id: str | None = None) -> None:
        """One part is done, as by a process that took it on."""
        stresses, run_id = self.house.tools.stresses, run_id or self.run_id()
        assert stresses.claim(run_id, part, "somebody")
        assert stresses.finish(run_id, part, "somebody", json.dumps(to_json(found)))


def result(verdict: Verdict | None, *, control: Verdict = Verdict.FAIL, troubles: tuple[Trouble, ...] = ()) -> Result:
    """What one part found: `verdict` on the head beside a base that passes, and what the control that must fail did.

    `None` is a part without a machine, such as the build.
    """
    if verdict is None:
        return Result("vm", (), troubles=troubles)
    seen = Record("libpas b", Role.HEAD, SIZE, "baseline", 1, verdict)
    base = Record("libpas a", Role.BASE, SIZE, "baseline", 1, Verdict.PASS)
    must = Expectation("libpas (B)", SIZE, "baseline", Verdict.FAIL)
    did = Record("libpas (B)", Role.CONTROL, SIZE, "baseline", 1, control)
    return Result("vm", (SIZE,), (seen, base), (Control(must, did),), troubles)


@contextmanager
def under_stress(directory: Path, simulator: Simulator, redis_url: str, **more: Any) -> Iterator[Stressing]:
    """A house with stress in `directory`; `more` are settings."""
    values = {"stress": True, "advice": False, "profile": str(PROFILE), "page_sizes": (SIZE,), **more}
    with hearing(directory, simulator, redis_url, **values) as heard, ExitStack() as held:
        for slot in (job.slot(heard.house.tools), drivers.slot(heard.house.tools)):
            assert held.enter_context(alone(slot))
        stressing = Stressing(heard)
        stressing.people()
        yield stressing
