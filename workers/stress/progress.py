"""How far a stress run has come, as a check shows it while it runs. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter


class Stage(StrEnum):
    """What one machine is at."""

    WAITING = "waiting"
    UNBUILT = "waiting for its build"
    """A preview, which is built elsewhere."""
    LEFT_OUT = "not run"
    """There is nothing to run on it, as it could not be built."""
    BUILDING = "building"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class PageProgress:
    """One page size (bytes), so one machine.

    `done` `of` how many are finished: files while building, processes (subject × phase × seed) while running. `subject`
    and `phase` are those under way, empty where none is.
    """

    page_size: int
    stage: Stage = Stage.WAITING
    done: int = 0
    of: int = 0
    subject: str = ""
    phase: str = ""


@dataclass(frozen=True)
class Progress:
    """A run under way. `machine` is `vm`, `native` or `user`; `started` in seconds since 1970, None before it has.

    `pages` are the machines of libpas, `preview` those of the preview build.
    """

    machine: str
    pages: tuple[PageProgress, ...]
    started: float | None = None
    preview: tuple[PageProgress, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-able; `from_json` reads it."""
        data: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Progress:
        """Raises `pydantic.ValidationError` when `data` is no progress."""
        return _ADAPTER.validate_python(data)


_ADAPTER: TypeAdapter[Progress] = TypeAdapter(Progress)
