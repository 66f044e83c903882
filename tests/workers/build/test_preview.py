"""Preview builds by commands in the sandbox: from a push to GitHub's final state, through the simulator over HTTP."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from checker.report import Verdict
from tests.workers.build.previewing import (
    FORK,
    MAIN,
    PREVIEW,
    STRANGER,
    WRITER,
    Previewing,
)
from tests.workers.heard import AUTHOR
from tests.workers.house import BAD, REPOSITORY
from workers.attempts import perform
from workers.build.drivers import slot
from workers.build.manifest import LOG, MANIFEST, REPORT, read_manifest
from workers.build.runner import work
from workers.host import alone
from workers.tools import Job

COMMAND = """
preview:
  command:
    run:
      - aarch64-linux-gnu-gcc -Wl,-z,max-page-size={size} -o engine engine.c
      - mkdir -p out
      - mv engine out/
    output: out
{more}"""
ENGINE = {"engine.c": "int main(void) { return 0; }\n"}
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
DAY = 24 * 3600


def settings(more: str = "", size: int = 65536) -> str:
    """A settings file; `more` are lines below `preview`."""
    return COMMAND.format(size=size, more="".join(f"  {line}\n" for line in more.splitlines()))


def tag_of(house: Previewing, sha: str) -> str:
    """The release's, as the issue wants it."""
    return f"autobuild-preview-pr-{house.house.number}-{sha[:8]}"


def releases(house: Previewing) -> dict[str, set[str]]:
    """Names of the assets of each release, by tag."""
    found = house.simulator.releases(REPOSITORY)
    assert len(found) == len({each["tag_name"] for each in found})
    return {each["tag_name"]: {asset["name"] for asset in each["assets"]} for each in found}


def test_a_head_is_built_inspected_released_and_in_the_table(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    tag = tag_of(previewing, sha)
    assert releases(previewing) == {tag: {"engine", LOG, MANIFEST, REPORT}}
    (release,) = previewing.simulator.releases(REPOSITORY)
    assert (release["prerelease"], release["draft"], release["author"]["login"]) == (True, False, "pagewarden[bot]")
    assert previewing.simulator.tags(REPOSITORY)[tag] == sha
    assert previewing.conclusion(sha) == "success"
    assert previewing.check(sha)["output"]["title"] == f"Released {tag}: 1 file"
    (row,) = previewing.table()
    commit, named, date = (cell.strip() for cell in row.strip("|").split("|"))
    assert commit == f"[`{sha[:8]}`]({previewing.simulator.url}/{REPOSITORY}/commit/{sha})"
    assert named == f"[`{tag}`]({release['html_url']})"
    assert DATE.fullmatch(date)


def test_what_lies_beside_the_artifacts_tells_what_they_are(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    tag = tag_of(previewing, previewing.open(BAD))
    previewing.look_again()
    told = {name: previewing.simulator.release_asset(REPOSITORY, tag, name) for name in releases(previewing)[tag]}
    manifest = read_manifest(told[MANIFEST])
    (artifact,) = manifest.artifacts
    assert (artifact.size, artifact.sha256) == (len(told["engine"]), hashlib.sha256(told["engine"]).hexdigest())
    assert manifest.inspection().binaries[0].alignment == 65536
    assert [each.verdict for each in manifest.verdicts] == [Verdict.FAIL]
    (report,) = json.loads(told[REPORT])
    page = next(each for each in report["targets"][0]["constants"] if each["name"] == "PAGE")
    assert (page["base"], page["head"]) == (16384, 4096)
    assert "$ aarch64-linux-gnu-gcc" in told[LOG].decode()


def test_a_build_that_fails_shows_the_end_of_its_log(previewing: Previewing) -> None:
    previewing.rule(settings(), {"engine.c": "#error no such engine\n"})
    sha = previewing.open()
    previewing.look_again()
    assert previewing.conclusion(sha) == "failure"
    assert "#error no such engine" in previewing.told(sha)
    assert releases(previewing) == {}
    (row,) = previewing.table()
    assert "failed" in row


def test_a_binary_that_no_64k_kernel_loads_fails_with_the_flag_that_mends_it(previewing: Previewing) -> None:
    previewing.rule(settings(size=4096), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    assert previewing.conclusion(sha) == "failure"
    told = previewing.told(sha)
    assert "engine" in told
    assert "-Wl,-z,max-page-size=65536" in told
    assert previewing.tags() == []


def test_the_main_check_does_not_care_for_the_preview(previewing: Previewing) -> None:
    previewing.rule(settings(size=4096), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    assert (previewing.conclusion(sha, MAIN), previewing.conclusion(sha)) == ("success", "failure")


def test_without_settings_nothing_is_built(previewing: Previewing) -> None:
    sha = previewing.open()
    names = {run["name"] for run in previewing.simulator.check_runs(REPOSITORY, sha)}
    assert names == {MAIN}
    assert previewing.table() == []
    previewing.say(AUTHOR, "/preview")
    assert "preview" in previewing.heard.replies()[-1]


def test_every_job_done_twice_leaves_one_release(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    house = previewing.house
    sha = house.change({"Source/page.h": "#define PAGE 65536\n"}, start="main")
    previewing.simulator.push(REPOSITORY, "change", sha)
    house.number = previewing.simulator.open_pull(REPOSITORY, "change", "main", "A change").number
    previewing.heard.hear()
    for _ in range(120):
        if not house.queue:
            break
        message = house.step()
        perform(house.tools, message.job, message.key)
        perform(house.tools, message.job, message.key)
        previewing.heard.hear()
    assert set(releases(previewing)) == {tag_of(previewing, sha)}
    assert len(previewing.started) == 1
    assert previewing.conclusion(sha) == "success"
    assert len(house.comments()) == 1
    assert len([run for run in previewing.simulator.check_runs(REPOSITORY, sha) if run["name"] == PREVIEW]) == 1


def test_a_process_that_dies_after_the_release_leaves_one_release(
    previewing: Previewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    previewing.rule(settings(), ENGINE)
    parts = previewing.house.tools.builds.parts
    finish = parts.finish
    deaths = iter([True, True])
    monkeypatch.setattr(parts, "finish", lambda *given: False if next(deaths, False) else finish(*given))
    sha = previewing.open()
    previewing.look_again()
    previewing.look_again()
    assert previewing.conclusion(sha) == "success"
    assert len(previewing.started) == 3
    assert set(releases(previewing)) == {tag_of(previewing, sha)}


def test_a_process_that_always_dies_is_given_up(previewing: Previewing) -> None:
    previewing.is_busy = True
    previewing.rule(settings(), ENGINE)
    sha = previewing.open()
    for _ in range(5):
        previewing.look_again()
    assert len(previewing.started) == 3
    assert previewing.conclusion(sha) == "failure"
    assert "ended 3 times" in previewing.told(sha)


def test_two_pushes_during_a_build_leave_the_last_head_alone(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.is_busy = True
    first = previewing.open()
    second = previewing.push({"Source/page.h": "#define PAGE 32768\n"})
    previewing.is_busy = False
    third = previewing.push({"Source/page.h": "#define PAGE 65536\n"})
    previewing.look_again()
    assert [previewing.conclusion(sha) for sha in (first, second, third)] == ["cancelled", "cancelled", "success"]
    assert set(releases(previewing)) == {tag_of(previewing, third)}
    rows = previewing.table()
    assert [sha[:8] in row for sha, row in zip((third, second, first), rows, strict=True)] == [True, True, True]
    assert ["cancelled" in row for row in rows] == [False, True, True]


def test_closing_during_a_build_ends_it(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.is_busy = True
    sha = previewing.open()
    previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    assert previewing.conclusion(sha) == "cancelled"
    previewing.is_busy = False
    previewing.look_again()
    assert releases(previewing) == {}


def test_a_tag_of_somebody_else_is_not_touched(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    house = previewing.house
    sha = house.change({"Source/page.h": "#define PAGE 65536\n"}, start="main")
    previewing.simulator.push(REPOSITORY, "change", sha)
    tag = f"autobuild-preview-pr-1-{sha[:8]}"
    previewing.simulator.create_release(REPOSITORY, tag, sha, author="wendy", assets={"mine.txt": b"mine"})
    before = previewing.simulator.releases(REPOSITORY)
    house.number = previewing.simulator.open_pull(REPOSITORY, "change", "main", "A change").number
    assert house.number == 1
    previewing.settle()
    previewing.look_again()
    assert previewing.conclusion(sha) == "neutral"
    assert "wendy" in previewing.told(sha)
    previewing.simulator.close_pull(REPOSITORY, house.number)
    previewing.settle()
    house.sweep(30 * DAY)
    previewing.settle()
    assert previewing.simulator.releases(REPOSITORY) == before
    assert previewing.simulator.tags(REPOSITORY)[tag] == sha


def test_releases_go_some_days_after_the_pull_request_closed_with_their_tags(previewing: Previewing) -> None:
    previewing.rule(settings("remove_after_days: 3"), ENGINE)
    previewing.simulator.create_release(REPOSITORY, "v1", None, author="wendy", assets={})
    sha = previewing.open()
    previewing.look_again()
    previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    previewing.house.sweep(2 * DAY)
    previewing.settle()
    assert tag_of(previewing, sha) in releases(previewing)
    previewing.house.sweep(1.1 * DAY)
    previewing.settle()
    assert set(releases(previewing)) == {"v1"}
    assert previewing.tags() == ["v1"]


def test_a_reopened_pull_request_is_built_again_once_its_release_is_gone(previewing: Previewing) -> None:
    previewing.rule(settings("remove_after_days: 0"), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    previewing.house.sweep(DAY)
    previewing.settle()
    assert releases(previewing) == {}
    previewing.simulator.reopen_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    previewing.look_again()
    assert set(releases(previewing)) == {tag_of(previewing, sha)}
    assert tag_of(previewing, sha) in previewing.table()[0]


def test_an_open_pull_request_keeps_the_releases_of_its_last_commits(previewing: Previewing) -> None:
    previewing.rule(settings("keep: 2"), ENGINE)
    shas = [previewing.open()]
    previewing.look_again()
    for page in (8192, 32768):
        shas.append(previewing.push({"Source/page.h": f"#define PAGE {page}\n"}))
        previewing.look_again()
    assert set(releases(previewing)) == {tag_of(previewing, sha) for sha in shas[1:]}
    rows = previewing.table()
    assert len(rows) == 3
    assert "removed" in next(row for row in rows if shas[0][:8] in row)


def test_a_lost_redis_finds_the_release_again_and_builds_nothing(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    first = previewing.open()
    previewing.look_again()
    second = previewing.push({"Source/page.h": "#define PAGE 32768\n"})
    previewing.look_again()
    house = previewing.house
    house.tools.store._redis.flushall()
    house.deliver()
    previewing.settle()
    previewing.look_again()
    assert len(previewing.started) == 2
    assert previewing.conclusion(second) == "success"
    assert [tag_of(previewing, sha) in row for sha, row in zip((second, first), previewing.table(), strict=True)]


def test_a_strangers_fork_is_built_only_with_leave(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.simulator.create_repository(FORK, previewing.house.source)
    sha = previewing.open(author=STRANGER, head_repository=FORK)
    previewing.look_again()
    assert previewing.started == []
    assert f"/ok-to-test {sha}" in previewing.told(sha)
    previewing.say(WRITER, f"/ok-to-test {sha}")
    previewing.look_again()
    assert previewing.conclusion(sha) == "success"
    assert set(releases(previewing)) == {tag_of(previewing, sha)}


def test_a_person_has_it_built_again_and_the_release_stays_one(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    comment = previewing.say(AUTHOR, "/preview")
    previewing.look_again()
    assert previewing.heard.reactions(comment) == {"eyes", "rocket"}
    assert len(previewing.started) == 2
    assert previewing.check(sha)["output"]["title"].endswith("(attempt 2)")
    assert set(releases(previewing)) == {tag_of(previewing, sha)}


def test_a_person_cancels_a_build(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.is_busy = True
    sha = previewing.open()
    previewing.say(AUTHOR, "/cancel")
    previewing.is_busy = False
    previewing.look_again()
    assert previewing.conclusion(sha) == "cancelled"
    assert releases(previewing) == {}
    previewing.say(AUTHOR, "/recheck preview")
    previewing.look_again()
    assert previewing.conclusion(sha) == "success"


def test_a_driver_that_is_not_offered_is_said_to_be_so(previewing: Previewing) -> None:
    previewing.rule("preview:\n  docker: {}\n")
    sha = previewing.open()
    previewing.look_again()
    assert previewing.conclusion(sha) == "neutral"
    assert "docker" in previewing.told(sha)


def test_builds_that_the_queue_lost_are_found_by_the_sweep(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    house = previewing.house
    previewing.is_busy = True
    sha = previewing.open()
    previewing.waiting.clear()
    previewing.is_busy = False
    assert Job.BUILD in {message.job for message in house.sweep(700)}
    previewing.settle()
    previewing.look_again()
    assert previewing.conclusion(sha) == "success"


def test_what_was_built_when_the_pull_request_closed_is_told_all_the_same(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.is_busy = True
    sha = previewing.open()
    work(previewing.house.tools, *previewing.started[0])
    previewing.house.queue.clear()
    previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    assert previewing.conclusion(sha) == "success"
    assert set(releases(previewing)) == {tag_of(previewing, sha)}


def test_what_was_built_when_a_push_came_is_told_all_the_same(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    previewing.is_busy = True
    first = previewing.open()
    work(previewing.house.tools, *previewing.started[0])
    previewing.house.queue.clear()
    previewing.is_busy = False
    second = previewing.push({"Source/page.h": "#define PAGE 32768\n"})
    previewing.look_again()
    assert [previewing.conclusion(sha) for sha in (first, second)] == ["success", "success"]
    assert set(releases(previewing)) == {tag_of(previewing, first), tag_of(previewing, second)}


def test_leave_that_ended_while_a_build_waited_for_the_host_is_asked_for_again(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    with alone(slot(previewing.house.tools)) as is_held:
        assert is_held
        sha = previewing.open_fork()
        previewing.say(WRITER, f"/ok-to-test {sha}")
        previewing.look_again()
        assert previewing.started == []
        previewing.simulator.set_permission(REPOSITORY, WRITER, "read")
    previewing.look_again()
    assert previewing.started == []
    assert f"/ok-to-test {sha}" in previewing.told(sha)


def test_settings_that_were_mended_rule_the_next_attempt(previewing: Previewing) -> None:
    previewing.rule(settings().replace("mv engine", "mv nothing"), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    assert previewing.conclusion(sha) == "failure"
    previewing.rule(settings())
    previewing.say(AUTHOR, "/preview")
    previewing.look_again()
    assert previewing.conclusion(sha) == "success"
