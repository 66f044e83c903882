"""The documents tell what is: their links, tables and shown output are held against the product."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.check_command import check
from bot.explain_command import explain
from bot.stress_command import stress
from checker.profile import load_profile
from checker.report import SCHEMA_VERSION
from config.repository import RepositorySettings
from config.settings import Settings
from workers.conversation.commands import TABLE
from workers.report.replies import helped
from workers.scenario import Scenario

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_readme_lists_every_setting() -> None:
    table = README.split("### Settings")[1].split("## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    listed = {name.lower() for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(Settings.model_fields)


def test_the_readme_lists_every_rule() -> None:
    table = README.split("## The rules")[1].split("## ")[0]
    cells = [line.split("|")[2] for line in table.splitlines() if line.startswith("|") and "`" in line]
    listed = [rule for cell in cells for rule in re.findall(r"`([\w-]+)`", cell)]
    assert sorted(listed) == sorted(rule.id for rule in load_profile("libpas").rules)


@pytest.mark.parametrize("command", [check, explain, stress])
def test_the_readme_names_every_option_of_a_command(command: Callable[..., None]) -> None:
    names = {name.removesuffix("_").replace("_", "-") for name in inspect.signature(command).parameters}
    known = names - {"name", "rev"}
    assert {name for name in known if f"--{name}" not in README and f"--no-{name}" not in README} == set()


def test_the_commands_are_told_as_they_are_declared() -> None:
    document = (ROOT / "docs/commands.md").read_text()
    assert [line for line in helped(TABLE).splitlines() if line.startswith("|") and line not in document] == []
    usages = [declared.usage.replace("|", "\\|") for declared in TABLE]
    assert [usage for usage in usages if f"| `{usage}` |" not in README] == []


def test_a_settings_file_is_told_with_all_its_keys() -> None:
    document = (ROOT / "docs/settings.md").read_text()
    assert [key for key in RepositorySettings.model_fields if f"`{key}" not in document] == []


def _shown_by(scenario: Scenario, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments, "--repo", "."],
        cwd=scenario.path,
        env={**os.environ, "COLUMNS": "88", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip()


def _block_after(line: str) -> str:
    return README.split(f"{line}\n```")[1].split("```")[1].strip()


def test_the_readme_shows_what_a_check_prints(scenario: Scenario) -> None:
    shown = _block_after("--base D --head C")
    assert _shown_by(scenario, "check", "--base", "D", "--head", "C") == (1, shown)


def test_the_readme_shows_what_an_explanation_prints(scenario: Scenario) -> None:
    shown = _block_after("explain PAS_MAX_OBJECTS_PER_PAGE --repo webkit --rev D")
    assert _shown_by(scenario, "explain", "PAS_MAX_OBJECTS_PER_PAGE", "--rev", "D") == (0, shown)


def test_the_json_report_is_described() -> None:
    document = (ROOT / "docs/json-report.md").read_text()
    assert f"version {SCHEMA_VERSION}," in document
    schema = json.loads((ROOT / "config/schemas/report.json").read_text())
    models = {"Report": schema, **schema["$defs"]}
    keys = {key for model in models.values() for key in model.get("properties", {})}
    assert {key for key in keys if f"`{key}`" not in document and f'"{key}"' not in document} == set()
