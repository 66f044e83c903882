"""The house with its ears, driven by hand through what a pull request lives through: what stress and builds share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulator.server import Simulator
from tests.workers.gitrepos import commit, git
from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import GOOD, REPOSITORY, House, Message
from workers.tools import Job

MAIN = "pagewarden"
FORK = "stranger/engine"
WRITER, STRANGER = "wendy", "stranger"
SETTINGS = ".github/pagewarden.yml"


@dataclass
class Driven:
    """A house. `waiting` are the jobs that are to look again later at what takes long; `CHECK` is the check that this
    is about, and `PAUSE` after how many seconds they look again."""

    CHECK: ClassVar[str] = MAIN
    PAUSE: ClassVar[float] = 60.0

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

    @property
    def place(self) -> str:
        """The pull request."""
        return f"{REPOSITORY}#{self.house.number}"

    def settle(self, most: int = 120) -> list[Message]:
        """Does all jobs and what they cause, but for later looks."""
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

    def look_again(self, after: float | None = None) -> list[Message]:
        """Time passes, and those who wait look again."""
        self.house.clock.ahead += self.PAUSE if after is None else after
        self.house.queue.extend(Message(each.job, each.key, 0) for each in self.waiting)
        self.waiting.clear()
        return self.settle()

    def rule(self, settings: str, more: Mapping[str, str | None] | None = None) -> str:
        """Puts settings on `main`, and `more` files, which the pull request's branch then starts from."""
        git(self.house.source, "checkout", "--quiet", "main")
        sha = commit(self.house.source, {SETTINGS: settings, **(more or {})})
        self.simulator.push(REPOSITORY, "main", sha)
        self.settle()
        return sha

    def open(self, files: Mapping[str, str | None] = GOOD, **how: Any) -> str:
        """Opens the pull request from a branch of the repository; `how` as for the simulator. The head's sha."""
        sha = self.house.change(files, start="main")
        self.simulator.push(how.get("head_repository", REPOSITORY), "change", sha)
        self.house.number = self.simulator.open_pull(REPOSITORY, "change", "main", "A change", **how).number
        self.settle()
        return sha

    def open_fork(self, files: Mapping[str, str | None] = GOOD, **how: Any) -> str:
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
        found = self.house.tools.store.current(self.place)
        assert found is not None
        return found

    def check(self, sha: str, name: str | None = None) -> Mapping[str, Any]:
        """The newest check of a name on a commit."""
        runs: list[dict[str, Any]] = self.simulator.check_runs(REPOSITORY, sha)
        return [run for run in runs if run["name"] == (name or self.CHECK)][-1]

    def names(self, sha: str) -> list[str]:
        """Names of all checks on a commit."""
        return [run["name"] for run in self.simulator.check_runs(REPOSITORY, sha)]

    def conclusion(self, sha: str, name: str | None = None) -> str | None:
        """Of the newest check of a name on a commit, `None` while it is in progress."""
        conclusion = self.check(sha, name)["conclusion"]
        assert conclusion is None or isinstance(conclusion, str)
        return conclusion

    def people(self) -> None:
        """Those who have a say in the tests: the author belongs here, a writer does too, a stranger does not."""
        self.simulator.set_permission(REPOSITORY, WRITER, "write")
        self.simulator.set_association(AUTHOR, "MEMBER")
        self.simulator.set_association(STRANGER, "NONE")
