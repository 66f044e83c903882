"""What `.github/pagewarden.yml` changes on a pull request; the settings of the base rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.workers.gitrepos import PROFILE
from tests.workers.heard import AUTHOR, Heard
from tests.workers.house import BAD, GOOD, REPOSITORY

SETTINGS = ".github/pagewarden.yml"
RULE = "page-covers-os-page"
DAY = 24 * 3600
OWN = ".github/arena.yml"
SMALL = PROFILE.read_text()
ARENA = (
    SMALL.replace("name: small", "name: arena")
    .replace("A small allocator", "Arenas")
    .replace("Source/**/*.h", "Arena/**/*.h")
    .replace('include: ["Source"]', 'include: ["Arena"]')
    .replace(', "Source/watched.c"', "")
    .replace("page.h", "arena.h")
    .replace("PAGE", "ARENA")
    .replace(RULE, "arena-covers-os-page")
)
"""A second profile, of headers below `Arena`: `ARENA` in `arena.h` is its one constant."""
TWO_TARGETS = SMALL.replace(
    "sections:",
    "  linux-x86_64:\n    title: Linux on x86\n    triple: x86_64-linux-gnu\n    page_sizes: [4096]\nsections:",
)


def today(heard: Heard) -> date:
    """The day in UTC, on the house's clock."""
    return datetime.fromtimestamp(heard.house.clock(), UTC).date()


def ignoring(last_day: date) -> str:
    """Settings that ignore the rule until the end of that day."""
    return f"ignore:\n  - rule: {RULE}\n    reason: No such kernels here.\n    expires: {last_day}\n"


def test_a_profile_of_the_repository_itself_rules_and_the_server_s_does_not(heard: Heard) -> None:
    heard.land({SETTINGS: f"profiles: [{OWN}]\n", OWN: ARENA, "Arena/arena.h": "#define ARENA 65536\n"})
    sha = heard.open({"Arena/arena.h": "#define ARENA 4096\n", "Source/page.h": "#define PAGE 4096\n"})
    assert heard.house.conclusions(sha) == ["failure"]
    assert heard.house.annotated(sha) == [("Arena/arena.h", 1)]
    (comment,) = heard.house.comments()
    assert "ARENA" in comment
    assert "PAGE" not in comment.replace("ARENA", "")


def test_a_profile_that_comes_with_pagewarden_rules_once_it_is_named(heard: Heard) -> None:
    header = "Source/bmalloc/libpas/src/libpas/pas_internal_config.h"
    heard.land({SETTINGS: "profiles: [libpas]\ntargets: [linux-arm64]\n"})
    sha = heard.open({header: "#define PAS_SMALL_PAGE_DEFAULT_SHIFT 12\n"})
    assert heard.house.conclusions(sha) == ["failure"]
    assert "libpas" in heard.house.told(sha)
    other = heard.push(BAD, start="main")
    assert heard.house.conclusions(other) == ["success"]
    assert "Not applicable" in heard.house.told(other)


def test_a_change_of_the_profile_itself_is_judged_by_the_old_one_and_told_whether_it_is_valid(heard: Heard) -> None:
    heard.land({SETTINGS: f"profiles: [{OWN}]\n", OWN: ARENA, "Arena/arena.h": "#define ARENA 65536\n"})
    lenient = ARENA.replace("value >= limit", "value >= 1")
    sha = heard.open({OWN: lenient, "Arena/arena.h": "#define ARENA 4096\n"})
    assert heard.house.conclusions(sha) == ["failure"]
    assert "The new settings are valid" in heard.house.told(sha)
    broken = heard.push({OWN: ARENA.replace("value >= limit", "value >= (limit")}, start="main")
    assert heard.house.conclusions(broken) == ["failure"]
    assert "Settings are invalid" in heard.house.told(broken)


@pytest.mark.parametrize(("sizes", "conclusion"), [("[4K]", "success"), ("[4K, 16K]", "failure"), ("[16K]", "failure")])
def test_only_the_page_sizes_that_are_named_are_checked(heard: Heard, sizes: str, conclusion: str) -> None:
    heard.land({SETTINGS: f"page_sizes: {sizes}\n"})
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == [conclusion]


@pytest.mark.parametrize(("target", "conclusion"), [("linux-x86_64", "success"), ("linux-arm64", "failure")])
def test_only_the_targets_that_are_named_are_checked(heard: Heard, target: str, conclusion: str) -> None:
    heard.land({SETTINGS: f"profiles: [{OWN}]\ntargets: [{target}]\n", OWN: TWO_TARGETS})
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == [conclusion]


def test_a_rule_that_is_but_a_warning_here_does_not_fail_and_it_is_said_why(heard: Heard) -> None:
    heard.land({SETTINGS: f"rules:\n  {RULE}:\n    severity: warning\n    reason: Only *4K* kernels here.\n"})
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == ["success"]
    assert RULE in heard.house.told(sha)
    (comment,) = heard.house.comments()
    assert f"`{RULE}` counts as a warning here: Only \\*4K\\* kernels here." in comment


def test_an_ignored_finding_counts_for_nothing_until_its_last_day_is_over(heard: Heard) -> None:
    last_day = today(heard) + timedelta(days=3)
    heard.land({SETTINGS: ignoring(last_day)})
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == ["success"]
    assert "No such kernels here." in heard.house.comments()[0]
    while today(heard) < last_day:
        heard.house.clock.ahead += DAY
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha) == ["success", "success"]
    heard.house.clock.ahead += DAY
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha) == ["success", "success", "failure"]
    assert "attempt 3" in heard.house.checks(sha)[-1][2]
    assert "No such kernels here." not in heard.house.comments()[0]


def test_what_was_ignored_long_ago_is_not_ignored(heard: Heard) -> None:
    heard.land({SETTINGS: ignoring(today(heard) - timedelta(days=1))})
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == ["failure"]


@pytest.mark.parametrize(("files", "labels"), [(BAD, ["page-size", "needs care"]), ({"README.md": "New.\n"}, [])])
def test_labels_come_with_a_finding_and_not_without(heard: Heard, files: dict[str, str], labels: list[str]) -> None:
    heard.land({SETTINGS: "labels: [page-size, needs care]\n"})
    heard.open(files)
    assert heard.simulator.labels(REPOSITORY, heard.house.number) == labels


def test_a_pull_request_that_changes_the_settings_is_held_to_the_old_ones_until_they_are_merged(heard: Heard) -> None:
    lenient = f"rules:\n  {RULE}:\n    severity: warning\n    reason: It is mine to say.\n"
    sha = heard.open({SETTINGS: lenient, **BAD})
    assert heard.house.conclusions(sha) == ["failure"]
    assert "The new settings are valid; they rule once they are merged." in heard.house.told(sha)
    assert heard.house.annotated(sha) == [("Source/page.h", 1)]
    heard.land({SETTINGS: lenient})
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha) == ["failure", "success"]


def test_a_pull_request_of_valid_settings_alone_passes_and_is_told_so(heard: Heard) -> None:
    sha = heard.open({SETTINGS: "labels: [page-size]\n"})
    assert heard.house.conclusions(sha) == ["success"]
    assert "The new settings are valid; they rule once they are merged." in heard.house.told(sha)
    assert heard.house.comments() == []


@pytest.mark.parametrize(
    ("settings", "lines", "said"),
    [
        ("labels: [page-size]\nseverty: error\n", [2], "severty"),
        (f"rules:\n  {RULE}s:\n    severity: warning\n    reason: Why.\n", [2], f"did you mean {RULE}?"),
        ("page_sizes: [4K]\ndrafts: never\nlabels: 3\n", [2, 3], "expected"),
        ("labels: [a\n", None, "invalid"),
        ("profiles: [.github/nowhere.yml]\n", [1], "no such file"),
    ],
)
def test_invalid_settings_fail_the_check_with_an_annotation_on_each_line(
    heard: Heard, settings: str, lines: list[int] | None, said: str
) -> None:
    sha = heard.open({SETTINGS: settings})
    assert heard.house.conclusions(sha) == ["failure"]
    assert said in heard.house.told(sha)
    notes = heard.house.annotated(sha)
    assert {path for path, _ in notes} == {SETTINGS}
    assert lines is None or [line for _, line in notes] == lines


def test_invalid_settings_do_not_hide_what_is_wrong_with_the_headers(heard: Heard) -> None:
    sha = heard.open({SETTINGS: "labels: 3\n", **BAD})
    assert heard.house.conclusions(sha) == ["failure"]
    assert heard.house.annotated(sha) == [(SETTINGS, 1), ("Source/page.h", 1)]
    assert RULE in heard.house.comments()[0]
    assert "invalid" in heard.house.comments()[0]


def test_settings_that_are_mended_by_the_next_push_pass(heard: Heard) -> None:
    broken = heard.open({SETTINGS: "labels: 3\n"})
    mended = heard.push({SETTINGS: "labels: [page-size]\n"})
    assert heard.house.conclusions(broken) == ["failure"]
    assert heard.house.conclusions(mended) == ["success"]


def test_a_pull_request_that_deletes_the_settings_is_held_to_them(heard: Heard) -> None:
    heard.land({SETTINGS: "page_sizes: [4K]\n"})
    sha = heard.open({SETTINGS: None, **BAD})
    assert heard.house.conclusions(sha) == ["success"]
    assert SETTINGS in heard.house.told(sha)
    heard.land({SETTINGS: None})
    heard.say(AUTHOR, "/recheck")
    assert heard.house.conclusions(sha) == ["success", "failure"]


def test_where_nothing_is_watched_and_nothing_is_set_there_is_silence(heard: Heard) -> None:
    heard.land({"Source/page.h": None})
    sha = heard.open({"README.md": "An engine without pages.\n"})
    assert heard.house.checks(sha) == []
    assert heard.house.comments() == []
    assert heard.house.calls("POST", "/check-runs") == 0
    assert heard.house.calls("POST", "/statuses") == 0
    assert heard.house.tools.inbox.pending(-1) == []


def test_silence_ends_with_settings_that_are_proposed(heard: Heard) -> None:
    heard.land({"Source/page.h": None})
    sha = heard.open({SETTINGS: "labels: 3\n"})
    assert heard.house.conclusions(sha) == ["failure"]
    assert heard.house.annotated(sha) == [(SETTINGS, 1)]


def test_silence_ends_once_what_is_watched_has_landed(heard: Heard) -> None:
    heard.land({"Source/page.h": None})
    heard.land({"Source/page.h": "#define PAGE 65536\n"})
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == ["failure"]


def test_two_profiles_are_told_in_one_check_and_one_comment(heard: Heard) -> None:
    small = ".github/small.yml"
    heard.land(
        {SETTINGS: f"profiles: [{small}, {OWN}]\n", small: SMALL, OWN: ARENA, "Arena/arena.h": "#define ARENA 65536\n"}
    )
    sha = heard.open({"Arena/arena.h": "#define ARENA 4096\n", **GOOD})
    assert heard.house.conclusions(sha) == ["failure"]
    (comment,) = heard.house.comments()
    for text in (heard.house.told(sha), comment):
        assert "A small allocator" in text
        assert "Arenas" in text
        assert "arena-covers-os-page" in text
    assert heard.house.annotated(sha) == [("Arena/arena.h", 1)]
    mended = heard.push({"Arena/arena.h": "#define ARENA 131072\n"})
    assert heard.house.conclusions(mended) == ["success"]
    assert len(heard.house.comments()) == 1


def test_of_two_profiles_the_one_that_is_not_touched_keeps_silent(heard: Heard) -> None:
    small = ".github/small.yml"
    heard.land(
        {SETTINGS: f"profiles: [{small}, {OWN}]\n", small: SMALL, OWN: ARENA, "Arena/arena.h": "#define ARENA 65536\n"}
    )
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == ["failure"]
    assert "Arenas" not in heard.house.told(sha)
