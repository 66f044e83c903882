"""What comes after the verdict: repairs and blame, by way of GitHub and back."""

from __future__ import annotations

import fcntl
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from simulator.server import Simulator
from tests.workers.gitrepos import commit, git
from tests.workers.house import BAD, BASE, GOOD, REPOSITORY, House, build
from workers import attempts
from workers.attempts import PAUSES
from workers.git import CommitGone, ObjectCache
from workers.github import PullCommit
from workers.reconcile import FORGET_SECONDS
from workers.study import MOST_COMMITS, History, first_parents
from workers.tools import Job, Tools

SUGGESTED = "```suggestion\n#define PAGE 16384\n```"


def until_study(house: House) -> str:
    """Does all jobs before the next study, and returns the study's run."""
    while house.queue[0].job is not Job.STUDY:
        house.step()
    return house.queue[0].key


def test_the_verdict_does_not_wait_for_the_study(house: House) -> None:
    sha = house.open(BAD)
    house.deliver()
    until_study(house)
    assert house.conclusions(sha) == ["failure"]
    assert len(house.comments()) == 1
    assert house.tools.store.open_runs(-1) == []
    assert [message.job for message in house.drain()] == [Job.STUDY, Job.PUBLISH]
    assert house.conclusions(sha) == ["failure"]
    assert len(house.comments()) == 1
    ((path, line, body),) = house.suggestions()
    assert (path, line) == ("Source/page.h", 1)
    assert body.startswith("<!-- pagewarden suggestion page-covers-os-page ")
    assert SUGGESTED in body
    assert house.tools.store.open_runs(-1) == []
    assert house.tools.store.wanted_studies(-1) == []


@pytest.mark.parametrize("files", [{"README.md": "Another engine.\n"}, {"Source/page.h": "#define PAGE (1 / 0)\n"}])
def test_what_breaks_nothing_is_not_studied(house: House, files: dict[str, str | None]) -> None:
    house.open(files)
    house.deliver()
    assert Job.STUDY not in [message.job for message in house.drain()]
    assert house.suggestions() == []


def test_of_what_breaks_nothing_only_related_pull_requests_are_looked_for(house: House) -> None:
    house.open(GOOD)
    house.deliver()
    assert [message.job for message in house.drain()] == [Job.INTAKE, Job.CHECK, Job.PUBLISH, Job.STUDY]
    assert house.calls("POST", "/graphql") == 1
    assert house.calls("GET", "/commits") == 1  # those of the check runs
    assert house.suggestions() == []
    assert house.tools.store.wanted_studies(-1) == []


def test_studies_can_be_turned_off(tmp_path: Path, redis_url: str) -> None:
    with Simulator(tmp_path / "github") as simulator:
        house = build(tmp_path, simulator, redis_url, advice=False)
        sha = house.open(BAD)
        house.deliver()
        assert Job.STUDY not in [message.job for message in house.drain()]
        assert house.conclusions(sha) == ["failure"]


def test_every_job_may_be_done_again(house: House) -> None:
    house.open(BAD)
    house.deliver()
    done = house.drain()
    writes = house.calls("POST"), house.calls("PATCH"), house.calls("DELETE")
    for message in done:
        house.tools.send(message.job, message.key)
        house.drain()
    assert (house.calls("POST"), house.calls("PATCH"), house.calls("DELETE")) == writes
    assert len(house.suggestions()) == 1


def test_a_push_ends_the_study_of_the_head_before(house: House) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    house.push(GOOD)
    house.step()
    assert not house.queue
    house.deliver()
    house.drain()
    assert house.suggestions() == []
    house.sweep(after=10_000)
    house.drain()
    assert house.tools.store.wanted_studies(-1) == []


def test_a_push_during_the_study_makes_it_worthless(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first = house.open(BAD)
    house.deliver()
    until_study(house)
    fetch = ObjectCache.fetch

    def after_a_push(*arguments: object) -> None:
        monkeypatch.undo()
        house.push(GOOD)
        house.deliver()
        house.queue.rotate(1)
        house.step()
        fetch(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ObjectCache, "fetch", after_a_push)
    house.drain()
    assert house.conclusions(first) == ["failure"]
    assert house.suggestions() == []
    assert house.calls("POST", "/pulls/") == 0
    assert house.tools.store.wanted_studies(-1) == []


def test_a_head_that_was_pushed_away_before_its_study_and_is_back_is_studied(house: House) -> None:
    first = house.open(BAD)
    house.deliver()
    until_study(house)
    house.push({**GOOD, "README.md": "x"}, start="main")
    house.deliver()
    house.drain()
    assert house.suggestions() == []
    house.simulator.push(REPOSITORY, "change", first)
    house.deliver()
    house.drain()
    assert len(house.suggestions()) == 1
    assert house.conclusions(first) == ["failure"]


def test_a_head_that_was_pushed_away_and_back_before_anybody_heard_is_studied(house: House) -> None:
    first = house.open(BAD)
    house.deliver()
    until_study(house)
    house.push({**GOOD, "README.md": "x"}, start="main")
    away = house.event()
    house.step()
    house.simulator.push(REPOSITORY, "change", first)
    house.deliver(away)
    house.deliver()
    house.drain()
    assert len(house.suggestions()) == 1
    assert house.tools.store.wanted_studies(-1) == []


def test_a_head_that_is_back_is_studied_even_if_nobody_ever_hears_of_it(house: House) -> None:
    first = house.open(BAD)
    house.deliver()
    until_study(house)
    house.push({**GOOD, "README.md": "x"}, start="main")
    house.step()
    assert not house.queue
    house.simulator.push(REPOSITORY, "change", first)
    assert [message.job for message in house.sweep(after=3600)] == [Job.STUDY]
    house.drain()
    assert len(house.suggestions()) == 1


def test_a_head_that_stays_away_unheard_is_asked_for_more_and_more_seldom(house: House) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    house.push({**GOOD, "README.md": "x"}, start="main")
    house.drain()
    studies = 0
    for _ in range(FORGET_SECONDS // 100 + 1):
        studies += len(house.sweep(after=100))
        house.drain()
    assert 1 < studies < 15
    assert house.tools.store.wanted_studies(-1) == []


def test_an_event_has_a_study_that_was_given_up_made_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.open(BAD)

    def faulty(tools: Tools, key: str) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setitem(attempts.WORK, Job.STUDY, faulty)
        house.deliver()
        house.drain()
    assert house.suggestions() == []
    house.deliver(house.event("edited"))
    house.drain()
    assert len(house.suggestions()) == 1
    house.deliver(house.event("edited"))
    assert [message.job for message in house.drain()] == [Job.INTAKE]


def test_a_study_that_takes_too_long_is_tried_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = house.open(BAD)

    def endless(tools: Tools, key: str) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setitem(attempts.WORK, Job.STUDY, endless)
    house.deliver()
    assert [message.job for message in house.drain()].count(Job.STUDY) == 2
    assert house.conclusions(sha) == ["failure"]
    assert house.tools.store.wanted_studies(-1) == []


def test_a_study_does_not_complete_the_check_again(tmp_path: Path, redis_url: str) -> None:
    ahead = timedelta()
    with Simulator(tmp_path / "github", clock=lambda: datetime.now(UTC) + ahead) as simulator:
        house = build(tmp_path, simulator, redis_url)
        sha = house.open(BAD)
        house.deliver()
        until_study(house)
        (judged,) = simulator.check_runs(REPOSITORY, sha)
        ahead = timedelta(minutes=2)
        house.drain()
        (studied,) = simulator.check_runs(REPOSITORY, sha)
        assert simulator.violations == []
    assert studied["output"] != judged["output"]
    assert (studied["status"], studied["conclusion"]) == ("completed", "failure")
    assert studied["completed_at"] == judged["completed_at"]


def test_a_study_that_the_queue_lost_is_queued_again(house: House) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    house.queue.clear()
    assert house.sweep(after=30) == []
    assert [message.job for message in house.sweep(after=60)] == [Job.STUDY]
    house.step()
    house.queue.clear()
    assert house.suggestions() == []
    assert [message.job for message in house.sweep(after=100)] == [Job.PUBLISH]
    house.drain()
    assert len(house.suggestions()) == 1
    assert house.sweep(after=10_000) == []


def test_a_study_under_way_is_left_alone_by_the_sweep(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    fetch, swept = ObjectCache.fetch, []

    def long(*arguments: object) -> None:
        swept.extend(house.sweep(after=80))
        fetch(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ObjectCache, "fetch", long)
    house.step()
    assert swept == []


def test_in_the_end_a_study_is_let_go(house: House) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    house.queue.clear()
    assert house.sweep(after=FORGET_SECONDS + 1) == []
    assert house.tools.store.wanted_studies(-1) == []


def test_a_study_that_never_works_out_leaves_the_verdict(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = house.open(BAD)

    def faulty(tools: Tools, key: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(attempts.WORK, Job.STUDY, faulty)
    house.deliver()
    until_study(house)
    told, checks = house.comments(), house.checks(sha)
    jobs = [message.job for message in house.drain()]
    assert jobs.count(Job.STUDY) == len(PAUSES) + 1
    assert (house.comments(), house.checks(sha)) == (told, checks)
    assert house.conclusions(sha) == ["failure"]
    assert house.tools.store.open_runs(-1) == []
    assert house.sweep(after=10_000) == []


def test_a_study_that_ends_its_process_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = house.open(BAD)
    house.deliver()
    key = until_study(house)

    def deadly(tools: Tools, run_id: str) -> None:
        raise SystemExit

    monkeypatch.setitem(attempts.WORK, Job.STUDY, deadly)
    for _ in range(len(PAUSES) + 1):
        with pytest.raises(SystemExit):
            attempts.perform(house.tools, Job.STUDY, key)
    assert [message.job for message in house.drain()] == [Job.STUDY, Job.PUBLISH]
    assert "1 limit broken" in house.checks(sha)[0][2]
    assert house.sweep(after=10_000) == []


def test_a_study_that_cannot_be_told_leaves_the_verdict(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = house.open(BAD)
    house.deliver()
    until_study(house)
    told, checks = house.comments(), house.checks(sha)
    house.step()

    def faulty(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("workers.suggestions.suggestions", faulty)
    assert {message.job for message in house.drain()} == {Job.PUBLISH}
    assert (house.comments(), house.checks(sha)) == (told, checks)
    assert house.suggestions() == []
    assert house.tools.store.open_runs(-1) == []


def test_a_study_waits_for_github(house: House) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    house.simulator.fail_next("GET", "/commits$", 503, times=4 * (len(PAUSES) + 1))
    house.drain()
    assert house.suggestions() == []
    assert [message.job for message in house.sweep(after=3600)] == [Job.STUDY]
    house.drain()
    assert len(house.suggestions()) == 1


def test_another_study_on_the_machine_is_waited_for_and_does_not_count(house: House) -> None:
    house.open(BAD)
    house.deliver()
    key = until_study(house)
    with (house.tools.settings.cache_dir / "study.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for _ in range(len(PAUSES) + 2):
            house.step()
        assert [(message.job, message.key) for message in house.queue] == [(Job.STUDY, key)]
    assert [message.job for message in house.drain()] == [Job.STUDY, Job.PUBLISH]
    assert len(house.suggestions()) == 1


def test_a_rate_limit_is_waited_out(house: House) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    house.simulator.fail_next("GET", "/commits$", 429, {"Retry-After": "7"})
    assert sum(message.seconds for message in house.drain()) >= 7
    assert len(house.suggestions()) == 1


def test_after_the_app_was_uninstalled_nothing_is_studied(house: House) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    house.tools.tokens.forget_token(house.installation_id)
    house.simulator.uninstall(house.installation_id)
    assert [message.job for message in house.drain()] == [Job.STUDY]
    assert house.tools.store.wanted_studies(-1) == []


def test_the_comment_tells_which_commit_broke_it(house: House) -> None:
    git(house.source, "checkout", "--quiet", "-B", "change", "main")
    shas = [commit(house.source, files) for files in ({"Source/watched.c": "x\n"}, BAD, {"Source/other.h": "\n"})]
    house.simulator.push(REPOSITORY, "change", shas[-1])
    house.number = house.simulator.open_pull(REPOSITORY, "change", "main", "Three commits").number
    house.deliver()
    house.drain()
    (comment,) = house.comments()
    (guilty,) = re.findall(r"`(\w+)`[^`]* broke it first", comment)
    assert guilty == shas[1][:12]
    (run,) = house.simulator.check_runs(REPOSITORY, shas[-1])
    assert shas[1][:12] in run["output"]["summary"]


def test_what_the_target_branch_did_meanwhile_is_nobodys_fault(house: House) -> None:
    """The first commit starts from an older main, on which the rule was broken that the newer one repairs."""
    house.change({"Source/page.h": "#define PAGE 8192\n"}, start="main")
    git(house.source, "branch", "--force", "main", "change")
    house.simulator.push(REPOSITORY, "main", "main")
    house.open({"Source/watched.c": "x\n"})
    git(house.source, "checkout", "--quiet", "main")
    commit(house.source, GOOD)
    house.simulator.push(REPOSITORY, "main", "main")
    git(house.source, "checkout", "--quiet", "change")
    git(house.source, "merge", "--quiet", "--no-edit", "main")
    broken = house.push(BAD)
    house.deliver()
    house.drain()
    (run_id,) = [message.key for message in house.sent if message.job is Job.STUDY]
    report = house.tools.store.reports(run_id)[0]
    assert report is not None
    first, merged, last = report.blame
    assert (first.introduced, first.fixed) == ((), ())
    assert merged.introduced == () and len(merged.fixed) > 0
    assert last.commit.sha == broken and len(last.introduced) > 0
    assert len({each.commit.sha for each in report.blame}) == 3


def test_twenty_commits_are_fetched_at_once(house: House) -> None:
    git(house.source, "checkout", "--quiet", "-B", "change", "main")
    for number in range(19):
        commit(house.source, {"Source/other.h": f"// {number}\n"})
    commit(house.source, BAD)
    house.simulator.push(REPOSITORY, "change", "change")
    house.number = house.simulator.open_pull(REPOSITORY, "change", "main", "Twenty commits").number
    house.deliver()
    key = until_study(house)
    before = len(house.simulator.git_calls)
    house.step()
    calls = [call.method for call in house.simulator.git_calls[before:]]
    assert calls.count("POST") == 2, "trees, then blobs"
    report = house.tools.store.reports(key)[0]
    assert report is not None
    assert [len(each.introduced) for each in report.blame] == [0] * 19 + [1]


def test_many_commits_are_not_looked_at_one_by_one(house: House) -> None:
    git(house.source, "checkout", "--quiet", "-B", "change", "main")
    for number in range(MOST_COMMITS):
        commit(house.source, {"README.md": f"{number}\n"})
    commit(house.source, BAD)
    house.simulator.push(REPOSITORY, "change", "change")
    house.number = house.simulator.open_pull(REPOSITORY, "change", "main", "Many commits").number
    house.deliver()
    house.drain()
    assert house.calls("GET", "/pulls/1/commits") == 0
    assert len(house.suggestions()) == 1
    assert "broke it first" not in house.comments()[0]


def test_a_commit_on_the_way_that_is_gone_costs_the_blame_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.open({"Source/watched.c": "x\n"})
    house.push(BAD)
    house.deliver()
    until_study(house)
    fetch = ObjectCache.fetch

    def gone(cache: ObjectCache, url: str, token: str | None, shas: list[str], *rest: object) -> None:
        if len(set(shas)) > 2:
            raise CommitGone("not our ref")
        fetch(cache, url, token, shas, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ObjectCache, "fetch", gone)
    house.drain()
    assert len(house.suggestions()) == 1
    assert "broke it first" not in house.comments()[0]


def test_a_pull_request_that_is_gone_ends_the_study(house: House) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    house.simulator.fail_next("GET", "/pulls/1$", 404, times=9)
    house.drain()
    assert house.tools.store.wanted_studies(-1) == []
    assert house.suggestions() == []


def test_a_closed_pull_request_gets_its_suggestions_once_it_is_open_again(house: House) -> None:
    house.open(BAD)
    house.deliver()
    until_study(house)
    house.simulator.close_pull(REPOSITORY, house.number)
    house.drain()
    assert house.suggestions() == []
    house.simulator.reopen_pull(REPOSITORY, house.number)
    house.deliver(house.event("reopened"))
    house.drain()
    assert len(house.suggestions()) == 1


def made(sha: str, *parents: str) -> PullCommit:
    return PullCommit(sha, parents, f"commit {sha}")


def test_first_parents_lead_from_the_start_to_the_head() -> None:
    one, two, side, merge = made("1", "0"), made("2", "1"), made("s", "0"), made("m", "2", "s")
    assert first_parents([one, side, two, merge], "m") == History("0", (one, two, merge))
    assert first_parents([side, merge, two, one], "m") == History("0", (one, two, merge))


@pytest.mark.parametrize(
    ("commits", "expected"),
    [
        ([], History(None, ())),
        ([made("1", "0")], History(None, ())),
        ([made("h")], History(None, (made("h"),))),
        ([made("h", "h")], History("h", (made("h", "h"),))),
    ],
    ids=["none", "another head", "a root", "a loop"],
)
def test_first_parents_of_odd_lists(commits: list[PullCommit], expected: History) -> None:
    assert first_parents(commits, "h") == expected


def test_what_an_older_pagewarden_kept_is_checked_again(house: House) -> None:
    sha = house.open({"Source/page.h": BASE["Source/page.h"] + "\n"})
    house.deliver()
    house.step()
    house.step()
    key = house.queue[0].key
    house.tools.store._redis.set(f"pagewarden:report:{key}", '{"schema": 1}')
    assert [message.job for message in house.drain()] == [Job.PUBLISH, Job.CHECK, Job.PUBLISH]
    assert house.conclusions(sha) == ["success"]
