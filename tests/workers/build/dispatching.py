"""A pull request whose head is to be built by the workflow of docs/workflows, for the tests of the actions driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from config.preview import ActionsSettings, PreviewSettings
from simulator.runs import Contents
from tests.workers.house import GOOD, REPOSITORY, House
from workers.build.actions import ActionsDriver
from workers.build.driver import Seen
from workers.build.order import Order
from workers.github import Client

WORKFLOW = "pagewarden-preview.yml"
PATH = f".github/workflows/{WORKFLOW}"
TEXT = (Path(__file__).parents[3] / "docs/workflows" / WORKFLOW).read_text()
DISPATCHES = "/dispatches"


@dataclass
class Dispatching:
    """What jobs do about one order."""

    house: House
    folder: Path
    order: Order

    @contextmanager
    def client(self) -> Iterator[Client]:
        """As a job has it."""
        with self.house.tools.github.client(self.house.installation_id) as client:
            yield client

    @contextmanager
    def driver(self) -> Iterator[ActionsDriver]:
        """As a job has it."""
        with self.client() as client:
            yield ActionsDriver(client, self.house.tools.github.bot(), self.house.clock)

    def submit(self) -> str:
        """Submits it, in a job of its own."""
        with self.driver() as driver:
            return driver.submit(self.order)

    def poll(self, external_id: str, after: float = 0) -> Seen:
        """Looks at it, in a job of its own, so many seconds later."""
        self.house.clock.ahead += after
        with self.driver() as driver:
            return driver.poll(self.order, external_id)

    def cancel(self, external_id: str) -> None:
        """Cancels it, in a job of its own."""
        with self.driver() as driver:
            driver.cancel(self.order, external_id)

    def built(self, artifacts: Mapping[str, Contents] | None = None) -> dict[str, Path]:
        """Submits it, lets it succeed with these artifacts, and fetches them: files by name."""
        external_id = self.submit()
        self.house.simulator.finish_workflow(self.run_ids()[-1], artifacts=artifacts)
        return self.fetched(external_id)

    def fetched(self, external_id: str) -> dict[str, Path]:
        """What is fetched, by name. Nothing else is left beside it."""
        room = self.folder / "room"
        artifacts = room / "artifacts"
        artifacts.mkdir(parents=True)
        with self.driver() as driver:
            driver.artifacts(self.order, external_id, artifacts)
        assert list(room.iterdir()) == [artifacts]
        return {file.name: file for file in artifacts.iterdir()}

    def runs(self) -> list[dict[str, Any]]:
        """The workflow runs that there are, the oldest first."""
        return self.house.simulator.workflow_runs(REPOSITORY)

    def run_ids(self) -> list[int]:
        """Their ids."""
        return [run["id"] for run in self.runs()]

    def want(self, **settings: Any) -> None:
        """Orders with other settings of the driver."""
        actions = ActionsSettings(**{"workflow": WORKFLOW, **settings})
        self.order = replace(self.order, settings=PreviewSettings(actions=actions))


def dispatching_in(house: House, folder: Path, workflow: str | None = TEXT) -> Dispatching:
    """The house with that workflow on `main`, and a pull request."""
    if workflow is not None:
        house.land({PATH: workflow})
    head = house.open(GOOD)
    order = Order(
        installation_id=house.installation_id,
        repository=REPOSITORY,
        number=house.number,
        ref="main",
        base=house.simulator.pull(REPOSITORY, house.number).base_sha,
        head=head,
        clone_url=f"{house.simulator.url}/{REPOSITORY}.git",
        settings=PreviewSettings(actions=ActionsSettings(workflow=WORKFLOW)),
    )
    return Dispatching(house, folder, order)
