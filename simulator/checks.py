"""What people do with checks: press their buttons, and ask for them again. Only the App that owns them is told."""

from __future__ import annotations

from functools import partial

from simulator import events
from simulator.records import Account, CheckRun, Repository
from simulator.rest import World


def press(world: World, run: CheckRun, identifier: str, sender: Account) -> None:
    """Press a button. Raises `LookupError` for one that GitHub does not show."""
    if run.status != "completed" or identifier not in {one["identifier"] for one in run.actions}:
        raise LookupError(f"check run {run.id} ({run.name}, {run.status}) shows no button {identifier!r}")
    _tell(world, run, "requested_action", sender, {"requested_action": {"identifier": identifier}})


def rerun(world: World, run: CheckRun, sender: Account) -> None:
    """Ask for a check run again. As GitHub leaves it to the App what becomes of it, it stays as it is."""
    _tell(world, run, "rerequested", sender, {})


def rerun_suite(world: World, repository: Repository, sha: str, sender: Account) -> None:
    """Ask every App for all its check runs on a commit again. Raises `LookupError` where there are none."""
    state = world.state
    suites = [
        one for one in list(state.suites.values()) if (one.repository, one.head_sha) == (repository.full_name, sha)
    ]
    if not suites:
        raise LookupError(f"{repository.full_name} has no checks on {sha}")
    for suite in suites:
        world.sender.tell(
            repository,
            "check_suite",
            "rerequested",
            sender,
            partial(events.check_suite, world.links, suite, repository, state),
            only=suite.app_id,
        )


def _tell(world: World, run: CheckRun, action: str, sender: Account, more: dict[str, dict[str, str]]) -> None:
    repository = world.state.repository(run.repository)
    assert repository is not None, f"{run.repository} was deleted"
    world.sender.tell(
        repository,
        "check_run",
        action,
        sender,
        lambda: {**events.check_run(world.links, run, repository, world.state), **more},
        only=run.app_id,
    )
