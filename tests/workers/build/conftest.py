from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.server import Simulator
from tests.workers.build.previewing import Previewing, building


@pytest.fixture
def previewing(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Previewing]:
    """A house where previews are built."""
    with Simulator(tmp_path / "github") as simulator, building(tmp_path, simulator, redis_url, monkeypatch) as house:
        yield house
        assert simulator.violations == []
