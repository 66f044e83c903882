"""Webhooks: what is sent, how it is signed, and sending it again."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.conftest import FULL_NAME, GitHub, Received, Receiver

SECRET = "a secret of this test"
DELIVERIES = "/app/hook/deliveries"


@pytest.fixture(autouse=True)
def _webhook(github: GitHub, receiver: Receiver) -> None:
    github.sim.set_webhook(github.app.id, receiver.url, SECRET)


@pytest.fixture
def sent(github: GitHub, receiver: Receiver) -> Callable[[], list[Received]]:
    """Everything that arrived, after all that is under way has."""

    def arrived() -> list[Received]:
        assert github.sim.wait_for_deliveries()
        assert github.sim.violations == []
        return receiver.received

    return arrived


def _open(github: GitHub, **more: Any) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="Wider pages", **more)


def test_a_webhook_that_is_set_gets_a_ping(github: GitHub, sent: Callable[[], list[Received]]) -> None:
    (ping,) = sent()
    assert ping.headers["X-GitHub-Event"] == "ping"
    assert ping.payload["hook"]["app_id"] == github.app.id


def test_payloads_are_signed_and_complete(github: GitHub, sent: Callable[[], list[Received]]) -> None:
    _open(github)
    received = sent()[1]
    digest = hmac.new(SECRET.encode(), received.body, hashlib.sha256).hexdigest()
    assert received.headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert received.headers["Content-Type"] == "application/json"
    payload = received.payload
    assert (payload["action"], payload["number"]) == ("opened", 1)
    assert payload["installation"]["id"] == github.installation_id
    assert payload["repository"]["clone_url"] == f"{github.sim.url}/{FULL_NAME}.git"
    assert payload["pull_request"]["head"]["sha"] == github.sha("topic")
    assert payload["sender"]["login"] == "octocat"


def test_each_action(github: GitHub, sent: Callable[[], list[Received]]) -> None:
    before, after = github.sha("topic"), github.sha("topic~1")
    _open(github)
    github.sim.convert_to_draft(FULL_NAME, 1)
    github.sim.mark_ready(FULL_NAME, 1)
    github.sim.push(FULL_NAME, "topic", after)
    github.sim.edit_pull(FULL_NAME, 1, title="Narrower pages")
    github.sim.push(FULL_NAME, "release", "main~1")
    github.sim.edit_pull(FULL_NAME, 1, base="release")
    github.sim.close_pull(FULL_NAME, 1)
    github.sim.push(FULL_NAME, "topic", before)
    github.sim.reopen_pull(FULL_NAME, 1)
    payloads = [one.payload for one in sent() if one.headers["X-GitHub-Event"] == "pull_request"]
    assert [one["action"] for one in payloads] == [
        "opened",
        "converted_to_draft",
        "ready_for_review",
        "synchronize",
        "edited",
        "edited",
        "closed",
        "reopened",
    ]
    assert [one["pull_request"]["draft"] for one in payloads[:3]] == [False, True, False]
    assert (payloads[3]["before"], payloads[3]["after"]) == (before, after)
    assert payloads[4]["changes"] == {"title": {"from": "Wider pages"}}
    assert payloads[5]["changes"]["base"] == {"ref": {"from": "main"}, "sha": {"from": github.sha("main")}}
    assert payloads[5]["pull_request"]["base"]["ref"] == "release"
    assert payloads[6]["pull_request"]["state"] == "closed"
    assert payloads[7]["pull_request"]["head"]["sha"] == before


def test_a_push_of_the_same_commit_says_nothing(github: GitHub, sent: Callable[[], list[Received]]) -> None:
    _open(github)
    github.sim.push(FULL_NAME, "topic", "topic")
    assert len(sent()) == 2


def test_a_delivery_is_listed_and_sent_again(
    github: GitHub, receiver: Receiver, sent: Callable[[], list[Received]]
) -> None:
    sent()
    receiver.status = 500
    _open(github)
    first = sent()[1]
    listed = github.as_app.json("GET", DELIVERIES)
    assert [(one["event"], one["action"], one["status_code"]) for one in listed] == [
        ("pull_request", "opened", 500),
        ("ping", None, 202),
    ]
    assert github.as_app.json("GET", DELIVERIES, status="failure") == listed[:1]
    receiver.status = 202
    delivery_id = listed[0]["id"]
    assert github.as_app.call("POST", f"{DELIVERIES}/{delivery_id}/attempts").status_code == 202
    github.sim.wait_for_deliveries()
    github.sim.redeliver(listed[0]["guid"])
    again = sent()[2:]
    assert [one.body for one in again] == [first.body] * 2
    assert {one.headers["X-GitHub-Delivery"] for one in again} == {listed[0]["guid"]}
    newest = github.as_app.json("GET", DELIVERIES)[0]
    assert (newest["redelivery"], newest["status_code"], newest["guid"]) == (True, 202, listed[0]["guid"])
    assert newest["id"] != delivery_id
    shown = github.as_app.json("GET", f"{DELIVERIES}/{delivery_id}")
    assert shown["request"]["payload"]["number"] == 1
    assert shown["response"]["payload"] == "ok"


def test_deliveries_in_pages(github: GitHub, sent: Callable[[], list[Received]]) -> None:
    _open(github)
    for title in "abc":
        github.sim.edit_pull(FULL_NAME, 1, title=title)
    sent()
    first = github.as_app.get(DELIVERIES, per_page=3)
    rest = github.as_app.get(first.links["next"]["url"].removeprefix(github.sim.api_url))
    assert [one["event"] for one in first.json() + rest.json()] == ["pull_request"] * 4 + ["ping"]
    assert rest.links == {}


def test_a_receiver_that_is_down(github: GitHub, sent: Callable[[], list[Received]]) -> None:
    sent()
    github.sim.set_webhook(github.app.id, "http://127.0.0.1:9/", SECRET)
    assert github.sim.wait_for_deliveries()
    assert github.sim.deliveries[-1].status_code == 502
    with pytest.raises(LookupError):
        github.sim.redeliver("no such guid")


def test_apps_hear_of_their_own_repositories_only(github: GitHub, sent: Callable[[], list[Received]]) -> None:
    github.sim.create_repository("octo-org/other", github.source.path)
    github.sim.open_pull("octo-org/other", head="topic", base="main", title="t")
    assert [one.headers["X-GitHub-Event"] for one in sent()] == ["ping"]
