"""The release of a build: made once whatever is retried, complete or not seen, and never on somebody else's tag."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workers.build.releasing import BOT, FILES, Releasing, releasing
from tests.workers.house import REPOSITORY, House
from workers.build.driver import BuildError, State
from workers.build.manifest import MANIFEST
from workers.build.releases import LARGEST_ASSET, MOST_ASSETS, TagTaken, Wanted, changes, find, is_complete, publish
from workers.github import AssetInfo, Rejected, ReleaseInfo, Unavailable
from workers.github.failures import Forbidden
from workers.github.release_calls import ReleaseCalls
from workers.report.preview_marker import release_marker


@pytest.fixture
def job(house: House, tmp_path: Path) -> Releasing:
    """A head that is to be released."""
    return releasing(house, tmp_path / "files")


def assert_released(job: Releasing, contents: dict[str, bytes] | None = None) -> None:
    """Exactly one release, with exactly these files, and its tag."""
    (release,) = job.releases()
    wanted = contents or dict(FILES)
    assert (release["tag_name"], release["draft"], release["prerelease"]) == (job.order.tag, False, True)
    assert release["author"]["login"] == BOT
    assert {asset["name"]: asset["size"] for asset in release["assets"]} == {
        name: len(content) for name, content in wanted.items()
    }
    for name, content in wanted.items():
        assert job.house.simulator.release_asset(REPOSITORY, job.order.tag, name) == content
    assert job.tags() == {job.order.tag: job.order.head}


def test_a_build_becomes_a_prerelease_at_the_head_with_its_manifest_last(job: Releasing) -> None:
    made = job.publish()
    assert_released(job)
    assert job.writes()[0] == ("POST", "releases")
    uploads = [asset["name"] for asset in job.releases()[0]["assets"]]
    assert uploads[-1] == MANIFEST
    assert (made.tag, made.target, made.draft, made.prerelease) == (job.order.tag, job.order.head, False, True)
    assert made.url == f"{job.house.simulator.url}/{REPOSITORY}/releases/tag/{job.order.tag}"
    assert made.published_at > 0
    assert is_complete(made)


def test_what_is_released_is_not_written_again(job: Releasing) -> None:
    first = job.publish()
    writes = job.writes()
    assert job.publish() == first
    assert job.writes() == writes
    with job.client() as client:
        assert find(client, job.order, BOT) == first


@pytest.mark.parametrize("performed", [True, False])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", r"/releases$"),
        ("POST", r"/assets"),
        ("PATCH", r"/releases/\d+$"),
        ("GET", r"/releases"),
        ("GET", "/ref/"),
    ],
)
def test_an_answer_that_is_lost_leaves_one_release(job: Releasing, method: str, path: str, performed: bool) -> None:
    many = {"POST": 1, "PATCH": 1, "GET": 4}[method]  # reads are repeated
    job.house.simulator.fail_next(method, path, 502, times=many, performed=performed)
    with pytest.raises(Unavailable):
        job.publish()
    job.publish()
    assert_released(job)
    job.publish()
    assert_released(job)


def test_each_upload_may_lose_its_answer(job: Releasing) -> None:
    for _ in FILES:
        job.house.simulator.fail_next("POST", "/assets", 502, performed=True)
        with pytest.raises(Unavailable):
            job.publish()
        (release,) = job.releases()
        assert release["draft"]
        assert job.tags() == {}
    job.publish()
    assert_released(job)
    assert job.writes().count(("POST", "assets")) == len(FILES)


def test_an_upload_that_broke_off_is_done_again(job: Releasing) -> None:
    job.house.simulator.break_uploads(2)
    for _ in range(2):
        with pytest.raises(Unavailable):
            job.publish()
        assert [asset["state"] for asset in job.releases()[0]["assets"]] == ["starter"]
    job.publish()
    assert_released(job)


class Stop(Exception):
    """The build was superseded."""


def test_nobody_sees_a_release_that_was_stopped_half_way(job: Releasing) -> None:
    def require() -> None:
        if job.writes().count(("POST", "assets")) == 2:
            raise Stop

    with pytest.raises(Stop):
        job.publish(require=require)
    assert [release["draft"] for release in job.releases()] == [True]
    assert job.tags() == {}
    with job.client() as client:
        assert find(client, job.order, BOT) is None
    job.publish()
    assert_released(job)


def test_another_build_of_the_same_commit_takes_the_place_of_the_files(job: Releasing) -> None:
    first = job.publish()
    before = len(job.writes())
    other = {**FILES, MANIFEST: b'{"schema": 1, "other": 1}\n', "libpas.a": b"!<arch>!"}
    assert len(other["libpas.a"]) == len(FILES["libpas.a"])
    second = job.publish(other)
    assert_released(job, other)
    assert second.id == first.id
    manifest = next(asset.id for asset in first.assets if asset.name == MANIFEST)
    assert job.writes()[before] == ("DELETE", str(manifest))
    assert [method for method, _ in job.writes()[before:]] == ["DELETE", "DELETE", "POST", "POST"]


def test_files_that_were_added_or_taken_away_are_put_right(job: Releasing) -> None:
    made = job.publish()
    with job.client() as client:
        client.releases.delete_asset(REPOSITORY, made.assets[0].id)
        (job.folder / "x").write_bytes(b"x")
        client.releases.upload_asset(made, "stranger.sh", job.folder / "x", "text/plain")
    job.publish()
    assert_released(job)


def test_a_text_that_changed_is_changed_and_a_promotion_by_a_person_stays(job: Releasing) -> None:
    job.publish()
    with job.client() as client:
        release = find(client, job.order, BOT)
        assert release is not None
        client.releases.update_release(REPOSITORY, release.id, {"prerelease": False})
    words = job.body("Other words.")
    made = job.publish(body=words, name="Another name")
    assert (made.name, made.body, made.prerelease) == ("Another name", words, False)
    with job.client() as client:  # as GitHub's own page sends it
        client.releases.update_release(REPOSITORY, made.id, {"body": words.replace("\n", "\r\n")})
    before = job.writes()
    job.publish(body=words, name="Another name")
    assert job.writes() == before


Taking = Callable[[Releasing], str]
"""Takes the tag; who is then told to have it."""


def _by_a_person(job: Releasing) -> str:
    job.house.simulator.create_release(REPOSITORY, job.order.tag, job.order.head, "mona", body=job.body())
    return "mona"


def _by_another_bot(job: Releasing) -> str:
    job.house.simulator.create_release(
        REPOSITORY, job.order.tag, job.order.head, "github-actions[bot]", body=job.body()
    )
    return "github-actions[bot]"


def _by_somebody_with_the_apps_name(job: Releasing) -> str:
    job.house.simulator.create_release(REPOSITORY, job.order.tag, job.order.head, "pagewarden", body=job.body())
    return "pagewarden"


def _bare_at_another_commit(job: Releasing) -> str:
    job.house.simulator.create_tag(REPOSITORY, job.order.tag, job.house.simulator.pull(REPOSITORY, 1).base_sha)
    return ""


def _bare_at_this_commit(job: Releasing) -> str:
    job.house.simulator.create_tag(REPOSITORY, job.order.tag, job.order.head)
    return ""


def _annotated(job: Releasing) -> str:
    job.house.simulator.create_tag(REPOSITORY, job.order.tag, job.order.head, message="Mine")
    return ""


def _our_own_of_a_commit_that_begins_alike(job: Releasing) -> str:
    other = job.order.head[:8] + "f" * 32
    fields = {"tag_name": job.order.tag, "target_commitish": job.order.head, "prerelease": True}
    with job.client() as client:
        body = release_marker(REPOSITORY, job.order.number, other)
        client.releases.create_release(REPOSITORY, {**fields, "body": body})
    return BOT


def _our_own_without_its_marker(job: Releasing) -> str:
    made = job.publish()
    with job.client() as client:
        client.releases.update_release(REPOSITORY, made.id, {"body": f"{job.body()}\n\nEdited by a person."})
    return BOT


def _our_own_whose_tag_was_moved(job: Releasing) -> str:
    job.publish()
    git = job.house.simulator._repository(REPOSITORY).git
    base = job.house.simulator.pull(REPOSITORY, 1).base_sha
    git.set_ref(f"refs/tags/{job.order.tag}", base)
    return ""


@pytest.mark.parametrize(
    "taking",
    [
        _by_a_person,
        _by_another_bot,
        _by_somebody_with_the_apps_name,
        _bare_at_another_commit,
        _bare_at_this_commit,
        _annotated,
        _our_own_of_a_commit_that_begins_alike,
        _our_own_without_its_marker,
        _our_own_whose_tag_was_moved,
    ],
)
def test_a_tag_that_is_somebody_elses_is_left_alone(job: Releasing, taking: Taking) -> None:
    by = taking(job)
    before, tags, writes = job.releases(), job.tags(), job.writes()
    with pytest.raises(TagTaken) as caught:
        job.publish()
    assert (caught.value.tag, caught.value.by) == (job.order.tag, by)
    assert (job.releases(), job.tags(), job.writes()) == (before, tags, writes)
    with job.client() as client:
        assert find(client, job.order, BOT) is None


def test_a_tag_that_is_taken_during_the_upload_is_left_alone_and_no_draft_remains(job: Releasing) -> None:
    with pytest.raises(TagTaken):
        job.publish(require=lambda: job.tags() or (_bare_at_another_commit(job) and None))
    assert job.releases() == []
    assert job.tags() == {job.order.tag: job.house.simulator.pull(REPOSITORY, 1).base_sha}


def test_a_tag_that_is_taken_in_the_last_moment_is_left_alone(job: Releasing, monkeypatch: pytest.MonkeyPatch) -> None:
    update = ReleaseCalls.update_release

    def late(calls: ReleaseCalls, repository: str, release_id: int, fields: dict[str, object]) -> ReleaseInfo:
        _bare_at_another_commit(job)
        return update(calls, repository, release_id, fields)

    monkeypatch.setattr(ReleaseCalls, "update_release", late)
    with pytest.raises(TagTaken):
        job.publish()
    assert job.releases() == []
    assert job.tags() == {job.order.tag: job.house.simulator.pull(REPOSITORY, 1).base_sha}


def test_two_jobs_at_a_time_leave_one_release(job: Releasing) -> None:
    others: list[ReleaseInfo] = []

    def require() -> None:
        if not others:
            others.append(job.publish())  # finds the draft of the first, and is done before it

    made = job.publish(require=require)
    assert_released(job)
    assert made.id == others[0].id


def test_a_draft_of_ours_that_came_too_late_goes(job: Releasing, monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[ReleaseInfo] = []

    def require() -> None:
        if not others:
            with monkeypatch.context() as late:  # GitHub's list is behind
                late.setattr(ReleaseCalls, "releases", lambda *_: iter(()))
                others.append(job.publish())

    made = job.publish(require=require)
    assert_released(job)
    assert made.id == others[0].id


def test_an_asset_that_a_late_list_did_not_tell_of_is_taken_as_it_is(
    job: Releasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.house.simulator.fail_next("POST", "/assets", 502, performed=True)
    with pytest.raises(Unavailable):
        job.publish()
    assets, asked = ReleaseCalls.assets, iter([True])
    monkeypatch.setattr(ReleaseCalls, "assets", lambda *args: iter(()) if next(asked, False) else assets(*args))
    job.publish()
    assert_released(job)


def test_an_asset_that_a_late_list_did_not_tell_of_and_that_differs_is_no_good(
    job: Releasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.house.simulator.fail_next("POST", "/assets", 502, performed=True)
    with pytest.raises(Unavailable):
        job.publish()
    assets, asked = ReleaseCalls.assets, iter([True])
    monkeypatch.setattr(ReleaseCalls, "assets", lambda *args: iter(()) if next(asked, False) else assets(*args))
    other = {name: content + b"!" for name, content in FILES.items()}
    with pytest.raises(Rejected):
        job.publish(other)
    job.publish(other)
    assert_released(job, other)


def test_the_head_of_a_fork_is_released_in_the_repository(job: Releasing) -> None:
    simulator = job.house.simulator
    simulator.create_repository("stranger/engine", job.house.source)
    sha = job.house.change({"Source/page.h": "#define PAGE 16383\n"}, start="main")
    simulator.push("stranger/engine", "change", sha)
    pull = simulator.open_pull(
        REPOSITORY, "change", "main", "From a fork", "stranger", head_repository="stranger/engine"
    )
    fork = replace(job, order=replace(job.order, number=pull.number, head=sha))
    fork.publish()
    assert_released(fork)


def test_a_head_that_brings_workflows_cannot_be_tagged_without_that_permission(job: Releasing) -> None:
    sha = job.house.push({".github/workflows/build.yml": "on: push\njobs: {}\n"})
    other = replace(job, order=replace(job.order, head=sha))
    with pytest.raises(Forbidden):
        other.publish()
    assert job.releases() == []
    assert job.tags() == {}


def test_an_empty_file_is_left_out_as_github_takes_none(job: Releasing) -> None:
    job.publish({**FILES, "DONE": b""})
    assert_released(job)


def test_files_that_no_release_takes_are_told_before_anything_is_written(job: Releasing) -> None:
    large, small = job.folder / "large", job.folder / "small"
    large.touch()
    os.truncate(large, LARGEST_ASSET + 1)  # takes no room
    small.write_bytes(b"x")
    many = {f"file-{number}": small for number in range(MOST_ASSETS + 1)}
    for files, expected in (({"bun": large}, "bun has 2,147,483,648 bytes"), (many, "1,001 files")):
        with pytest.raises(BuildError, match=expected) as caught, job.client() as client:
            publish(client, job.order, BOT, files, "Preview", job.body())
        assert caught.value.state is State.FAILED
    assert job.writes() == []


@pytest.mark.parametrize("name", ["", ".hidden", "end.", "a b", "a/b", "é"])
def test_names_that_github_would_change_are_a_mistake_of_ours(job: Releasing, name: str) -> None:
    with pytest.raises(ValueError, match="rename"):
        job.publish({name: b"x"})


def asset(number: int, name: str, size: int, digest: str | None, state: str = "uploaded") -> AssetInfo:
    """As GitHub tells."""
    return AssetInfo(number, name, size, digest, state)


def test_while_anything_is_amiss_there_is_no_manifest(tmp_path: Path) -> None:
    digest = f"sha256:{hashlib.sha256(b'x').hexdigest()}"
    wanted = {name: Wanted(tmp_path, 1, digest) for name in (MANIFEST, "a", "b")}
    shown = [asset(1, "a", 1, digest), asset(2, MANIFEST, 1, digest), asset(3, "b", 1, digest)]
    assert changes(shown, wanted) == ([], [])
    for number, wrong in enumerate(
        [
            asset(3, "b", 2, digest),
            asset(3, "b", 1, "sha256:other"),
            asset(3, "b", 1, None),
            asset(3, "b", 1, digest, "starter"),
        ]
    ):
        remove, upload = changes([*shown[:2], wrong], wanted)
        assert ([each.id for each in remove], upload) == ([2, 3], ["b", MANIFEST]), number
    remove, upload = changes([*shown, asset(4, "stranger", 1, digest)], wanted)
    assert ([each.id for each in remove], upload) == ([2, 4], [MANIFEST])
    assert changes(shown[:2], wanted) == ([shown[1]], ["b", MANIFEST])
    assert changes([], wanted) == ([], ["a", "b", MANIFEST])
