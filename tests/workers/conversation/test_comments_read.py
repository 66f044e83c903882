"""What of a comment is read, what is answered, and that nothing is answered twice."""

from __future__ import annotations

import pytest

from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY


@pytest.fixture
def spoken(heard: Heard) -> Heard:
    """A pull request that is checked."""
    heard.house.open(BAD)
    heard.settle()
    return heard


def attempts(heard: Heard) -> int:
    """How many check runs its head has."""
    sha = heard.simulator.pull(REPOSITORY, heard.house.number).head_sha
    return len(heard.house.checks(sha))


@pytest.mark.parametrize(
    "body",
    [
        "/recheck\r\n",
        "Once more, please:\r\n\r\n/recheck\r\n",
        "Once more:\n/Recheck please",
        "   /recheck",
        "/pagewarden recheck",
        "/recheck\n/recheck",
        "> he said\n\n/recheck\n\n```\n/cancel\n```",
        "x" * 59_000 + "\n\n/recheck",
    ],
)
def test_a_command_is_read_at_the_beginning_of_a_line(spoken: Heard, body: str) -> None:
    comment = spoken.say(AUTHOR, body)
    assert spoken.reactions(comment) == {"eyes", "rocket"}
    assert attempts(spoken) == 2


@pytest.mark.parametrize(
    "body",
    [
        "See /recheck for that.",
        "`/recheck`",
        "```\n/recheck\n```",
        "    /recheck",
        "> /recheck",
        "- /recheck",
        "# /recheck",
        "<!--\n/recheck\n-->",
        "<details>\n/recheck\n</details>",
        "\\/recheck",
        "[a\n/recheck](http://x.example)",
        "/retest",
        "/review",
        "/lgtm\n/approve",
        "/",
        "",
        "/r\u0435check",
    ],
)
def test_anything_else_is_passed_over_in_silence(spoken: Heard, body: str) -> None:
    before = len(spoken.simulator.calls)
    comment = spoken.say(AUTHOR, body)
    assert spoken.reactions(comment) == set()
    assert spoken.replies() == []
    assert len(spoken.simulator.calls) == before
    assert attempts(spoken) == 1


def test_an_edit_is_not_read(spoken: Heard) -> None:
    comment = spoken.say(AUTHOR, "How nice.")
    spoken.simulator.edit_comment(comment, AUTHOR, "/recheck")
    spoken.settle()
    assert spoken.reactions(comment) == set()
    assert attempts(spoken) == 1


def test_a_slip_is_told_with_what_may_be_meant(spoken: Heard) -> None:
    comment = spoken.say(AUTHOR, "/recheck statik\n\n/strss")
    assert spoken.reactions(comment) == {"confused"}
    (reply,) = spoken.replies()
    assert "`/recheck static`" in reply
    assert "`/stress`" in reply
    assert attempts(spoken) == 1


def test_several_commands_get_one_reply_of_each_kind(spoken: Heard) -> None:
    comment = spoken.say(
        AUTHOR, "/explain PAGE\n\n/explain page-covers-os-page\n/preview\n/cancel\n/pagewarden help\n/recheck"
    )
    assert spoken.reactions(comment) == {"eyes", "rocket", "confused"}
    help_, explained, trouble = spoken.replies()
    assert "Commands of pagewarden" in help_
    assert "PAGE" in explained
    assert "page-covers-os-page" in explained
    assert "/preview" in trouble
    assert "/cancel" in trouble
    assert attempts(spoken) == 2


def test_a_newer_reply_folds_the_older_one_of_its_kind(spoken: Heard) -> None:
    spoken.say(AUTHOR, "/explain PAGE")
    spoken.say(AUTHOR, "/preview")
    spoken.say(AUTHOR, "/explain page-covers-os-page")
    shown = [
        each for each in spoken.simulator.comments(REPOSITORY, spoken.house.number) if "<!-- answers" in each["body"]
    ]
    folded = [spoken.simulator.minimized(each["id"]) is not None for each in shown]
    assert folded == [True, False, False]


def test_an_unknown_name_is_told(spoken: Heard) -> None:
    comment = spoken.say(AUTHOR, "/explain PAGES")
    assert "confused" in spoken.reactions(comment)
    (reply,) = spoken.replies()
    assert "PAGES" in reply


def test_on_a_closed_pull_request_nothing_begins_but_what_is_asked_is_explained(spoken: Heard) -> None:
    spoken.simulator.close_pull(REPOSITORY, spoken.house.number)
    comment = spoken.say(AUTHOR, "/recheck")
    assert spoken.reactions(comment) == {"confused"}
    assert "closed" in spoken.replies()[0]
    assert attempts(spoken) == 1
    comment = spoken.say("anybody", "/explain PAGE")
    assert spoken.reactions(comment) == {"eyes", "rocket"}


@pytest.mark.parametrize("performed", [True, False])
def test_a_lost_answer_doubles_no_reply(spoken: Heard, performed: bool) -> None:
    spoken.simulator.fail_next("POST", "/comments$", 502, performed=performed)
    spoken.say(AUTHOR, "/explain PAGE")
    assert len(spoken.replies()) == 1


@pytest.mark.parametrize("performed", [True, False])
def test_a_lost_answer_doubles_no_attempt(spoken: Heard, performed: bool) -> None:
    spoken.simulator.fail_next("POST", "/check-runs$", 502, performed=performed)
    spoken.say(AUTHOR, "/recheck")
    assert attempts(spoken) == 2


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_reaction_that_is_refused_does_no_harm(spoken: Heard, status: int) -> None:
    spoken.simulator.fail_next("POST", "/reactions$", status, times=9)
    spoken.say(AUTHOR, "/recheck")
    assert attempts(spoken) == 2


def test_the_same_delivery_twice_makes_one_attempt(spoken: Heard) -> None:
    spoken.say(AUTHOR, "/recheck")
    for delivery in spoken.simulator.deliveries:
        if delivery.event == "issue_comment":
            spoken.simulator.redeliver(delivery.guid)
    spoken.settle()
    assert attempts(spoken) == 2


@pytest.mark.parametrize("is_before", [True, False])
def test_a_recheck_while_a_check_is_under_way_ends_that_one(heard: Heard, is_before: bool) -> None:
    sha = heard.house.open(GOOD)
    heard.hear()
    heard.house.step()
    heard.simulator.comment(REPOSITORY, heard.house.number, AUTHOR, "/recheck")
    heard.hear()
    if is_before:
        heard.house.queue.rotate(1)
    heard.settle()
    assert heard.house.conclusions(sha) == ["cancelled", "success"]


def test_a_recheck_of_what_the_store_forgot_looks_at_the_pull_request(spoken: Heard) -> None:
    run_id = spoken.house.tools.store.current(f"{REPOSITORY}#{spoken.house.number}")
    assert run_id is not None
    spoken.house.tools.store._redis.flushdb()
    comment = spoken.say(AUTHOR, "/recheck")
    assert spoken.reactions(comment) == {"eyes", "rocket"}
    sha = spoken.simulator.pull(REPOSITORY, spoken.house.number).head_sha
    assert spoken.house.conclusions(sha)[-1] == "failure"
    assert len([body for body in spoken.house.comments() if "<!-- pagewarden -->" in body]) == 1
