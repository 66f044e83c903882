"""The reference scenario in git: base (A), the pull request's commits (B, C, D), an unrelated one.

Equal sources give equal commit ids: author, dates and configuration are fixed here.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.scenario.edits import COMMITS, apply
from workers.scenario.errors import ScenarioError
from workers.scenario.progress import Step, Tell, silent
from workers.scenario.source import (
    Selection,
    beside_headers,
    given,
    headers,
    profile_selection,
    selected_files,
)

BASE_BRANCH = "base"
CHANGE_BRANCH = "linux-arm64-64k"
UNRELATED_BRANCH = "docs-only"

_README = """# WebKit's page-size headers

Headers of libpas, bmalloc, WTF and JavaScriptCore, as far as pagewarden's profile needs them. Branches:

- `base`: unmodified
- `linux-arm64-64k`: 64 KiB pages on Linux arm64, in three commits
- `docs-only`: a change to this page
"""
_NOTE = "\nThis paragraph changes no header, so pagewarden has nothing to check.\n"
_FIRST_COMMIT_TIME = 1_767_225_600  # 2026-01-01T00:00:00Z
_SECONDS_BETWEEN_COMMITS = 600


@dataclass(frozen=True)
class Scenario:
    """The repository, and full commit ids by name: A, B, C, D and `unrelated`. Tags A to D name them too."""

    path: Path
    shas: Mapping[str, str]


def make_scenario(
    directory: Path,
    *,
    version: str | None = None,
    source: Path | None = None,
    tell: Tell = silent,
    more: Selection | None = None,
) -> Scenario:
    """Make the scenario in `directory`, which must be empty or not exist yet; `base` is checked out.

    The headers, and `more` files, are Debian's WebKit `version` (2.50.6 unless told), or those of the tree `source`.
    Raises `ScenarioError` with what to do; then `directory` is as it was, or an unfinished repository.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ScenarioError(f"{directory} exists and is not an empty directory; name another, or empty it first.")
    if source is None:
        known = headers(version, tell=tell)
        files = dict(selected_files(known, profile_selection()))
        if more is not None:
            files |= dict(selected_files(beside_headers(known, more, tell), more))
        return _build(directory, files, tell)
    if version is not None:
        raise ScenarioError("Give a version or a source, not both: a source has the version it has.")
    wanted = profile_selection() if more is None else profile_selection() | more
    with (
        tempfile.TemporaryDirectory(prefix="pagewarden-") as scratch,
        given(source, Path(scratch), tell, wanted) as root,
    ):
        return _build(directory, dict(selected_files(root, wanted)), tell)


def put_on_base(scenario: Scenario, files: Mapping[str, bytes], message: str) -> None:
    """Commit more files to the base branch; the commits of the scenario stay as they are. Raises `ScenarioError`."""
    git = _Git(scenario.path)
    git("checkout", "--quiet", BASE_BRANCH)
    _write(scenario.path, files)
    git.commit(message)


def _build(directory: Path, files: Mapping[str, bytes], tell: Tell) -> Scenario:
    tell(Step(f"making the repository {directory}"))
    directory.mkdir(parents=True, exist_ok=True)
    git = _Git(directory)
    git("init", "--quiet", "--template=", "--object-format=sha1", f"--initial-branch={BASE_BRANCH}")
    _write(directory, {"README.md": _README.encode(), **files})
    shas = {"A": git.commit("Import the page-size headers of WebKit\n", tag="A")}

    git("checkout", "--quiet", "-b", CHANGE_BRANCH)
    for commit in COMMITS:
        # Latin-1 maps every byte to itself, so that text other than the edited lines stays as it is.
        for path, text in apply(commit, lambda path: (directory / path).read_bytes().decode("latin-1")).items():
            (directory / path).write_bytes(text.encode("latin-1"))
        shas[commit.name] = git.commit(commit.message, tag=commit.name)

    git("checkout", "--quiet", "-b", UNRELATED_BRANCH, BASE_BRANCH)
    (directory / "README.md").write_text(_README + _NOTE)
    shas["unrelated"] = git.commit("Say more about this repository\n")
    git("checkout", "--quiet", BASE_BRANCH)
    return Scenario(directory, shas)


def _write(directory: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


class _Git:
    """git in one directory, deaf to the user's and the machine's configuration."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._time = _FIRST_COMMIT_TIME

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        own = ("-c", "core.autocrlf=false", "-c", "core.fileMode=false", "-c", "gc.auto=0")
        try:
            done = subprocess.run(
                ["git", *own, *arguments],
                cwd=self._directory,
                env=self._environment(),
                input=stdin,
                capture_output=True,
                text=True,
                check=True,
            )
        except FileNotFoundError:
            raise ScenarioError("git is not on this machine's PATH; install it (Debian: apt-get install git)") from None
        except subprocess.CalledProcessError as error:
            raise ScenarioError(f"git {arguments[0]} failed in {self._directory}:\n{error.stderr.strip()}") from error
        return done.stdout.strip()

    def commit(self, message: str, tag: str | None = None) -> str:
        """Commit all files; the new commit's id."""
        self("add", "--all", "--force")
        self("commit", "--quiet", "--no-verify", "--file=-", stdin=message)
        self._time += _SECONDS_BETWEEN_COMMITS
        if tag is not None:
            self("tag", tag)
        return self("rev-parse", "HEAD")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        who = {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in (
                ("NAME", "pagewarden scenario"),
                ("EMAIL", "scenario@pagewarden.invalid"),
                ("DATE", f"{self._time} +0000"),
            )
        }
        return {
            **kept,
            **who,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "LC_ALL": "C.UTF-8",
        }
