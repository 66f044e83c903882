"""The house with stress, but nothing is built: the machine is held by somebody else for as long as a test lasts.

So what is to be stressed waits, as it does on a busy host, and a test puts the results into the store as a process
would that did the work. The same holds for preview builds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.server import Simulator
from tests.workers.gitrepos import commit, git
from tests.workers.heard import AUTHOR, Heard, hearing
from tests.workers.house import REPOSITORY, House, Message
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

PROFILE = Path(__file__).with_name("small-stress.yml")
MAIN, STRESS = "pagewarden", "pagewarden / stress"
FORK = "stranger/engine"
WRITER, STRANGER = "wendy", "stranger"
SETTINGS = ".github/pagewarden.yml"
SIZE = 16384
"""Of an OS page, in bytes: `main` holds its limit there."""
PART = page_name(SIZE)


@dataclass
class Stressing:
    """A house where stress and builds wait for the machine. `waiting` are the jobs that look for it."""

    heard: Heard
    waiting: list[Message] = field(default_factory=list)

    @property
    def house(self) -> House:
        """The jobs."""
        return self.heard.house

    @property
    def simulator(self) -> Simulator:
        """GitHub."""
        return self.house.simulator

    def settle(self, most: int = 80) -> list[Message]:
        """Does all jobs and what they cause, but for looks at a machine that is not free."""
        done: list[Message] = []
        self.heard.hear()
        while self.house.queue:
            assert len(done) < most, f"the queue does not end: {done[-3:]}"
            if self.house.queue[0].job in {Job.STRESS, Job.BUILD} and self.house.queue[0].seconds:
                self.waiting.append(self.house.queue.popleft())
                continue
            done.append(self.house.step())
            self.heard.hear()
        return done

    def look_again(self) -> None:
        """Those who wait look whether the machine is free, after so long that it is told again how far they are."""
        self.house.clock.ahead += job.SHOW_SECONDS
        self.house.queue.extend(Message(each.job, each.key, 0) for each in self.waiting)
        self.waiting.clear()
        self.settle()

    def rule(self, settings: str) -> None:
        """Puts settings on `main`, which the pull request's branch then starts from."""
        git(self.house.source, "checkout", "--quiet", "main")
        sha = commit(self.house.source, {SETTINGS: settings})
        self.simulator.push(REPOSITORY, "main", sha)
        self.settle()

    def open(self, files: Mapping[str, str | None], **how: Any) -> str:
        """Opens the pull request from a branch of the repository; `how` as for the simulator. The head's sha."""
        sha = self.house.change(files, start="main")
        self.simulator.push(how.get("head_repository", REPOSITORY), "change", sha)
        self.house.number = self.simulator.open_pull(REPOSITORY, "change", "main", "A change", **how).number
        self.settle()
        return sha

    def open_fork(self, files: Mapping[str, str | None], **how: Any) -> str:
        """Opens the pull request of a stranger from his fork."""
        self.simulator.create_repository(FORK, self.house.source)
        return self.open(files, **{"author": STRANGER, "head_repository": FORK, **how})

    def push(self, files: Mapping[str, str | None], repository: str = REPOSITORY) -> str:
        """Pushes one more commit; nothing has heard of it yet."""
        sha = self.house.change(files)
        self.simulator.push(repository, "change", sha)
        return sha

    def say(self, author: str, body: str) -> int:
        """A comment and all that follows from it."""
        comment_id = self.simulator.comment(REPOSITORY, self.house.number, author, body)
        self.settle()
        return comment_id

    def run_id(self) -> str:
        """The current run's."""
        found = self.house.tools.store.current(f"{REPOSITORY}#{self.house.number}")
        assert found is not None
        return found

    def state(self) -> Stress:
        """The stress of the current run."""
        found = self.house.tools.stresses.get(self.run_id())
        assert found is not None
        return found

    def is_waiting(self) -> bool:
        """Whether the current head may be run, and only waits for the machine."""
        return not self.state().over and self.waits(BUILD)

    def check(self, sha: str, name: str = STRESS) -> Mapping[str, Any]:
        """The newest check of a name on a commit."""
        runs: list[dict[str, Any]] = self.simulator.check_runs(REPOSITORY, sha)
        return [run for run in runs if run["name"] == name][-1]

    def names(self, sha: str) -> list[str]:
        """Names of all checks on a commit."""
        return [run["name"] for run in self.simulator.check_runs(REPOSITORY, sha)]

    def conclusion(self, sha: str, name: str = STRESS) -> str | None:
        """Of the newest check of a name on a commit, `None` while it is in progress."""
        conclusion = self.check(sha, name)["conclusion"]
        assert conclusion is None or isinstance(conclusion, str)
        return conclusion

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
        simulator.set_permission(REPOSITORY, WRITER, "write")
        simulator.set_association(AUTHOR, "MEMBER")
        simulator.set_association(STRANGER, "NONE")
        yield Stressing(heard)
