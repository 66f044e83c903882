"""Trust: whose code is built and run without leave, and that all code is checked at once all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from tests.workers.heard import AUTHOR
from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import FORK, MAIN, SETTINGS, STRANGER, STRESS, WRITER, Stressing
from workers.github import PullRequest
from workers.store import KEEP_SECONDS
from workers.stress.store import BUILD
from workers.tools import Job
from workers.trust import PERMISSION_SECONDS, Approval, Distrust, Trust, distrust

BOT = "dependabot[bot]"
PLACE = f"{REPOSITORY}#1"
TRUSTED = f"trusted_bots: ['{BOT}']\n"
PULL = PullRequest(
    repository=REPOSITORY,
    number=1,
    open=True,
    head_sha="b" * 40,
    base_ref="main",
    base_sha="a" * 40,
    clone_url="https://github.example/acme/engine.git",
    changed_files=1,
    commits=1,
    review_comments=0,
    head_owner="acme",
    author="octocat",
    association="MEMBER",
)
OF_BOT: dict[str, Any] = {"author": BOT, "author_is_bot": True, "association": "NONE"}
OF_FORK: dict[str, Any] = {"from_fork": True, "head_owner": "stranger"}


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        pytest.param({}, None, id="a member's"),
        pytest.param({"association": "OWNER"}, None, id="the owner's"),
        pytest.param({"association": "COLLABORATOR"}, None, id="a collaborator's"),
        pytest.param({"association": "CONTRIBUTOR"}, None, id="a contributor's"),
        pytest.param({"association": "FIRST_TIME_CONTRIBUTOR"}, Distrust.NEWCOMER, id="the first here"),
        pytest.param({"association": "FIRST_TIMER"}, Distrust.NEWCOMER, id="the first on GitHub"),
        pytest.param({"association": "NONE"}, Distrust.NEWCOMER, id="a stranger's"),
        pytest.param({"association": "MANNEQUIN"}, Distrust.NEWCOMER, id="nobody's"),
        pytest.param(OF_FORK, Distrust.FORK, id="a member's fork"),
        pytest.param({**OF_FORK, "association": "OWNER"}, Distrust.FORK, id="the owner's fork"),
        pytest.param({"from_fork": True, "head_owner": ""}, Distrust.FORK, id="a fork that is gone"),
        pytest.param(OF_BOT, None, id="a trusted bot's"),
        pytest.param({**OF_BOT, **OF_FORK}, Distrust.FORK, id="a trusted bot's from a stranger's fork"),
        pytest.param({**OF_BOT, "from_fork": True, "head_owner": ""}, Distrust.FORK, id="a trusted bot's from nowhere"),
        pytest.param({**OF_BOT, "from_fork": True, "head_owner": BOT}, None, id="a trusted bot's own fork"),
        pytest.param({**OF_BOT, "author": "other[bot]"}, Distrust.NEWCOMER, id="another bot's"),
        pytest.param({**OF_BOT, "author_is_bot": False}, Distrust.NEWCOMER, id="a person of a bot's name"),
    ],
)
def test_who_is_trusted(about: dict[str, Any], reason: Distrust | None) -> None:
    assert distrust(replace(PULL, **about), (BOT,)) is reason


def test_without_settings_no_bot_is_trusted() -> None:
    assert distrust(replace(PULL, **OF_BOT), ()) is Distrust.NEWCOMER


def test_one_approval_stands_until_it_is_void(redis: Redis) -> None:
    trust = Trust(redis)
    first, second = Approval("a" * 40, WRITER), Approval("b" * 40, WRITER)
    assert trust.approval(PLACE) is None
    trust.void(PLACE)
    trust.approve(PLACE, first)
    trust.approve(PLACE, second)
    assert trust.approval(PLACE) == second
    assert trust.approval(f"{PLACE}1") is None, "it is for one pull request"
    trust.void(PLACE, unless=second.sha)
    assert trust.approval(PLACE) == second
    trust.void(PLACE, unless=second.sha[:39])
    assert trust.approval(PLACE) is None
    trust.approve(PLACE, first)
    trust.void(PLACE)
    assert trust.approval(PLACE) is None


def test_approvals_expire(redis: Redis) -> None:
    Trust(redis).approve(PLACE, Approval("a" * 40, WRITER))
    left = redis.ttl(f"pagewarden:approval:{PLACE}")
    assert isinstance(left, int)
    assert 0 < left <= KEEP_SECONDS


@pytest.mark.parametrize(
    ("role", "may"),
    [("admin", True), ("maintain", True), ("write", True), ("triage", False), ("read", False), (None, False)],
)
def test_who_may_write_is_asked_from_github(stressing: Stressing, role: str | None, may: bool) -> None:
    house = stressing.house
    stressing.simulator.set_permission(REPOSITORY, "somebody", role)
    with house.tools.github.client(house.installation_id) as client:
        assert house.tools.trust.may_write(client, REPOSITORY, "somebody") is may
        assert not house.tools.trust.may_write(client, REPOSITORY, "nobody-has-heard-of-him")


def test_for_minutes_it_is_not_asked_again_unless_it_matters(stressing: Stressing, redis: Redis) -> None:
    house = stressing.house
    with house.tools.github.client(house.installation_id) as client:
        assert house.tools.trust.may_write(client, REPOSITORY, WRITER)
        asked = house.calls("GET", "/permission")
        stressing.simulator.set_permission(REPOSITORY, WRITER, "read")
        assert house.tools.trust.may_write(client, REPOSITORY, WRITER)
        assert house.calls("GET", "/permission") == asked
        assert not house.tools.trust.may_write(client, REPOSITORY, WRITER, anew=True)
        assert not house.tools.trust.may_write(client, REPOSITORY, WRITER), "what was learnt last is kept"
    left = redis.ttl(f"pagewarden:permission:{REPOSITORY}:{WRITER}")
    assert isinstance(left, int)
    assert 0 < left <= PERMISSION_SECONDS


def waits_for_approval(stressing: Stressing, head: str, title: str) -> None:
    """The static check is concluded, and stress says what it waits for; nothing was taken on."""
    check = stressing.check(head)
    assert check["conclusion"] == "neutral"
    assert check["output"]["title"].startswith("Waiting for approval")
    assert title in check["output"]["title"]
    assert f"/ok-to-test {head}" in check["output"]["summary"]
    assert stressing.state().part(BUILD).starts == 0
    assert stressing.state().over
    assert not stressing.waiting


@pytest.mark.parametrize(("files", "conclusion"), [(GOOD, "success"), (BAD, "failure")])
def test_the_change_of_a_fork_is_checked_at_once_and_not_run(
    stressing: Stressing, files: dict[str, str], conclusion: str
) -> None:
    head = stressing.open_fork(files)
    assert stressing.conclusion(head, MAIN) == conclusion
    waits_for_approval(stressing, head, "fork")


@pytest.mark.parametrize("association", ["FIRST_TIME_CONTRIBUTOR", "FIRST_TIMER", "NONE"])
def test_the_change_of_a_newcomer_is_checked_at_once_and_not_run(stressing: Stressing, association: str) -> None:
    stressing.simulator.set_association("newcomer", association)
    head = stressing.open(BAD, author="newcomer")
    assert stressing.conclusion(head, MAIN) == "failure"
    waits_for_approval(stressing, head, "new to this repository")


def test_a_fork_of_somebody_with_write_access_waits_as_well(stressing: Stressing) -> None:
    stressing.simulator.set_association(WRITER, "MEMBER")
    head = stressing.open_fork(GOOD, author=WRITER)
    waits_for_approval(stressing, head, "fork")


def test_the_change_of_a_member_is_run(stressing: Stressing) -> None:
    head = stressing.open(GOOD, author=AUTHOR)
    assert stressing.names(head) == [MAIN, STRESS]
    assert stressing.is_waiting()


@pytest.mark.parametrize("command", ["/stress", "/recheck stress", "/recheck all"])
def test_whoever_asks_for_stress_gives_no_leave_by_that(stressing: Stressing, command: str) -> None:
    head = stressing.open_fork(GOOD)
    for who in (STRANGER, WRITER):
        stressing.say(who, command)
        stressing.look_again()
        waits_for_approval(stressing, head, "fork")


@pytest.mark.parametrize("button", ["stress", "recheck"])
def test_a_button_gives_no_leave_either(stressing: Stressing, button: str) -> None:
    head = stressing.open_fork(GOOD)
    stressing.simulator.press(stressing.check(head)["id"], button, WRITER)
    stressing.settle()
    stressing.look_again()
    waits_for_approval(stressing, head, "fork")


def test_a_fork_whose_repository_was_deleted(stressing: Stressing) -> None:
    head = stressing.open_fork(GOOD)
    stressing.simulator.delete_repository(FORK)
    stressing.say(WRITER, "/recheck all")
    stressing.look_again()
    assert stressing.conclusion(head, MAIN) == "success"
    waits_for_approval(stressing, head, "fork")
    stressing.say(WRITER, f"/ok-to-test {head}")
    assert stressing.is_waiting(), "what is read and approved may run wherever it came from"


def test_a_fork_that_is_deleted_before_the_stress_begins_is_still_one(stressing: Stressing) -> None:
    stressing.simulator.create_repository(FORK, stressing.house.source)
    stressing.simulator.push(FORK, "change", stressing.house.change(GOOD, start="main"))
    pull = stressing.simulator.open_pull(REPOSITORY, "change", "main", "A change", AUTHOR, head_repository=FORK)
    stressing.house.number = pull.number
    stressing.heard.hear()
    while stressing.house.queue[0].job is not Job.STRESS:
        stressing.house.step()
        stressing.heard.hear()
    stressing.simulator.delete_repository(FORK)
    stressing.settle()
    waits_for_approval(stressing, pull.head_sha, "fork")


def test_a_trusted_bot_is_run_from_a_branch_of_the_repository(stressing: Stressing) -> None:
    stressing.simulator.create_app("dependabot")
    stressing.simulator.set_association(BOT, "NONE")
    stressing.rule(TRUSTED)
    stressing.open(GOOD, author=BOT)
    assert stressing.is_waiting()


def test_a_bot_that_nobody_trusts_is_a_newcomer(stressing: Stressing) -> None:
    stressing.simulator.create_app("dependabot")
    stressing.simulator.set_association(BOT, "NONE")
    head = stressing.open(GOOD, author=BOT)
    waits_for_approval(stressing, head, "new to this repository")


def test_a_trusted_bot_is_not_run_from_the_fork_of_a_stranger(stressing: Stressing) -> None:
    stressing.simulator.create_app("dependabot")
    stressing.rule(TRUSTED)
    head = stressing.open_fork(GOOD, author=BOT)
    waits_for_approval(stressing, head, "fork")


def test_a_change_cannot_add_its_author_to_the_trusted_bots(stressing: Stressing) -> None:
    stressing.simulator.create_app("dependabot")
    stressing.simulator.set_association(BOT, "NONE")
    head = stressing.open({**GOOD, SETTINGS: TRUSTED}, author=BOT)
    waits_for_approval(stressing, head, "new to this repository")


def test_a_change_cannot_turn_the_gate_off(stressing: Stressing) -> None:
    stressing.rule("stress: {gate: true}\n")
    head = stressing.open_fork({**GOOD, SETTINGS: "stress: {gate: false}\n"})
    waits_for_approval(stressing, head, "fork")
    main = stressing.check(head, MAIN)
    assert main["conclusion"] == "action_required"
    assert f"/ok-to-test {head}" in main["output"]["title"]


def test_a_change_cannot_have_itself_ignored(stressing: Stressing) -> None:
    ignore = "ignore:\n  - {rule: page-covers-os-page, reason: We know., expires: 2099-12-31}\n"
    head = stressing.open_fork({**BAD, SETTINGS: ignore})
    assert stressing.conclusion(head, MAIN) == "failure"


def test_the_settings_of_the_fork_do_not_rule_whatever_its_main_says(stressing: Stressing) -> None:
    stressing.simulator.create_app("dependabot")
    stressing.rule("stress: {gate: true}\n")
    head = stressing.open_fork(GOOD)
    theirs = stressing.house.change({SETTINGS: f"{TRUSTED}stress: {{enabled: false}}\n"}, start="main")
    stressing.simulator.push(FORK, "main", theirs)
    stressing.say(WRITER, "/recheck all")
    stressing.look_again()
    assert stressing.conclusion(head, MAIN) == "action_required"
    waits_for_approval(stressing, head, "fork")
