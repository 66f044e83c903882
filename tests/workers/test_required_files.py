"""Which files a pull request touches: all of them count, whatever they are, and none is in the way."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.workers.gitrepos import commit, git
from tests.workers.heard import Heard
from tests.workers.house import BAD, BASE, GOOD, REPOSITORY
from workers.tools import Job

LINK, SUBMODULE = "120000", "160000"


def opened(heard: Heard, *, binary: Mapping[str, bytes] | None = None, entries: Mapping[str, str] | None = None) -> str:
    """A pull request of files of bytes, and of entries of a mode (`LINK` to nowhere, `SUBMODULE`); its head."""
    source = heard.house.source
    git(source, "checkout", "--quiet", "-B", "change", "main")
    for path, mode in (entries or {}).items():
        sha = git(source, "rev-parse", "main:README.md" if mode == LINK else "main")
        git(source, "rm", "--quiet", "--cached", "--ignore-unmatch", "--", path)
        git(source, "update-index", "--add", "--cacheinfo", f"{mode},{sha},{path}")
    if entries:
        git(source, "commit", "--quiet", "--message=change")
        git(source, "reset", "--quiet", "--hard")
    if binary:
        commit(source, binary)
    sha = heard.simulator.push(REPOSITORY, "change", "change")
    heard.house.number = heard.simulator.open_pull(REPOSITORY, "change", "main", "A change").number
    heard.settle()
    return sha


@pytest.mark.parametrize(
    ("entries", "binary"),
    [
        pytest.param({"vendor/lib": SUBMODULE}, None, id="submodule"),
        pytest.param({"vendor/link": LINK}, None, id="link"),
        pytest.param(None, {"logo.png": b"\x89PNG\0\xff"}, id="binary"),
        pytest.param(None, {"empty.txt": b""}, id="empty"),
        pytest.param({"vendor/lib": SUBMODULE}, {"logo.png": b"\0\0\xff"}, id="submodule and binary"),
    ],
)
def test_what_is_not_watched_is_not_in_the_way_whatever_it_is(
    heard: Heard, entries: dict[str, str] | None, binary: dict[str, bytes] | None
) -> None:
    sha = opened(heard, entries=entries, binary=binary)
    ((status, conclusion, title),) = heard.house.checks(sha)
    assert (status, conclusion) == ("completed", "success")
    assert "Not applicable" in title
    assert heard.house.comments() == []


def test_a_pull_request_without_any_change_passes(heard: Heard) -> None:
    sha = heard.open({})
    assert heard.house.conclusions(sha) == ["success"]


@pytest.mark.parametrize(
    ("entries", "binary"),
    [
        pytest.param({"Source/vendor.h": SUBMODULE}, None, id="submodule"),
        pytest.param({"Source/vendor.h": LINK}, None, id="link"),
        pytest.param(None, {"Source/blob.h": b"\0\x01\xfe\xff" * 100}, id="binary"),
    ],
)
def test_what_is_watched_and_no_header_changes_no_verdict(
    heard: Heard, entries: dict[str, str] | None, binary: dict[str, bytes] | None
) -> None:
    sha = opened(heard, entries=entries, binary=binary)
    assert heard.house.conclusions(sha) == ["success"]
    assert "Not applicable" not in heard.house.told(sha)
    assert heard.house.comments() == []


@pytest.mark.parametrize(
    ("entries", "binary"),
    [
        pytest.param({"Source/page.h": SUBMODULE}, None, id="submodule"),
        pytest.param({"Source/page.h": LINK}, None, id="link"),
        pytest.param(None, {"Source/page.h": b"\0\x01\xfe\xff" * 100}, id="binary"),
        pytest.param(None, {"Source/page.h": b""}, id="empty"),
    ],
)
def test_what_takes_the_place_of_a_header_and_is_none_is_no_pass(
    heard: Heard, entries: dict[str, str] | None, binary: dict[str, bytes] | None
) -> None:
    sha = opened(heard, entries=entries, binary=binary)
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(heard.house.comments()) == 1


@pytest.mark.parametrize(
    ("files", "conclusion"),
    [
        pytest.param({"Source/page.h": None, "Elsewhere/page.h": BASE["Source/page.h"]}, "failure", id="away"),
        pytest.param({"README.md": None, "Source/readme.h": "An engine.\n"}, "success", id="to"),
        pytest.param(
            {
                "Source/page.h": '#include "deep/page.h"\n',
                "Source/deep/page.h": "#define PAGE 4096\n",
            },
            "failure",
            id="within",
        ),
    ],
)
def test_a_rename_is_looked_at_under_both_names(heard: Heard, files: dict[str, str | None], conclusion: str) -> None:
    sha = heard.open(files)
    assert heard.house.conclusions(sha) == [conclusion]
    assert "Not applicable" not in heard.house.told(sha)


def test_a_rename_between_places_that_are_not_watched_is_none_of_our_business(heard: Heard) -> None:
    sha = heard.open({"README.md": None, "docs/README.md": BASE["README.md"]})
    assert heard.house.conclusions(sha) == ["success"]
    assert "Not applicable" in heard.house.told(sha)


@pytest.mark.parametrize("others", [299, 300, 1199, 2999])
def test_the_one_header_behind_many_files_is_found(heard: Heard, others: int) -> None:
    files = {f"A/{number:04}.txt": "x" for number in range(others)}
    sha = heard.open({**files, **BAD})
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(heard.house.comments()) == 1


def test_what_is_beyond_the_files_that_github_lists_may_be_a_header(heard: Heard) -> None:
    files = {f"A/{number:04}.txt": "x" for number in range(3000)}
    sha = heard.open({**files, **BAD})
    assert heard.house.conclusions(sha) == ["failure"]
    assert heard.house.annotated(sha) == [("Source/page.h", 1)]


def test_many_files_of_which_none_is_watched_pass(heard: Heard) -> None:
    sha = heard.open({f"A/{number:04}.txt": "x" for number in range(3000)})
    assert heard.house.conclusions(sha) == ["success"]
    assert heard.house.comments() == []


@pytest.mark.parametrize("steps", range(6))
def test_the_branch_of_a_pull_request_that_is_deleted_at_any_stage_takes_nothing_with_it(
    heard: Heard, steps: int
) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    for _ in range(steps):
        if heard.house.queue:
            heard.house.step()
    heard.simulator.delete_branch(REPOSITORY, "change")
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(heard.house.comments()) == 1


@pytest.mark.parametrize("steps", range(6))
def test_a_base_branch_that_is_deleted_at_any_stage_leaves_nothing_pending(heard: Heard, steps: int) -> None:
    heard.simulator.push(REPOSITORY, "release", "main")
    sha = heard.house.change(BAD, start="main")
    heard.simulator.push(REPOSITORY, "change", sha)
    heard.house.number = heard.simulator.open_pull(REPOSITORY, "change", "release", "A change").number
    heard.hear()
    for _ in range(steps):
        if heard.house.queue:
            heard.house.step()
    heard.simulator.delete_branch(REPOSITORY, "release")
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert heard.house.tools.store.open_runs(-1) == []
    assert heard.house.tools.inbox.pending(-1) == []


def test_histories_that_have_nothing_in_common_are_compared_with_the_base_itself(heard: Heard) -> None:
    git(heard.house.source, "checkout", "--quiet", "--orphan", "change-2")
    sha = heard.simulator.push(REPOSITORY, "change", commit(heard.house.source, GOOD))
    heard.house.number = heard.simulator.open_pull(REPOSITORY, "change", "main", "A change").number
    jobs = [message.job for message in heard.settle()]
    assert heard.house.conclusions(sha) == ["success"]
    assert Job.CHECK in jobs
