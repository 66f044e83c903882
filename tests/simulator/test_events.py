"""What is told of comments, checks, pushes, the merge queue and installations, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.git import GitError
from simulator.server import PERMISSIONS
from tests.simulator.conftest import FULL_NAME, NUMBERED, Client, GitHub, Receiver, signed

REPOSITORY = f"/repos/{FULL_NAME}"
NO_COMMIT = "0" * 40
Events = Callable[[], list[tuple[str, Any]]]


@pytest.fixture
def events(github: GitHub, receiver: Receiver) -> Events:
    """Event and payload of everything that arrived since it was last asked, but for the `ping`."""
    github.sim.set_webhook(github.app.id, receiver.url, "secret")

    def arrived() -> list[tuple[str, Any]]:
        assert github.sim.wait_for_deliveries()
        assert github.sim.violations == []
        found = [(one.headers["X-GitHub-Event"], one.payload) for one in receiver.received]
        receiver.received.clear()
        return [(event, payload) for event, payload in found if event != "ping"]

    return arrived


def _names(found: list[tuple[str, Any]]) -> list[str]:
    return [f"{event} {payload['action']}" if "action" in payload else event for event, payload in found]


def _open(github: GitHub, **more: Any) -> int:
    return github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t", **more).number


def _check(github: GitHub, **more: Any) -> int:
    body = {"name": "pagewarden", "head_sha": github.sha("topic"), **more}
    return int(github.client.json("POST", f"{REPOSITORY}/check-runs", body)["id"])


def _fork(github: GitHub) -> str:
    """A pull request from somebody's fork; returns its head."""
    github.source.git("checkout", "--quiet", "-b", "theirs", "topic")
    sha = github.source.commit("Theirs", {"theirs.h": "int theirs;\n"})
    github.sim.create_repository("someone/engine", github.source.path)
    github.source.git("checkout", "--quiet", "main")
    github.sim.open_pull(FULL_NAME, "theirs", "main", "t", "someone", head_repository="someone/engine")
    return sha


def test_a_person_comments_edits_and_deletes(github: GitHub, events: Events) -> None:
    _open(github)
    comment = github.sim.comment(FULL_NAME, 1, "mona", "/recheck")
    github.sim.edit_comment(comment, "mona", "/cancel")
    github.sim.delete_comment(comment, "hubot")
    found = events()
    assert _names(found) == [
        "pull_request opened",
        "issue_comment created",
        "issue_comment edited",
        "issue_comment deleted",
    ]
    created, edited, deleted = (payload for _, payload in found[1:])
    assert (created["comment"]["id"], created["comment"]["body"]) == (comment, "/recheck")
    assert (created["comment"]["user"]["login"], created["sender"]["login"]) == ("mona", "mona")
    assert created["comment"]["performed_via_github_app"] is None
    assert created["issue"]["number"] == 1
    assert created["issue"]["pull_request"]["url"].endswith("/pulls/1")
    assert (edited["comment"]["body"], edited["changes"]) == ("/cancel", {"body": {"from": "/recheck"}})
    assert deleted["sender"]["login"] == "hubot"
    assert github.sim.comments(FULL_NAME, 1) == []
    with pytest.raises(LookupError):
        github.sim.edit_comment(comment, "mona", "again")


def test_an_app_hears_of_its_own_comments(github: GitHub, events: Events) -> None:
    _open(github)
    path = f"{REPOSITORY}/issues"
    made = github.client.json("POST", f"{path}/1/comments", {"body": "one"})["id"]
    github.client.json("PATCH", f"{path}/comments/{made}", {"body": "two"})
    github.client.call("DELETE", f"{path}/comments/{made}")
    found = events()[1:]
    assert _names(found) == [f"issue_comment {action}" for action in ("created", "edited", "deleted")]
    for _, payload in found:
        assert payload["comment"]["performed_via_github_app"]["id"] == github.app.id
        assert payload["sender"] == payload["comment"]["user"]
        assert payload["sender"]["type"] == "Bot"


def test_an_app_hears_only_what_it_listens_to(github: GitHub, receiver: Receiver, events: Events) -> None:
    other = github.sim.create_app("other", receiver.url, "secret", events=["issue_comment"])
    github.sim.install(other.id, FULL_NAME)
    events()
    _open(github)
    github.sim.comment(FULL_NAME, 1, "mona", "hello")
    events()
    theirs = [one for one in github.sim.deliveries if one.app_id == other.id]
    assert [one.event for one in theirs] == ["ping", "installation", "issue_comment"]


def test_how_somebody_is_associated(github: GitHub, events: Events) -> None:
    github.sim.set_association("Mona", "FIRST_TIME_CONTRIBUTOR")
    _open(github, author="mona")
    github.sim.comment(FULL_NAME, 1, "mona", "hello")
    github.sim.comment(FULL_NAME, 1, "hubot", "hello")
    (_, opened), (_, first), (_, second) = events()
    assert opened["pull_request"]["author_association"] == "FIRST_TIME_CONTRIBUTOR"
    assert first["issue"]["author_association"] == "FIRST_TIME_CONTRIBUTOR"
    assert [one["comment"]["author_association"] for one in (first, second)] == ["FIRST_TIME_CONTRIBUTOR", "NONE"]


def test_a_push_is_told(github: GitHub, events: Events) -> None:
    before = github.sha("topic")
    github.source.git("checkout", "--quiet", "topic")
    first = github.source.commit("Third", {"wide.h": NUMBERED, "new.h": "int new;\n", "moved.h": None})
    second = github.source.commit("Fourth", {})
    github.sim.push(FULL_NAME, "topic", "topic", by="mona")
    (name, push), (suite_name, suite) = events()
    assert (name, suite_name) == ("push", "check_suite")
    assert (push["ref"], push["before"], push["after"]) == ("refs/heads/topic", before, second)
    assert (push["created"], push["deleted"], push["forced"]) == (False, False, False)
    assert [one["id"] for one in push["commits"]] == [first, second]
    assert {key: push["commits"][0][key] for key in ("added", "removed", "modified", "distinct")} == {
        "added": ["new.h"],
        "removed": ["moved.h"],
        "modified": ["wide.h"],
        "distinct": True,
    }
    assert push["head_commit"] == push["commits"][1]
    assert (push["pusher"]["name"], push["sender"]["login"]) == ("mona", "mona")
    assert push["repository"]["default_branch"] == "main"
    assert (suite["action"], suite["check_suite"]["head_sha"]) == ("requested", second)
    assert (suite["check_suite"]["head_branch"], suite["check_suite"]["before"]) == ("topic", before)


def test_pushes_that_make_force_and_delete_a_branch(github: GitHub, events: Events) -> None:
    topic, parent = github.sha("topic"), github.sha("topic~1")
    github.sim.push(FULL_NAME, "second", "topic")
    github.sim.push(FULL_NAME, "second", "topic~1")
    github.sim.delete_branch(FULL_NAME, "second")
    made, forced, gone = (payload for event, payload in events() if event == "push")
    assert (made["created"], made["before"], made["after"], made["commits"]) == (True, NO_COMMIT, topic, [])
    assert (made["head_commit"]["id"], made["head_commit"]["distinct"]) == (topic, False)
    assert (forced["forced"], forced["before"], forced["after"], forced["commits"]) == (True, topic, parent, [])
    assert (gone["deleted"], gone["before"], gone["after"], gone["head_commit"]) == (True, parent, NO_COMMIT, None)
    with pytest.raises(LookupError):
        github.sim.delete_branch(FULL_NAME, "second")


def test_a_new_branch_brings_the_commits_that_no_other_has(github: GitHub, events: Events) -> None:
    github.source.git("checkout", "--quiet", "-b", "fresh", "main")
    sha = github.source.commit("Fresh", {"fresh.h": "int fresh;\n"})
    github.sim.push(FULL_NAME, "fresh", "fresh")
    push = events()[0][1]
    assert [(one["id"], one["added"]) for one in push["commits"]] == [(sha, ["fresh.h"])]


def test_a_push_is_told_before_the_new_head(github: GitHub, events: Events) -> None:
    _open(github, author="mona")
    github.sim.push(FULL_NAME, "topic", "topic~1")
    github.sim.push(FULL_NAME, "topic", "topic", by="hubot")
    found = events()[1:]
    assert _names(found) == ["push", "check_suite requested", "pull_request synchronize"] * 2
    assert [payload["sender"]["login"] for _, payload in found] == ["mona"] * 3 + ["hubot"] * 3


def test_a_deleted_branch_leaves_its_pull_request(github: GitHub, events: Events) -> None:
    _open(github)
    github.sim.delete_branch(FULL_NAME, "topic")
    pull = github.client.json("GET", f"{REPOSITORY}/pulls/1")
    assert (pull["state"], pull["head"]["ref"], pull["head"]["sha"]) == ("open", "topic", github.sha("topic"))
    assert pull["changed_files"] == 4
    github.sim.close_pull(FULL_NAME, 1)
    with pytest.raises(LookupError):
        github.sim.reopen_pull(FULL_NAME, 1)
    assert _names(events()) == ["pull_request opened", "push", "pull_request closed"]


BUTTON = {"label": "Recheck", "description": "Check once more", "identifier": "recheck"}


def test_a_button_is_pressed(github: GitHub, events: Events) -> None:
    _open(github)
    run = _check(github, conclusion="failure", actions=[BUTTON])
    assert github.sim.buttons(run) == [BUTTON]
    events()
    github.sim.press(run, "recheck", "mona")
    ((event, payload),) = events()
    assert (event, payload["action"]) == ("check_run", "requested_action")
    assert payload["requested_action"] == {"identifier": "recheck"}
    assert (payload["check_run"]["id"], payload["sender"]["login"]) == (run, "mona")
    assert payload["check_run"]["check_suite"]["head_branch"] == "topic"
    assert [one["number"] for one in payload["check_run"]["pull_requests"]] == [1]


def test_a_button_that_is_not_shown_cannot_be_pressed(github: GitHub) -> None:
    run = _check(github, status="in_progress", actions=[BUTTON])
    with pytest.raises(LookupError, match="shows no button"):
        github.sim.press(run, "recheck")
    github.client.json("PATCH", f"{REPOSITORY}/check-runs/{run}", {"conclusion": "success"})
    github.sim.press(run, "recheck")
    with pytest.raises(LookupError, match="shows no button"):
        github.sim.press(run, "cancel")
    github.client.json("PATCH", f"{REPOSITORY}/check-runs/{run}", {"actions": []})
    assert github.sim.buttons(run) == []


@pytest.mark.parametrize(("field", "length"), [("label", 20), ("description", 40), ("identifier", 20)])
def test_buttons_are_short_and_few(github: GitHub, field: str, length: int) -> None:
    run = _check(github, actions=[BUTTON | {field: "x" * length}] * 3)
    path = f"{REPOSITORY}/check-runs/{run}"
    assert github.client.call("PATCH", path, {"actions": [BUTTON | {field: "x" * (length + 1)}]}).status_code == 422
    assert github.client.call("PATCH", path, {"actions": [BUTTON] * 4}).status_code == 422
    assert len(github.sim.buttons(run)) == 3


def test_checks_are_asked_for_again(github: GitHub, receiver: Receiver, events: Events) -> None:
    _open(github)
    run = _check(github, conclusion="failure")
    _check(github, conclusion="success", name="other")
    before = github.sim.check_runs(FULL_NAME, github.sha("topic"))
    other = github.sim.create_app("other", receiver.url, "secret")
    github.sim.install(other.id, FULL_NAME)
    events()
    github.sim.rerun(run, "mona")
    github.sim.rerun_suite(FULL_NAME, github.sha("topic"), "mona")
    found = events()
    assert _names(found) == ["check_run rerequested", "check_suite rerequested"]
    suite = found[1][1]["check_suite"]
    assert found[0][1]["check_run"]["check_suite"]["id"] == suite["id"]
    assert (suite["app"]["id"], suite["latest_check_runs_count"]) == (github.app.id, 2)
    assert (suite["status"], suite["conclusion"]) == ("queued", None)
    assert {payload["sender"]["login"] for _, payload in found} == {"mona"}
    assert github.sim.check_runs(FULL_NAME, github.sha("topic")) == before
    with pytest.raises(LookupError):
        github.sim.rerun_suite(FULL_NAME, github.sha("main"), "mona")


def test_checks_on_a_fork_name_no_pull_request(github: GitHub, events: Events) -> None:
    sha = _fork(github)
    run = _check(github, head_sha=sha, conclusion="success", actions=[BUTTON])
    events()
    github.sim.press(run, "recheck")
    github.sim.rerun(run)
    github.sim.rerun_suite(FULL_NAME, sha)
    found = [payload.get("check_run") or payload["check_suite"] for _, payload in events()]
    assert [one["pull_requests"] for one in found] == [[], [], []]
    assert [one["head_sha"] for one in found] == [sha] * 3
    assert found[2]["head_branch"] is None


def test_a_pull_request_is_merged(github: GitHub, events: Events) -> None:
    _open(github)
    files = [one["filename"] for one in github.client.json("GET", f"{REPOSITORY}/pulls/1/files")]
    base, head = github.sha("main"), github.sha("topic")
    sha = github.sim.merge(FULL_NAME, 1, "mona")
    found = events()[1:]
    assert _names(found) == ["push", "check_suite requested", "pull_request closed"]
    push, closed = found[0][1], found[2][1]
    assert (push["ref"], push["before"], push["after"]) == ("refs/heads/main", base, sha)
    assert [one["id"] for one in push["commits"]] == [github.sha("topic~1"), head, sha]
    assert (closed["pull_request"]["merged"], closed["pull_request"]["merge_commit_sha"]) == (True, sha)
    assert (closed["pull_request"]["merged_by"]["login"], closed["sender"]["login"]) == ("mona", "mona")
    pull = github.client.json("GET", f"{REPOSITORY}/pulls/1")
    assert (pull["state"], pull["merged"], pull["commits"], pull["changed_files"]) == ("closed", True, 2, 4)
    assert pull["merged_at"] == pull["closed_at"]
    assert [one["filename"] for one in github.client.json("GET", f"{REPOSITORY}/pulls/1/files")] == files
    commit = github.client.json("GET", f"{REPOSITORY}/commits/main")
    assert [one["sha"] for one in commit["parents"]] == [base, head]
    with pytest.raises(ValueError, match="not open"):
        github.sim.merge(FULL_NAME, 1)
    with pytest.raises(LookupError, match="was merged"):
        github.sim.reopen_pull(FULL_NAME, 1)


def test_a_pull_request_with_conflicts_is_not_merged(github: GitHub) -> None:
    _open(github)
    github.source.git("checkout", "--quiet", "main")
    github.source.commit("Conflict", {"wide.h": NUMBERED.replace("int line25;", "int other;")})
    github.sim.push(FULL_NAME, "main", "main")
    with pytest.raises(GitError, match="conflicts"):
        github.sim.merge(FULL_NAME, 1)
    assert github.sim.pull(FULL_NAME, 1).state == "open"
    with pytest.raises(GitError, match="conflicts"):
        github.sim.queue(FULL_NAME, 1)


def test_a_pull_request_is_queued_and_taken_off(github: GitHub, events: Events) -> None:
    _open(github)
    base, head = github.sha("main"), github.sha("topic")
    group = github.sim.queue(FULL_NAME, 1, "mona")
    branch = f"gh-readonly-queue/main/pr-1-{base}"
    assert (group.head_ref, group.base_ref, group.base_sha) == (f"refs/heads/{branch}", "refs/heads/main", base)
    found = events()[1:]
    assert _names(found) == ["push", "check_suite requested", "merge_group checks_requested"]
    told = found[2][1]["merge_group"]
    assert (told["head_sha"], told["base_sha"], told["head_ref"]) == (group.head_sha, base, group.head_ref)
    commit = github.client.json("GET", f"{REPOSITORY}/branches/{branch}")["commit"]
    assert [one["sha"] for one in commit["parents"]] == [base, head]
    assert _check(github, head_sha=group.head_sha, conclusion="success")
    github.sim.dequeue(FULL_NAME, group, "invalidated")
    found = events()
    assert _names(found) == ["merge_group destroyed", "push"]
    assert (found[0][1]["reason"], found[1][1]["deleted"]) == ("invalidated", True)
    assert github.client.get(f"{REPOSITORY}/branches/{branch}").status_code == 404
    assert github.sim.pull(FULL_NAME, 1).state == "open"


def test_a_group_that_passed_is_merged(github: GitHub, events: Events) -> None:
    _open(github)
    group = github.sim.queue(FULL_NAME, 1)
    events()
    github.sim.dequeue(FULL_NAME, group, "merged")
    assert _names(events()) == [
        "push",
        "check_suite requested",
        "pull_request closed",
        "merge_group destroyed",
        "push",
    ]
    assert github.client.json("GET", f"{REPOSITORY}/branches/main")["commit"]["sha"] == group.head_sha
    assert github.client.json("GET", f"{REPOSITORY}/pulls/1")["merge_commit_sha"] == group.head_sha


def test_a_group_on_an_old_base_cannot_be_merged(github: GitHub) -> None:
    _open(github)
    group = github.sim.queue(FULL_NAME, 1)
    github.source.git("checkout", "--quiet", "main")
    github.source.commit("Meanwhile", {"late.h": "int late;\n"})
    github.sim.push(FULL_NAME, "main", "main")
    with pytest.raises(ValueError, match="main went on"):
        github.sim.dequeue(FULL_NAME, group, "merged")


def test_a_fork_that_is_deleted(github: GitHub, events: Events) -> None:
    sha = _fork(github)
    github.sim.delete_repository("someone/engine")
    pull = github.client.json("GET", f"{REPOSITORY}/pulls/1")
    assert (pull["head"]["repo"], pull["head"]["sha"], pull["head"]["user"]["login"]) == (None, sha, "someone")
    assert github.client.json("GET", f"{REPOSITORY}/pulls")[0]["head"]["repo"] is None
    assert len(github.client.json("GET", f"{REPOSITORY}/pulls/1/files")) == 5
    github.sim.edit_pull(FULL_NAME, 1, title="Orphaned")
    github.sim.close_pull(FULL_NAME, 1)
    found = events()
    assert _names(found) == ["pull_request opened", "pull_request edited", "pull_request closed"]
    assert found[0][1]["pull_request"]["head"]["repo"]["full_name"] == "someone/engine"
    assert [payload["pull_request"]["head"]["repo"] for _, payload in found[1:]] == [None, None]
    with pytest.raises(LookupError):
        github.sim.reopen_pull(FULL_NAME, 1)
    with pytest.raises(ValueError, match="only forks"):
        github.sim.delete_repository(FULL_NAME)


def test_installations_are_told(github: GitHub, events: Events) -> None:
    github.sim.create_repository("octo-org/other", github.source.path)
    github.sim.create_repository("mona/engine", github.source.path)
    assert github.sim.install(github.app.id, "octo-org/other") == github.installation_id
    theirs = github.sim.install(github.app.id, "mona/engine")
    github.sim.uninstall(theirs)
    found = events()
    assert _names(found) == ["installation_repositories added", "installation created", "installation deleted"]
    added, created, deleted = (payload for _, payload in found)
    assert [one["full_name"] for one in added["repositories_added"]] == ["octo-org/other"]
    assert created["installation"]["id"] == deleted["installation"]["id"] == theirs
    assert [one["full_name"] for one in deleted["repositories"]] == ["mona/engine"]


def test_labels_are_told(github: GitHub, events: Events) -> None:
    _open(github)
    github.client.json("POST", f"{REPOSITORY}/issues/1/labels", {"labels": ["page-size", "Page-Size", "bug"]})
    found = events()[1:]
    assert _names(found) == ["pull_request labeled"] * 2
    assert [payload["label"]["name"] for _, payload in found] == ["page-size", "bug"]
    assert found[1][1]["sender"]["login"] == "pagewarden[bot]"


def test_without_permission_for_checks_there_are_statuses(github: GitHub, events: Events) -> None:
    app = github.sim.create_app("statuses", permissions={**PERMISSIONS, "checks": "read"})
    installation = github.sim.install(app.id, FULL_NAME)
    as_app = Client(github.sim.api_url, f"Bearer {signed(app, github.clock.now)}")
    token = as_app.json("POST", f"/app/installations/{installation}/access_tokens")["token"]
    client = Client(github.sim.api_url, f"Bearer {token}")
    refused = client.call("POST", f"{REPOSITORY}/check-runs", {"name": "x", "head_sha": github.sha("topic")})
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
    made = client.json("POST", f"{REPOSITORY}/statuses/{github.sha('topic')}", {"state": "success", "context": "x"})
    assert made["creator"]["login"] == "statuses[bot]"
