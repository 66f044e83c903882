from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.webhook import create_web
from simulator.server import Simulator
from tests.workers.house import House
from tests.workers.stress.stressed import REPOSITORY, Stressed, build
from workers.reconcile import OLD_SECONDS, sweep
from workers.scenario import Scenario
from workers.stress.job import MOST_STARTS, QUIET_SECONDS, key_of
from workers.stress.store import BUILD
from workers.tools import Job


@pytest.fixture
def stressed(tmp_path: Path, redis_url: str, whole_libpas: Scenario) -> Iterator[Stressed]:
    with Simulator(tmp_path / "github") as simulator:
        built = build(tmp_path, simulator, redis_url, whole_libpas)
        yield built
        if built.number:
            built.tools.stresses.end(built.run_id())
        assert simulator.violations == []


def test_a_change_is_built_run_beside_its_controls_and_told(stressed: Stressed) -> None:
    head = stressed.push("B")
    check = stressed.concluded(head)
    assert check["conclusion"] == "failure"
    assert "baseline" in check["output"]["summary"]
    assert "pas_baseline_allocator.c" in check["output"]["summary"] + check["output"]["text"]
    assert check["details_url"].startswith("https://pagewarden.example/runs/")
    (comment,) = stressed.simulator.comments(REPOSITORY, stressed.number)
    assert "#### Stress" in comment["body"]
    assert check["details_url"] in comment["body"]

    web = create_web(stressed.tools.settings).test_client()
    address = check["details_url"].removeprefix("https://pagewarden.example")
    page = web.get(address)
    assert page.status_code == 200
    assert "pas_baseline_allocator.c" in page.text
    evidence = web.get(f"{address}/head-4k-baseline-s1/stdout.txt")
    assert evidence.status_code == 200
    assert "signal 5" in evidence.text
    assert web.get("/runs/" + "0" * 32).status_code == 404
    assert web.get(f"{address}/head-4k-baseline-s1/other").status_code == 404

    calls = len(stressed.simulator.calls)
    stressed.tools.send(Job.PUBLISH, stressed.run_id())
    stressed.drain()
    assert [call for call in stressed.simulator.calls[calls:] if call.method in {"POST", "PATCH"}] == []


def test_a_part_whose_process_was_killed_is_done_by_another(stressed: Stressed) -> None:
    head = stressed.push("D")
    stressed.until(lambda: stressed.state().part("4K").progress is not None)
    stressed.lose_runners("4K")
    check = stressed.concluded(head)
    assert stressed.state().part("4K").starts == 2
    assert check["conclusion"] == "failure"
    assert "jit-small-bitfit" in check["output"]["title"]


def test_another_head_ends_the_stress_of_the_one_before(stressed: Stressed) -> None:
    first = stressed.push("B")
    stressed.until(lambda: bool(stressed.runners()))
    runners = stressed.runners()
    second = stressed.push("D")
    stressed.until(lambda: (stressed.check(first) or {}).get("status") == "completed")
    old = stressed.check(first)
    assert old is not None
    assert old["conclusion"] == "cancelled"
    assert second[:12] in old["output"]["title"]
    stressed.until(lambda: not any(Path(f"/proc/{process}/cmdline").exists() for process in runners), 60)
    assert stressed.concluded(second)["conclusion"] == "failure"
    (comment,) = stressed.simulator.comments(REPOSITORY, stressed.number)
    assert second[:12] in comment["body"]


def test_the_code_of_a_fork_is_not_run(stressed: Stressed) -> None:
    head = stressed.push("B", fork=True)
    check = stressed.concluded(head)
    assert check["conclusion"] == "neutral"
    assert f"/ok-to-test {head}" in check["output"]["summary"]
    assert stressed.state().part(BUILD).starts == 0


def test_where_there_is_no_libpas_there_is_nothing_to_stress(
    tmp_path: Path, redis_url: str, scenario: Scenario
) -> None:
    with Simulator(tmp_path / "github") as simulator:
        stressed = build(tmp_path, simulator, redis_url, scenario)
        head = stressed.push("B")
        stressed.until(lambda: stressed.state().over)
        # The process that found out told the real queue, which nobody reads here.
        stressed.clock.ahead += 2 * OLD_SECONDS
        sweep(stressed.tools)
        check = stressed.concluded(head)
        assert check["conclusion"] == "neutral"
        assert "neither head nor base has the sources of libpas" in check["output"]["summary"]
        assert simulator.violations == []


def test_a_machine_that_cannot_be_had_is_no_pass(tmp_path: Path, redis_url: str, whole_libpas: Scenario) -> None:
    with Simulator(tmp_path / "github") as simulator:
        stressed = build(tmp_path, simulator, redis_url, whole_libpas, page_sizes=(4096, 65536))
        check = stressed.concluded(stressed.push("D"))
        assert check["conclusion"] == "failure", "what 4K shows is true whatever happens at 64K"
        assert "64K" in check["output"]["summary"]
        assert simulator.violations == []


def test_what_dies_each_time_is_given_up(stressed: Stressed) -> None:
    head = stressed.push("D")
    for _ in range(MOST_STARTS):
        stressed.until(lambda: bool(stressed.runners()))
        stressed.lose_runners(BUILD)
    check = stressed.concluded(head)
    assert check["conclusion"] == "failure"
    assert "This is not the fault of this pull request" in check["output"]["summary"]


def test_a_message_twice_begins_no_second_chain_of_looks(stressed: Stressed) -> None:
    head = stressed.push("D")
    stressed.until(lambda: stressed.state().part(BUILD).result is not None)
    for _ in range(5):
        stressed.tools.send(Job.STRESS, key_of(stressed.run_id(), BUILD))
    stressed.until(lambda: stressed.state().part("4K").starts == 1)
    assert sum(message.job is Job.STRESS and message.key.endswith("@4K") for message in stressed.queue) <= 1
    assert stressed.concluded(head)["conclusion"] == "failure"


def test_what_was_lost_after_the_last_part_is_found_by_the_sweep(stressed: Stressed) -> None:
    head = stressed.push("D")
    stressed.until(lambda: stressed.state().part("4K").starts == 1)
    stressed.watch(lambda: stressed.state().part("4K").result is not None)
    stressed.queue.clear()
    assert stressed.tools.stresses.follow(stressed.run_id(), "4K")
    stressed.clock.ahead += QUIET_SECONDS + 2 * OLD_SECONDS
    sweep(stressed.tools)
    stressed.clock.ahead = 0.0
    assert stressed.concluded(head)["conclusion"] == "failure"


def test_progress_is_told_at_a_gentle_rate(stressed: Stressed) -> None:
    head = stressed.push("D")
    stressed.until(lambda: stressed.check(head) is not None and stressed.state().part(BUILD).starts == 1)
    started = time.monotonic()
    stressed.until(lambda: time.monotonic() > started + 3 or stressed.state().over)
    sent = [message for message in stressed.queue if message.job is Job.SHOW_STRESS]
    assert len(sent) <= 1


def test_what_is_not_to_be_stressed_has_no_such_check(tmp_path: Path, redis_url: str, whole_libpas: Scenario) -> None:
    with Simulator(tmp_path / "github") as simulator:
        stressed = build(tmp_path, simulator, redis_url, whole_libpas, stress=False)
        head = stressed.push("B")
        stressed.drain()
        assert [run["name"] for run in simulator.check_runs(REPOSITORY, head)] == ["pagewarden"]
        assert simulator.violations == []


def test_a_head_that_could_not_be_evaluated_is_not_stressed(house: House) -> None:
    head = house.open({"Source/page.h": "#define PAGE (\n"})
    house.deliver()
    house.drain()
    assert [title for _, _, title in house.checks(head)] != []
    assert house.tools.stresses.open_runs(0) == []
