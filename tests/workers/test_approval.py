"""`/ok-to-test`: leave to build and run one commit, by people who may give it, for as long as it is the head."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from redis import Redis

from tests.workers.house import BAD, GOOD, REPOSITORY
from tests.workers.stressing import FORK, MAIN, STRANGER, STRESS, WRITER, Stressing
from workers.github import GitHub
from workers.stress import job
from workers.stress.store import BUILD
from workers.stress.verdicts import Verdict
from workers.tools import Job
from workers.trust import Approval

MORE = {"Source/watched.c": "/* what nobody has read */\n"}


def until_stress(stressing: Stressing) -> None:
    """Does jobs until the next is one that could begin to build."""
    stressing.heard.hear()
    for _ in range(50):
        if stressing.house.queue[0].job is Job.STRESS:
            return
        stressing.house.step()
    raise AssertionError("nothing would build")


def is_not_run(stressing: Stressing, head: str) -> None:
    """The head waits for leave, and nothing of it was taken on."""
    stressing.look_again()
    assert stressing.run_id().endswith(f"..{head}")
    assert stressing.conclusion(head) == "neutral"
    assert f"/ok-to-test {head}" in stressing.check(head)["output"]["summary"]
    assert stressing.state().part(BUILD).starts == 0
    assert stressing.state().over
    assert not stressing.waiting


def is_refused(stressing: Stressing, comment: int, why: str) -> None:
    """The comment got one answer that says so, and nothing that looks like leave."""
    assert stressing.heard.reactions(comment) == {"confused"}
    assert why in stressing.heard.replies()[-1]
    assert approval_of(stressing) is None


def approval_of(stressing: Stressing) -> object:
    """The leave that stands."""
    return stressing.house.tools.trust.approval(f"{REPOSITORY}#{stressing.house.number}")


@pytest.mark.parametrize("role", ["write", "maintain", "admin"])
def test_who_has_write_access_has_this_commit_stressed(stressing: Stressing, role: str) -> None:
    stressing.simulator.set_permission(REPOSITORY, "reviewer", role)
    head = stressing.open_fork(GOOD)
    comment = stressing.say("reviewer", f"/ok-to-test {head}")
    assert stressing.heard.reactions(comment) == {"eyes", "rocket"}
    assert stressing.heard.replies() == []
    assert stressing.is_waiting()
    stressing.look_again()
    assert stressing.conclusion(head) is None
    stressing.find(Verdict.FAIL)
    assert stressing.conclusion(head) == "failure"
    assert set(stressing.names(head)) == {MAIN, STRESS}


def test_a_newcomer_is_approved_in_the_same_way(stressing: Stressing) -> None:
    stressing.simulator.set_association("newcomer", "FIRST_TIME_CONTRIBUTOR")
    head = stressing.open(GOOD, author="newcomer")
    is_refused(stressing, stressing.say("newcomer", f"/ok-to-test {head}"), "write access")
    stressing.say(WRITER, f"/ok-to-test {head}")
    assert stressing.is_waiting()


@pytest.mark.parametrize("role", [None, "read", "triage"])
def test_the_author_without_write_access_cannot_approve_himself(stressing: Stressing, role: str | None) -> None:
    stressing.simulator.set_permission(REPOSITORY, STRANGER, role)
    head = stressing.open_fork(GOOD)
    is_refused(stressing, stressing.say(STRANGER, f"/ok-to-test {head}"), "people with write access")
    is_not_run(stressing, head)


def test_somebody_who_is_neither_cannot_approve(stressing: Stressing) -> None:
    head = stressing.open_fork(GOOD)
    is_refused(stressing, stressing.say("mallory", f"/ok-to-test {head}"), "people with write access")
    is_not_run(stressing, head)


def test_write_access_to_the_fork_is_none_here(stressing: Stressing) -> None:
    head = stressing.open_fork(GOOD)
    stressing.simulator.set_permission(FORK, STRANGER, "admin")
    is_refused(stressing, stressing.say(STRANGER, f"/ok-to-test {head}"), "people with write access")
    is_not_run(stressing, head)


def test_an_old_sha_approves_nothing(stressing: Stressing) -> None:
    first = stressing.open_fork(GOOD)
    second = stressing.push(MORE, FORK)
    stressing.settle()
    comment = stressing.say(WRITER, f"/ok-to-test {first}")
    is_refused(stressing, comment, second)
    is_not_run(stressing, second)


def test_the_base_and_a_sha_of_nothing_approve_nothing(stressing: Stressing) -> None:
    head = stressing.open_fork(GOOD)
    base = stressing.simulator.pull(REPOSITORY, stressing.house.number).base_sha
    for sha in (base, "0" * 40, head + "0" * 24):
        is_refused(stressing, stressing.say(WRITER, f"/ok-to-test {sha}"), head)
    is_not_run(stressing, head)


@pytest.mark.parametrize("digits", [1, 7, 12, 39])
def test_part_of_a_sha_approves_nothing(stressing: Stressing, digits: int) -> None:
    head = stressing.open_fork(GOOD)
    is_refused(stressing, stressing.say(WRITER, f"/ok-to-test {head[:digits]}"), head)
    is_not_run(stressing, head)


@pytest.mark.parametrize("argument", ["", " HEAD", " main", " latest", " {head}0", " x{head}", " #{head}"])
def test_what_is_no_sha_approves_nothing(stressing: Stressing, argument: str) -> None:
    head = stressing.open_fork(GOOD)
    comment = stressing.say(WRITER, f"/ok-to-test{argument.format(head=head)}")
    assert stressing.heard.reactions(comment) == {"confused"}
    assert approval_of(stressing) is None
    is_not_run(stressing, head)


@pytest.mark.parametrize(
    "body",
    [
        "/ok-to-test {upper}",
        "/OK-to-test {head}",
        "/ok-to-test {head} looks fine to me",
        "/ok-to-test {head}.",
        "/ok-to-test `{head}`",
        "I have read it.\r\n\r\n/ok-to-test {head}\r\n",
        "/pagewarden ok-to-test {head}",
    ],
)
def test_it_is_understood_however_people_write_it(stressing: Stressing, body: str) -> None:
    head = stressing.open_fork(GOOD)
    comment = stressing.say(WRITER, body.format(head=head, upper=head.upper()))
    assert stressing.heard.reactions(comment) == {"eyes", "rocket"}
    assert stressing.is_waiting()


@pytest.mark.parametrize(
    "body", ["> /ok-to-test {head}", "```\n/ok-to-test {head}\n```", "<!--\n/ok-to-test {head}\n-->"]
)
def test_a_quoted_approval_is_none(stressing: Stressing, body: str) -> None:
    head = stressing.open_fork(GOOD)
    comment = stressing.say(WRITER, body.format(head=head))
    assert stressing.heard.reactions(comment) == set()
    assert approval_of(stressing) is None
    is_not_run(stressing, head)


def test_a_push_between_approval_and_job_voids_it_before_anybody_heard_of_the_push(stressing: Stressing) -> None:
    first = stressing.open_fork(GOOD)
    stressing.simulator.comment(REPOSITORY, stressing.house.number, WRITER, f"/ok-to-test {first}")
    until_stress(stressing)
    old = stressing.run_id()
    second = stressing.push(MORE, FORK)
    stressing.house.step()
    state = stressing.house.tools.stresses.get(old)
    assert state is not None
    assert (state.over, state.part(BUILD).starts) == (True, 0)
    stressing.settle()
    is_not_run(stressing, second)
    assert approval_of(stressing) is None
    assert stressing.conclusion(first) in {"neutral", "cancelled"}


def test_a_push_between_approval_and_job_voids_it_when_it_is_heard_of_first(stressing: Stressing) -> None:
    first = stressing.open_fork(GOOD)
    stressing.simulator.comment(REPOSITORY, stressing.house.number, WRITER, f"/ok-to-test {first}")
    until_stress(stressing)
    job = stressing.house.queue.popleft()
    second = stressing.push(MORE, FORK)
    stressing.settle()
    stressing.house.queue.append(job)
    stressing.settle()
    is_not_run(stressing, second)
    assert approval_of(stressing) is None
    assert stressing.conclusion(first) in {"neutral", "cancelled"}


def test_a_push_while_the_approved_commit_waits_for_the_machine_ends_that(stressing: Stressing) -> None:
    first = stressing.open_fork(GOOD)
    stressing.say(WRITER, f"/ok-to-test {first}")
    assert stressing.is_waiting()
    old = stressing.run_id()
    second = stressing.push(MORE, FORK)
    stressing.settle()
    stressing.look_again()
    assert not stressing.house.tools.stresses.claim(old, BUILD, "somebody")
    is_not_run(stressing, second)


def test_a_push_before_the_approval_is_read_is_not_approved_by_it(stressing: Stressing) -> None:
    first = stressing.open_fork(GOOD)
    stressing.simulator.comment(REPOSITORY, stressing.house.number, WRITER, f"/ok-to-test {first}")
    second = stressing.push(MORE, FORK)
    stressing.settle()
    assert second in stressing.heard.replies()[-1]
    is_not_run(stressing, second)


def test_pushed_away_and_back_the_commit_needs_leave_again(stressing: Stressing) -> None:
    first = stressing.open_fork(GOOD)
    stressing.say(WRITER, f"/ok-to-test {first}")
    stressing.push(MORE, FORK)
    stressing.settle()
    stressing.simulator.push(FORK, "change", first)
    stressing.settle()
    is_not_run(stressing, first)
    stressing.say(WRITER, f"/ok-to-test {first}")
    assert stressing.is_waiting()


def test_pushed_away_to_what_touches_nothing_and_back_the_commit_needs_leave_again(stressing: Stressing) -> None:
    first = stressing.open_fork(GOOD)
    stressing.say(WRITER, f"/ok-to-test {first}")
    stressing.simulator.push(FORK, "change", stressing.house.change({"README.md": "Other.\n"}, start="main"))
    stressing.settle()
    stressing.simulator.push(FORK, "change", first)
    stressing.settle()
    is_not_run(stressing, first)


def test_leave_that_was_kept_for_another_commit_is_none_for_the_head(stressing: Stressing) -> None:
    first = stressing.open_fork(GOOD)
    second = stressing.push(MORE, FORK)
    stressing.settle()
    # As if the news of the push had not voided it.
    stressing.house.tools.trust.approve(f"{REPOSITORY}#{stressing.house.number}", Approval(first, WRITER))
    stressing.say(STRANGER, "/stress")
    is_not_run(stressing, second)


def test_another_base_branch_leaves_the_leave_for_the_same_commit(stressing: Stressing) -> None:
    stressing.simulator.push(REPOSITORY, "stable", "main")
    head = stressing.open_fork(GOOD)
    stressing.say(WRITER, f"/ok-to-test {head}")
    stressing.simulator.edit_pull(REPOSITORY, stressing.house.number, base="stable")
    stressing.settle()
    assert approval_of(stressing) is not None
    assert stressing.is_waiting()


@pytest.mark.parametrize("role", [None, "read", "triage"])
def test_who_lost_access_before_the_job_starts_has_approved_nothing(stressing: Stressing, role: str | None) -> None:
    head = stressing.open_fork(GOOD)
    stressing.simulator.comment(REPOSITORY, stressing.house.number, WRITER, f"/ok-to-test {head}")
    until_stress(stressing)
    stressing.simulator.set_permission(REPOSITORY, WRITER, role)
    stressing.settle()
    is_not_run(stressing, head)
    stressing.simulator.set_permission(REPOSITORY, WRITER, "write")
    stressing.say(STRANGER, "/stress")
    is_not_run(stressing, head)


def test_who_lost_access_while_the_machine_was_busy_has_approved_nothing(
    stressing: Stressing, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = stressing.open_fork(GOOD)
    stressing.say(WRITER, f"/ok-to-test {head}")
    assert stressing.is_waiting()
    asked = stressing.house.calls("GET", "/permission")
    stressing.simulator.set_permission(REPOSITORY, WRITER, None)
    stressing.look_again()
    assert stressing.house.calls("GET", "/permission") == asked, (
        "GitHub is not asked for as long as the machine is busy"
    )
    monkeypatch.setattr(job, "alone", lambda _path: nullcontext(True))
    is_not_run(stressing, head)


def test_a_second_approval_counts_where_the_first_ones_author_lost_access(stressing: Stressing) -> None:
    stressing.simulator.set_permission(REPOSITORY, "other", "write")
    head = stressing.open_fork(GOOD)
    stressing.say(WRITER, f"/ok-to-test {head}")
    stressing.simulator.set_permission(REPOSITORY, WRITER, None)
    stressing.say("other", f"/ok-to-test {head}")
    stressing.look_again()
    assert stressing.is_waiting()


@pytest.mark.parametrize("editor", [WRITER, STRANGER])
def test_a_comment_that_is_edited_into_an_approval_is_ignored(stressing: Stressing, editor: str) -> None:
    head = stressing.open_fork(GOOD)
    comment = stressing.say(WRITER, "I shall read it tomorrow.")
    stressing.simulator.edit_comment(comment, editor, f"/ok-to-test {head}")
    stressing.settle()
    assert stressing.heard.reactions(comment) == set()
    assert stressing.heard.replies() == []
    assert approval_of(stressing) is None
    is_not_run(stressing, head)


def test_an_approval_that_is_edited_to_name_the_next_head_approves_it_not(stressing: Stressing) -> None:
    first = stressing.open_fork(GOOD)
    comment = stressing.say(WRITER, f"/ok-to-test {first}")
    second = stressing.push(MORE, FORK)
    stressing.settle()
    stressing.simulator.edit_comment(comment, WRITER, f"/ok-to-test {second}")
    stressing.settle()
    is_not_run(stressing, second)


def test_our_own_comments_approve_nothing(stressing: Stressing) -> None:
    house = stressing.house
    head = stressing.open_fork(GOOD)
    with house.tools.github.client(house.installation_id) as client:
        made = client.create_comment(REPOSITORY, house.number, f"/ok-to-test {head}")
    stressing.settle()
    assert stressing.heard.reactions(made.id) == set()
    assert stressing.heard.replies() == []
    assert approval_of(stressing) is None
    is_not_run(stressing, head)


def test_another_app_without_write_access_approves_nothing(stressing: Stressing) -> None:
    house = stressing.house
    app = stressing.simulator.create_app("helper")
    installation_id = stressing.simulator.install(app.id, REPOSITORY)
    head = stressing.open_fork(GOOD)
    other = GitHub(stressing.simulator.api_url, app.id, app.private_key_pem, house.tools.tokens)
    with other.client(installation_id) as client:
        made = client.create_comment(REPOSITORY, house.number, f"/ok-to-test {head}")
    stressing.settle()
    is_refused(stressing, made.id, "people with write access")
    is_not_run(stressing, head)


def test_where_no_approval_is_needed_it_is_said_and_none_is_kept(stressing: Stressing) -> None:
    head = stressing.open(GOOD)
    is_refused(stressing, stressing.say(WRITER, f"/ok-to-test {head}"), "No approval is needed")
    assert stressing.is_waiting()


def test_a_closed_pull_request_cannot_be_approved(stressing: Stressing) -> None:
    head = stressing.open_fork(GOOD)
    stressing.simulator.close_pull(REPOSITORY, stressing.house.number)
    is_refused(stressing, stressing.say(WRITER, f"/ok-to-test {head}"), "closed")
    stressing.simulator.reopen_pull(REPOSITORY, stressing.house.number)
    stressing.settle()
    is_not_run(stressing, head)


def test_an_approval_before_the_static_check_counts_after_it(stressing: Stressing) -> None:
    stressing.simulator.create_repository(FORK, stressing.house.source)
    head = stressing.house.change(GOOD, start="main")
    stressing.simulator.push(FORK, "change", head)
    pull = stressing.simulator.open_pull(REPOSITORY, "change", "main", "A change", STRANGER, head_repository=FORK)
    stressing.house.number = pull.number
    comment = stressing.say(WRITER, f"/ok-to-test {head}")
    assert stressing.heard.reactions(comment) == {"eyes", "rocket"}
    assert stressing.conclusion(head, MAIN) == "success"
    assert stressing.is_waiting()


def test_an_approval_where_the_pull_request_was_forgotten_begins_it(stressing: Stressing, redis: Redis) -> None:
    head = stressing.open_fork(GOOD)
    place = f"{REPOSITORY}#{stressing.house.number}"
    # As after a loss of all that was known.
    redis.delete(f"pagewarden:pull:{place}")
    stressing.say(WRITER, f"/ok-to-test {head}")
    assert stressing.is_waiting()


def test_leave_for_one_pull_request_is_none_for_another_of_the_same_commit(stressing: Stressing) -> None:
    stressing.simulator.push(REPOSITORY, "stable", "main")
    head = stressing.open_fork(GOOD)
    stressing.say(WRITER, f"/ok-to-test {head}")
    other = stressing.simulator.open_pull(REPOSITORY, "change", "stable", "Again", STRANGER, head_repository=FORK)
    stressing.settle()
    run_id = stressing.house.tools.store.current(f"{REPOSITORY}#{other.number}")
    assert run_id is not None
    state = stressing.house.tools.stresses.get(run_id)
    assert state is not None
    assert state.refused == "fork"


def test_a_head_that_breaks_a_limit_can_be_approved(stressing: Stressing) -> None:
    head = stressing.open_fork(BAD)
    stressing.say(WRITER, f"/ok-to-test {head}")
    assert stressing.is_waiting()
    assert stressing.conclusion(head, MAIN) == "failure"


def test_what_waits_behind_the_gate_goes_on_after_the_approval(stressing: Stressing) -> None:
    stressing.rule("stress: {gate: true}\n")
    head = stressing.open_fork(GOOD)
    assert stressing.conclusion(head, MAIN) == "action_required"
    stressing.say(WRITER, f"/ok-to-test {head}")
    assert stressing.conclusion(head, MAIN) != "success"
    stressing.find(Verdict.PASS)
    assert (stressing.conclusion(head, MAIN), stressing.conclusion(head)) == ("success", "success")
