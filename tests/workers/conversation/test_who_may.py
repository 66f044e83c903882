"""All commands by each kind of person, one after the other, on a pull request that is under stress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.workers.house import GOOD, REPOSITORY
from tests.workers.stressing import MAIN, STRESS, Stressing
from workers.github import GitHub

NEWCOMER = "newcomer"
"""The author here, of whom nobody has heard before."""
NEIGHBOUR = "neighbour"
"""The author of another pull request."""
GHOST = "ghost"
"""GitHub's own account for what those have written who are gone."""
ROLES = {"reader": "read", "triager": "triage", "writer": "write", "maintainer": "maintain", "admin": "admin"}
PEOPLE = (NEWCOMER, NEIGHBOUR, "stranger", GHOST, *ROLES)
WRITERS = {"writer", "maintainer", "admin"}
FOR_AUTHOR = "This is for the author of the pull request, and people with write access."
FOR_WRITER = "This is for people with write access."
NO_PREVIEW = (
    "No previews are built here: the settings of this repository name nothing that builds them, as one of "
    "preview.actions, preview.docker and preview.command would."
)
MAY_NOT = ({"confused"}, [FOR_AUTHOR], 0, 0)


@dataclass(frozen=True)
class Did:
    """What came of one command: reactions, replies, and new attempts of both checks."""

    reactions: set[str]
    replies: list[str]
    main: int
    stress: int


@pytest.fixture
def opened(stressing: Stressing) -> Stressing:
    """The newcomer's pull request from a branch of the repository, approved and waiting for the machine."""
    for login, role in ROLES.items():
        stressing.simulator.set_permission(REPOSITORY, login, role)
    stressing.simulator.set_association(NEWCOMER, "FIRST_TIME_CONTRIBUTOR")
    stressing.simulator.push(REPOSITORY, "other", stressing.house.change({"README.md": "Mine.\n"}, start="main"))
    stressing.simulator.open_pull(REPOSITORY, "other", "main", "Another change", NEIGHBOUR)
    sha = stressing.open(GOOD, author=NEWCOMER)
    stressing.say("admin", f"/ok-to-test {sha}")
    assert stressing.is_waiting()
    return stressing


def said(stressing: Stressing, author: str, body: str) -> Did:
    return _came_of(stressing, lambda: stressing.say(author, body))


def _came_of(stressing: Stressing, say: Any) -> Did:
    sha = stressing.simulator.pull(REPOSITORY, stressing.house.number).head_sha
    names, replies = stressing.names(sha), stressing.heard.replies()
    comment = say()
    new = stressing.names(sha)[len(names) :]
    found = [_gist(reply) for reply in stressing.heard.replies()[len(replies) :]]
    return Did(stressing.heard.reactions(comment), found, new.count(MAIN), new.count(STRESS))


def _gist(reply: str) -> str:
    """The reason of a reply with one, else its first line."""
    lines = reply.splitlines()
    return lines[2].partition(": ")[2] if lines[0] == "**Not done:**" else lines[0]


def expected(command: str, person: str, sha: str) -> tuple[set[str], list[str], int, int]:
    """Reactions, replies, and how many attempts at the main check and at stress begin."""
    done = {"eyes", "rocket"}
    match command.split(maxsplit=1)[0]:
        case "/pagewarden":
            words = "**Commands of pagewarden.** Each goes on a line of its own, in a new comment; "
            return {"rocket"}, [f"{words}what is edited is not read."], 0, 0
        case "/explain":
            return done, [f"### PAGE on linux-arm64, at {sha[:12]}"], 0, 0
        case "/ok-to-test":
            return (done, [], 0, 0) if person in WRITERS else ({"confused"}, [FOR_WRITER], 0, 0)
        case _ if person not in {NEWCOMER, *WRITERS}:
            return MAY_NOT
    match command.split():
        case ["/recheck"] | ["/recheck", "static"]:
            return done, [], 1, 0
        case ["/recheck", "all"]:
            return done, [], 1, 1
        case ["/recheck", "stress"] | ["/stress", *_]:
            return done, [], 0, 1
        case ["/recheck", "preview"] | ["/preview"]:
            return {"confused"}, [NO_PREVIEW], 0, 0
        case _:
            return done, [], 0, 0


COMMANDS = (
    "/pagewarden help",
    "/explain PAGE",
    "/recheck",
    "/recheck static",
    "/recheck stress",
    "/recheck preview",
    "/recheck all",
    "/stress",
    "/stress 64k seeds=3",
    "/preview",
    "/ok-to-test {sha}",
    "/cancel",
)


@pytest.mark.parametrize("person", PEOPLE)
def test_each_command_does_what_this_person_may_have_done(opened: Stressing, person: str) -> None:
    sha = opened.simulator.pull(REPOSITORY, opened.house.number).head_sha
    for command in COMMANDS:
        did = said(opened, person, command.format(sha=sha))
        assert (command, did) == (command, Did(*expected(command, person, sha)))
    may = person in {NEWCOMER, *WRITERS}
    attempts = [(run["name"], run["conclusion"]) for run in opened.simulator.check_runs(REPOSITORY, sha)]
    assert [name for name, _ in attempts].count(MAIN) == (4 if may else 1)
    assert {conclusion for name, conclusion in attempts if name == MAIN} == {"success"}
    assert opened.conclusion(sha) == ("cancelled" if may else None)
    assert len([body for body in opened.house.comments() if "<!-- pagewarden -->" in body]) <= 1


def test_what_is_cancelled_twice_was_not_under_way_the_second_time(opened: Stressing) -> None:
    assert said(opened, NEWCOMER, "/cancel") == Did({"eyes", "rocket"}, [], 0, 0)
    assert said(opened, NEWCOMER, "/cancel") == Did({"confused"}, ["Nothing is under way for the present head."], 0, 0)


def test_the_bot_of_another_app_may_what_anybody_may(opened: Stressing) -> None:
    app = opened.simulator.create_app("helper")
    installation_id = opened.simulator.install(app.id, REPOSITORY)
    other = GitHub(opened.simulator.api_url, app.id, app.private_key_pem, opened.house.tools.tokens)

    def says(body: str) -> int:
        with other.client(installation_id) as client:
            made = client.create_comment(REPOSITORY, opened.house.number, body)
        opened.settle()
        return made.id

    sha = opened.simulator.pull(REPOSITORY, opened.house.number).head_sha
    for command in COMMANDS:
        did = _came_of(opened, lambda command=command: says(command.format(sha=sha)))
        assert (command, did) == (command, Did(*expected(command, "helper[bot]", sha)))


def test_our_own_bot_is_not_heard_whatever_it_says(opened: Stressing) -> None:
    house = opened.house
    sha = opened.simulator.pull(REPOSITORY, house.number).head_sha
    before = opened.names(sha)
    with house.tools.github.client(house.installation_id) as client:
        body = "\n".join(command.format(sha=sha) for command in COMMANDS)
        made = client.create_comment(REPOSITORY, house.number, body)
    calls = len(opened.simulator.calls)
    opened.settle()
    assert len(opened.simulator.calls) == calls
    assert opened.heard.reactions(made.id) == set()
    assert opened.heard.replies() == []
    assert opened.names(sha) == before


def test_a_bot_that_has_the_name_of_the_author_is_not_him(opened: Stressing) -> None:
    app = opened.simulator.create_app(NEWCOMER)
    installation_id = opened.simulator.install(app.id, REPOSITORY)
    other = GitHub(opened.simulator.api_url, app.id, app.private_key_pem, opened.house.tools.tokens)

    def says() -> int:
        with other.client(installation_id) as client:
            made = client.create_comment(REPOSITORY, opened.house.number, "/cancel")
        opened.settle()
        return made.id

    assert _came_of(opened, says) == Did(*MAY_NOT)
    assert opened.is_waiting()
