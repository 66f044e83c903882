"""Which releases are removed, and that nobody else's ever is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.workers.build.releasing import BOT, Releasing, order_of, releasing
from tests.workers.house import REPOSITORY, House
from workers.build.order import tag_of
from workers.build.releases import Cleaned, Mine, clean, ours, prune, superseded
from workers.github import ReleaseInfo, Unavailable
from workers.github.release_calls import ReleaseCalls
from workers.report.preview_marker import release_marker

HEAD = "a" * 40


@pytest.fixture
def job(house: House, tmp_path: Path) -> Releasing:
    """A head that is to be released."""
    return releasing(house, tmp_path / "files")


def pruned(job: Releasing, keep: int) -> list[str]:
    """The commits whose releases are gone."""
    with job.client() as client:
        return [mine.sha for mine in prune(client, job.order, BOT, keep)]


def cleaned(job: Releasing, *due: int) -> Cleaned:
    """What a cleaning does where these pull requests are due."""
    with job.client() as client:
        return clean(client, REPOSITORY, BOT, lambda number: number in due)


def released(job: Releasing, heads: int) -> list[Releasing]:
    """So many heads of one pull request, each with its release, the oldest first."""
    jobs = [job]
    for number in range(1, heads):
        jobs.append(jobs[-1].push(1 << number))
    for each in jobs:
        each.publish()
    return jobs


def strangers(job: Releasing) -> list[dict[str, Any]]:
    """Makes releases that are not ours, however much they look like it, and returns them."""
    simulator, number = job.house.simulator, job.order.number
    sha = simulator.pull(REPOSITORY, number).base_sha
    tag, body = tag_of(number, sha), release_marker(REPOSITORY, number, sha)
    simulator.create_release(REPOSITORY, tag, sha, "mona", body=body, prerelease=True)
    simulator.create_release(REPOSITORY, f"{tag}-bot", sha, "github-actions[bot]", body=body)
    simulator.create_release(REPOSITORY, f"{tag}-draft", sha, "mona", body=body, draft=True)
    fields = {"target_commitish": sha, "prerelease": True}
    with job.client() as client:  # by our own bot, and yet no preview of this pull request
        for name, text in (
            ("nightly", "A nightly build."),
            ("quoted", f"{body}\nThat was it."),
            ("renamed", body),
            (f"{tag}0", release_marker("acme/other", number, sha)),
        ):
            client.releases.create_release(REPOSITORY, {**fields, "tag_name": name, "body": text})
    return job.releases()


def test_the_newest_commits_keep_their_releases_and_nobody_elses_is_touched(job: Releasing) -> None:
    others = strangers(job)
    tags = job.tags()
    jobs = released(job, 4)
    shas = [each.order.head for each in jobs]
    assert pruned(jobs[-1], 5) == []
    assert sorted(pruned(jobs[-1], 2)) == sorted(shas[:2])
    assert pruned(jobs[-1], 2) == []
    assert {each["tag_name"] for each in job.releases()} - {each["tag_name"] for each in others} == {
        each.order.tag for each in jobs[2:]
    }
    assert [each for each in job.releases() if each in others] == others
    assert job.tags() == {**tags, **{each.order.tag: each.order.head for each in jobs[2:]}}


def test_the_present_head_keeps_its_release_even_where_later_ones_were_made(job: Releasing) -> None:
    first, second, third = released(job, 3)
    assert pruned(first, 1) == [second.order.head]
    assert {each["tag_name"] for each in job.releases()} == {first.order.tag, third.order.tag}


def test_other_pull_requests_keep_theirs(job: Releasing) -> None:
    job.publish()
    sha = job.house.change({"Source/page.h": "#define PAGE 8192\n"}, start="main")
    job.house.simulator.push(REPOSITORY, "other", sha)
    number = job.house.simulator.open_pull(REPOSITORY, "other", "main", "Another").number
    other = replace(job, order=replace(order_of(job.house, sha), number=number))
    other.publish()
    for each in (job, other):
        assert pruned(each, 1) == []
    gone = cleaned(job, job.order.number)
    assert [each.sha for each in gone.removed] == [job.order.head]
    assert [each.sha for each in gone.left] == [sha]
    assert [each["tag_name"] for each in job.releases()] == [other.order.tag]
    assert job.tags() == {other.order.tag: sha}


def test_all_of_a_pull_request_that_is_due_are_removed_with_their_tags(job: Releasing) -> None:
    others, tags = strangers(job), job.tags()
    jobs = released(job, 3)
    assert cleaned(job, 99).removed == ()
    gone = cleaned(job, job.order.number)
    assert {each.sha for each in gone.removed} == {each.order.head for each in jobs}
    assert gone.left == ()
    assert job.releases() == others
    assert job.tags() == tags
    assert cleaned(job, job.order.number) == Cleaned((), ())


def test_a_tag_that_a_person_moved_stays(job: Releasing) -> None:
    job.publish()
    base = job.house.simulator.pull(REPOSITORY, job.order.number).base_sha
    job.house.simulator._repository(REPOSITORY).git.set_ref(f"refs/tags/{job.order.tag}", base)
    cleaned(job, job.order.number)
    assert job.releases() == []
    assert job.tags() == {job.order.tag: base}


@pytest.mark.parametrize("performed", [True, False])
@pytest.mark.parametrize("path", [r"/git/refs/", r"/releases/\d+$"])
def test_a_removal_whose_answer_is_lost_is_carried_on(job: Releasing, path: str, performed: bool) -> None:
    job.publish()
    job.house.simulator.fail_next("DELETE", path, 502, performed=performed)
    with pytest.raises(Unavailable):
        cleaned(job, job.order.number)
    cleaned(job, job.order.number)
    assert job.releases() == []
    assert job.tags() == {}
    job.publish()  # as when the pull request is opened again
    assert job.tags() == {job.order.tag: job.order.head}


def test_what_a_person_removed_already_is_no_trouble(job: Releasing) -> None:
    first, second, third = released(job, 3)
    job.house.simulator.delete_tag(REPOSITORY, first.order.tag)
    job.house.simulator.delete_release(REPOSITORY, second.order.tag)
    gone = cleaned(job, job.order.number)
    assert {each.sha for each in gone.removed} == {first.order.head, third.order.head}
    assert job.releases() == []
    assert job.tags() == {second.order.tag: second.order.head}  # a bare tag could be anybody's


def test_a_draft_that_was_left_over_goes_and_its_tag_is_nobodys_business(
    job: Releasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.house.simulator.fail_next("POST", "/assets", 502)
    with pytest.raises(Unavailable):
        job.publish()
    with monkeypatch.context() as late:  # GitHub's list is behind
        late.setattr(ReleaseCalls, "releases", lambda *_: iter(()))
        job.publish()
    assert sorted(each["draft"] for each in job.releases()) == [False, True]
    assert pruned(job, 1) == []
    assert [each["draft"] for each in job.releases()] == [False]
    assert job.tags() == {job.order.tag: job.order.head}


def test_a_draft_of_the_head_that_is_not_released_yet_stays(job: Releasing) -> None:
    job.house.simulator.fail_next("POST", "/assets", 502)
    with pytest.raises(Unavailable):
        job.publish()
    assert pruned(job, 1) == []
    assert [each["draft"] for each in job.releases()] == [True]
    second = job.push(8192)
    second.publish()
    assert pruned(second, 5) == [job.order.head]
    assert [each["tag_name"] for each in job.releases()] == [second.order.tag]


def test_an_immutable_release_goes_before_the_tag_that_it_holds_on_to(
    job: Releasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = job.publish()
    before, by_tag = len(job.writes()), ReleaseCalls.release_by_tag

    def immutable(calls: ReleaseCalls, repository: str, tag: str) -> ReleaseInfo | None:
        found = by_tag(calls, repository, tag)
        return replace(found, immutable=True) if found is not None else None

    monkeypatch.setattr(ReleaseCalls, "release_by_tag", immutable)
    cleaned(job, job.order.number)
    assert job.writes()[before:] == [("DELETE", str(made.id)), ("DELETE", job.order.tag)]
    assert job.releases() == []
    assert job.tags() == {}


def mine(number: int, sha: str, *, published_at: float = 0.0) -> Mine:
    """A release of ours, a draft where it was never published."""
    tag, body = tag_of(7, sha), release_marker("acme/engine", 7, sha)
    draft = not published_at
    info = ReleaseInfo(number, tag, "", "", BOT, True, body, draft, True, False, published_at, sha, "", ())
    return Mine(info, 7, sha)


def test_the_newest_are_those_that_were_published_last() -> None:
    every = [
        mine(1, "b" * 40, published_at=30),
        mine(2, "c" * 40, published_at=10),
        mine(3, HEAD, published_at=20),
        mine(4, "d" * 40, published_at=20),
        mine(5, "e" * 40),
        mine(6, HEAD),
    ]
    for keep, expected in ((1, [2, 4, 5, 6]), (2, [2, 5, 6]), (3, [2, 5, 6]), (4, [5, 6])):
        assert [each.release.id for each in superseded(every, HEAD, keep)] == expected, keep
    assert superseded([mine(6, HEAD)], HEAD, 1) == []
    assert superseded([], HEAD, 1) == []


def test_ours_is_what_our_bot_made_and_marked() -> None:
    good = mine(1, HEAD, published_at=1).release
    assert ours([good], "acme/engine", BOT) == [Mine(good, 7, HEAD)]
    assert ours([good], "ACME/Engine", BOT) == [Mine(good, 7, HEAD)]
    for bad in (
        replace(good, author="mona"),
        replace(good, author=""),
        replace(good, author_is_bot=False),
        replace(good, body=""),
        replace(good, body=f"{good.body}\nMore."),
        replace(good, tag="v1"),
        replace(good, tag=tag_of(8, HEAD)),
    ):
        assert ours([bad], "acme/engine", BOT) == []
    assert ours([good], "acme/other", BOT) == []
    assert ours([good], "acme/engine", "another[bot]") == []
