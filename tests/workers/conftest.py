"""Fixtures of the jobs' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from simulator.server import Simulator
from tests.workers.house import House, build


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A connection to an empty database."""
    with Redis.from_url(redis_url, decode_responses=True) as connection:
        yield connection


@pytest.fixture
def house(tmp_path: Path, redis_url: str) -> Iterator[House]:
    """The jobs, between a simulated GitHub and a real Valkey. GitHub must have had nothing to object to."""
    with Simulator(tmp_path / "github") as simulator:
        built = build(tmp_path, simulator, redis_url)
        yield built
        assert simulator.violations == []
