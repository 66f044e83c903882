"""How many calls of GitHub's interface each event costs, git and tokens not counted; each test prints them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import MAIN, WRITER, Stressing
from workers.stress.verdicts import Verdict
from workers.tools import Job

COMMANDS = (
    "/recheck",
    "/recheck all",
    "/stress",
    "/preview",
    "/explain PAGE",
    "/cancel",
    "/pagewarden help",
    "/rechek",
    f"/ok-to-test {'0' * 40}",
)
Does = Callable[[Heard], object]


@pytest.fixture
def knowing(heard: Heard, redis: Redis) -> Heard:
    """A house that has been there for long: what it wrote to GitHub it remembers."""
    redis.set("pagewarden:born", "1")
    return heard


def calls(heard: Heard, does: Does) -> list[str]:
    """Calls that follow from what is done, up to the verdict or until everything is queued."""
    before = len(heard.simulator.calls)
    does(heard)
    made = [f"{call.method} {call.path}" for call in heard.simulator.calls[before:]]
    return [call for call in made if not call.endswith("/access_tokens")]


def told(what: str, made: list[str]) -> int:
    """Prints the calls, and counts them."""
    print(f"\n{what}: {len(made)}", *made, sep="\n  ")
    return len(made)


def until_the_verdict(heard: Heard) -> None:
    """Does the jobs up to the first that tells GitHub of a verdict, leaving what comes after it in the queue."""
    heard.hear()
    while heard.house.step().job is not Job.PUBLISH:
        heard.hear()


def first_job(heard: Heard) -> None:
    """Reads what was heard, and does nothing of what that put into the queue."""
    assert heard.house.step().job is Job.INTAKE


def test_a_push_with_findings_takes_six_calls_to_its_verdict(knowing: Heard) -> None:
    sha = knowing.house.open(BAD)
    assert told("opened, with findings", calls(knowing, until_the_verdict)) <= 6
    assert knowing.house.conclusions(sha) == ["failure"]
    assert len(knowing.house.comments()) == 1
    told("what its study finds later", calls(knowing, Heard.settle))


def test_a_later_push_with_findings_takes_no_more(knowing: Heard) -> None:
    knowing.house.open(GOOD)
    knowing.settle()
    sha = knowing.house.push(BAD)
    assert told("pushed, with findings", calls(knowing, until_the_verdict)) <= 6
    assert knowing.house.conclusions(sha) == ["failure"]
    assert len(knowing.house.comments()) == 1


def test_a_push_that_touches_nothing_watched_takes_three_calls(knowing: Heard) -> None:
    sha = knowing.house.open({"README.md": "Another engine.\n"})
    assert told("opened, nothing watched", calls(knowing, Heard.settle)) <= 3
    assert knowing.house.conclusions(sha) == ["success"]
    sha = knowing.house.push({"README.md": "Yet another engine.\n"})
    assert told("pushed, nothing watched", calls(knowing, Heard.settle)) <= 3
    assert knowing.house.conclusions(sha) == ["success"]


@pytest.mark.parametrize("author", [AUTHOR, "writer", "stranger"])
@pytest.mark.parametrize("body", COMMANDS)
def test_a_command_takes_four_calls(knowing: Heard, author: str, body: str) -> None:
    knowing.house.open(BAD)
    knowing.settle()
    knowing.simulator.set_permission(REPOSITORY, "writer", "write")
    knowing.simulator.comment(REPOSITORY, knowing.house.number, author, body)
    knowing.hear()
    assert told(f"{body} by {author}", calls(knowing, first_job)) <= 4
    told("what it starts", calls(knowing, Heard.settle))


@pytest.mark.parametrize("author", [AUTHOR, WRITER])
@pytest.mark.parametrize(
    "body", ["/stress", "/stress 64k seeds=2", "/recheck", "/recheck stress", "/recheck all", "/cancel"]
)
def test_a_command_about_stress_takes_four_calls(stressing: Stressing, redis: Redis, author: str, body: str) -> None:
    redis.set("pagewarden:born", "1")
    sha = stressing.open(GOOD)
    if body != "/cancel":
        stressing.find(Verdict.PASS)
    stressing.simulator.comment(REPOSITORY, stressing.house.number, author, body)
    stressing.heard.hear()
    assert told(f"{body} by {author}", calls(stressing.heard, first_job)) <= 4
    told("what it starts", calls(stressing.heard, lambda _: stressing.settle()))
    assert stressing.conclusion(sha, MAIN) == "success"


@pytest.mark.parametrize("author", [AUTHOR, WRITER])
@pytest.mark.parametrize("body", ["/stress", "/recheck", "/recheck all"])
def test_a_command_that_ends_what_is_under_way_takes_a_call_more_for_each(
    stressing: Stressing, redis: Redis, author: str, body: str
) -> None:
    redis.set("pagewarden:born", "1")
    stressing.open(GOOD)
    stressing.say(AUTHOR, "/stress")
    stressing.simulator.comment(REPOSITORY, stressing.house.number, author, body)
    stressing.heard.hear()
    before = stressing.house.calls("PATCH")
    count = told(f"{body} by {author}, stress under way", calls(stressing.heard, first_job))
    assert count - (stressing.house.calls("PATCH") - before) <= 4


def test_an_approval_takes_four_calls(stressing: Stressing, redis: Redis) -> None:
    redis.set("pagewarden:born", "1")
    sha = stressing.open_fork(GOOD)
    stressing.simulator.comment(REPOSITORY, stressing.house.number, WRITER, f"/ok-to-test {sha}")
    stressing.heard.hear()
    assert told("/ok-to-test", calls(stressing.heard, first_job)) <= 4
    told("what it starts", calls(stressing.heard, lambda _: stressing.settle()))
    assert stressing.is_waiting()


@pytest.mark.parametrize("body", ["/preview", "/explain PAGE", "/pagewarden help", f"/ok-to-test {'0' * 40}"])
def test_a_reply_that_folds_the_one_before_it_takes_a_call_more(knowing: Heard, body: str) -> None:
    knowing.house.open(BAD)
    knowing.settle()
    knowing.simulator.set_permission(REPOSITORY, WRITER, "write")
    knowing.say(AUTHOR, body)
    knowing.simulator.comment(REPOSITORY, knowing.house.number, WRITER, body)
    knowing.hear()
    made = calls(knowing, first_job)
    assert made.count("POST /graphql") == 1
    assert told(f"{body}, for the second time", made) <= 4 + 1


@pytest.mark.parametrize("how", ["press", "rerun", "suite"])
@pytest.mark.parametrize("person", [AUTHOR, WRITER])
def test_a_button_takes_three_calls(knowing: Heard, person: str, how: str) -> None:
    sha = knowing.house.open(BAD)
    knowing.settle()
    knowing.simulator.set_permission(REPOSITORY, WRITER, "write")
    (check,) = (run["id"] for run in knowing.simulator.check_runs(REPOSITORY, sha))
    match how:
        case "press":
            knowing.simulator.press(check, "recheck", person)
        case "rerun":
            knowing.simulator.rerun(check, person)
        case _:
            knowing.simulator.rerun_suite(REPOSITORY, sha, person)
    knowing.hear()
    assert told(f"{how} by {person}", calls(knowing, first_job)) <= 3
    told("what it starts", calls(knowing, Heard.settle))
    assert knowing.house.conclusions(sha) == ["failure", "failure"]
