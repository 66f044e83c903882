"""The house with preview builds: what a process of its own does is done at once, in this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from config.settings import Settings
from simulator.server import Simulator
from tests.workers.driven import FORK, MAIN, SETTINGS, STRANGER, WRITER, Driven
from tests.workers.heard import hearing
from tests.workers.house import REPOSITORY
from workers import background
from workers.build.runner import work
from workers.build.store import Build
from workers.stress import runner as stress_runner

__all__ = [
    "FORK",
    "MAIN",
    "PREVIEW",
    "SETTINGS",
    "STRANGER",
    "WORKFLOW",
    "WORKFLOW_FILES",
    "WRITER",
    "Previewing",
    "building",
]

PREVIEW = "pagewarden / preview"
WORKFLOW = "pagewarden-preview.yml"
WORKFLOW_FILES = {
    f".github/workflows/{WORKFLOW}": (Path(__file__).parents[3] / "docs/workflows" / WORKFLOW).read_text()
}
"""The workflow to copy."""


@dataclass
class Previewing(Driven):
    """A house where previews are built. `is_busy`: processes are not started, as if each died at once; `started` are
    those that would have been."""

    CHECK: ClassVar[str] = PREVIEW

    is_busy: bool = False
    started: list[Sequence[str]] = field(default_factory=list)

    def push(self, files: Mapping[str, str | None], repository: str = REPOSITORY) -> str:
        """One more commit, and all that follows from it."""
        sha = super().push(files, repository)
        self.settle()
        return sha

    def build(self) -> Build:
        """The build of the current run."""
        found = self.house.tools.builds.get(self.run_id())
        assert found is not None
        return found

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
        previewing.people()
        yield previewing
