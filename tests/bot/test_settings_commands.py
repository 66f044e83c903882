"""`pagewarden settings check` as people run it: a process, its output and its exit status."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from rich.console import Console

from checker.profile import Profile, load_profile
from config.repository import PATH, read_settings
from tests.workers.report.snapshots import assert_snapshot
from workers.report import settings_words

SETTINGS = """\
profiles: [libpas, .github/allocator.yml]
page_sizes: [16K, 64K]
rules:
  use-count: {severity: warning, reason: A wider counter is on its way.}
  known-configs: {severity: warning, reason: It stays so.}
ignore:
  - {rule: alloc-bits, heap: utility, target: linux-arm64, reason: The table grows., expires: 2001-01-31}
  - {rule: alloc-bits, reason: The table grows., expires: 2999-12-31}
drafts: static
stress: {gate: true, machine: vm, page_sizes: [64K], seeds: 4}
comment: {on_success: false}
labels: [page-size]
trusted_bots: ["dependabot[bot]"]
"""


def checked(directory: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", "settings", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env={**os.environ, "COLUMNS": "80", "PYTHONPATH": str(Path(__file__).parents[2])},
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With settings, and a profile beside them."""
    directory = tmp_path / ".github"
    directory.mkdir()
    (directory / "pagewarden.yml").write_text(SETTINGS)
    (directory / "allocator.yml").write_text(bundled("libpas").replace("name: libpas", "name: allocator", 1))
    return tmp_path


def bundled(name: str) -> str:
    return files("config.profiles").joinpath(f"{name}.yml").read_text()


def printed(text: str, *profiles: Profile, today: date) -> str:
    read = read_settings(text)
    assert read.settings is not None
    out = io.StringIO()
    settings_words.render(PATH, read.settings, profiles, today, Console(file=out, width=80, highlight=False))
    return out.getvalue()


def test_valid_settings_are_told_in_words(repository: Path) -> None:
    done = checked(repository)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == printed(SETTINGS, load_profile("libpas"), today=date(2027, 1, 1))
    assert_snapshot("settings.terminal.txt", done.stdout)


@pytest.mark.parametrize("place", [".", ".github", "/"])
def test_profiles_are_those_of_the_repository_that_the_file_lies_in(repository: Path, place: str) -> None:
    done = checked(repository / place, repository / PATH)
    assert (done.returncode, done.stderr) == (0, "")


def test_defaults_are_told_in_words(repository: Path) -> None:
    (repository / PATH).write_text("")
    done = checked(repository)
    assert (done.returncode, done.stderr) == (0, "")
    assert_snapshot("settings-defaults.terminal.txt", done.stdout)


def test_stress_that_is_off_is_told_in_a_word(repository: Path) -> None:
    assert "\nStress\n  Off\n" in printed("stress: {enabled: false}", today=date(2027, 1, 1))


def test_every_mistake_is_a_line_that_editors_understand(repository: Path) -> None:
    (repository / PATH).write_text("drafts: yes\nstress:\n  sed: 1\nprofiles: [libpass]\n")
    done = checked(repository)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.splitlines() == [
        f"{PATH}:1:9: expected 'check', 'static' or 'skip', not 'yes'",
        f"{PATH}:3:3: unknown setting 'sed'; did you mean seeds?",
        f"{PATH}:4:12: no profile 'libpass'; did you mean libpas?",
    ]


def test_names_that_no_profile_has_are_mistakes(repository: Path) -> None:
    (repository / PATH).write_text(SETTINGS.replace("use-count", "use-cont"))
    done = checked(repository)
    assert (done.returncode, done.stdout) == (2, f"{PATH}:4:3: no rule 'use-cont'; did you mean use-count?\n")


def test_a_profile_s_own_mistakes_are_told_where_it_is_named(repository: Path) -> None:
    profile = repository / ".github/allocator.yml"
    profile.write_text("schema: 1\nname: [\n")
    done = checked(repository)
    assert done.returncode == 2
    assert done.stdout.startswith(f"{PATH}:1:20: .github/allocator.yml: line 2, column 8: not YAML")
    profile.unlink()
    done = checked(repository)
    assert done.returncode == 2
    assert done.stdout.startswith(f"{PATH}:1:20: .github/allocator.yml: no such file")


def test_what_a_file_says_reaches_the_terminal_as_text(repository: Path) -> None:
    (repository / PATH).write_text('"\\e[31m\\n": 1\nlabels: ["[bold]a"]\n')
    done = checked(repository)
    assert done.returncode == 2
    assert done.stdout.startswith(f"{PATH}:1:1: unknown setting '\\x1b[31m\\n'; ")
    (repository / PATH).write_text('labels: ["[bold]a"]\n')
    assert "  Labels: [bold]a\n" in checked(repository).stdout


def test_bytes_that_are_no_text_are_a_mistake(repository: Path) -> None:
    (repository / PATH).write_bytes(b"drafts: skip\n# \xff\n")
    done = checked(repository)
    assert (done.returncode, done.stdout) == (
        2,
        f"{PATH}:2:3: a character that is not UTF-8; save the file as UTF-8\n",
    )


def test_a_file_that_is_not_there_ends_with_status_2_and_a_line(tmp_path: Path) -> None:
    done = checked(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"pagewarden: {PATH}: No such file or directory\n"
