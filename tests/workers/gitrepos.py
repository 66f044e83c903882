"""Small git repositories for tests, and a small profile for them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from checker.profile import Profile, load_profile

PROFILE = Path(__file__).with_name("small.yml")
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Somebody",
    "GIT_AUTHOR_EMAIL": "somebody@example.com",
    "GIT_COMMITTER_NAME": "Somebody",
    "GIT_COMMITTER_EMAIL": "somebody@example.com",
}


def git(directory: Path, *arguments: str) -> str:
    """What git printed."""
    return subprocess.run(
        ["git", "-C", str(directory), *arguments], env=ENVIRONMENT, check=True, capture_output=True, text=True
    ).stdout.strip()


def repository(directory: Path) -> Path:
    """An empty repository that gives away any object, as GitHub does."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--initial-branch=main")
    git(directory, "config", "uploadpack.allowFilter", "true")
    git(directory, "config", "uploadpack.allowAnySHA1InWant", "true")
    return directory


def commit(repo: Path, files: Mapping[str, str | bytes | None]) -> str:
    """Writes (or for `None` deletes) files, commits, and returns the commit's id."""
    for path, content in files.items():
        target = repo / path
        if content is None:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--allow-empty", "--message=change")
    return git(repo, "rev-parse", "HEAD")


def profile() -> Profile:
    """Reads all headers below `Source`, watches them and `Source/watched.c`. `PAGE` in `page.h` is its one constant."""
    return load_profile(str(PROFILE))
