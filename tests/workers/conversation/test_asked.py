"""What is asked for in so many words: arguments, long comments, comments elsewhere, and the words of each answer."""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from inline_snapshot import snapshot

from tests.workers.gitrepos import commit, git
from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY, SECRET
from tests.workers.stressing import MAIN, STRESS, WRITER, Stressing
from workers.stress.job import key_of
from workers.stress.store import BUILD, Plan
from workers.tools import Job
from workers.trust import PERMISSION_SECONDS

LIMIT = 65_536
"""GitHub's, for a comment's characters."""


@pytest.fixture
def spoken(heard: Heard) -> Heard:
    """A pull request that is checked."""
    heard.house.open(BAD)
    heard.settle()
    return heard


def head_of(heard: Heard) -> str:
    return heard.simulator.pull(REPOSITORY, heard.house.number).head_sha


def titles(heard: Heard) -> list[str]:
    return [title for _, _, title in heard.house.checks(head_of(heard))]


@pytest.mark.parametrize(
    ("body", "page_sizes", "seeds"),
    [
        ("/stress", (16384,), (1,)),
        ("/stress 4k", (4096,), (1,)),
        ("/stress 64K", (65536,), (1,)),
        ("/stress 64k 4k", (4096, 65536), (1,)),
        ("/stress all", (4096, 16384, 65536), (1,)),
        ("/stress seeds=3", (16384,), (1, 2, 3)),
        ("/stress 4k seeds=2, please", (4096,), (1, 2)),
        ("/stress seeds=16 64k", (65536,), tuple(range(1, 17))),
        ("/recheck stress", (16384,), (1,)),
        ("/recheck all", (16384,), (1,)),
    ],
)
def test_a_stress_is_planned_as_it_was_asked_for(
    stressing: Stressing, body: str, page_sizes: tuple[int, ...], seeds: tuple[int, ...]
) -> None:
    sha = stressing.open(GOOD)
    comment = stressing.say(AUTHOR, body)
    assert stressing.heard.reactions(comment) == {"eyes", "rocket"}
    assert stressing.state().plan == Plan(page_sizes, seeds, "vm")
    assert (stressing.state().attempt, stressing.state().asked_by) == (2, AUTHOR)
    assert stressing.is_waiting()
    assert key_of(stressing.run_id(), BUILD) in {each.key for each in stressing.house.sent if each.job is Job.STRESS}
    assert stressing.conclusion(sha, MAIN) == "success"


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ("/stress 64", "/stress 64k"),
        ("/stress 16kb", "/stress 16k"),
        ("/stress 8k", None),
        ("/stress seeds=0", None),
        ("/stress seeds=17", None),
        ("/stress seeds=lots", None),
        ("/stress seeds=1 seeds=2", None),
        ("/recheck statik", "/recheck static"),
        ("/stres 64k", "/stress 64k"),
    ],
)
def test_an_argument_that_is_not_understood_begins_nothing(stressing: Stressing, body: str, meant: str | None) -> None:
    stressing.open(GOOD)
    comment = stressing.say(AUTHOR, body)
    assert stressing.heard.reactions(comment) == {"confused"}
    (reply,) = stressing.heard.replies()
    assert f"`{body}`" in reply
    assert (f"Did you mean `{meant}`?" in reply) if meant else ("Did you mean" not in reply)
    assert stressing.state().attempt == 1


@pytest.mark.parametrize("body", ["/stress", "/recheck stress", "/stress 4k seeds=2"])
def test_where_nothing_watched_is_touched_there_is_nothing_to_stress(stressing: Stressing, body: str) -> None:
    sha = stressing.open({"README.md": "Another engine.\n"})
    comment = stressing.say(AUTHOR, body)
    assert stressing.heard.reactions(comment) == {"confused"}
    assert "touches no header" in stressing.heard.replies()[0]
    assert stressing.names(sha) == [MAIN]


def test_all_of_what_is_not_watched_is_rechecked_without_stress(stressing: Stressing) -> None:
    sha = stressing.open({"README.md": "Another engine.\n"})
    comment = stressing.say(AUTHOR, "/recheck all")
    assert stressing.heard.reactions(comment) == {"eyes", "rocket"}
    assert stressing.names(sha) == [MAIN, MAIN]
    assert stressing.conclusion(sha, MAIN) == "success"


@pytest.mark.parametrize("command", ["/recheck", "/recheck all", "/stress", "/cancel", "/ok-to-test {sha}"])
def test_nothing_begins_on_a_closed_pull_request(stressing: Stressing, command: str) -> None:
    sha = stressing.open(GOOD)
    stressing.say(AUTHOR, "/cancel")
    stressing.simulator.close_pull(REPOSITORY, stressing.house.number)
    before = stressing.names(sha)
    comment = stressing.say(WRITER, command.format(sha=sha))
    assert stressing.heard.reactions(comment) == {"confused"}
    assert len(stressing.heard.replies()) == 1
    assert stressing.names(sha) == before
    assert stressing.state().attempt == 1


@pytest.mark.parametrize(
    ("name", "found"), [("PAGE", "`PAGE` = 4096"), ("page-covers-os-page", "It crashes. Relied on in `Source/page.h`.")]
)
@pytest.mark.parametrize("is_open", [True, False])
def test_a_constant_and_a_rule_are_explained_open_or_closed(
    spoken: Heard, name: str, found: str, is_open: bool
) -> None:
    if not is_open:
        spoken.simulator.close_pull(REPOSITORY, spoken.house.number)
    comment = spoken.say("stranger", f"/explain {name}")
    assert spoken.reactions(comment) == {"eyes", "rocket"}
    (reply,) = spoken.replies()
    assert found in reply


def test_what_is_explained_is_the_present_head(spoken: Heard) -> None:
    spoken.house.push(GOOD)
    spoken.say("stranger", "/explain PAGE")
    (reply,) = spoken.replies()
    assert "`PAGE` = 65536" in reply


def test_what_the_store_forgot_is_explained_all_the_same(spoken: Heard) -> None:
    spoken.house.tools.store._redis.flushdb()
    comment = spoken.say("stranger", "/explain PAGE")
    assert spoken.reactions(comment) == {"eyes", "rocket"}
    (reply,) = spoken.replies()
    assert "`PAGE` = 4096" in reply
    assert spoken.house.conclusions(head_of(spoken)) == ["failure"]


def test_a_hostile_name_is_not_shown_as_anything_but_itself(spoken: Heard) -> None:
    spoken.say("stranger", "/explain <img/src=x>@octocat|`[a](http://x.example)")
    (reply,) = spoken.replies()
    line = next(line for line in reply.splitlines() if line.startswith("- "))
    why = line.partition("`: ")[2]
    assert "\\<img/src=x\\>" in why
    assert "@octocat" not in why
    assert "](" not in why


def test_of_many_commands_ten_are_read(spoken: Heard) -> None:
    body = "\n\n".join(f"/explain NO_SUCH_{index}" for index in range(14))
    comment = spoken.say(AUTHOR, body)
    assert spoken.reactions(comment) == {"eyes", "confused"}
    (reply,) = spoken.replies()
    assert [f"NO_SUCH_{index}`" in reply for index in range(14)] == [True] * 10 + [False] * 4


def test_many_commands_are_obeyed_with_one_reaction_of_each_kind(spoken: Heard) -> None:
    body = "\r\n\r\n".join(["/recheck", "/explain PAGE", "/preview", "/RECHECK static", "/recheck all", "/cancel"])
    comment = spoken.say(AUTHOR, body)
    reactions = [reaction["content"] for reaction in spoken.simulator.reactions(comment)]
    assert sorted(reactions) == ["confused", "eyes", "rocket"]
    assert len(spoken.replies()) == 2
    # Each was begun, and what came after it ended it.
    assert spoken.house.conclusions(head_of(spoken)) == ["failure", "cancelled", "cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("piece", "answers"),
    [
        ("/recheck\n\n", 0),
        ("/explain PAGE\n\n", 1),
        ("/explain " + "A" * 190 + "\n\n", 1),
        ("/explain " + "<" * 190 + "\n\n", 1),
        ("/explain " + "B" * 300 + "\n\n", 1),
        ("/rechek " + "word " * 90 + "\n\n", 1),
        ("> /recheck\n\n", 0),
        ("[/recheck](", 0),
        ("<!-- /recheck ", 0),
    ],
)
def test_a_comment_as_long_as_github_takes_gets_one_short_answer(spoken: Heard, piece: str, answers: int) -> None:
    spoken.say(AUTHOR, piece * (LIMIT // len(piece)))
    assert len(spoken.replies()) == answers
    assert all(len(reply) < LIMIT for reply in spoken.replies())
    assert len(titles(spoken)) == (2 if piece.startswith("/recheck\n") else 1)
    assert spoken.house.tools.inbox.pending(-1) == []


def test_a_comment_on_an_issue_asks_for_nothing(spoken: Heard) -> None:
    spoken.say(AUTHOR, "Nice.")
    (delivery,) = (each for each in spoken.simulator.deliveries if _is_of(each.payload, "Nice."))
    payload = json.loads(delivery.payload)
    payload["comment"]["body"] = "/recheck"
    assert _post(spoken, delivery.url, payload, "on-the-pull-request")["status"] == "queued"
    del payload["issue"]["pull_request"]
    assert _post(spoken, delivery.url, payload, "on-an-issue") == {
        "status": "ignored",
        "reason": "a comment on an issue, not on a pull request",
    }
    spoken.settle()
    assert len(titles(spoken)) == 2


def _is_of(payload: bytes, body: str) -> bool:
    said = json.loads(payload)
    return bool(said.get("action") == "created" and said.get("comment", {}).get("body") == body)


def _post(heard: Heard, url: str, payload: object, delivery_id: str) -> dict[str, str]:
    body = json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": delivery_id,
        "X-Hub-Signature-256": f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}",
    }
    try:
        with urlopen(Request(url, body, headers)) as answer:
            read: dict[str, str] = json.loads(answer.read())
    except HTTPError as error:
        raise AssertionError(error.read()) from error
    return read


def test_a_permission_is_asked_for_anew_after_minutes(spoken: Heard) -> None:
    spoken.simulator.set_permission(REPOSITORY, WRITER, "write")
    asked = "/collaborators/wendy/permission"
    for _ in range(2):
        spoken.say(WRITER, "/recheck")
        assert spoken.house.calls("GET", asked) == 1
    spoken.simulator.set_permission(REPOSITORY, WRITER, "read")
    spoken.say(WRITER, "/recheck")
    assert spoken.house.calls("GET", asked) == 1
    assert len(titles(spoken)) == 4
    spoken.house.clock.ahead += PERMISSION_SECONDS
    comment = spoken.say(WRITER, "/recheck")
    assert spoken.house.calls("GET", asked) == 2
    assert spoken.reactions(comment) == {"confused"}
    assert len(titles(spoken)) == 4


def test_the_author_is_not_asked_about(spoken: Heard) -> None:
    spoken.say(AUTHOR, "/recheck")
    assert spoken.house.calls("GET", "/permission") == 0


@pytest.mark.parametrize(
    ("settings", "conclusion"),
    [
        ("rules:\n  page-covers-os-page: {severity: warning, reason: None here.}\n", "success"),
        ("ignore:\n  - {rule: page-covers-os-page, reason: Known., expires: 2999-01-31}\n", "success"),
        ("page_sizes: [4K]\n", "success"),
        ("page_sizes: [16K]\n", "failure"),
        ("rules: 7\n", "failure"),
    ],
)
def test_a_recheck_looks_at_the_settings_anew(spoken: Heard, settings: str, conclusion: str) -> None:
    house = spoken.house
    git(house.source, "checkout", "--quiet", "main")
    commit(house.source, {".github/pagewarden.yml": settings})
    spoken.simulator.push(REPOSITORY, "main", "main")
    spoken.settle()
    assert house.conclusions(head_of(spoken)) == ["failure"]
    spoken.say(AUTHOR, "/recheck")
    assert house.conclusions(head_of(spoken)) == ["failure", conclusion]
    assert titles(spoken)[1].endswith(" (attempt 2)")


def test_the_words_of_a_new_attempt(spoken: Heard) -> None:
    spoken.say(AUTHOR, "/recheck")
    first, second = spoken.simulator.check_runs(REPOSITORY, head_of(spoken))
    assert (first["output"]["title"], second["output"]["title"]) == snapshot(
        ("1 limit broken on linux-arm64", "1 limit broken on linux-arm64 (attempt 2)")
    )
    assert second["output"]["summary"].splitlines()[-1] == snapshot("Attempt 2, asked for by `octocat`.")
    assert first["external_id"] + "~2" == second["external_id"]


def test_the_words_of_each_answer_that_is_no(stressing: Stressing) -> None:
    sha = stressing.open(GOOD)
    stressing.say(AUTHOR, "/cancel")
    said = {}
    for author, body in [
        (AUTHOR, "/cancel"),
        (AUTHOR, "/preview"),
        (AUTHOR, "/explain PAGES"),
        (AUTHOR, "/rechek all"),
        (AUTHOR, f"/ok-to-test {sha}"),
        (WRITER, f"/ok-to-test {sha}"),
        (WRITER, f"/ok-to-test {sha[:12]}"),
        ("stranger", "/stress 64k"),
    ]:
        stressing.say(author, body)
        line = next(line for line in stressing.heard.replies()[-1].splitlines() if line.startswith("- "))
        said[f"{author} {body}".replace(sha, "HEAD").replace(sha[:12], "SHORT")] = (
            line.replace(sha, "HEAD").replace(sha[:12], "SHORT").partition(": ")[2]
        )
    assert said == snapshot(
        {
            "octocat /cancel": "Nothing is under way for the present head.",
            "octocat /preview": (
                "No previews are built here: the settings of this repository name nothing that builds them, as one of "
                "preview.actions, preview.docker and preview.command would."
            ),
            "octocat /explain PAGES": (
                "'PAGES' is no rule, no heap config, and not defined on linux-arm64; did you mean PAGE?"
            ),
            "octocat /rechek all": "There is no such command. Did you mean `/recheck all`?",
            "octocat /ok-to-test HEAD": "This is for people with write access.",
            "wendy /ok-to-test HEAD": "No approval is needed: nothing of the present head waits for one.",
            "wendy /ok-to-test SHORT": (
                "An approval names one commit by its full sha, all 40 digits. The head is HEAD now."
            ),
            "stranger /stress 64k": "This is for the author of the pull request, and people with write access.",
        }
    )
    assert stressing.conclusion(sha, STRESS) == "cancelled"
