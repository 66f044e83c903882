"""Events become requests, are ignored with a reason, or are refused with the place of the mistake."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import ACTIONS, Ignored, PayloadError, read
from tests.bot.payloads import BASE, HEAD, pull_request
from workers.runs import PullRequestEvent

MOVED_BASE = {"base": {"ref": {"from": "main"}, "sha": {"from": BASE}}}


def _payload(action: str) -> dict[str, Any]:
    return pull_request(action, changes=MOVED_BASE)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_each_action_that_matters_becomes_a_request(action: str) -> None:
    assert read("pull_request", _payload(action)) == PullRequestEvent(
        action=action,
        installation_id=42,
        repository="oven-sh/WebKit",
        number=176,
        head_sha=HEAD,
        base_ref="main",
        base_sha=BASE,
        clone_url="https://github.com/oven-sh/WebKit.git",
    )


def test_a_request_survives_json() -> None:
    request = read("pull_request", pull_request())
    assert isinstance(request, PullRequestEvent)
    assert PullRequestEvent.from_json(json.loads(json.dumps(request.to_json()))) == request


@pytest.mark.parametrize(
    ("event", "payload", "reason"),
    [
        ("issues", {}, "nothing to do for the event issues"),
        ("issues", None, "nothing to do for the event issues"),
        ("pull_request", {"action": "labeled"}, "nothing to do for the action labeled"),
        ("pull_request", pull_request("edited", changes={"title": {"from": "x"}}), "edited, but not its base"),
        ("pull_request", pull_request("edited"), "edited, but not its base"),
        ("pull_request", pull_request("edited", changes=None), "edited, but not its base"),
    ],
)
def test_what_is_ignored_says_why(event: str, payload: object, reason: str) -> None:
    assert read(event, payload) == Ignored(reason)


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
        read("pull_request", payload)
    assert str(raised.value).startswith(message)


def test_a_webhook_that_is_no_apps_gets_a_hint() -> None:
    payload = pull_request()
    del payload["installation"]
    with pytest.raises(PayloadError, match=r"\$\.installation: Field required; is this the webhook of a GitHub App\?"):
        read("pull_request", payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
PATHS = [
    ("action",),
    ("number",),
    ("changes",),
    ("changes", "base"),
    ("installation",),
    ("installation", "id"),
    ("repository",),
    ("repository", "full_name"),
    ("repository", "clone_url"),
    ("pull_request",),
    ("pull_request", "head"),
    ("pull_request", "head", "sha"),
    ("pull_request", "base"),
    ("pull_request", "base", "ref"),
    ("pull_request", "base", "sha"),
]


@given(st.sampled_from(sorted(ACTIONS)), st.lists(st.tuples(st.sampled_from(PATHS), JSON), min_size=1, max_size=3))
def test_mutated_payloads_never_crash_the_reader(action: str, changes: list[tuple[tuple[str, ...], object]]) -> None:
    payload: object = _payload(action)
    for path, value in changes:
        payload = _with(payload, path, value)
    _read_somehow("pull_request", payload)


@given(st.text(max_size=20) | st.just("pull_request"), JSON)
def test_any_json_never_crashes_the_reader(event: str, payload: object) -> None:
    _read_somehow(event, payload)


def _read_somehow(event: str, payload: object) -> None:
    """Whatever comes out must be something that can be stored and sent on."""
    try:
        request = read(event, payload)
    except PayloadError as error:
        assert str(error).startswith("$")
        return
    if isinstance(request, PullRequestEvent):
        json.dumps(request.to_json(), allow_nan=False).encode()
        assert request.clone_url.startswith("http")


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
