"""The house with preview builds: what a process of its own does is done at once, in this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from simulator.server import Simulator
from tests.workers.gitrepos import commit, git
from tests.workers.heard import AUTHOR, Heard, hearing
from tests.workers.house import GOOD, REPOSITORY, House, Message
from workers import background
from workers.build.runner import work
from workers.build.store import Build
from workers.stress import runner as stress_runner
from workers.tools import Job

MAIN, PREVIEW = "pagewarden", "pagewarden / preview"
SETTINGS = ".github/pagewarden.yml"
WRITER, STRANGER = "wendy", "stranger"
FORK = "stranger/engine"
WORKFLOW = "pagewarden-preview.yml"
WORKFLOW_FILES = {
    f".github/workflows/{WORKFLOW}": (Path(__file__).parents[3] / "docs/workflows" / WORKFLOW).read_text()
}
"""The workflow to copy."""


@dataclass
class Previewing:
    """A house where previews are built. `is_busy`: processes are not started, as if each died at once; `started` are
    those that would have been."""

    heard: Heard
    is_busy: bool = False
    started: list[Sequence[str]] = field(default_factory=list)
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
        """Does all jobs and what they cause, but for later looks at a build."""
        done: list[Message] = []
        self.heard.hear()
        while self.house.queue:
            assert len(done) < most, f"the queue does not end: {done[-3:]}"
            if self.house.queue[0].job in {Job.BUILD, Job.STRESS} and self.house.queue[0].seconds:
                self.waiting.append(self.house.queue.popleft())
                continue
            done.append(self.house.step())
            self.heard.hear()
        return done

    def look_again(self, after: float = 60.0) -> list[Message]:
        """Time passes, and those who follow builds look again."""
        self.house.clock.ahead += after
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

    def push(self, files: Mapping[str, str | None]) -> str:
        """One more commit, and all that follows from it."""
        sha = self.house.push(files)
        self.settle()
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

    def build(self) -> Build:
        """The build of the current run."""
        found = self.house.tools.builds.get(self.run_id())
        assert found is not None
        return found

    def check(self, sha: str, name: str = PREVIEW) -> Mapping[str, Any]:
        """The newest check of a name on a commit."""
        runs: list[dict[str, Any]] = self.simulator.check_runs(REPOSITORY, sha)
        return [run for run in runs if run["name"] == name][-1]

    def conclusion(self, sha: str, name: str = PREVIEW) -> str | None:
        """Of the newest check of a name on a commit, `None` while it is in progress."""
        conclusion = self.check(sha, name)["conclusion"]
        assert conclusion is None or isinstance(conclusion, str)
        return conclusion

    def told(self, sha: str) -> str:
        """Title, summary and text of the newest preview check of a commit."""
        output = self.check(sha)["output"]
        return "\n".join(output[part] or "" for part in ("title", "summary", "text"))

    def table(self) -> list[str]:
        """The rows of the comment's table of previews, as they are written."""
        lines = self.house.comments()[0].splitlines() if self.house.comments() else []
        start = next((index for index, line in enumerate(lines) if line.endswith("Preview Builds")), len(lines))
        rows = [line for line in lines[start:] if line.startswith("|")]
        return rows[2:]

    def tags(self) -> list[str]:
        """Tags of the repository."""
        return sorted(self.simulator.tags(REPOSITORY))


@contextmanager
def building(
    directory: Path, simulator: Simulator, redis_url: str, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> Iterator[Previewing]:
    """A house with previews in `directory`; `more` are settings."""
    values = {"stress": False, "advice": False, **more}
    with hearing(directory, simulator, redis_url, **values) as heard:
        previewing = Previewing(heard)

        def start(_settings: Settings, module: str, arguments: Sequence[str], _log: Path) -> None:
            if module == "workers.stress.runner":
                stress_runner.work(heard.house.tools, *arguments)
                return
            assert module == "workers.build.runner"
            previewing.started.append(arguments)
            if not previewing.is_busy:
                work(heard.house.tools, *arguments)

        monkeypatch.setattr(background, "start", start)
        simulator.set_permission(REPOSITORY, WRITER, "write")
        simulator.set_association(AUTHOR, "MEMBER")
        simulator.set_association(STRANGER, "NONE")
        yield previewing
