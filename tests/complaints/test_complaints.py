"""What users of such bots complain about, each as the name of a test that it does not happen here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.workers.gitrepos import commit, git
from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import FORK, STRESS, WRITER, Stressing
from tests.workers.test_publish import report
from workers.attempts import perform
from workers.reconcile import DEADLINE_SECONDS
from workers.runs import Ending, Outcome
from workers.tools import Job

SETTINGS = ".github/pagewarden.yml"


def head_of(heard: Heard) -> str:
    return heard.simulator.pull(REPOSITORY, heard.house.number).head_sha


def ours(heard: Heard) -> list[str]:
    """Bodies of the comments about the run."""
    return [body for body in heard.house.comments() if "<!-- pagewarden -->" in body]


def land(heard: Heard, files: dict[str, str | None]) -> None:
    """Commits to the default branch and pushes it."""
    git(heard.house.source, "checkout", "--quiet", "main")
    commit(heard.house.source, files)
    heard.simulator.push(REPOSITORY, "main", "main")
    heard.settle()


def test_a_webhook_is_lost(heard: Heard) -> None:
    """By GitHub: one that is redelivered by hand is done, and done once. By our queue: the inbox has it."""
    sha = heard.house.open(BAD)
    heard.hear()
    heard.house.queue.clear()
    assert heard.house.conclusions(sha) == []
    assert Job.INTAKE in [message.job for message in heard.house.sweep(after=100)]
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    for delivery in heard.simulator.deliveries:
        if delivery.event == "pull_request":
            heard.simulator.redeliver(delivery.guid)
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(ours(heard)) == 1


def test_a_check_is_pending_for_ever(heard: Heard) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    heard.house.queue.clear()
    heard.house.sweep(after=DEADLINE_SECONDS + 1)
    heard.settle()
    (run,) = heard.simulator.check_runs(REPOSITORY, sha)
    assert (run["status"], run["conclusion"]) == ("completed", "timed_out")
    assert "`/recheck`" in run["output"]["summary"]
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha) == ["timed_out", "failure"]


def test_a_stress_is_pending_for_ever(stressing: Stressing) -> None:
    sha = stressing.house.open(GOOD)
    stressing.settle()
    stressing.house.clock.ahead += 3 * 3600
    stressing.look_again()
    stressing.settle()
    runs = {run["name"]: run for run in stressing.simulator.check_runs(REPOSITORY, sha)}
    assert runs[STRESS]["conclusion"] == "timed_out"
    assert "`/stress`" in runs[STRESS]["output"]["summary"]


@pytest.mark.parametrize("files", [{"README.md": "Another engine.\n"}, {"image.png": "\x89PNG\0\0\n"}])
def test_the_required_check_never_appears_where_nothing_relevant_is_touched(
    heard: Heard, files: dict[str, str | None]
) -> None:
    sha = heard.house.open(files)
    heard.settle()
    assert heard.house.conclusions(sha) == ["success"]
    assert heard.house.comments() == []


@pytest.mark.parametrize(("files", "conclusion"), [(GOOD, "success"), (BAD, "failure"), ({"x": "y"}, "success")])
def test_the_merge_queue_stalls(heard: Heard, files: dict[str, str | None], conclusion: str) -> None:
    heard.house.open(files)
    heard.settle()
    group = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.settle()
    (run,) = heard.simulator.check_runs(REPOSITORY, group.head_sha)
    assert (run["name"], run["conclusion"]) == ("pagewarden", conclusion)


def test_races_double_the_comment(heard: Heard) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    heard.house.step()
    (message,) = [message for message in heard.house.queue if message.job is Job.PUBLISH]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(perform, heard.house.tools, message.job, message.key)
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(ours(heard)) == 1


@pytest.mark.parametrize("performed", [True, False])
def test_a_lost_answer_doubles_the_comment(heard: Heard, performed: bool) -> None:
    heard.house.open(BAD)
    heard.simulator.fail_next("POST", "/comments$", 502, performed=performed)
    heard.settle()
    assert len(ours(heard)) == 1


def test_comments_are_spam(heard: Heard) -> None:
    heard.house.open({"README.md": "Another engine.\n"})
    heard.settle()
    assert heard.house.comments() == []
    for files in (BAD, GOOD, BAD, {"README.md": "Yet another engine.\n"}, GOOD):
        heard.house.push(files)
        heard.settle()
    assert len(heard.house.comments()) == 1
    assert head_of(heard)[:12] in heard.house.comments()[0]


def test_an_old_run_is_reported_on_a_new_push(heard: Heard) -> None:
    old = heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    heard.house.step()
    new = heard.house.push(GOOD)
    while heard.house.queue:
        heard.house.step()
    assert heard.house.conclusions(old) == ["cancelled"]
    assert heard.house.comments() == []
    heard.settle()
    assert heard.house.conclusions(new) == ["success"]


@pytest.mark.parametrize("status", [404, 422])
def test_a_force_push_makes_the_bot_try_for_ever(heard: Heard, status: int) -> None:
    heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    heard.simulator.fail_next("PATCH", "/check-runs/", status, times=3)
    new = heard.house.push(GOOD, start="main")
    heard.settle()
    assert heard.house.conclusions(new) == ["success"]
    assert heard.house.tools.store.open_runs(-1) == []


def test_a_fork_s_check_names_no_pull_request_so_its_re_run_is_lost(stressing: Stressing) -> None:
    sha = stressing.open_fork(BAD)
    stressing.settle()
    (run, *_) = stressing.simulator.check_runs(REPOSITORY, sha)
    assert run["pull_requests"] == []
    stressing.simulator.set_permission(REPOSITORY, WRITER, "write")
    stressing.simulator.rerun(run["id"], WRITER)
    stressing.settle()
    mains = [each for each in stressing.simulator.check_runs(REPOSITORY, sha) if each["name"] == "pagewarden"]
    assert [each["conclusion"] for each in mains] == ["failure", "failure"]
    assert mains[1]["output"]["title"].endswith("(attempt 2)")


def test_an_approval_counts_for_the_malicious_push_after_it(stressing: Stressing) -> None:
    approved = stressing.open_fork(GOOD)
    stressing.settle()
    stressing.simulator.set_permission(REPOSITORY, WRITER, "write")
    stressing.say(WRITER, f"/ok-to-test {approved}")
    malicious = stressing.push({"Source/page.h": "#define PAGE 131072\n"}, FORK)
    stressing.settle()
    assert stressing.check(malicious)["conclusion"] == "neutral"
    assert malicious in stressing.check(malicious)["output"]["summary"]
    assert stressing.house.tools.trust.approval(f"{REPOSITORY}#{stressing.house.number}") is None


@pytest.mark.parametrize("count", [0, 1, 50, 51, 120])
def test_annotations_over_fifty_vanish(heard: Heard, count: int) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    (run_id,) = heard.house.tools.store.open_runs(-1)
    heard.house.queue.clear()
    heard.house.tools.store.end(run_id, Outcome(Ending.REPORT), [report(count)])
    heard.house.tools.send(Job.PUBLISH, run_id)
    heard.settle()
    (run,) = heard.simulator.check_runs(REPOSITORY, sha)
    lines = [note["start_line"] for note in heard.simulator.annotations(run["id"])]
    assert lines == list(range(1, count + 1))
    assert run["conclusion"] == ("failure" if count else "success")


def test_a_mistake_in_the_settings_is_merged_unnoticed(heard: Heard) -> None:
    land(heard, {SETTINGS: "rules:\n  page-covers-os-page: {severity: warning, reason: None of ours.}\n"})
    sha = heard.house.open({**BAD, SETTINGS: "page_sizes: [8K]\nprofile: x\n"})
    heard.settle()
    (run,) = heard.simulator.check_runs(REPOSITORY, sha)
    assert run["conclusion"] == "failure"
    notes = heard.simulator.annotations(run["id"])
    assert [(note["path"], note["start_line"]) for note in notes if note["path"] == SETTINGS] == [
        (SETTINGS, 1),
        (SETTINGS, 2),
    ]
    heard.simulator.merge(REPOSITORY, heard.house.number)
    heard.settle()
    git(heard.house.source, "checkout", "--quiet", "main")
    heard.house.number = 0
    later = heard.house.change({"Source/page.h": "#define PAGE 2048\n"}, start="main")
    heard.simulator.push(REPOSITORY, "later", later)
    heard.simulator.open_pull(REPOSITORY, "later", "main", "Later")
    heard.settle()
    (run,) = heard.simulator.check_runs(REPOSITORY, later)
    assert run["conclusion"] == "success", "the last valid settings rule: a warning"
    assert SETTINGS in run["output"]["summary"]


def test_what_vanished_crashes_the_bot(heard: Heard) -> None:
    heard.house.open(BAD)
    heard.settle()
    (comment,) = heard.simulator.comments(REPOSITORY, heard.house.number)
    heard.simulator.delete_comment(comment["id"])
    heard.simulator.fail_next("PATCH", "/check-runs/", 404)
    new = heard.house.push({"Source/page.h": "#define PAGE 2048\n"})
    heard.simulator.delete_branch(REPOSITORY, "change")
    heard.settle()
    assert heard.house.conclusions(new)[-1] == "failure"
    assert len(ours(heard)) == 1
    assert heard.house.tools.store.open_runs(-1) == []


def test_the_bot_goes_on_for_a_repository_that_threw_it_out(heard: Heard) -> None:
    heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    heard.simulator.uninstall(heard.house.installation_id)
    heard.settle()
    assert heard.house.tools.store.open_runs(-1) == []
    assert heard.house.comments() == []
