"""Suggestions on the lines of a pull request, however often and with whatever in between."""

from __future__ import annotations

import hashlib

import pytest
import yaml

from checker.check import check
from checker.profile import load_profile
from checker.report import Report
from tests.workers.gitrepos import PROFILE, commit, git, repository
from tests.workers.house import BAD, GOOD, REPOSITORY, House
from workers.git import local_tree
from workers.github import GitHub, ReviewComment, Unavailable
from workers.report.suggestion import Suggestion, retracted, rule_of
from workers.runs import Run
from workers.suggestions import Create, Delete, Review, Rewrite, Step, plan, show_suggestions
from workers.tools import Job

MARK = "<!-- pagewarden suggestion page-covers-os-page "
RETRACTED = retracted(f"{MARK}0 -->")
FILLER = "".join(f"// line {number}\n" for number in range(20))


def studied(house: House) -> None:
    """Hears of the pull request as it is and does everything that follows."""
    house.deliver()
    house.drain()


def test_a_suggestion_is_made_once_however_often_it_is_studied(house: House) -> None:
    house.open(BAD)
    studied(house)
    ((_, _, body),) = house.suggestions()
    assert "This breaks `page-covers-os-page`" in body
    assert "4096, must be >= 16384" in body
    assert "With `PAGE` 16384 in place of 4096 it holds" in body
    for _ in range(2):
        studied(house)
    assert house.calls("POST", "/pulls/1/comments") == 1


@pytest.mark.parametrize("performed", [True, False])
def test_a_502_on_the_new_suggestion_makes_one(house: House, performed: bool) -> None:
    house.open(BAD)
    house.simulator.fail_next("POST", "/pulls/1/comments$", 502, performed=performed)
    studied(house)
    assert len(house.suggestions()) == 1


def test_it_is_found_again_when_everything_is_forgotten(house: House) -> None:
    house.open(BAD)
    studied(house)
    house.tools.store._redis.flushall()
    studied(house)
    assert house.calls("POST", "/pulls/1/comments") == 1


def test_the_push_that_mends_it_takes_it_away(house: House) -> None:
    house.open(BAD)
    studied(house)
    sha = house.push(GOOD)
    studied(house)
    assert house.conclusions(sha) == ["success"]
    assert house.suggestions() == []


def test_a_push_to_nothing_watched_takes_it_away(house: House) -> None:
    house.open(BAD)
    studied(house)
    house.push({"README.md": "Another engine.\n"}, start="main")
    studied(house)
    assert house.suggestions() == []


def test_a_push_beside_it_leaves_it_alone(house: House) -> None:
    house.open(BAD)
    studied(house)
    before = house.simulator.review_comments(REPOSITORY, house.number)
    house.push({"Source/other.h": "// new\n"})
    studied(house)
    after = house.simulator.review_comments(REPOSITORY, house.number)
    assert [(one["id"], one["updated_at"]) for one in after] == [(one["id"], one["updated_at"]) for one in before]
    assert (house.calls("DELETE"), house.calls("PATCH", "/pulls/comments/")) == (0, 0)


def test_a_suggestion_moves_with_its_line(house: House) -> None:
    house.open(BAD)
    studied(house)
    house.push({"Source/page.h": f"// more\n{BAD['Source/page.h']}"})
    studied(house)
    assert [line for _, line, _ in house.suggestions()] == [2]
    assert house.calls("POST", "/pulls/1/comments") == 1


def test_another_mistake_on_the_line_gets_another_suggestion(house: House) -> None:
    house.open(BAD)
    studied(house)
    house.push({"Source/page.h": "#define PAGE 8192\n"})
    studied(house)
    ((_, line, body),) = house.suggestions()
    assert line == 1
    assert "`PAGE` 16384 in place of 8192" in body


def test_where_somebody_replied_it_stays_and_says_that_it_no_longer_applies(house: House) -> None:
    first = house.open(BAD)
    studied(house)
    (comment,) = house.simulator.review_comments(REPOSITORY, house.number)
    house.simulator.reply(REPOSITORY, house.number, comment["id"], "Why 16384?")
    house.push(GOOD)
    studied(house)
    assert [body for _, _, body in house.suggestions()] == [RETRACTED, "Why 16384?"]
    patches = house.calls("PATCH", "/pulls/comments/")
    studied(house)
    assert house.calls("PATCH", "/pulls/comments/") == patches
    house.simulator.push(REPOSITORY, "change", first)
    studied(house)
    assert [body for _, _, body in house.suggestions()] == [comment["body"], "Why 16384?"]


def test_only_lines_that_the_diff_shows_are_suggested_on(house: House) -> None:
    house.change({"Source/page.h": f"#define UNIT 4096\n{FILLER}#define PAGE (UNIT << 2)\n"}, start="main")
    git(house.source, "branch", "--force", "main", "change")
    house.simulator.push(REPOSITORY, "main", "main")
    house.open({"Source/page.h": f"#define UNIT 4096\n{FILLER}#define PAGE (UNIT * 1)\n"})
    studied(house)
    assert house.suggestions() == []
    assert "`UNIT` 4096 → 16384" in house.comments()[0]


def test_a_line_of_context_can_be_suggested_on(house: House) -> None:
    house.change({"Source/page.h": "#define UNIT 4096\n\n#define PAGE (UNIT << 2)\n"}, start="main")
    git(house.source, "branch", "--force", "main", "change")
    house.simulator.push(REPOSITORY, "main", "main")
    house.open({"Source/page.h": "#define UNIT 4096\n\n#define PAGE (UNIT * 1)\n"})
    studied(house)
    ((_, line, body),) = house.suggestions()
    assert line == 1
    assert "```suggestion\n#define UNIT 16384\n```" in body


def test_a_file_too_large_for_a_patch_gets_none(house: House) -> None:
    house.open({"Source/page.h": BAD["Source/page.h"] + "// filler\n" * 110_000})
    studied(house)
    assert "newly" in house.comments()[0].lower()
    assert house.suggestions() == []


@pytest.mark.parametrize("status", [403, 404, 422])
def test_what_github_refuses_fails_nothing(house: House, status: int) -> None:
    sha = house.open(BAD)
    house.simulator.fail_next("POST", "/pulls/1/comments$", status, times=9)
    studied(house)
    assert house.conclusions(sha) == ["failure"]
    assert house.suggestions() == []
    assert house.tools.store.open_runs(-1) == []
    assert "`PAGE` 4096 → 16384" in house.comments()[0]


@pytest.mark.parametrize("status", [403, 404, 410, 451])
@pytest.mark.parametrize("path", ["/pulls/1/comments$", "/pulls/1/files$"])
def test_what_github_refuses_to_show_fails_nothing(house: House, path: str, status: int) -> None:
    sha = house.open(BAD)
    remark = {"path": "Source/page.h", "line": 1, "side": "RIGHT", "body": "A remark"}
    with house.tools.github.client(house.installation_id) as client:
        client.create_review_comment(REPOSITORY, house.number, {"commit_id": sha, **remark})
    house.deliver()
    while house.queue[0].job is not Job.STUDY:
        house.step()
    house.step()
    house.simulator.fail_next("GET", path, status, times=9)
    assert [message.job for message in house.drain()] == [Job.PUBLISH]
    assert house.conclusions(sha) == ["failure"]
    assert [body for _, _, body in house.suggestions()] == ["A remark"]
    assert "`PAGE` 4096 → 16384" in house.comments()[0]
    assert house.sweep(after=10_000) == []


def test_what_a_maintainer_edited_stays_theirs(house: House) -> None:
    house.open(BAD)
    studied(house)
    (comment,) = house.simulator.review_comments(REPOSITORY, house.number)
    edited = comment["body"] + "\nPlease do as it says."
    with house.tools.github.client(house.installation_id) as client:
        client.update_review_comment(REPOSITORY, comment["id"], edited)
    house.push({"Source/other.h": "// new\n"})
    studied(house)
    assert [body for _, _, body in house.suggestions()] == [edited]
    house.push(GOOD)
    studied(house)
    assert [body for _, _, body in house.suggestions()] == [edited]


def test_a_stranger_with_our_marker_is_left_alone(house: House) -> None:
    sha = house.open(BAD)
    other = house.simulator.create_app("other")
    installation = house.simulator.install(other.id, REPOSITORY)
    stranger = GitHub(house.simulator.api_url, other.id, other.private_key_pem, house.tools.tokens)
    body = f"{MARK}0 -->\nmine"
    with stranger.client(installation) as client:
        place = {"commit_id": sha, "path": "Source/page.h", "line": 1, "side": "RIGHT"}
        client.create_review_comment(REPOSITORY, house.number, {**place, "body": body})
    studied(house)
    house.push(GOOD)
    studied(house)
    assert [body for _, _, body in house.suggestions()] == [body]


def test_what_a_person_deleted_is_made_again_with_the_next_push(house: House) -> None:
    house.open(BAD)
    studied(house)
    (comment,) = house.simulator.review_comments(REPOSITORY, house.number)
    with house.tools.github.client(house.installation_id) as client:
        client.delete_review_comment(REPOSITORY, comment["id"])
    house.push({"Source/other.h": "// new\n"})
    studied(house)
    assert len(house.suggestions()) == 1


def test_without_review_comments_nobody_asks_for_them(house: House) -> None:
    house.open(GOOD)
    studied(house)
    assert house.calls("GET", "/pulls/1/comments") == 0


def test_all_pages_of_comments_are_read(house: House) -> None:
    sha = house.open(BAD)
    place = {"commit_id": sha, "path": "Source/page.h", "line": 1, "side": "RIGHT"}
    with house.tools.github.client(house.installation_id) as client:
        for number in range(100):
            client.create_review_comment(REPOSITORY, house.number, {**place, "body": f"remark {number}"})
    studied(house)
    studied(house)
    house.push({"Source/other.h": "// new\n"})
    studied(house)
    assert len([body for _, _, body in house.suggestions() if body.startswith(MARK)]) == 1


def test_a_suggestion_of_a_pull_request_from_a_fork(house: House) -> None:
    house.simulator.create_repository("stranger/engine", house.source)
    sha = house.change(BAD, start="main")
    house.simulator.push("stranger/engine", "theirs", sha)
    house.number = house.simulator.open_pull(
        REPOSITORY, "theirs", "main", "From a fork", head_repository="stranger/engine"
    ).number
    studied(house)
    assert len(house.suggestions()) == 1


def test_while_a_study_is_to_come_suggestions_stay_as_they_are(house: House) -> None:
    house.open(BAD)
    studied(house)
    git(house.source, "checkout", "--quiet", "change")
    commit(house.source, {"Source/watched.c": "x\n"})
    house.simulator.push(REPOSITORY, "change", "change")
    house.deliver()
    while house.queue[0].job is not Job.STUDY:
        house.step()
    assert len(house.suggestions()) == 1
    house.drain()
    assert house.calls("DELETE") == 0


TWO = """
#define UNIT {unit}
#define PAGE {page}
"""


@pytest.fixture(scope="module")
def broken_twice(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Two rules are broken on two lines, and each is repaired on its own."""
    directory = tmp_path_factory.mktemp("twice")
    data = yaml.safe_load(PROFILE.read_text())
    (rule,) = data["rules"]
    data["constants"].append({"name": "UNIT", "macro": True})
    data["limits"]["UNIT"] = "UNIT"
    data["rules"].append({**rule, "id": "unit-covers-os-page", "value": "UNIT", "decided_by": ["UNIT"]})
    (directory / "twice.yml").write_text(yaml.safe_dump(data))
    profile = load_profile(str(directory / "twice.yml"))
    source = repository(directory / "source")
    for size in (16384, 4096):
        commit(source, {"Source/page.h": TWO.format(unit=size, page=size)})
    base, head = (local_tree(source, revision, profile) for revision in ("HEAD~1", "HEAD"))
    return check(base, head, profile, advice=True)


def show(house: House, report: Report | None) -> None:
    """Shows what a report suggests for the pull request as GitHub has it now."""
    head = house.simulator.pull(REPOSITORY, house.number).head_sha
    run = Run(house.installation_id, REPOSITORY, house.number, "0" * 40, head, "http://localhost/")
    with house.tools.github.client(house.installation_id) as client:
        pull = client.pull(REPOSITORY, house.number)
        show_suggestions(client, run, pull, "pagewarden[bot]", [report] if report else [])


def rules(house: House) -> list[tuple[int | None, str | None]]:
    """Line and rule of each suggestion."""
    return [(line, rule_of(body)) for _, line, body in house.suggestions()]


BOTH = [(3, "page-covers-os-page"), (2, "unit-covers-os-page")]


def test_several_suggestions_come_as_one_review(house: House, broken_twice: Report) -> None:
    house.open({"Source/page.h": TWO.format(unit=4096, page=4096)})
    for _ in range(2):
        show(house, broken_twice)
    assert rules(house) == BOTH
    assert (house.calls("POST", "/pulls/1/reviews"), house.calls("POST", "/pulls/1/comments")) == (1, 0)
    (review,) = house.simulator.reviews(REPOSITORY, house.number)
    assert (review["state"], review["body"]) == ("COMMENTED", "")
    show(house, None)
    assert rules(house) == []


@pytest.mark.parametrize("performed", [True, False])
def test_a_502_on_the_review_makes_one(house: House, broken_twice: Report, performed: bool) -> None:
    house.open({"Source/page.h": TWO.format(unit=4096, page=4096)})
    house.simulator.fail_next("POST", "/pulls/1/reviews$", 502, performed=performed)
    with pytest.raises(Unavailable):
        show(house, broken_twice)
    show(house, broken_twice)
    assert rules(house) == BOTH


def test_a_line_that_is_not_in_the_diff_costs_only_its_own_suggestion(house: House, broken_twice: Report) -> None:
    house.open({"Source/page.h": TWO.format(unit=4096, page=4096)})
    house.simulator.fail_next("POST", "/pulls/1/reviews$", 422)
    house.simulator.fail_next("POST", "/pulls/1/comments$", 422)
    show(house, broken_twice)
    assert rules(house) == BOTH[1:]


@pytest.mark.parametrize("status", [403, 404])
def test_a_review_that_is_not_allowed_is_not_tried_again_in_pieces(
    house: House, broken_twice: Report, status: int
) -> None:
    house.open({"Source/page.h": TWO.format(unit=4096, page=4096)})
    house.simulator.fail_next("POST", "/pulls/1/reviews$", status)
    show(house, broken_twice)
    assert house.calls("POST", "/pulls/1/comments") == 0
    assert rules(house) == []


def marked(text: str) -> str:
    """A text below our marker, unedited."""
    return f"{MARK}{hashlib.sha256(text.encode()).hexdigest()[:12]} -->\n{text}"


ONE = Suggestion("page-covers-os-page", "a.h", 3, marked("Do.") + "\n")
NEXT = Suggestion("page-covers-os-page", "a.h", 9, marked("Do.") + "\n")
OTHER = marked("Do otherwise.")
EDITED = marked("Do.") + " Or not."


def shown(number: int, body: str = ONE.body, **other: object) -> ReviewComment:
    fields: dict[str, object] = {"author": "us[bot]", "path": "a.h", "line": 3, "in_reply_to": None, **other}
    return ReviewComment(id=number, body=body, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "comments", "steps"),
    [
        ([ONE], [], [Create(ONE)]),
        ([ONE], [shown(1, marked("Do.").replace("\n", "\r\n"))], []),
        ([ONE], [shown(1, OTHER)], [Rewrite(1, ONE.body)]),
        ([ONE], [shown(1), shown(2)], [Delete(2)]),
        ([ONE], [shown(1), shown(2), shown(3, "Why?", in_reply_to=2)], [Delete(1)]),
        ([ONE], [shown(1, line=None)], [Create(ONE), Delete(1)]),
        ([ONE], [shown(1, line=4)], [Create(ONE), Delete(1)]),
        ([ONE], [shown(1, path="b.h")], [Create(ONE), Delete(1)]),
        ([ONE], [shown(1, author="somebody")], [Create(ONE)]),
        ([ONE], [shown(1, author=None)], [Create(ONE)]),
        ([], [shown(1, "Do."), shown(2, in_reply_to=1), shown(3, "<!-- pagewarden -->")], []),
        ([], [shown(1), shown(2, "Why?", author="x", in_reply_to=1)], [Rewrite(1, RETRACTED)]),
        ([], [shown(1, RETRACTED), shown(2, "Why?", author="x", in_reply_to=1)], []),
        ([], [shown(1, RETRACTED)], [Delete(1)]),
        ([ONE], [shown(1, EDITED)], []),
        ([ONE], [shown(1), shown(2, EDITED)], [Delete(1)]),
        ([ONE], [shown(1, EDITED, line=4)], [Create(ONE)]),
        ([], [shown(1, EDITED)], []),
        ([], [shown(1, EDITED), shown(2, "Why?", author="x", in_reply_to=1)], []),
        ([], [shown(1, EDITED.replace("\n", "\r\n"))], []),
        ([ONE, NEXT], [shown(1, line=4)], [Review((ONE, NEXT)), Delete(1)]),
        ([ONE, NEXT], [shown(1, OTHER)], [Create(NEXT), Rewrite(1, ONE.body)]),
    ],
)
def test_only_the_difference_is_written(
    wanted: list[Suggestion], comments: list[ReviewComment], steps: list[Step]
) -> None:
    assert plan(wanted, comments, "us[bot]") == steps
