"""Previews as they are really made: by a worker of Celery's and the processes that it starts, any of which may die."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.server import Simulator
from tests.workers.build.processes import SETTINGS, Working, holding, until, working
from tests.workers.build.test_preview import ENGINE
from tests.workers.house import REPOSITORY
from workers.app import STOP_SIGNAL

ASSETS = r"/releases/\d+/assets$"
OTHER = {"Source/page.h": "#define PAGE 32768\n"}


@pytest.fixture
def house(tmp_path: Path, redis_url: str) -> Iterator[Working]:
    """A house with a worker, and a repository whose engine is built when somebody lets it."""
    with Simulator(tmp_path / "github") as simulator, working(tmp_path, simulator, redis_url) as made:
        made.rule(SETTINGS.format(mark=made.mark["SANDBOX_MARK"], more=""), ENGINE)
        yield made
        assert simulator.violations == []


def states(house: Working) -> list[str]:
    """Of all files of all releases."""
    return [asset["state"] for release in house.simulator.releases(REPOSITORY) for asset in release["assets"]]


def is_published(house: Working) -> bool:
    """Whether there is a release that anybody sees."""
    return any(not release["draft"] for release in house.simulator.releases(REPOSITORY))


def test_a_runner_killed_while_it_builds(house: Working) -> None:
    sha = house.open()
    until(house.is_sleeping, "the build")
    house.kill_runner(sha)
    until(house.is_sandbox_gone, "the end of the sandbox")
    house.go_on()
    house.assert_released_once(sha)
    assert house.starts() == 2


def test_a_runner_killed_while_it_uploads(house: Working) -> None:
    # The second file is larger than what lies between the two processes.
    large = "\n      - head -c 64M /dev/zero > out/zeros"
    house.rule(SETTINGS.format(mark=house.mark["SANDBOX_MARK"], more=large))
    with holding(house.simulator, "POST", ASSETS, lambda: states(house) == ["uploaded"]) as held:
        sha = house.open()
        house.go_on()
        held.wait()
        house.kill_runner(sha)
    assert not is_published(house)
    house.unlock_release()
    house.go_on()
    house.assert_released_once(sha)
    assert house.starts() == 2


def test_a_runner_killed_after_an_upload_broke_off(house: Working) -> None:
    house.simulator.break_uploads()
    sha = house.open()
    house.go_on()
    until(lambda: states(house) == ["starter"], "the upload")
    house.kill_runner(sha)
    house.go_on()
    house.assert_released_once(sha)
    assert house.starts() == 2


def test_a_runner_killed_after_the_release_and_before_it_told(house: Working) -> None:
    with holding(house.simulator, "GET", r"/git/matching-refs/", lambda: is_published(house)) as held:
        sha = house.open()
        house.go_on()
        held.wait()
        (before,) = house.simulator.releases(REPOSITORY)
        house.kill_runner(sha)
    house.unlock_release()
    house.go_on()
    house.assert_released_once(sha)
    (release,) = house.simulator.releases(REPOSITORY)
    assert release["id"] == before["id"]
    assert house.starts() == 2


def test_a_worker_killed_while_a_runner_builds(house: Working) -> None:
    sha = house.open()
    until(house.is_sleeping, "the build")
    house.kill_worker()
    house.go_on()
    until(lambda: not house.runners(sha), "its end")
    assert is_published(house)
    house.start_worker()
    house.assert_released_once(sha)
    assert house.starts() == 1


def test_a_worker_that_is_stopped_and_started_leaves_the_build_alone(house: Working) -> None:
    sha = house.open()
    until(house.is_sleeping, "the build")
    assert house.worker is not None
    house.worker.send_signal(STOP_SIGNAL)
    assert house.worker.wait(60) == 0
    assert house.is_sleeping()
    house.start_worker()
    house.go_on()
    house.assert_released_once(sha)
    assert house.starts() == 1


def test_a_host_that_goes_down_and_comes_back(house: Working) -> None:
    sha = house.open()
    until(house.is_sleeping, "the build")
    house.kill_worker()
    house.kill_runner(sha)
    until(house.is_sandbox_gone, "the end of the sandbox")
    house.start_worker()
    house.go_on()
    house.assert_released_once(sha)
    assert house.starts() == 2


def test_a_push_while_a_runner_builds_ends_it_and_what_it_runs(house: Working) -> None:
    first = house.open()
    until(house.is_sleeping, "the build")
    before = house.in_sandbox()
    second = house.push(OTHER)
    until(lambda: not house.runners(first) and not before & house.in_sandbox(), "the end of the first")
    house.go_on()
    house.assert_released_once(second)
    assert house.conclusion(first) == "cancelled"
    assert [sha[:8] in row for sha, row in zip((second, first), house.table(), strict=True)] == [True, True]


def test_a_push_while_a_runner_uploads_leaves_no_half_release(house: Working) -> None:
    with holding(house.simulator, "POST", ASSETS) as held:
        first = house.open()
        house.go_on()
        held.wait()
        second = house.push(OTHER)
        until(lambda: house.conclusion(first) is not None, "the end of the first")
    until(lambda: not house.runners(first), "the end of its process")
    assert not is_published(house)
    house.go_on()
    house.assert_released_once(second)
    assert house.conclusion(first) == "cancelled"


def test_closing_while_a_runner_uploads_leaves_nothing_once_it_is_cleaned(house: Working) -> None:
    now = "\n  remove_after_days: 0"
    house.rule(SETTINGS.format(mark=house.mark["SANDBOX_MARK"], more="").rstrip() + now)
    with holding(house.simulator, "POST", ASSETS) as held:
        sha = house.open()
        house.go_on()
        held.wait()
        house.simulator.close_pull(REPOSITORY, house.house.number)
        until(lambda: house.conclusion(sha) is not None, "the end of the build")
    until(lambda: not house.runners(sha), "the end of its process")
    assert not is_published(house)
    until(lambda: not house.simulator.releases(REPOSITORY), "the cleaning")
    assert (house.conclusion(sha), house.tags(), house.left()) == ("cancelled", [], [])
