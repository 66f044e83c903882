"""The heart of a process that works on a part: it beats in the store, and learns there when to stop."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from redis.exceptions import RedisError

BEAT_SECONDS = 2.0
UNHEARD_SECONDS = 10.0
"""When the store has not answered for so long, nobody waits for this process any more."""
GRACE_SECONDS = 20.0
"""A process that is to stop and has not after so long ends itself; what it runs dies with it."""


class Stopped(Exception):
    """The part is not ours any more."""


@dataclass
class Heart:
    """Beats while a part is worked on. `beat` is told how far it is, and answers whether the part is still ours."""

    beat: Callable[[str], bool]
    stopped: type[Exception] = Stopped
    progress: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic

    def require(self) -> None:
        """Raises `stopped` when the part is to stop."""
        if self.stopping.is_set():
            raise self.stopped

    def ask(self) -> None:
        """The same, as the store knows it now: for what cannot be taken back."""
        with suppress(RedisError, OSError):  # who beats sees to a store that does not answer
            if not self.beat(self.progress):
                self.stopping.set()
        self.require()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beats for as long as the block lasts."""
        thread = threading.Thread(target=self._beat_until_finished, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.finished.set()
            thread.join()

    def _beat_until_finished(self) -> None:
        heard = self.clock()
        while not self.finished.wait(BEAT_SECONDS):
            try:
                ours = self.beat(self.progress)
                heard = self.clock()
            except (RedisError, OSError):
                # One that hangs takes longer to ask than one that is gone.
                ours = self.clock() - heard < UNHEARD_SECONDS
            if not ours:
                self.stopping.set()
                if not self.finished.wait(GRACE_SECONDS):
                    os._exit(1)
                return
