"""However often GitHub's answers are lost: a comment is answered once, what it asks for is done once, and older replies
are folded."""

from __future__ import annotations

import pytest

from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import MAIN, STRESS, Stressing
from workers.tools import Job

EXPLAINED, NOT_DONE, HELP = "### PAGE on", "**Not done:**", "**Commands of"


@pytest.fixture
def spoken(heard: Heard) -> Heard:
    """A pull request that is checked."""
    heard.house.open(BAD)
    heard.settle()
    return heard


def head_of(heard: Heard) -> str:
    return heard.simulator.pull(REPOSITORY, heard.house.number).head_sha


def shown(heard: Heard) -> list[tuple[str, bool]]:
    """How each reply begins, and whether it is folded, oldest first."""
    every = heard.simulator.comments(REPOSITORY, heard.house.number)
    return [
        (beginning, heard.simulator.minimized(each["id"]) is not None)
        for each in every
        for beginning in (EXPLAINED, NOT_DONE, HELP)
        if each["body"].startswith(beginning)
    ]


def reply_ids(heard: Heard) -> list[int]:
    every = heard.simulator.comments(REPOSITORY, heard.house.number)
    return [each["id"] for each in every if "<!-- answers " in each["body"]]


def test_of_each_kind_only_the_newest_reply_stays_open(spoken: Heard) -> None:
    for _ in range(2):
        spoken.say(AUTHOR, "/explain PAGE\n\n/preview\n\n/pagewarden help")
    spoken.say("stranger", "/recheck")
    assert shown(spoken) == [
        (HELP, True),
        (EXPLAINED, True),
        (NOT_DONE, True),
        (HELP, False),
        (EXPLAINED, False),
        (NOT_DONE, True),
        (NOT_DONE, False),
    ]
    folded = {spoken.simulator.minimized(each) for each in reply_ids(spoken)}
    assert folded == {"OUTDATED", None}


def test_the_comment_about_the_run_is_no_reply_and_stays(spoken: Heard) -> None:
    for _ in range(2):
        spoken.say(AUTHOR, "/preview")
    (main,) = (
        each
        for each in spoken.simulator.comments(REPOSITORY, spoken.house.number)
        if "<!-- pagewarden -->" in each["body"]
    )
    assert spoken.simulator.minimized(main["id"]) is None


@pytest.mark.parametrize("performed", [True, False])
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("path", ["/comments$", "/graphql$"])
def test_after_lost_answers_there_is_one_reply_and_the_older_one_is_folded(
    spoken: Heard, path: str, times: int, performed: bool
) -> None:
    spoken.say(AUTHOR, "/explain PAGE")
    spoken.simulator.fail_next("POST", path, 502, times=times, performed=performed)
    spoken.say(AUTHOR, "/explain PAGE")
    if path == "/comments$" and performed and times == 3:
        # What is written is found before it is written again: the other two answers are still to be lost.
        assert spoken.house.calls("POST", "/issues/1/comments") == 3
    assert shown(spoken) == [(EXPLAINED, True), (EXPLAINED, False)]


def test_a_reply_that_somebody_deleted_is_in_nobodys_way(spoken: Heard) -> None:
    spoken.say(AUTHOR, "/explain PAGE")
    spoken.simulator.delete_comment(reply_ids(spoken)[0], AUTHOR)
    for _ in range(2):
        comment = spoken.say(AUTHOR, "/explain PAGE")
        assert spoken.reactions(comment) == {"eyes", "rocket"}
    assert shown(spoken) == [(EXPLAINED, True), (EXPLAINED, False)]


@pytest.mark.parametrize("status", [403, 404, 410, 422])
def test_a_conversation_that_is_locked_holds_nothing_up(spoken: Heard, status: int) -> None:
    spoken.simulator.fail_next("POST", "/comments$", status, times=9)
    comment = spoken.say(AUTHOR, "/preview\n\n/recheck")
    assert spoken.reactions(comment) == {"eyes", "rocket", "confused"}
    assert spoken.replies() == []
    assert spoken.house.conclusions(head_of(spoken)) == ["failure", "failure"]
    assert spoken.house.tools.inbox.pending(-1) == []


def test_a_comment_that_is_deleted_before_it_is_read_is_obeyed_all_the_same(spoken: Heard) -> None:
    comment = spoken.simulator.comment(REPOSITORY, spoken.house.number, AUTHOR, "/recheck\n\n/preview")
    spoken.hear()
    spoken.simulator.delete_comment(comment, AUTHOR)
    spoken.settle()
    assert spoken.house.conclusions(head_of(spoken)) == ["failure", "failure"]
    assert [beginning for beginning, _ in shown(spoken)] == [NOT_DONE]
    assert spoken.house.tools.inbox.pending(-1) == []


@pytest.mark.parametrize("performed", [True, False])
@pytest.mark.parametrize("lost", [0, 1], ids=["eyes", "rocket"])
def test_a_cancel_whose_reaction_is_lost_is_no_cancel_of_nothing(heard: Heard, lost: int, performed: bool) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    comment = heard.simulator.comment(REPOSITORY, heard.house.number, AUTHOR, "/cancel")
    heard.hear()
    heard.house.queue.rotate(1)
    for _ in range(lost):
        # The answer to the first goes through: only that after it is lost.
        heard.simulator.fail_next("POST", "/reactions$", 201, performed=True)
    heard.simulator.fail_next("POST", "/reactions$", 502, performed=performed)
    heard.settle()
    assert heard.house.conclusions(sha) == ["cancelled"]
    assert heard.reactions(comment) == {"eyes", "rocket"}
    assert heard.replies() == []


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("body", ["/stress", "/recheck stress", "/recheck all"])
def test_a_stress_whose_reactions_are_lost_goes_on(stressing: Stressing, body: str, times: int) -> None:
    sha = stressing.open(GOOD)
    stressing.simulator.fail_next("POST", "/reactions$", 502, times=times, performed=True)
    comment = stressing.say(AUTHOR, body)
    assert stressing.heard.reactions(comment) == {"eyes", "rocket"}
    assert stressing.is_waiting()
    assert stressing.state().attempt == 2
    runs = [run for run in stressing.simulator.check_runs(REPOSITORY, sha) if run["name"] == STRESS]
    assert [run["conclusion"] for run in runs] == ["cancelled", None]
    assert stressing.names(sha).count(MAIN) == (2 if body == "/recheck all" else 1)


def test_a_recheck_whose_last_reaction_is_lost_is_not_begun_again(spoken: Heard) -> None:
    comment = spoken.simulator.comment(REPOSITORY, spoken.house.number, AUTHOR, "/recheck")
    spoken.hear()
    spoken.simulator.fail_next("POST", "/reactions$", 201, performed=True)
    spoken.simulator.fail_next("POST", "/reactions$", 502)
    written = spoken.house.calls("PATCH", "/check-runs/")
    assert spoken.house.step().job is Job.INTAKE
    checks, retry = spoken.house.queue
    assert (checks.job, retry.job) == (Job.CHECK, Job.INTAKE)
    spoken.house.queue.rotate(1)
    assert spoken.house.step().job is Job.INTAKE
    assert spoken.house.conclusions(head_of(spoken)) == ["failure", None]
    assert spoken.house.calls("PATCH", "/check-runs/") == written
    spoken.settle()
    assert spoken.house.conclusions(head_of(spoken)) == ["failure", "failure"]
    assert spoken.reactions(comment) == {"eyes", "rocket"}


@pytest.mark.parametrize("performed", [True, False])
@pytest.mark.parametrize("how", ["rerun", "suite"])
def test_a_re_run_whose_answer_is_lost_is_one_attempt(stressing: Stressing, how: str, performed: bool) -> None:
    sha = stressing.open(GOOD)
    main = stressing.check(sha, MAIN)["id"]
    stressing.simulator.fail_next("POST", "/check-runs$", 502, performed=performed)
    if how == "rerun":
        stressing.simulator.rerun(main, AUTHOR)
    else:
        stressing.simulator.rerun_suite(REPOSITORY, sha, AUTHOR)
    stressing.settle()
    assert [run["conclusion"] for run in stressing.simulator.check_runs(REPOSITORY, sha) if run["name"] == MAIN] == [
        "success",
        "success",
    ]
    assert stressing.is_waiting()
    assert stressing.state().attempt == (2 if how == "suite" else 1)


def test_a_rate_limit_is_waited_for_and_nothing_is_said_twice(spoken: Heard) -> None:
    spoken.simulator.fail_next("POST", "/comments$", 403, {"Retry-After": "30"})
    comment = spoken.say(AUTHOR, "/explain PAGE\n\n/preview")
    assert spoken.reactions(comment) == {"eyes", "rocket", "confused"}
    assert [beginning for beginning, _ in shown(spoken)] == [EXPLAINED, NOT_DONE]


@pytest.mark.parametrize("is_first", [True, False])
def test_two_comments_at_once_are_answered_each(spoken: Heard, is_first: bool) -> None:
    both = [spoken.simulator.comment(REPOSITORY, spoken.house.number, AUTHOR, "/recheck") for _ in range(2)]
    spoken.hear()
    if is_first:
        spoken.house.queue.reverse()
    spoken.settle()
    assert [spoken.reactions(comment) for comment in both] == [{"eyes", "rocket"}] * 2
    titles = [title for _, _, title in spoken.house.checks(head_of(spoken))]
    assert [title.rpartition(" (")[2] for title in titles[1:]] == ["attempt 2)", "attempt 3)"]
    assert spoken.house.conclusions(head_of(spoken)) == ["failure", "cancelled", "failure"]
