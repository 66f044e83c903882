"""The allocators that come with pagewarden beside libpas, over Debian's sources of them."""

from __future__ import annotations

import pytest

from checker.profile import Profile, load_profile
from tests.profiles.trees import Files, sources


@pytest.fixture(scope="session")
def jemalloc() -> Profile:
    return load_profile("jemalloc")


@pytest.fixture(scope="session")
def jemalloc_5_3(jemalloc: Profile) -> Files:
    """What the profile reads of jemalloc 5.3.0."""
    return sources(jemalloc, "5.3.0")


@pytest.fixture(scope="session")
def mimalloc() -> Profile:
    return load_profile("mimalloc")


@pytest.fixture(scope="session")
def mimalloc_2_0(mimalloc: Profile) -> Files:
    """What the profile reads of mimalloc 2.0.9."""
    return sources(mimalloc, "2.0.9+ds")
