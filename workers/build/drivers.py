"""Which driver an order is for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workers.build.actions import ActionsDriver
from workers.build.command import CommandMaker
from workers.build.docker import DockerMaker
from workers.build.driver import BuildError, Driver, Maker
from workers.build.local import LocalDriver
from workers.build.order import Order
from workers.build.store import Build
from workers.git import ObjectCache
from workers.github import Client
from workers.tools import Tools


def directory(tools: Tools) -> Path:
    """Where this host keeps what it builds."""
    return tools.settings.cache_dir / "previews"


def scratch_of(tools: Tools) -> Path:
    """Where files of strangers lie for a moment."""
    scratch = directory(tools) / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return scratch


def slot(tools: Tools) -> Path:
    """The file that is held by who builds a preview on this host."""
    return directory(tools) / "lock"


def driver_for(tools: Tools, client: Client, order: Order, require: Callable[[], None] = lambda: None) -> Driver:
    """The driver. `require` is called while it works long, and may raise. Raises `BuildError`, `GitHubError`."""
    if order.settings.actions is not None:
        return ActionsDriver(client, tools.github.bot(), tools.clock, require)
    # A cache of its own: whole trees are fetched, and no check is to wait for that.
    cache = ObjectCache(directory(tools))
    return LocalDriver(_maker(tools, order), cache, directory(tools) / "work", _state_of(tools), tools.clock)


def _maker(tools: Tools, order: Order) -> Maker:
    settings = tools.settings
    if order.settings.command is not None:
        return CommandMaker()
    if order.settings.docker is not None:
        return DockerMaker(
            cache=directory(tools) / "docker", context=settings.docker_context, builder=settings.docker_builder
        )
    raise BuildError("this repository's settings name nothing that builds previews")


def _state_of(tools: Tools) -> Callable[[Order], Build | None]:
    def state_of(order: Order) -> Build | None:
        run_id = tools.builds.run_of(order.repository, order.correlation)
        build = tools.builds.get(run_id) if run_id is not None else None
        return build if build is not None and build.order.correlation == order.correlation else None

    return state_of
