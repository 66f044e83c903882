"""Events become requests, are ignored with a reason, or are refused with the place of the mistake."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import ACTIONS, BUTTONS, LONGEST_TITLE, NOBODY, Ignored, read
from bot.payloads import PayloadError
from tests.bot.payloads import (
    BASE,
    HEAD,
    check_run,
    check_suite,
    comment,
    installation,
    merge_group,
    pull_request,
    push,
    workflow_run,
)
from workers.conversation.commands import Command, Unclear
from workers.report import check, unclear
from workers.requests import (
    KINDS,
    CheckEvent,
    CommentEvent,
    MergeGroupEvent,
    PullRequestEvent,
    PushEvent,
    SuiteEvent,
    UninstalledEvent,
    WorkflowRunEvent,
)

APP = 7
MOVED_BASE = {"base": {"ref": {"from": "main"}, "sha": {"from": BASE}}}
REPOSITORY: dict[str, Any] = {
    "installation_id": 42,
    "repository": "oven-sh/WebKit",
    "clone_url": "https://github.com/oven-sh/WebKit.git",
}
ZEROS = "0" * 40


def _press(identifier: object) -> dict[str, Any]:
    return check_run("requested_action", requested_action={"identifier": identifier})


WANTED: dict[str, tuple[dict[str, Any], ...]] = {
    "pull_request": tuple(pull_request(action, changes=MOVED_BASE) for action in sorted(ACTIONS["pull_request"])),
    "issue_comment": (comment("/recheck"), comment("/rechek")),
    "check_run": (check_run(), *(_press(button) for button in sorted(BUTTONS))),
    "check_suite": (check_suite(),),
    "merge_group": (merge_group(), merge_group("destroyed")),
    "push": (push(),),
    "workflow_run": tuple(workflow_run(action) for action in sorted(ACTIONS["workflow_run"])),
    "installation": (installation(), installation("suspend")),
}
"""Payloads of each event that become requests."""


@pytest.mark.parametrize("action", sorted(ACTIONS["pull_request"]))
def test_each_action_of_a_pull_request_that_matters_becomes_a_request(action: str) -> None:
    assert read("pull_request", pull_request(action, changes=MOVED_BASE), APP) == PullRequestEvent(
        action=action,
        number=176,
        head_sha=HEAD,
        base_ref="main",
        base_sha=BASE,
        **REPOSITORY,
    )


def test_a_comment_becomes_what_it_asks_for() -> None:
    assert read("issue_comment", comment("/recheck stress\n/stress 8k"), APP) == CommentEvent(
        number=176,
        comment_id=9,
        author="hubot[bot]",
        pull_author="octocat",
        open=True,
        asked=(Command("recheck", what=("stress",)), Unclear("/stress 8k", unclear.PAGE_SIZE)),
        **REPOSITORY,
    )


def test_a_comment_through_another_app_counts_and_whoever_is_gone_from_github_has_a_name() -> None:
    payload = comment("/cancel", performed_via_github_app={"id": 8})
    payload["issue"]["user"] = None
    request = read("issue_comment", payload, APP)
    assert isinstance(request, CommentEvent)
    assert (request.pull_author, request.asked) == (NOBODY, (Command("cancel"),))


@pytest.mark.parametrize(
    ("payload", "asked"),
    [
        (check_run(), "rerun"),
        (_press("recheck"), "recheck"),
        (_press("stress"), "stress"),
        (_press("preview"), "preview"),
        (_press("cancel"), "cancel"),
    ],
)
def test_each_button_of_a_check_becomes_a_request(payload: dict[str, Any], asked: str) -> None:
    assert read("check_run", payload, APP) == CheckEvent(
        asked=asked,
        sender="octocat",
        check_name="pagewarden",
        external_id="0123abcd",
        head_sha=HEAD,
        **REPOSITORY,
    )


def test_each_button_that_a_check_has_is_known() -> None:
    assert {button.identifier for button in (*check.BUTTONS, *check.PREVIEW_BUTTONS)} == BUTTONS


def test_a_check_without_an_id_of_ours_has_an_empty_one() -> None:
    payload = check_run()
    payload["check_run"]["external_id"] = None
    request = read("check_run", payload, APP)
    assert isinstance(request, CheckEvent)
    assert request.external_id == ""


def test_all_checks_asked_for_again_become_one_request() -> None:
    assert read("check_suite", check_suite(), APP) == SuiteEvent(sender="octocat", head_sha=HEAD, **REPOSITORY)


@pytest.mark.parametrize("action", ["checks_requested", "destroyed"])
def test_a_merge_group_becomes_a_request_with_short_names_of_branches(action: str) -> None:
    assert read("merge_group", merge_group(action), APP) == MergeGroupEvent(
        action=action,
        base_ref="main",
        base_sha=BASE,
        head_ref=f"gh-readonly-queue/main/pr-176-{BASE}",
        head_sha=HEAD,
        **REPOSITORY,
    )


@pytest.mark.parametrize("before", [BASE, ZEROS])
def test_a_push_to_the_default_branch_becomes_a_request(before: str) -> None:
    assert read("push", push(before=before), APP) == PushEvent(ref="main", before=before, after=HEAD, **REPOSITORY)


@pytest.mark.parametrize("action", ["requested", "in_progress", "completed"])
def test_each_step_of_a_dispatched_workflow_becomes_a_request(action: str) -> None:
    assert read("workflow_run", workflow_run(action), APP) == WorkflowRunEvent(
        action=action,
        installation_id=42,
        repository="oven-sh/WebKit",
        workflow_run_id=30433642,
        title="Preview build autobuild-preview-pr-176-bbbbbbbb-0123456789abcdef",
    )


def test_of_a_long_title_of_a_workflow_run_the_beginning_is_kept() -> None:
    request = read("workflow_run", workflow_run(display_title="x" * 66_000), APP)
    assert isinstance(request, WorkflowRunEvent)
    assert request.title == "x" * LONGEST_TITLE


@pytest.mark.parametrize("action", ["deleted", "suspend"])
def test_an_app_that_is_sent_away_becomes_a_request(action: str) -> None:
    assert read("installation", installation(action), APP) == UninstalledEvent(42)


@pytest.mark.parametrize(("event", "payload"), [(event, each) for event, all_ in WANTED.items() for each in all_])
def test_a_request_survives_json_and_is_of_its_events_kind(event: str, payload: dict[str, Any]) -> None:
    request = read(event, payload, APP)
    assert not isinstance(request, Ignored)
    assert type(request) is KINDS[event]
    assert KINDS[event].from_json(json.loads(json.dumps(request.to_json()))) == request


def test_every_event_with_a_request_is_read() -> None:
    assert set(WANTED) == set(KINDS) == {*ACTIONS, "push"}


@pytest.mark.parametrize(
    ("event", "payload", "reason"),
    [
        ("issues", {}, "nothing to do for the event issues"),
        ("issues", None, "nothing to do for the event issues"),
        ("pull_request_target", pull_request(), "nothing to do for the event pull_request_target"),
        ("installation_repositories", {"action": "removed"}, "nothing to do for the event installation_repositories"),
        ("pull_request", {"action": "labeled"}, "nothing to do for the action labeled"),
        ("pull_request", pull_request("edited", changes={"title": {"from": "x"}}), "edited, but not its base"),
        ("pull_request", pull_request("edited"), "edited, but not its base"),
        ("pull_request", pull_request("edited", changes=None), "edited, but not its base"),
        ("issue_comment", {**comment("/recheck"), "action": "edited"}, "nothing to do for the action edited"),
        ("issue_comment", {**comment("/recheck"), "action": "deleted"}, "nothing to do for the action deleted"),
        ("issue_comment", comment("Thanks!"), "a comment that asks for nothing"),
        ("issue_comment", comment("> /recheck"), "a comment that asks for nothing"),
        ("issue_comment", comment("/review"), "a comment that asks for nothing"),
        ("issue_comment", comment("/recheck", performed_via_github_app={"id": APP}), "a comment of our own"),
        (
            "issue_comment",
            {**comment("/recheck"), "issue": {"number": 176, "state": "open", "user": {"login": "octocat"}}},
            "a comment on an issue, not on a pull request",
        ),
        ("check_run", check_run("completed"), "nothing to do for the action completed"),
        ("check_run", check_run(app=8), "a check of another App"),
        ("check_run", _press("lgtm|26764"), "a button that is none of ours"),
        ("check_run", _press("rerun"), "a button that is none of ours"),
        ("check_suite", check_suite("requested"), "nothing to do for the action requested"),
        ("check_suite", check_suite(app=8), "checks of another App"),
        ("merge_group", merge_group("other"), "nothing to do for the action other"),
        ("push", push(ref="refs/heads/other"), "a push, but not to the default branch"),
        ("push", push(ref="refs/heads/feature/main"), "a push, but not to the default branch"),
        ("push", push(ref="refs/tags/main"), "a push, but not to the default branch"),
        ("push", push(deleted=True), "a push that deletes"),
        ("push", push(after=ZEROS), "a push that deletes"),
        ("workflow_run", workflow_run("other"), "nothing to do for the action other"),
        ("workflow_run", workflow_run(event="push"), "a workflow run for another event"),
        ("workflow_run", workflow_run(event="repository_dispatch"), "a workflow run for another event"),
        ("installation", installation("created"), "nothing to do for the action created"),
        ("installation", installation("unsuspend"), "nothing to do for the action unsuspend"),
    ],
)
def test_what_is_ignored_says_why(event: str, payload: object, reason: str) -> None:
    assert read(event, payload, APP) == Ignored(reason)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((), [], "$: expected an object, not an array"),
        ((), None, "$: expected an object, not nothing"),
        ((), 1.5, "$: expected an object, not a number"),
        (("action",), True, "$.action: expected a string, not a boolean"),
        (("number",), "176", "$.number: Input should be a valid integer"),
        (("number",), 0, "$.number: Input should be greater than 0"),
        (("number",), True, "$.number: Input should be a valid integer"),
        (("installation",), None, "$.installation: expected an object; is this the webhook of a GitHub App?"),
        (("pull_request", "head", "sha"), "HEAD", "$.pull_request.head.sha: String should match pattern"),
        (("pull_request", "head", "sha"), f"{HEAD}\n", "$.pull_request.head.sha: String should match pattern"),
        (("pull_request", "base", "ref"), "", "$.pull_request.base.ref: String should have at least 1 character"),
        (("repository", "full_name"), "a/b/c", "$.repository.full_name: String should match pattern"),
        (("repository", "clone_url"), "file:///etc", "$.repository.clone_url: String should match pattern"),
        (("repository", "clone_url"), "https://u:p@github.com/a/b", "$.repository.clone_url: String should match"),
        (("repository", "clone_url"), "ext::sh -c x", "$.repository.clone_url: String should match pattern"),
    ],
)
def test_a_mistake_is_told_with_its_place(path: tuple[str, ...], value: object, message: str) -> None:
    payload = _with(pull_request(), path, value)
    with pytest.raises(PayloadError) as raised:
        read("pull_request", payload, APP)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("event", "path", "value", "message"),
    [
        ("issue_comment", ("issue", "user"), "octocat", "$.issue.user: expected an object"),
        ("issue_comment", ("issue", "pull_request"), "yes", "$.issue.pull_request: expected an object"),
        ("issue_comment", ("comment", "user"), None, "$.comment.user: expected an object"),
        ("issue_comment", ("comment", "user", "login"), "a b", "$.comment.user.login: String should match pattern"),
        (
            "issue_comment",
            ("comment", "user", "login"),
            "@everyone",
            "$.comment.user.login: String should match pattern",
        ),
        (
            "issue_comment",
            ("comment", "user", "login"),
            "bot[bot]x",
            "$.comment.user.login: String should match pattern",
        ),
        ("issue_comment", ("comment", "body"), None, "$.comment.body: Input should be a valid string"),
        ("issue_comment", ("comment", "body"), "\ud800", "$.comment.body: Input should be a valid string"),
        ("issue_comment", ("comment", "id"), 1.0, "$.comment.id: Input should be a valid integer"),
        ("issue_comment", ("comment", "id"), 1 << 63, "$.comment.id: Input should be less than"),
        ("issue_comment", ("comment", "performed_via_github_app"), {}, "$.comment.performed_via_github_app.id: Field"),
        ("check_run", ("check_run", "app", "id"), "7", "$.check_run.app.id: Input should be a valid integer"),
        ("check_run", ("check_run", "external_id"), 7, "$.check_run.external_id: Input should be a valid string"),
        (
            "check_run",
            ("check_run", "name"),
            "x" * 1001,
            "$.check_run.name: String should have at most 1000 characters",
        ),
        ("check_run", ("sender",), None, "$.sender: expected an object"),
        ("check_run", ("action",), "requested_action", "$.requested_action: Field required"),
        ("check_suite", ("check_suite", "head_sha"), "main", "$.check_suite.head_sha: String should match pattern"),
        ("merge_group", ("merge_group", "base_ref"), "main", "$.merge_group.base_ref: String should match pattern"),
        (
            "merge_group",
            ("merge_group", "head_ref"),
            "refs/heads/",
            "$.merge_group.head_ref: String should match pattern",
        ),
        ("push", ("deleted",), "no", "$.deleted: Input should be a valid boolean"),
        ("push", ("deleted",), 0, "$.deleted: Input should be a valid boolean"),
        ("push", ("repository", "default_branch"), None, "$.repository.default_branch: Input should be a valid string"),
        ("push", ("before",), None, "$.before: Input should be a valid string"),
        ("workflow_run", ("workflow_run",), None, "$.workflow_run: expected an object"),
        ("workflow_run", ("workflow_run", "id"), "7", "$.workflow_run.id: Input should be a valid integer"),
        (
            "workflow_run",
            ("workflow_run", "display_title"),
            None,
            "$.workflow_run.display_title: Input should be a valid string",
        ),
        ("installation", ("installation", "id"), True, "$.installation.id: Input should be a valid integer"),
    ],
)
def test_a_mistake_in_each_event_is_told_with_its_place(
    event: str, path: tuple[str, ...], value: object, message: str
) -> None:
    with pytest.raises(PayloadError) as raised:
        read(event, _with(WANTED[event][0], path, value), APP)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("event", WANTED)
def test_a_webhook_that_is_no_apps_gets_a_hint(event: str) -> None:
    payload = {key: value for key, value in WANTED[event][0].items() if key != "installation"}
    with pytest.raises(PayloadError, match=r"\$\.installation: Field required; is this the webhook of a GitHub App\?"):
        read(event, payload, APP)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(st.text(max_size=20) | st.sampled_from(sorted(KINDS)), JSON)
def test_any_json_never_crashes_the_reader(event: str, payload: object) -> None:
    _read_somehow(event, payload)


@given(st.sampled_from(sorted(KINDS)), st.dictionaries(st.sampled_from(["action", "installation", "push"]), JSON))
def test_any_action_never_crashes_the_reader(event: str, fields: dict[str, object]) -> None:
    _read_somehow(event, {**WANTED[event][0], **fields})


def _read_somehow(event: str, payload: object) -> None:
    """Whatever comes out must be something that can be stored and sent on."""
    try:
        request = read(event, payload, APP)
    except PayloadError as error:
        assert str(error).startswith("$")
        return
    if not isinstance(request, Ignored):
        json.dumps(request.to_json(), allow_nan=False).encode()


def _with(payload: object, path: tuple[str, ...], value: object) -> object:
    """A copy with another value at `path`; a path that is no longer there changes nothing."""
    if not path:
        return value
    changed = copy.deepcopy(payload)
    inner: Any = changed
    for key in path[:-1]:
        if not isinstance(inner, dict) or key not in inner:
            return changed
        inner = inner[key]
    if isinstance(inner, dict):
        inner[path[-1]] = value
    return changed
