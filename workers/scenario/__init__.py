"""The reference scenario: real headers, and the pull request that pagewarden is modelled on, in git."""

from workers.scenario.errors import ScenarioError
from workers.scenario.progress import Step, Tell, silent, told_on
from workers.scenario.repository import (
    BASE_BRANCH,
    CHANGE_BRANCH,
    UNRELATED_BRANCH,
    Scenario,
    make_scenario,
    put_on_base,
)
from workers.scenario.source import DEFAULT_VERSION, Selection, headers, package_source, profile_selection

__all__ = [
    "BASE_BRANCH",
    "CHANGE_BRANCH",
    "DEFAULT_VERSION",
    "UNRELATED_BRANCH",
    "Scenario",
    "ScenarioError",
    "Selection",
    "Step",
    "Tell",
    "headers",
    "make_scenario",
    "package_source",
    "profile_selection",
    "put_on_base",
    "silent",
    "told_on",
]
