"""Previews as they are really made: by a worker of Celery's and the processes that it starts, any of which may die."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.server import Simulator
from tests.workers.build.processes import ENGINE, SETTINGS, Working, holding, until, working
from tests.workers.build.test_preview import releases
from tests.workers.house import GOOD, REPOSITORY
from workers.app import STOP_SIGNAL


@pytest.fixture
def house(tmp_path: Path, redis_url: str) -> Iterator[Working]:
    """A house with a worker, and a repository whose engine is built when somebody lets it."""
    with Simulator(tmp_path / "github") as simulator, working(tmp_path, simulator, redis_url) as made:
        made.rule(SETTINGS.format(mark=made.mark["SANDBOX_MARK"], more=""), ENGINE)
        yield made
        assert simulator.violations == []


def test_a_runner_killed_while_it_builds(house: Working) -> None:
    sha = house.open()
    until(house.is_sleeping, "the build")
    house.kill_runner(sha)
    until(house.is_sandbox_gone, "the end of the sandbox")
    house.go_on()
    house.assert_released_once(sha)
    assert house.starts() == 2
