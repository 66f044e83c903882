"""The documents tell what is: their links, tables and shown output are held against the product."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checker.profile import load_profile
from config.settings import Settings
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
    assert re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE) == [rule.id for rule in load_profile("libpas").rules]


def test_the_readme_shows_what_a_check_prints(scenario: Scenario) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "check", "--repo", ".", "--base", "D", "--head", "C"],
        cwd=scenario.path,
        env={**os.environ, "COLUMNS": "88", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    shown = README.split("--base D --head C\n```")[1].split("```")[1]
    assert (done.returncode, done.stdout.strip()) == (1, shown.strip())
