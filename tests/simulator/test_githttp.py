"""Fetching over HTTP with the real git."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
import requests

from simulator.git import environment
from tests.simulator.conftest import FULL_NAME, GitHub, later


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """An empty repository to fetch into."""
    path = tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


def _fetch(clone: Path, url: str, token: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    config = {}
    if token is not None:
        credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        config = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {credentials}",
        }
    return subprocess.run(
        ["git", "-C", str(clone), "fetch", "--quiet", *arguments[:-1], url, arguments[-1]],
        env=environment(config),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def _url(github: GitHub) -> str:
    return f"{github.sim.url}/{FULL_NAME}.git"


def _has(clone: Path, name: str) -> bool:
    """Whether an object is there, without asking a remote for it."""
    done = subprocess.run(
        ["git", "-C", str(clone), "cat-file", "-e", name],
        env=environment({"GIT_NO_LAZY_FETCH": "1"}),
        check=False,
        capture_output=True,
    )
    return done.returncode == 0


def test_a_partial_and_shallow_fetch_of_one_commit(github: GitHub, clone: Path) -> None:
    sha = github.sha("topic")
    done = _fetch(clone, _url(github), github.token(), "--depth=1", "--filter=blob:none", "--no-tags", sha)
    assert done.returncode == 0, done.stderr
    assert _has(clone, sha)
    assert _has(clone, f"{sha}^{{tree}}")
    assert not _has(clone, github.sha("topic~1"))
    assert not _has(clone, github.sha("topic:wide.h"))
    blobs = [github.sha("topic:wide.h"), github.sha("topic:added.h")]
    assert _fetch(clone, _url(github), github.token(), "--no-tags", blobs[0]).returncode == 0
    assert _has(clone, blobs[0])
    assert not _has(clone, blobs[1])
    assert [call.status for call in github.sim.git_calls] == [200] * len(github.sim.git_calls)


@pytest.mark.parametrize("version", ["0", "2"])
def test_both_protocols_and_the_refs_of_pull_requests(github: GitHub, clone: Path, version: str) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    subprocess.run(["git", "-C", str(clone), "config", "protocol.version", version], check=True)
    refspec = "+refs/pull/*/head:refs/remotes/pull/*"
    assert _fetch(clone, _url(github), github.token(), refspec).returncode == 0
    assert _has(clone, github.sha("topic"))
    github.sim.push(FULL_NAME, "topic", "topic~1")
    assert _fetch(clone, _url(github), github.token(), refspec).returncode == 0
    read = subprocess.run(
        ["git", "-C", str(clone), "rev-parse", "refs/remotes/pull/1"], capture_output=True, text=True, check=True
    )
    assert read.stdout.strip() == github.sha("topic~1")


def test_protocol_two_is_spoken(github: GitHub) -> None:
    answer = requests.get(
        f"{_url(github)}/info/refs?service=git-upload-pack",
        headers={"Git-Protocol": "version=2"},
        auth=("x-access-token", github.token()),
        timeout=10,
    )
    assert b"version 2" in answer.content
    assert b"filter" in answer.content


def test_who_may_fetch(github: GitHub, clone: Path) -> None:
    assert _fetch(clone, _url(github), None, "main").returncode != 0
    assert github.sim.git_calls[-1].status == 401
    assert _fetch(clone, _url(github), "ghs_wrong", "main").returncode != 0
    assert github.sim.git_calls[-1].status == 401
    token = github.token()
    later(github, hours=1)
    assert _fetch(clone, _url(github), token, "main").returncode != 0
    github.sim.create_repository("octo-org/public", github.source.path)
    assert _fetch(clone, f"{github.sim.url}/octo-org/public.git", None, "main").returncode == 0


def test_a_token_for_other_repositories(github: GitHub, clone: Path) -> None:
    github.sim.create_repository("octo-org/secret", github.source.path, private=True)
    assert _fetch(clone, f"{github.sim.url}/octo-org/secret.git", github.token(), "main").returncode != 0
    assert github.sim.git_calls[-1].status == 404


def test_nobody_may_push(github: GitHub) -> None:
    url = _url(github).replace("://", f"://x-access-token:{github.token()}@")
    with pytest.raises(subprocess.CalledProcessError):
        github.source.git("push", url, "topic:new")
    answer = requests.get(f"{_url(github)}/info/refs?service=git-receive-pack", timeout=10)
    assert answer.status_code == 403


def test_a_commit_that_is_gone(github: GitHub, clone: Path) -> None:
    done = _fetch(clone, _url(github), github.token(), "--depth=1", "0123456789" * 4)
    assert done.returncode != 0
    assert "not our ref" in done.stderr


def test_fetches_fail_on_order(github: GitHub, clone: Path) -> None:
    github.sim.fail_next("GET", r"\.git/info/refs", 503)
    assert "503" in _fetch(clone, _url(github), github.token(), "main").stderr
    assert _fetch(clone, _url(github), github.token(), "main").returncode == 0
