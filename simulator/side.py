"""What the parts of the `Simulator` stand on."""

from __future__ import annotations

from simulator.records import Repository
from simulator.resources import Links
from simulator.rest import World
from simulator.state import State

SOMEBODY = "octocat"


class Side:
    """A part of what people and their machines do on GitHub. Repositories are named `owner/name`."""

    _state: State
    _links: Links
    _world: World

    def _repository(self, full_name: str) -> Repository:
        """The repository of that name. Raises `LookupError`."""
        found = self._state.repository(full_name)
        if found is None:
            raise LookupError(f"no repository {full_name}")
        return found
