"""Releases, assets and tags as GitHub's REST interface has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.workers.house import GOOD, REPOSITORY, House
from workers.github import Client, NotThere, Rejected, Unavailable
from workers.github.release_calls import ReleaseCalls
from workers.github.streams import TooLarge

TAG = "previews/autobuild+1"
BOT = "pagewarden[bot]"


@contextmanager
def client(house: House) -> Iterator[Client]:
    """As a job has it."""
    with house.tools.github.client(house.installation_id) as made:
        yield made


@pytest.fixture
def sha(house: House) -> str:
    """The head of a pull request."""
    return house.open(GOOD)


@pytest.fixture
def calls(house: House) -> Iterator[ReleaseCalls]:
    """The calls of a job."""
    with client(house) as made:
        yield made.releases


def fields(sha: str, tag: str = TAG, *, draft: bool = False) -> dict[str, object]:
    """Of a new release."""
    return {"tag_name": tag, "target_commitish": sha, "name": "A", "body": "B", "draft": draft, "prerelease": True}


def test_the_app_acts_under_the_login_that_github_shows(house: House, calls: ReleaseCalls, sha: str) -> None:
    for _ in range(2):
        assert house.tools.github.bot() == BOT
    assert house.calls("GET", "/app") == 1
    release = calls.create_release(REPOSITORY, fields(sha))
    assert (release.author, release.author_is_bot) == (BOT, True)


def test_a_release_is_made_found_changed_and_removed(house: House, calls: ReleaseCalls, sha: str) -> None:
    made = calls.create_release(REPOSITORY, fields(sha))
    assert (made.tag, made.name, made.body, made.draft, made.prerelease) == (TAG, "A", "B", False, True)
    assert made.target == sha
    assert made.published_at > 0
    assert made.url.startswith(f"{house.simulator.url}/{REPOSITORY}/releases/tag/")
    assert calls.release_by_tag(REPOSITORY, TAG) == made
    assert calls.tag_sha(REPOSITORY, TAG) == sha
    assert calls.update_release(REPOSITORY, made.id, {"body": "C"}).body == "C"
    for _ in range(2):
        calls.delete_release(REPOSITORY, made.id)
    assert calls.release_by_tag(REPOSITORY, TAG) is None
    assert calls.tag_sha(REPOSITORY, TAG) == sha
    for _ in range(2):
        calls.delete_tag(REPOSITORY, TAG)
    assert calls.tag_sha(REPOSITORY, TAG) is None


def test_a_draft_is_found_in_the_list_alone_and_has_no_tag(calls: ReleaseCalls, sha: str) -> None:
    made = calls.create_release(REPOSITORY, fields(sha, draft=True))
    assert made.draft
    assert made.published_at == 0
    assert calls.release_by_tag(REPOSITORY, TAG) is None
    assert calls.tag_sha(REPOSITORY, TAG) is None
    assert list(calls.releases(REPOSITORY)) == [made]


def test_all_pages_of_releases_are_read(house: House, calls: ReleaseCalls, sha: str) -> None:
    for number in range(101):
        house.simulator.create_release(REPOSITORY, f"v{number}", sha)
    assert len({release.tag for release in calls.releases(REPOSITORY)}) == 101


def test_a_person_is_no_bot(house: House, calls: ReleaseCalls, sha: str) -> None:
    house.simulator.create_release(REPOSITORY, "v1", sha, "mona")
    found = calls.release_by_tag(REPOSITORY, "v1")
    assert found is not None
    assert (found.author, found.author_is_bot, found.body, found.name) == ("mona", False, "", "")


def test_the_commit_of_an_annotated_tag_is_what_it_points_at(house: House, calls: ReleaseCalls, sha: str) -> None:
    house.simulator.create_tag(REPOSITORY, "v1", sha, message="Version 1")
    assert calls.tag_sha(REPOSITORY, "v1") == sha


def test_part_of_a_tags_name_is_no_tag(house: House, calls: ReleaseCalls, sha: str) -> None:
    house.simulator.create_tag(REPOSITORY, "v1/rc", sha)
    assert calls.tag_sha(REPOSITORY, "v1") is None


def test_a_file_goes_up_and_comes_down(house: House, calls: ReleaseCalls, sha: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    (tmp_path / "up").write_bytes(content)
    release = calls.create_release(REPOSITORY, fields(sha))
    asset = calls.upload_asset(release, "bun-linux-aarch64.zip", tmp_path / "up", "application/zip")
    assert (asset.name, asset.size, asset.state) == ("bun-linux-aarch64.zip", len(content), "uploaded")
    assert asset.digest is not None
    assert asset.digest.startswith("sha256:")
    assert list(calls.assets(REPOSITORY, release.id)) == [asset]
    assert calls.download_asset(REPOSITORY, asset.id, tmp_path / "down", len(content)) == len(content)
    assert (tmp_path / "down").read_bytes() == content
    with pytest.raises(TooLarge):
        calls.download_asset(REPOSITORY, asset.id, tmp_path / "less", len(content) - 1)
    for _ in range(2):
        calls.delete_asset(REPOSITORY, asset.id)
    assert list(calls.assets(REPOSITORY, release.id)) == []
    with pytest.raises(NotThere):
        calls.download_asset(REPOSITORY, asset.id, tmp_path / "gone", len(content))
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["down", "up"]


def test_a_second_file_of_a_name_is_refused(calls: ReleaseCalls, sha: str, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(b"x")
    release = calls.create_release(REPOSITORY, fields(sha))
    calls.upload_asset(release, "x", tmp_path / "up", "text/plain")
    with pytest.raises(Rejected):
        calls.upload_asset(release, "x", tmp_path / "up", "text/plain")


def test_an_upload_that_breaks_off_is_told_and_not_repeated(
    house: House, calls: ReleaseCalls, sha: str, tmp_path: Path
) -> None:
    (tmp_path / "up").write_bytes(b"x")
    release = calls.create_release(REPOSITORY, fields(sha))
    house.simulator.break_uploads()
    with pytest.raises(Unavailable):
        calls.upload_asset(release, "x", tmp_path / "up", "text/plain")
    assert [(each.name, each.size, each.state) for each in calls.assets(REPOSITORY, release.id)] == [
        ("x", 0, "starter")
    ]


def test_a_job_about_writes_may_be_stopped_between_and_during_requests(
    house: House, calls: ReleaseCalls, sha: str, tmp_path: Path
) -> None:
    (tmp_path / "up").write_bytes(b"x")
    release = calls.create_release(REPOSITORY, fields(sha))
    asked: list[None] = []
    with house.tools.github.client(house.installation_id, before=lambda: asked.append(None)) as made:
        asset = made.releases.upload_asset(release, "x", tmp_path / "up", "text/plain")
        assert len(asked) == 1
        made.releases.download_asset(REPOSITORY, asset.id, tmp_path / "down", 1)
        assert len(asked) == 3
