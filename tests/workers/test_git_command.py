from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from workers.git import GitError, command
from workers.git.command import Git, authorization


def alias(directory: Path, script: str) -> Git:
    """Git with a command `act` that runs a shell script: what a real git would take with it."""
    return Git(directory, {"alias.act": f"!{script}"})


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(GitError, match=r"git act took longer than 0\.5 seconds"):
        alias(tmp_path, f"sh -c 'echo started; exec sleep 60' > {tmp_path}/pipe").run("act", seconds=0.5)
    assert os.read(reader, 100) == b"started\n"
    # Its end is seen when nobody is left who could write.
    assert select.select([reader], [], [], 10)[0]
    assert os.read(reader, 100) == b""
    os.close(reader)


def test_no_file_grows_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MAX_FILE_BYTES", 1024 * 1024)
    with pytest.raises(GitError):
        alias(tmp_path, "head -c 4000000 /dev/zero > large").run("act")
    assert (tmp_path / "large").stat().st_size <= 2 * 1024 * 1024
    with pytest.raises(GitError):
        alias(tmp_path, "head -c 4000000 /dev/zero").run("act")


def test_git_sees_nothing_of_our_environment_and_of_the_person_s_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Somebody\n")
    for name, value in {"HOME": str(tmp_path), "PAGEWARDEN_PRIVATE_KEY": "secret", "GIT_DIR": "/elsewhere"}.items():
        monkeypatch.setenv(name, value)
    environment = alias(tmp_path, "env").run("act").decode()
    assert "secret" not in environment
    assert "/elsewhere" not in environment
    assert f"PATH={os.environ['PATH']}"[-20:] in environment
    with pytest.raises(GitError):
        Git(tmp_path).run("config", "user.name")


def test_a_token_goes_to_one_address_and_into_no_text(tmp_path: Path) -> None:
    git = Git(tmp_path, authorization("https://github.com/acme/engine.git", "ghs_secret"), protocols=("https",))
    assert git.run("config", "--get-urlmatch", "http.extraHeader", "https://github.com/acme/engine.git")
    for other in ("https://github.com/acme/engine2.git", "https://example.com/acme/engine.git"):
        with pytest.raises(GitError):
            git.run("config", "--get-urlmatch", "http.extraHeader", other)
    assert "ghs_secret" not in repr(git)


def test_git_speaks_only_the_protocols_it_is_given(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not allowed"):
        Git(tmp_path, protocols=("https",)).run("ls-remote", "file:///nowhere")
    with pytest.raises(GitError, match="not allowed"):
        Git(tmp_path).run("ls-remote", "https://localhost/nowhere")


def test_the_error_is_git_s_own_words(tmp_path: Path) -> None:
    with pytest.raises(GitError, match=r"^git rev-parse: fatal: not a git repository"):
        Git(tmp_path).run("rev-parse", "HEAD")
