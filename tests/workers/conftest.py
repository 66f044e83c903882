"""Fixtures of the jobs' tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from redis import Redis

from simulator.server import Simulator
from tests.workers.heard import Heard, hearing
from tests.workers.house import House, build
from tests.workers.stressing import Stressing, under_stress
from workers.stress import kernels


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


@pytest.fixture
def heard(tmp_path: Path, redis_url: str) -> Iterator[Heard]:
    """The jobs, and the real web server that the simulated GitHub's webhooks reach."""
    with Simulator(tmp_path / "github") as simulator, hearing(tmp_path, simulator, redis_url) as built:
        yield built
        assert simulator.violations == []


@pytest.fixture
def stressing(tmp_path: Path, redis_url: str) -> Iterator[Stressing]:
    """The jobs with the web server, and stress that waits for a machine which somebody else holds."""
    with Simulator(tmp_path / "github") as simulator, under_stress(tmp_path, simulator, redis_url) as built:
        yield built
        assert simulator.violations == []


@pytest.fixture(scope="session")
def kernel_images() -> Mapping[int, Path]:
    """Page size → Image, for 4K and 64K; built where the cache has none, which takes half an hour of two cores."""
    if shutil.which("qemu-system-aarch64") is None:
        pytest.skip("qemu-system-aarch64 is missing (Debian: apt-get install qemu-system-arm)")
    return {kernel.page_size: kernel.path for kernel in kernels.build([4096, 65536])}
