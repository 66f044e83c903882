"""What is asked of every profile that comes with pagewarden beside libpas."""

from __future__ import annotations

import pytest

from checker.expression import names_in
from checker.profile import load_profile
from checker.report import Severity
from workers.scenario import Selection, package_source

VERSIONS = {"jemalloc": "5.3.0", "mimalloc": "2.0.9+ds"}
WHOLE = Selection(("include", "src", "configure.ac"), lambda path: not path.endswith((".in", ".sh")))


@pytest.mark.parametrize("name", VERSIONS)
def test_rules_name_files_that_exist(name: str) -> None:
    root = package_source(name, VERSIONS[name], WHOLE)
    named = {path for rule in load_profile(name).rules for path in (rule.relied_on_in, *rule.also_in)}
    assert [path for path in sorted(named) if not (root / path).is_file()] == []


@pytest.mark.parametrize("name", VERSIONS)
def test_all_that_is_read_is_watched(name: str) -> None:
    profile = load_profile(name)
    assert set(profile.headers) <= set(profile.watch)


@pytest.mark.parametrize("name", VERSIONS)
def test_every_named_limit_is_used(name: str) -> None:
    profile = load_profile(name)
    rated = (*profile.rules, *profile.costs)
    used = {used for each in rated for text in each.expressions for used in names_in(text)}
    used |= {name for rule in profile.rules for name in (*rule.decided_by, *rule.limit_decided_by)}
    assert set(profile.limits) <= used


@pytest.mark.parametrize("name", VERSIONS)
def test_there_are_rules_enough(name: str) -> None:
    errors = [rule for rule in load_profile(name).rules if rule.severity is Severity.ERROR]
    assert len(errors) >= 5
    assert any(rule.per_page for rule in load_profile(name).rules)
