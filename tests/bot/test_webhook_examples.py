"""GitHub's own examples: each is taken or ignored as it should be, and nothing made of them harms the reader."""

from __future__ import annotations

import copy
import json
import re
import types
import typing
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.events import Ignored, read
from bot.payloads import PayloadError
from bot.webhook import create_web
from tests.bot import payloads
from tests.bot.examples import OUR_APP, Example, examples
from tests.bot.payloads import encoded, headers
from workers.inbox import Inbox
from workers.requests import KINDS

NO_APP = "$.installation: Field required; is this the webhook of a GitHub App?"
NO_ACTION = "nothing to do for the action "
NOT_A_PULL = "a comment on an issue, not on a pull request"
NO_DISPATCH = "a workflow run for another event"
NO_DEFAULT = "a push, but not to the default branch"

# What becomes of the examples of each case: a request, a reason to ignore it, or an error. Several were recorded for
# webhooks that are no App's.
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "pull_request assigned": (f"{NO_ACTION}assigned",),
    "pull_request closed": ("PullRequestEvent",),
    "pull_request converted_to_draft": ("PullRequestEvent", NO_APP),
    "pull_request labeled": (f"{NO_ACTION}labeled",),
    "pull_request locked": (f"{NO_ACTION}locked",),
    "pull_request opened": ("PullRequestEvent", NO_APP),
    "pull_request ready_for_review": ("PullRequestEvent", NO_APP),
    "pull_request reopened": ("PullRequestEvent",),
    "pull_request review_request_removed": (f"{NO_ACTION}review_request_removed",),
    "pull_request review_requested": (f"{NO_ACTION}review_requested",),
    "pull_request synchronize": ("PullRequestEvent",),
    "pull_request unassigned": (f"{NO_ACTION}unassigned",),
    "pull_request unlabeled": (f"{NO_ACTION}unlabeled",),
    "pull_request unlocked": (f"{NO_ACTION}unlocked",),
    "issue_comment created": (NOT_A_PULL,),
    "issue_comment deleted": (f"{NO_ACTION}deleted",),
    "issue_comment edited": (f"{NO_ACTION}edited",),
    "check_run completed": (f"{NO_ACTION}completed",),
    "check_run created": (f"{NO_ACTION}created",),
    "check_run requested_action": ("a button that is none of ours",),
    "check_run rerequested": ("CheckEvent",),
    "check_suite completed": (f"{NO_ACTION}completed",),
    "check_suite requested": (f"{NO_ACTION}requested",),
    "check_suite rerequested": ("SuiteEvent",),
    "merge_group checks_requested": ("MergeGroupEvent",),
    "push to refs/heads/master": ("PushEvent",),
    "push to refs/tags/simple-tag": (NO_DEFAULT,),
    "push deletes refs/tags/simple-tag": ("a push that deletes",),
    "workflow_run completed for repository_dispatch": (NO_DISPATCH,),
    "workflow_run completed for workflow_dispatch": (NO_APP,),
    "workflow_run requested for repository_dispatch": (NO_DISPATCH,),
    "installation created": (f"{NO_ACTION}created",),
    "installation deleted": ("UninstalledEvent",),
    "installation new_permissions_accepted": (f"{NO_ACTION}new_permissions_accepted",),
    "installation suspend": ("UninstalledEvent",),
    "installation unsuspend": (f"{NO_ACTION}unsuspend",),
    "installation_repositories added": ("nothing to do for the event installation_repositories",),
    "installation_repositories removed": ("nothing to do for the event installation_repositories",),
    # The web server answers it before it is read.
    "ping": ("nothing to do for the event ping",),
}
REQUESTS = frozenset(kind.__name__ for kind in KINDS.values())
Place = tuple[str | int, ...]
"""A JSON path."""
EVENTS = frozenset(case.partition(" ")[0] for case in EXPECTED)


def outcome(event: str, payload: object, app_id: int) -> str:
    """The name of the request, the reason for ignoring it, or the error."""
    try:
        found = read(event, payload, app_id)
    except PayloadError as error:
        return str(error)
    return found.reason if isinstance(found, Ignored) else type(found).__name__


def _ours() -> tuple[Example, ...]:
    return tuple(example for example in examples() if example.event in EVENTS)


def _expected(example: Example) -> str:
    first, *others = EXPECTED.get(example.case, ("a row in the table",))
    return NO_APP if others == [NO_APP] and "installation" not in example.payload else first


def test_every_example_is_taken_or_ignored_as_it_should_be() -> None:
    found = {
        f"{each.case} ({each.number})": (outcome(each.event, each.payload, each.app_id), _expected(each))
        for each in _ours()
    }
    assert len(found) > 50
    assert {name: pair for name, pair in found.items() if pair[0] != pair[1]} == {}


def test_every_row_has_an_example() -> None:
    seen = {(example.case, "installation" in example.payload) for example in _ours()}
    assert {case for case, _ in seen} == set(EXPECTED)
    both = {case for case, expected in EXPECTED.items() if NO_APP in expected[1:]}
    assert {(case, installed) for case in both for installed in (True, False)} <= seen


def test_all_other_events_of_github_are_ignored() -> None:
    others = [example for example in examples() if example.event not in EVENTS]
    assert len({example.event for example in others}) > 40
    assert {outcome(each.event, each.payload, OUR_APP) for each in others} == {
        f"nothing to do for the event {each.event}" for each in others
    }


def test_examples_of_another_apps_checks_are_ignored() -> None:
    found = Counter(
        outcome(each.event, each.payload, OUR_APP)
        for each in _ours()
        if each.case in {"check_run requested_action", "check_run rerequested", "check_suite rerequested"}
    )
    assert set(found) == {"a check of another App", "checks of another App"}
    assert outcome("check_run", _first("check_run rerequested").payload, OUR_APP) == "a check of another App"


def test_examples_are_read_field_by_field() -> None:
    """What the reader takes from one example of each kind."""
    origin = {"repository": "Codertocat/Hello-World", "clone_url": "https://github.com/Codertocat/Hello-World.git"}
    head, base = "ec26c3e57ca3a959ca5aad62de7213c562f8c821", "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
    pushed = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
    queue = "gh-readonly-queue/main/pr-104-929f8209d40f77f4abc622a499c93a83babdbe64"
    assert _read_first("pull_request synchronize").to_json() == {
        "action": "synchronize", "installation_id": 1, **origin, "number": 2,
        "head_sha": head, "base_ref": "master", "base_sha": base,
    }  # fmt: skip
    assert _read_first("check_run rerequested").to_json() == {
        "asked": "rerun", "installation_id": 1, "repository": "github/hello-world",
        "clone_url": "http://github.com/github/hello-world.git", "sender": "octocat",
        "check_name": "randscape", "external_id": "", "head_sha": "d6fde92930d4715a2b49857d24b940956b26d2d3",
    }  # fmt: skip
    assert _read_first("check_suite rerequested").to_json() == {
        "installation_id": 957387, **origin, "sender": "octocoders-linter[bot]", "head_sha": head,
    }  # fmt: skip
    assert _read_first("merge_group checks_requested").to_json() == {
        "action": "checks_requested", "installation_id": 1, "repository": "octo-org/octo-repo",
        "clone_url": "https://github.com/octo-org/octo-repo.git",
        "base_ref": "main", "base_sha": "380387fbc80638b734a49e1be1c4dfec1c01b33c",
        "head_ref": queue, "head_sha": "2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d",
    }  # fmt: skip
    assert _read_first("push to refs/heads/master").to_json() == {
        "installation_id": 1, **origin, "ref": "master", "before": "0" * 40, "after": pushed,
    }  # fmt: skip
    assert _read_first("installation deleted").to_json() == {"installation_id": 2}


def test_an_example_of_a_comment_that_asks_for_something_is_taken() -> None:
    (comment,) = [each for each in _made() if each.event == "issue_comment"]
    assert outcome("issue_comment", comment.payload, OUR_APP) == "CommentEvent"


def test_an_example_of_a_workflow_that_was_dispatched_is_read_field_by_field() -> None:
    (ran,) = [each for each in _made() if each.event == "workflow_run"]
    request = read("workflow_run", ran.payload, OUR_APP)
    assert not isinstance(request, Ignored)
    assert request.to_json() == {
        "action": "completed", "installation_id": 1, "repository": "Codertocat/Hello-World",
        "workflow_run_id": 1589141559, "title": "Preview autobuild-preview-pr-1-aaaaaaaa-bbbbbbbbbbbbbbbb",
    }  # fmt: skip


def test_the_webhook_answers_every_example(redis_url: str, tmp_path: Path) -> None:
    answers = Counter[str]()
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        for app_id in {example.app_id for example in _ours()}:
            web = create_web(payloads.settings(redis_url, tmp_path, app_id=app_id)).test_client()
            for example in (each for each in _ours() if each.app_id == app_id):
                body = encoded(example.payload)
                delivery = f"{example.event}-{example.number}"
                answer = web.post("/webhook", data=body, headers=headers(body, event=example.event, delivery=delivery))
                answers[_checked(example, answer.status_code, answer.get_json(), Inbox(client), delivery)] += 1
        assert client.llen("fast") == answers["queued"] == len(Inbox(client).pending(-1))
    assert set(answers) == {"queued", "ignored", "refused", "pong"}


def _checked(example: Example, status: int, answer: dict[str, Any], inbox: Inbox, delivery: str) -> str:
    """The kind of an answer that is as it should be."""
    said = outcome(example.event, example.payload, example.app_id)
    kept = inbox.get(delivery)
    if example.event == "ping":
        assert (status, answer, kept) == (202, {"status": "pong"}, None)
    elif said.startswith("$"):
        assert (status, answer, kept) == (400, {"status": "refused", "reason": said}, None)
    elif answer["status"] == "ignored":
        assert (status, answer, kept) == (202, {"status": "ignored", "reason": said}, None)
    else:
        assert (status, answer) == (202, {"status": "queued", "delivery": delivery})
        assert kept is not None
        assert type(KINDS[kept.event].from_json(kept.request)).__name__ == said
    return str(answer["status"])


def _first(case: str) -> Example:
    return next(each for each in _ours() if each.case == case and "installation" in each.payload)


def _read_first(case: str) -> Any:
    example = _first(case)
    return read(example.event, example.payload, example.app_id)


def _made() -> Iterator[Example]:
    """What GitHub has no example of, made of those that it has: a command on a pull request, and a button of ours."""
    comment = copy.deepcopy(_first("issue_comment created"))
    comment.payload["issue"]["pull_request"] = {"url": "https://api.github.com/repos/Codertocat/Hello-World/pulls/1"}
    comment.payload["comment"]["body"] = "/recheck all\n/explain `PAS_SMALL_PAGE`\n/stress 8k"
    yield comment
    button = copy.deepcopy(_first("check_run requested_action"))
    button.payload["requested_action"]["identifier"] = "stress"
    yield button
    ran = copy.deepcopy(next(each for each in _ours() if each.case == "workflow_run completed for workflow_dispatch"))
    ran.payload["installation"] = {"id": 1, "node_id": "MDIzOk"}
    ran.payload["workflow_run"]["display_title"] = f"Preview autobuild-preview-pr-1-{'a' * 8}-{'b' * 16}"
    yield ran


@cache
def _seeds() -> tuple[Example, ...]:
    """Examples that become requests, and some that do not."""
    taken = [each for each in _ours() if outcome(each.event, each.payload, each.app_id) in REQUESTS]
    return (*_made(), *taken, *(each for each in _ours() if each not in taken and each.number == 0))


def _paths(value: object, path: Place = ()) -> Iterator[Place]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _paths(child, (*path, key))


@cache
def _places(index: int) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """All JSON paths of an example, and those where another value makes another outcome: what the reader looks at."""
    example = _seeds()[index]
    everywhere = tuple(_paths(example.payload))
    before = _result(example.event, example.payload, example.app_id)
    changed = ((path, _with(example.payload, path, 0.5)) for path in everywhere)
    return everywhere, tuple(
        path for path, payload in changed if _result(example.event, payload, example.app_id) != before
    )


def _result(event: str, payload: object, app_id: int) -> object:
    try:
        return read(event, payload, app_id)
    except PayloadError as error:
        return str(error)


GONE = object()
STRANGE: tuple[Any, ...] = (
    GONE, None, True, False, 0, 1, -1, 7, 1 << 31, 1 << 63, 1 << 200, 0.5, 1e308, float("nan"), "", " ", "0", "main",
    "x" * 100_000, "/" * 100_000, "/recheck\n" * 20_000, "[" * 70_000, "refs/heads/", "refs/heads/-\n", "\0", "\ud800",
    "\u202e/recheck", "é" * 500, "a" * 40, "A" * 40, "a" * 40 + "\n", "file:///etc/passwd", "https://u:p@example.com/a",
    "../../etc", "octocat\n", "octocat[bot]", "/ok-to-test " + "a" * 40, [], {}, [[[[[]]]]], {"id": 7}, {"id": "7"},
    {"login": "x"}, [{"id": 1}], {"a": {"b": {"c": ["d"] * 1000}}}, {"\ud800": 1}, {"": None},
)  # fmt: skip
VALUES = (
    st.sampled_from(STRANGE)
    | st.text(max_size=50)
    | st.integers()
    | st.floats()
    | st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))
)


@st.composite
def _mutants(draw: st.DrawFn) -> Example:
    index = draw(st.integers(0, len(_seeds()) - 1))
    example = _seeds()[index]
    everywhere, looked_at = _places(index)
    payload: object = example.payload
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(looked_at or everywhere) | st.sampled_from(everywhere))
        payload = _with(payload, path, draw(VALUES))
    return Example(example.event, example.number, typing.cast("dict[str, Any]", payload))


tried = Counter[str]()


@settings(
    max_examples=2000,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(_mutants())
def _mutated_payloads_are_read_or_refused(example: Example) -> None:
    try:
        request = read(example.event, example.payload, _app_of(example))
    except PayloadError as error:
        assert str(error).startswith("$")
        assert len(str(error)) < 500
        tried["refused"] += 1
        return
    tried["ignored" if isinstance(request, Ignored) else "taken"] += 1
    _assert_typed(request)
    if not isinstance(request, Ignored):
        text = json.dumps(request.to_json(), allow_nan=False)
        assert type(request).from_json(json.loads(text)) == request
        assert request.installation_id > 0
        assert all(_is_sound(request, name) for name in vars(request))


def test_two_thousand_mutated_payloads_are_read_or_refused() -> None:
    tried.clear()
    _mutated_payloads_are_read_or_refused()
    print(f"\nmutated payloads: {dict(tried)}")
    assert tried.total() >= 2000
    assert min(tried[kind] for kind in ("refused", "ignored", "taken")) > 100


def _app_of(example: Example) -> int:
    return next(each.app_id for each in _seeds() if (each.event, each.number) == (example.event, example.number))


def _assert_typed(data: object) -> None:
    """Every field has the very type that its class declares."""
    for name, hint in typing.get_type_hints(type(data)).items():
        assert _fits(getattr(data, name), hint), (type(data).__name__, name, getattr(data, name))


def _fits(value: object, hint: Any) -> bool:
    if typing.get_origin(hint) is tuple:
        return type(value) is tuple and all(_fits(each, typing.get_args(hint)[0]) for each in value)
    if isinstance(hint, types.UnionType):
        return any(_fits(value, each) for each in typing.get_args(hint))
    if type(value) is not hint:
        return False
    if hint not in {str, int}:
        _assert_typed(value)
    return True


def _is_sound(request: object, name: str) -> bool:
    """What a request promises of its fields, whatever was sent."""
    value: Any = getattr(request, name)
    match name:
        case "clone_url":
            return re.fullmatch(r"https?://[^\s@]+", value) is not None
        case "head_sha" | "base_sha" | "before" | "after":
            return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", value) is not None
        case "author" | "pull_author" | "sender":
            return re.fullmatch(r"[\w-]{1,100}(\[bot])?", value, re.ASCII) is not None
        case "number" | "comment_id" | "installation_id" | "workflow_run_id":
            return bool(0 < value < 1 << 63)
        case "title":
            return len(value) <= 1000
        case "base_ref" | "head_ref" | "ref":
            return 0 < len(value) <= 1024
        case "asked":
            return bool(value)
        case _:
            return True


def _with(payload: object, path: Place, value: object) -> object:
    """A copy with another value at `path`, or without it. A path that is no longer there changes nothing."""
    if not path:
        return {} if value is GONE else value
    if isinstance(payload, list) and isinstance(path[0], int) and path[0] < len(payload):
        changed: Any = list(payload)
    elif isinstance(payload, dict) and path[0] in payload:
        changed = dict(payload)
    else:
        return payload
    if len(path) == 1 and value is GONE:
        del changed[path[0]]
    else:
        changed[path[0]] = _with(changed[path[0]], path[1:], value)
    return changed
