"""Builds on this host: the process that has taken a build on makes it, too.

Docker and the sandbox are two makers behind one driver. What is submitted is only noted: the process is started where a
host is free, and the store knows how far it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workers.build.artifacts import collect
from workers.build.checkout import check_out
from workers.build.disk import remove
from workers.build.driver import Maker, Seen, State, Workshop
from workers.build.log import LogFile
from workers.build.order import Order
from workers.build.store import Build
from workers.git import ObjectCache


@dataclass(frozen=True)
class LocalDriver:
    """A `Driver`. `state_of` asks the store for the build that an order began, `now` tells epoch seconds; below
    `directory` each build has a folder of its own until `clear`."""

    maker: Maker
    cache: ObjectCache
    directory: Path
    state_of: Callable[[Order], Build | None]
    now: Callable[[], float]

    def submit(self, order: Order) -> str:
        """Nothing is to be told to anybody."""
        return order.correlation

    def poll(self, order: Order, _external_id: str) -> Seen:
        """As the store knows it."""
        build = self.state_of(order)
        if build is None:
            return Seen(State.GONE)
        if build.made is not None:
            return Seen(State.SUCCEEDED if build.made.is_good else State.FAILED)
        return Seen(State.RUNNING if build.work.is_alive(self.now()) else State.QUEUED)

    def cancel(self, _order: Order, _external_id: str) -> None:
        """The process learns from its heart that it is to stop."""

    def make(self, order: Order, token: str | None, require: Callable[[], None]) -> None:
        """Checks the head out and builds it, while nobody else does so on this host. Raises `BuildError`, `GitError`,
        and what `require` raises."""
        self._clear_all()
        room = self._room(order)
        source, shop = room / "source", room / "work"
        source.mkdir(parents=True)
        shop.mkdir()
        with LogFile(self._log_of(order)) as log:
            paths = order.settings.paths
            left_out = check_out(self.cache, order.clone_url, token, order.head, paths, source, require)
            for link in left_out:
                log.write(f"pagewarden: the link {link!r} leads out of the checkout, and was left out\n".encode())
            workshop = Workshop(shop, log, require, order.seconds)
            built = self.maker.make(order, source, workshop)
            collect(built, room / "out", f"preview-{order.settings.target}", require)

    def artifacts(self, order: Order, _external_id: str, directory: Path) -> None:
        """Hands over what `make` has built."""
        for file in (self._room(order) / "out").iterdir():
            shutil.move(file, directory / file.name)

    def log(self, order: Order, _external_id: str, file: Path) -> None:
        """What `make` said."""
        shutil.copyfile(self._log_of(order), file)

    def clear(self, order: Order) -> None:
        """Removes all that a build has left."""
        remove(self._room(order))

    def _clear_all(self) -> None:
        """Also what processes have left which died."""
        for room in self.directory.glob("*"):
            remove(room)

    def _log_of(self, order: Order) -> Path:
        return self._room(order) / "build.log"

    def _room(self, order: Order) -> Path:
        return self.directory / order.correlation
