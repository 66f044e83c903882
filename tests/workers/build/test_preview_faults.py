"""What GitHub does not answer, or answers and the answer is lost, doubles nothing: each write of a build, in turn."""

from __future__ import annotations

import pytest

from tests.workers.build.previewing import PREVIEW, Previewing
from tests.workers.build.test_preview import ENGINE, releases, settings, tag_of
from tests.workers.house import REPOSITORY

WRITES = [
    ("POST", r"/releases$"),
    ("POST", r"/assets$"),
    ("PATCH", r"/releases/\d+$"),
    ("POST", r"/check-runs$"),
    ("PATCH", r"/check-runs/\d+$"),
    ("POST", r"/comments$"),
    ("PATCH", r"/comments/\d+$"),
]
READS = [("GET", r"/releases/tags/"), ("GET", r"/git/"), ("GET", r"/releases$"), ("GET", r"/pulls/\d+$")]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before GitHub is asked again."""
    monkeypatch.setattr("workers.build.runner.PAUSES", (0.0, 0.0, 0.0, 0.0))


def built_once(previewing: Previewing) -> None:
    """The head is built, and everything of it is there once."""
    sha = previewing.open()
    for _ in range(3):
        previewing.look_again()
    assert set(releases(previewing)) == {tag_of(previewing, sha)}
    assert releases(previewing)[tag_of(previewing, sha)] >= {"engine", "pagewarden-preview.json"}
    (release,) = previewing.simulator.releases(REPOSITORY)
    assert (release["draft"], release["prerelease"]) == (False, True)
    assert previewing.tags() == [tag_of(previewing, sha)]
    assert previewing.conclusion(sha) == "success"
    names = [run["name"] for run in previewing.simulator.check_runs(REPOSITORY, sha)]
    assert names.count(PREVIEW) == 1
    assert len(previewing.house.comments()) == 1
    assert len(previewing.table()) == 1
    assert len(previewing.started) == 1


@pytest.mark.parametrize("performed", [True, False], ids=["answer-lost", "not-done"])
@pytest.mark.parametrize(("method", "path"), WRITES, ids=[f"{method} {path}" for method, path in WRITES])
def test_a_write_without_an_answer(previewing: Previewing, method: str, path: str, performed: bool) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.simulator.fail_next(method, path, 502, performed=performed, times=2)
    built_once(previewing)


@pytest.mark.parametrize(("method", "path"), READS, ids=[path for _, path in READS])
def test_a_read_without_an_answer(previewing: Previewing, method: str, path: str) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.simulator.fail_next(method, path, 502, times=9)
    built_once(previewing)


def test_uploads_that_break_off(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.simulator.break_uploads(times=2)
    built_once(previewing)


def test_a_rate_limit_during_a_release(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.simulator.fail_next("POST", r"/assets$", 403, headers={"Retry-After": "0"}, times=1)
    built_once(previewing)


def test_a_release_that_github_forbids_is_told_with_the_permission(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.simulator.fail_next("POST", r"/releases$", 403)
    sha = previewing.open()
    previewing.look_again()
    assert previewing.conclusion(sha) == "neutral"
    assert "Contents: write" in previewing.told(sha)
    assert releases(previewing) == {}


def test_what_github_never_takes_is_no_success(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.simulator.fail_next("POST", r"/releases$", 502, times=100)
    sha = previewing.open()
    previewing.look_again()
    assert previewing.conclusion(sha) == "failure"
    assert "GitHub did not answer" in previewing.told(sha)
