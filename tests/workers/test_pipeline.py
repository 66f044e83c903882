"""From a delivery to what GitHub shows, through a simulated GitHub and a real Valkey."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.workers.gitrepos import commit, git
from tests.workers.house import BAD, BASE, GOOD, REPOSITORY, House
from workers.github import Client
from workers.tools import Job


def test_a_pull_request_gets_a_check_at_once_and_then_a_verdict_and_a_comment(house: House) -> None:
    sha = house.open(GOOD)
    house.deliver(house.event("opened"))
    assert house.step().job is Job.INTAKE
    assert house.conclusions(sha) == [None]
    assert [message.job for message in house.drain()] == [Job.CHECK, Job.PUBLISH, Job.STUDY]
    assert house.conclusions(sha) == ["success"]
    (comment,) = house.comments()
    assert "PAGE" in comment
    assert "65,536" in comment or "65536" in comment
    assert house.tools.inbox.pending(-1) == []
    assert house.tools.store.open_runs(-1) == []


def test_a_broken_limit_fails_the_check_with_an_annotation_on_its_line(house: House) -> None:
    sha = house.open(BAD)
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    (run,) = house.simulator.check_runs(REPOSITORY, sha)
    assert [(note["path"], note["start_line"]) for note in house.simulator.annotations(run["id"])] == [
        ("Source/page.h", 1)
    ]


def test_a_header_that_cannot_be_evaluated_is_no_pass(house: House) -> None:
    sha = house.open({"Source/page.h": "#define PAGE (1 / 0)\n"})
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert len(house.comments()) == 1


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param("#pragma clang __debug crash\n", id="crash"),
        pytest.param("".join(f"#define B{n} {' + '.join([f'B{n - 1}'] * 8)}\n" for n in range(1, 20)), id="macro bomb"),
        pytest.param('#include "/etc/passwd"\n', id="host file"),
    ],
)
def test_after_a_hostile_header_the_work_goes_on(house: House, attack: str) -> None:
    attacked = house.open({"Source/page.h": f"{attack}#define B0 1\n#define PAGE B19\n"})
    house.deliver()
    house.drain()
    ((_, conclusion, title),) = house.checks(attacked)
    assert conclusion == "failure"
    assert "page.h" in title
    (comment,) = house.comments()
    assert "root:" not in comment
    mended = house.push(GOOD)
    house.deliver()
    house.drain()
    assert house.conclusions(mended) == ["success"]


def test_nothing_watched_is_answered_within_the_first_job_and_without_a_comment(house: House) -> None:
    sha = house.open({"README.md": "Another engine.\n"})
    house.deliver()
    house.step()
    assert not house.queue
    assert house.conclusions(sha) == ["success"]
    assert "Not applicable" in house.checks(sha)[0][2]
    assert house.comments() == []


@pytest.mark.parametrize(
    "renamed",
    [
        {"Source/page.h": None, "Elsewhere/page.txt": BASE["Source/page.h"]},
        {"README.md": None, "Source/readme.h": BASE["README.md"]},
    ],
    ids=["away", "to"],
)
def test_a_rename_counts_on_both_names(house: House, renamed: dict[str, str | None]) -> None:
    sha = house.open(renamed)
    house.deliver()
    house.step()
    assert house.conclusions(sha) == [None]


def test_a_change_without_effect_is_checked_and_not_commented_on(house: House) -> None:
    sha = house.open({"Source/page.h": "/* 16 KB */\n#define PAGE 16384\n"})
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["success"]
    assert house.comments() == []


def test_what_the_target_branch_did_meanwhile_is_not_blamed_on_the_pull_request(house: House) -> None:
    sha = house.open({"Source/watched.c": "/* new */\n"})
    house.change(BAD, start="main")
    house.simulator.push(REPOSITORY, "main", "change")
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["success"]
    assert house.comments() == []


def test_what_came_in_by_a_merge_of_the_target_branch_is_not_blamed_on_the_pull_request(house: House) -> None:
    house.open({"Source/watched.c": "/* new */\n"})
    git(house.source, "checkout", "--quiet", "main")
    commit(house.source, BAD)
    house.simulator.push(REPOSITORY, "main", "main")
    git(house.source, "checkout", "--quiet", "change")
    git(house.source, "merge", "--quiet", "--no-edit", "main")
    sha = house.simulator.push(REPOSITORY, "change", "change")
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["success"]
    assert house.comments() == []


def test_a_target_branch_may_have_any_name(house: House) -> None:
    house.simulator.push(REPOSITORY, "rel/1#ü", "main")
    sha = house.open(BAD)
    house.simulator.edit_pull(REPOSITORY, house.number, base="rel/1#ü")
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert house.calls("GET", f"/compare/rel/1#ü...{sha}") == 1


def test_a_commit_that_is_gone_is_a_normal_end(house: House) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.step()
    house.push(BAD, start="main")
    house.simulator.forget_unreachable(REPOSITORY)
    assert [message.job for message in house.drain()] == [Job.CHECK, Job.PUBLISH]
    assert house.conclusions(sha) == ["cancelled"]
    assert house.comments() == []
    assert house.tools.store.open_runs(-1) == []


@pytest.mark.parametrize(("others", "pages"), [(298, 0), (299, 3), (320, 4)])
def test_all_pages_of_files_are_read_where_the_comparison_may_lack_some(house: House, others: int, pages: int) -> None:
    files = {f"docs/{number:04}.txt": "x" for number in range(others)}
    sha = house.open({**files, "Source/page.h": "#define PAGE 65536\n"})
    house.deliver()
    house.drain()
    assert house.calls("GET", "/files") == pages
    assert house.conclusions(sha) == ["success"]
    assert len(house.comments()) == 1


def test_two_pushes_in_quick_succession_only_the_last_head_is_reported(house: House) -> None:
    first = house.open(BAD)
    house.deliver()
    house.step()
    last = house.push(GOOD)
    house.deliver()
    house.drain()
    assert house.conclusions(first) == ["cancelled"]
    assert house.conclusions(last) == ["success"]
    (comment,) = house.comments()
    assert "65,536" in comment or "65536" in comment
    assert house.calls("POST", "/comments") == 1


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_push_at_any_stage_of_the_run_before_it(house: House, steps: int) -> None:
    first = house.open(BAD)
    house.deliver()
    for _ in range(steps):
        house.step()
    last = house.push(GOOD)
    house.deliver()
    house.drain()
    assert house.conclusions(first) == [[], ["cancelled"], ["cancelled"], ["failure"]][steps]
    assert house.conclusions(last) == ["success"]
    assert len(house.comments()) == 1
    assert "4096" not in house.comments()[0] and "4,096" not in house.comments()[0].replace("64", "")


def test_a_push_that_we_have_not_heard_of_is_seen_before_reporting(house: House) -> None:
    first = house.open(BAD)
    house.deliver()
    house.step()
    house.push(GOOD)
    house.drain()
    assert house.conclusions(first) == ["cancelled"]
    assert house.comments() == []


def test_the_files_of_another_head_do_not_make_one_pass(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first = house.open({**BAD, **{f"docs/{number:04}.txt": "x" for number in range(300)}})
    files = Client.files

    def after_a_push(client: Client, repository: str, number: int) -> list[tuple[str, ...]]:
        monkeypatch.undo()
        house.push({"README.md": "Another engine.\n"}, start="main")
        return files(client, repository, number)

    monkeypatch.setattr(Client, "files", after_a_push)
    house.deliver()
    house.drain()
    assert house.conclusions(first) == []
    house.simulator.push(REPOSITORY, "change", first)
    house.deliver()
    house.drain()
    assert house.conclusions(first) == ["failure"]


def test_a_pull_request_is_found_where_its_repository_was_renamed(house: House) -> None:
    files = {f"docs/{number:03}.txt": "x" for number in range(40)}
    sha = house.open({**files, **BAD})
    moved = {"Location": f"{house.simulator.api_url}/repos/{REPOSITORY}/pulls/{house.number}"}
    house.simulator.fail_next("GET", "^/repos/acme/old/pulls/", 301, moved, times=100)
    house.deliver(replace(house.event(), repository="acme/old"))
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert len(house.comments()) == 1
    assert {call.path for call in house.simulator.calls if "/acme/old/" in call.path} == {
        f"/repos/acme/old/pulls/{house.number}"
    }


def test_old_news_make_no_run_for_an_old_head(house: House) -> None:
    first = house.open(BAD)
    old = house.event()
    last = house.push(GOOD)
    house.deliver()
    house.drain()
    house.deliver(old)
    house.drain()
    assert house.conclusions(first) == []
    assert house.conclusions(last) == ["success"]


def test_a_head_that_was_pushed_away_and_comes_back_is_reported_again(house: House) -> None:
    first = house.open(BAD)
    house.deliver()
    house.step()
    house.push(GOOD, start="main")
    house.deliver()
    house.drain()
    assert house.conclusions(first) == ["cancelled"]
    house.simulator.push(REPOSITORY, "change", first)
    house.deliver()
    house.drain()
    assert house.conclusions(first) == ["cancelled", "failure"]
    assert len(house.comments()) == 1
    assert house.simulator.comments(REPOSITORY, house.number)[0]["body"].count("4096") >= 1


def test_a_concluded_head_that_comes_back_gets_its_comment_back(house: House) -> None:
    first = house.open(BAD)
    house.deliver()
    house.drain()
    told = house.comments()
    house.push(GOOD, start="main")
    house.deliver()
    house.drain()
    assert house.comments() != told
    house.simulator.push(REPOSITORY, "change", first)
    house.deliver()
    house.drain()
    assert house.comments() == told
    assert house.conclusions(first) == ["failure"]


def test_the_same_news_twice_change_nothing_and_write_nothing(house: House) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.drain()
    writes = house.calls("POST"), house.calls("PATCH")
    house.deliver()
    house.deliver(house.event("reopened"))
    house.drain()
    assert (house.calls("POST"), house.calls("PATCH")) == writes
    assert house.conclusions(sha) == ["success"]


def test_every_job_may_be_done_again(house: House) -> None:
    sha = house.open(BAD)
    house.deliver()
    done = house.drain()
    writes = house.calls("POST"), house.calls("PATCH")
    for message in done:
        house.tools.send(message.job, message.key)
        house.drain()
    assert (house.calls("POST"), house.calls("PATCH")) == writes
    assert house.conclusions(sha) == ["failure"]


def test_a_comment_that_a_person_deleted_is_made_again(house: House) -> None:
    house.open(BAD)
    house.deliver()
    house.drain()
    (comment,) = house.simulator.comments(REPOSITORY, house.number)
    with house.tools.github.client(house.installation_id) as client:
        client._transport.call("DELETE", f"/repos/{REPOSITORY}/issues/comments/{comment['id']}")
    assert house.comments() == []
    house.push(GOOD)
    house.deliver()
    house.drain()
    (after,) = house.simulator.comments(REPOSITORY, house.number)
    assert after["id"] != comment["id"]


def test_the_comment_is_found_again_when_everything_is_forgotten(house: House) -> None:
    house.open(BAD)
    house.deliver()
    house.drain()
    house.tools.store._redis.flushall()
    last = house.push(GOOD)
    house.deliver()
    house.drain()
    assert len(house.comments()) == 1
    house.tools.store._redis.flushall()
    house.deliver()
    house.drain()
    assert house.conclusions(last) == ["success"]
    assert len(house.comments()) == 1


def test_a_comment_outlives_what_it_was_about_but_does_not_go_on_saying_it(house: House) -> None:
    house.open(BAD)
    house.deliver()
    house.drain()
    assert "4096" in house.comments()[0]
    sha = house.push({"README.md": "Only this.\n"}, start="main")
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["success"]
    assert len(house.comments()) == 1
    assert "4096" not in house.comments()[0]


def test_a_closed_pull_request_gets_its_check_concluded_and_no_comment(house: House) -> None:
    sha = house.open(BAD)
    house.deliver()
    house.step()
    house.simulator.close_pull(REPOSITORY, house.number)
    house.deliver(house.event("closed"))
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert house.comments() == []


def test_what_was_checked_while_closed_is_commented_on_once_reopened(house: House) -> None:
    sha = house.open(BAD)
    house.deliver()
    house.step()
    house.simulator.close_pull(REPOSITORY, house.number)
    house.drain()
    house.simulator.reopen_pull(REPOSITORY, house.number)
    house.deliver(house.event("reopened"))
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert len(house.comments()) == 1


def test_nothing_begins_for_a_closed_pull_request(house: House) -> None:
    sha = house.open(BAD)
    old = house.event()
    house.simulator.close_pull(REPOSITORY, house.number)
    house.deliver(old)
    house.drain()
    assert house.conclusions(sha) == []


def test_a_draft_is_checked_too(house: House) -> None:
    sha = house.change(BAD, start="main")
    house.simulator.push(REPOSITORY, "change", sha)
    house.number = house.simulator.open_pull(REPOSITORY, "change", "main", "A draft", draft=True).number
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["failure"]


def test_a_pull_request_of_a_fork_is_fetched_through_its_base(house: House) -> None:
    house.simulator.create_repository("stranger/engine", house.source)
    sha = house.change(BAD, start="main")
    house.simulator.push("stranger/engine", "theirs", sha)
    house.number = house.simulator.open_pull(
        REPOSITORY, "theirs", "main", "From a fork", head_repository="stranger/engine"
    ).number
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert len(house.comments()) == 1


def test_another_base_is_another_run(house: House) -> None:
    sha = house.open(GOOD)
    house.deliver()
    house.drain()
    older = house.change({"Source/page.h": "#define PAGE 65536\n"}, start="main")
    house.simulator.push(REPOSITORY, "other", older)
    house.change(GOOD, start=older)
    house.simulator.edit_pull(REPOSITORY, house.number, base="other")
    house.deliver(house.event("edited"))
    house.drain()
    assert house.conclusions(sha)[-1] == "success"
    assert len(house.comments()) == 1


def test_the_last_check_of_a_head_is_about_its_present_base(house: House) -> None:
    house.open(BAD)
    house.simulator.push(REPOSITORY, "other", "change")
    sha = house.push({"Source/watched.c": "/* new */\n"})
    for base, conclusions in (
        ("main", ["failure"]),
        ("other", ["failure", "success"]),
        ("main", ["failure", "success", "failure"]),
    ):
        house.simulator.edit_pull(REPOSITORY, house.number, base=base)
        house.deliver(house.event("edited"))
        house.drain()
        assert house.conclusions(sha) == conclusions
    assert len(house.comments()) == 1


def test_a_repository_that_is_gone_ends_everything_quietly(house: House) -> None:
    house.open(GOOD)
    house.deliver()
    house.step()
    house.deliver(replace(house.event(), number=999))
    house.simulator.uninstall(house.installation_id)
    assert len(house.drain()) <= 4
    assert house.tools.store.open_runs(-1) == []
    assert house.tools.inbox.pending(-1) == []
