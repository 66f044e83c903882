"""docs/profiles.md: its example does what it says, and its tables have every key."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checker import entries
from checker.profile import Profile, load_profile
from checker.rules import Status
from tests.profiles.trees import Files, Mutation, all_cells, failing

GUIDE = (Path(__file__).parents[2] / "docs/profiles.md").read_text()
MODELS = (
    Profile,
    entries.Target,
    entries.Section,
    entries.ConfigObject,
    entries.ConstantProbe,
    entries.Asked,
    entries.HeapConfig,
    entries.Guard,
    entries.Rule,
    entries.CostEntry,
    entries.Cohort,
    entries.Stress,
    entries.StressControl,
    entries.MacroOverride,
)
TYPES = "include/mimalloc-types.h"


def block(language: str) -> str:
    """The only block in that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    file = tmp_path_factory.mktemp("guide") / "slices.yml"
    file.write_text(block("yaml"))
    return load_profile(str(file))


@pytest.fixture(scope="session")
def headers(example: Profile, mimalloc_2_0: Files) -> Files:
    return {path: content for path, content in mimalloc_2_0.items() if example.reads(path)}


def test_the_example_holds_on_the_original(example: Profile, headers: Files) -> None:
    cells = all_cells(example, headers, "linux-arm64").values()
    assert {cell.status for cell in cells} == {Status.HOLDS}


@pytest.mark.parametrize(("shift", "fails"), [(17, ("block-count", None)), (12, ("commit-unit-covers-os-page", 65536))])
def test_the_example_fails_as_it_says(
    example: Profile, headers: Files, shift: int, fails: tuple[str, int | None]
) -> None:
    broken = Mutation(TYPES, "(13 + MI_INTPTR_SHIFT)", f"({shift} + MI_INTPTR_SHIFT)").of(headers)
    assert failing(example, broken, "linux-arm64") == {fails}
    cells = all_cells(example, broken, "linux-arm64")
    (explanation,) = [cell.text for cell in cells.values() if cell.status is Status.FAILS]
    assert explanation in " ".join(GUIDE.split())


def test_the_example_of_a_test_passes(mimalloc: Profile, mimalloc_2_0: Files) -> None:
    names = {"Mutation": Mutation, "failing": failing, "mimalloc": mimalloc, "mimalloc_2_0": mimalloc_2_0}
    exec(block("python"), names)


def test_the_commands_do_what_it_says(headers: Files, tmp_path: Path) -> None:
    for path, content in headers.items():
        (tmp_path / "mimalloc" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mimalloc" / path).write_bytes(content)
    (tmp_path / "slices.yml").write_text(block("yaml"))
    who = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    for command in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "mimalloc"]):
        subprocess.run(["git", *command], cwd=tmp_path / "mimalloc", check=True)

    validate, change, check = re.findall(r"^(?:pagewarden|sed) .*$", GUIDE, re.MULTILINE)
    validated, _, checked = (run(command, tmp_path) for command in (validate, change, check))
    assert (validated.returncode, validated.stderr) == (0, "")
    assert all(name in validated.stdout for name in ("most_blocks = 65535", "block-count", "MI_SEGMENT_SIZE"))
    assert (checked.returncode, checked.stderr) == (1, "")
    assert all(words in checked.stdout for words in ("131024, must be <= 65535", "(16 + MI_INTPTR_SHIFT)"))


def run(command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """A command as a reader types it."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PAGEWARDEN_CACHE_DIR": str(directory / "cache"),
        "COLUMNS": "200",
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        command, shell=True, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_told(model: type[entries.Model]) -> None:
    told = set(re.findall(r"`(\w+)`", GUIDE.split("## Every key")[1].split("## Traps")[0]))
    assert {field.alias or name for name, field in model.model_fields.items()} <= told
