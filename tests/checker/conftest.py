"""Fixtures of the checker's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checker.check import check
from checker.profile import Profile, load_profile
from checker.report import Report
from workers.git import local_tree
from workers.scenario import Scenario

Checked = Callable[[str, str], Report]


@pytest.fixture(scope="session")
def libpas() -> Profile:
    return load_profile("libpas")


@pytest.fixture(scope="session")
def checked(scenario: Scenario, libpas: Profile, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """A check of two of the scenario's commits by name."""
    cache = tmp_path_factory.mktemp("cache")

    def run(base: str, head: str) -> Report:
        before = local_tree(scenario.path, scenario.shas[base], libpas)
        after = local_tree(scenario.path, scenario.shas[head], libpas)
        return check(before, after, libpas, cache_dir=cache)

    return run
