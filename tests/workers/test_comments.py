"""The one comment: how few requests it costs, and that it is one, whoever deletes it and whatever fails."""

from __future__ import annotations

import pytest

from tests.workers.house import BAD, GOOD, REPOSITORY, House
from workers.beginning import STRIKE_SECONDS
from workers.report.comment import MARKER
from workers.shown import KeptComment
from workers.tools import Job

UNTOUCHED = {"README.md": "Another engine.\n"}


def pushed(house: House, files: dict[str, str]) -> str:
    """A push and all that follows from it; the new head."""
    sha = house.push(files)
    house.deliver()
    house.drain()
    return sha


def opened(house: House, files: dict[str, str]) -> str:
    """A pull request and all that follows from it; its head."""
    sha = house.open(files)
    house.deliver()
    house.drain()
    return sha


def kept(house: House) -> KeptComment | None:
    """What is known of the comment."""
    return house.tools.shown.comment(f"{REPOSITORY}#{house.number}")


def forget(house: House) -> None:
    """Redis loses what it knew of the comment."""
    house.tools.shown.keep_comment(f"{REPOSITORY}#{house.number}", None)


def looks(house: House) -> int:
    """How often the pull request's comments were listed."""
    return house.calls("GET", f"/issues/{house.number}/comments")


def comment_writes(house: House) -> tuple[int, int]:
    """How many comments were made, and how often one was changed."""
    return house.calls("POST", f"/issues/{house.number}/comments"), house.calls("PATCH", "/issues/comments/")


def publish(house: House, sha: str) -> None:
    """Tells GitHub again of the run of a head."""
    (run_id,) = house.tools.store.runs_of(REPOSITORY, sha)
    house.tools.store.open(run_id)
    house.tools.send(Job.PUBLISH, run_id)
    house.drain()


def test_a_pull_request_without_comments_is_commented_on_without_a_look(house: House) -> None:
    opened(house, GOOD)
    assert len(house.comments()) == 1
    assert looks(house) == 0


def test_the_comment_is_edited_without_a_look(house: House) -> None:
    opened(house, GOOD)
    last = pushed(house, BAD)
    (comment,) = house.comments()
    assert last[:12] in comment
    assert looks(house) == 0
    assert house.calls("GET", "/issues/comments/") == 0
    assert comment_writes(house)[0] == 1


def test_a_comment_that_says_it_all_is_not_touched(house: House) -> None:
    sha = opened(house, GOOD)
    before = len(house.simulator.calls)
    publish(house, sha)
    assert [call.method for call in house.simulator.calls[before:]] == ["GET"]
    assert comment_writes(house) == (1, 0)


def test_what_is_forgotten_is_looked_for_and_found(house: House) -> None:
    sha = opened(house, GOOD)
    forget(house)
    publish(house, sha)
    assert looks(house) == 1
    assert comment_writes(house) == (1, 0)
    last = pushed(house, BAD)
    (comment,) = house.comments()
    assert last[:12] in comment
    assert looks(house) == 1


def test_ours_is_found_on_any_page_of_comments(house: House) -> None:
    house.open(GOOD)
    for number in range(120):
        house.simulator.comment(REPOSITORY, house.number, "octocat", f"Remark {number}.")
    house.deliver()
    house.drain()
    forget(house)
    last = pushed(house, BAD)
    ours = [comment for comment in house.comments() if "pagewarden" in comment]
    assert len(ours) == 1
    assert last[:12] in ours[0]


def test_a_comment_that_somebody_deleted_is_made_once_more(house: House) -> None:
    opened(house, GOOD)
    (comment,) = house.simulator.comments(REPOSITORY, house.number)
    house.simulator.delete_comment(comment["id"])
    last = pushed(house, BAD)
    (comment,) = house.comments()
    assert last[:12] in comment
    assert pushed(house, GOOD)[:12] in house.comments()[0]
    assert comment_writes(house)[0] == 2


def test_a_comment_that_somebody_deleted_is_not_missed_where_there_is_nothing_to_say(house: House) -> None:
    opened(house, GOOD)
    (comment,) = house.simulator.comments(REPOSITORY, house.number)
    house.simulator.delete_comment(comment["id"])
    house.push(UNTOUCHED, start="main")
    house.deliver()
    house.drain()
    assert house.comments() == []


def test_that_there_is_none_is_known_and_costs_no_look(house: House) -> None:
    house.open(UNTOUCHED)
    house.simulator.comment(REPOSITORY, house.number, "octocat", "Looks good.")
    house.deliver()
    house.drain()
    assert kept(house) == KeptComment(0)
    assert looks(house) == 1
    pushed(house, {"README.md": "Yet another engine.\n"})
    assert looks(house) == 1
    last = pushed(house, BAD)
    _, ours = house.comments()
    assert last[:12] in ours
    assert looks(house) == 1


@pytest.mark.parametrize("performed", [True, False])
def test_after_a_lost_answer_to_the_new_comment_github_is_asked(house: House, performed: bool) -> None:
    house.open(GOOD)
    house.simulator.fail_next("POST", "/comments$", 502, performed=performed)
    house.deliver()
    house.drain()
    (comment,) = house.simulator.comments(REPOSITORY, house.number)
    known = kept(house)
    assert known is not None
    assert known.id == comment["id"]
    # Where it was not made the pull request has none, which its own answer tells.
    assert looks(house) == (1 if performed else 0)


@pytest.mark.parametrize("performed", [True, False])
@pytest.mark.parametrize("fails", [1, 3])
def test_a_lost_answer_to_an_edit_is_made_up_for(house: House, performed: bool, fails: int) -> None:
    opened(house, GOOD)
    house.simulator.fail_next("PATCH", "/issues/comments/", 502, performed=performed, times=fails)
    last = pushed(house, BAD)
    (comment,) = house.comments()
    assert last[:12] in comment
    assert looks(house) == 0


def test_a_comment_that_may_not_be_edited_keeps_no_check_open(house: House) -> None:
    opened(house, GOOD)
    house.simulator.fail_next("PATCH", "/issues/comments/", 403, times=9)
    last = pushed(house, BAD)
    assert house.conclusions(last) == ["failure"]
    assert house.tools.store.open_runs(-1) == []
    assert len(house.comments()) == 1


def test_the_verdict_of_an_older_commit_is_struck_when_there_is_none_of_the_new_one_for_a_while(house: House) -> None:
    first = opened(house, BAD)
    last = house.push(GOOD)
    house.deliver()
    house.step()
    (strike,) = [message for message in house.queue if message.job is Job.PUBLISH]
    assert strike.seconds == STRIKE_SECONDS
    house.queue.remove(strike)
    house.queue.appendleft(strike)
    house.step()
    (comment,) = house.comments()
    assert f"checking `{last[:12]}` now; this is about an older commit, `{first[:12]}`" in comment
    assert "### ~~pagewarden: " in comment
    assert house.conclusions(last) == [None]
    house.drain()
    (comment,) = house.comments()
    assert "older commit" not in comment
    assert "~~" not in comment
    assert "PAGE" in comment
    assert house.conclusions(last) == ["success"]


def test_a_comment_is_struck_once(house: House) -> None:
    opened(house, BAD)
    house.push(GOOD)
    house.deliver()
    house.step()
    (strike,) = [message for message in house.queue if message.job is Job.PUBLISH]
    before = comment_writes(house)
    for _ in range(3):
        house.queue.appendleft(strike)
        house.step()
    assert comment_writes(house) == (before[0], before[1] + 1)


def test_nothing_is_struck_once_the_verdict_is_there(house: House) -> None:
    opened(house, BAD)
    last = house.push(GOOD)
    house.deliver()
    house.step()
    edits = comment_writes(house)[1]
    house.drain()
    assert comment_writes(house)[1] == edits + 1
    assert last[:12] in house.comments()[0]


def test_no_strike_is_ordered_where_there_is_no_comment(house: House) -> None:
    opened(house, UNTOUCHED)
    house.push(BAD)
    house.deliver()
    house.step()
    assert [message.job for message in house.queue] == [Job.CHECK]


def test_what_could_not_be_evaluated_strikes_the_verdict_of_an_older_commit(house: House) -> None:
    opened(house, BAD)
    last = house.push(GOOD)
    house.simulator.fail_next("GET", r"\.git/", 500, times=99)
    house.simulator.fail_next("POST", r"\.git/", 500, times=99)
    house.deliver()
    house.drain()
    assert house.conclusions(last) == ["failure"]
    (comment,) = house.comments()
    assert f"checking `{last[:12]}` now" in comment
    assert "~~" in comment


def test_a_person_with_our_marker_is_never_edited(house: House) -> None:
    house.open(GOOD)
    theirs = f"All is well.\n{MARKER}"
    house.simulator.comment(REPOSITORY, house.number, "mallory", theirs)
    house.deliver()
    house.drain()
    last = pushed(house, BAD)
    first, second = house.comments()
    assert first == theirs
    assert last[:12] in second


@pytest.mark.parametrize("performed", [True, False])
def test_after_a_lost_answer_nothing_is_known_to_be_missing_any_more(house: House, performed: bool) -> None:
    opened(house, UNTOUCHED)
    assert kept(house) == KeptComment(0)
    house.simulator.fail_next("POST", "/comments$", 502, performed=performed)
    last = pushed(house, BAD)
    (comment,) = house.comments()
    assert last[:12] in comment


def test_an_edit_whose_answer_is_lost_is_undone_when_the_head_before_is_back(house: House) -> None:
    first = opened(house, BAD)
    last = house.push(GOOD, start="main")
    house.simulator.fail_next("PATCH", "/issues/comments/", 502, performed=True)
    house.deliver()
    while house.step().job is not Job.PUBLISH:
        pass
    assert last[:12] in house.comments()[0]
    house.queue.clear()
    house.simulator.push(REPOSITORY, "change", first)
    house.deliver()
    house.drain()
    (comment,) = house.comments()
    assert first[:12] in comment
