"""Where a ruling comes from: real git, through the simulated GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from checker.profile import bundled_profiles
from config.repository import PATH, RepositorySettings
from simulator.server import Simulator
from tests.workers.gitrepos import PROFILE
from tests.workers.house import BAD, REPOSITORY, House, build
from workers.git import CommitGone, GitError
from workers.ruling import Side, Source, rule, understand
from workers.rulings import LARGEST_FILE, Remote, Rulings

SMALL = str(PROFILE)
OWN = ".github/arena.yml"
ARENA = PROFILE.read_text().replace("name: small", "name: arena").replace("Source", "Arena")


def remote(house: House) -> Remote:
    """The repository, opened as a job does."""
    with house.tools.github.client(house.installation_id) as client:
        return Remote(REPOSITORY, f"{house.simulator.url}/{REPOSITORY}.git", client.token)


def at_tip(house: House, ref: str = "main") -> Source:
    """What rules for a branch as it is now."""
    there = remote(house)
    tip = house.tools.rulings.tip(there, ref)
    assert tip is not None
    return house.tools.rulings.at(there, ref, tip)


def test_without_a_file_what_comes_with_the_server_rules(house: House) -> None:
    source = at_tip(house)
    assert source == Source("main", Side(), (SMALL,))
    assert [profile.name for profile in rule(source).profiles] == ["small"]


def test_where_nothing_is_watched_there_is_silence(house: House) -> None:
    house.land({"Source/page.h": None})
    source = at_tip(house)
    assert source.bundled == ()
    assert rule(source).is_silent


def test_a_file_of_the_base_branch_rules(house: House) -> None:
    house.land({PATH: "page_sizes: [4K]\ndrafts: skip\n"})
    ruling = rule(at_tip(house))
    assert ruling.page_sizes(()) == (4096,)
    assert ruling.settings.drafts == "skip"
    assert ruling.news.problems == ()


def test_a_profile_of_the_repository_is_read_beside_the_file(house: House) -> None:
    house.land({PATH: f"profiles: [libpas, {OWN}]\n", OWN: ARENA, ".github/other.yml": "name: other\n"})
    source = at_tip(house)
    assert source.rules.files == ((OWN, ARENA),)
    assert [profile.name for profile in rule(source).profiles] == ["libpas", "arena"]


def test_of_a_profile_that_is_named_and_not_there_it_is_told(house: House) -> None:
    house.land({PATH: f"profiles: [{OWN}]\n"})
    ruling = rule(at_tip(house))
    (problem,) = ruling.news.problems
    assert problem.message == f"{OWN}: no such file"


def test_settings_that_were_never_valid_leave_the_defaults_and_are_told(house: House) -> None:
    house.land({PATH: "page_sizes: [4K]\ndrafts: never\n"})
    source = at_tip(house)
    assert source.rules == Side()
    ruling = rule(source)
    assert ruling.settings == RepositorySettings()
    assert [problem.line for problem in ruling.news.problems] == [2]
    assert [profile.name for profile in ruling.profiles] == ["small"]


def test_where_settings_break_the_last_valid_ones_go_on_ruling_with_their_profiles(house: House) -> None:
    house.land({PATH: f"profiles: [{OWN}]\npage_sizes: [4K]\n", OWN: ARENA})
    at_tip(house)
    house.land({PATH: f"profiles: [{OWN}]\npage_sizes: [5K]\n", OWN: ARENA.replace("name: arena", "name: another")})
    ruling = rule(at_tip(house))
    assert ruling.page_sizes(()) == (4096,)
    assert [profile.name for profile in ruling.profiles] == ["arena"]
    assert [problem.line for problem in ruling.news.problems] == [2]
    house.land({PATH: "page_sizes: [16K]\n"})
    mended = rule(at_tip(house))
    assert mended.page_sizes(()) == (16384,)
    assert mended.news.problems == ()


def test_where_a_profile_breaks_the_last_valid_one_goes_on_ruling(house: House) -> None:
    house.land({PATH: f"profiles: [{OWN}]\n", OWN: ARENA})
    at_tip(house)
    house.land({OWN: ARENA.replace("value >= limit", "value >=")})
    source = at_tip(house)
    assert source.rules.files == ((OWN, ARENA),)
    assert source.broken is not None
    assert rule(source).news.problems


def test_what_ruled_on_another_branch_does_not_rule_here(house: House) -> None:
    house.land({PATH: "page_sizes: [4K]\n"})
    at_tip(house)
    broken = house.change({PATH: "page_sizes: [5K]\n"}, start="main")
    house.simulator.push(REPOSITORY, "release", broken)
    source = at_tip(house, "release")
    assert source.rules == Side()
    assert (source.ref, source.broken) == ("release", Side("page_sizes: [5K]\n"))


def test_a_deleted_file_is_valid_and_leaves_the_defaults(house: House) -> None:
    house.land({PATH: "page_sizes: [4K]\n"})
    at_tip(house)
    house.land({PATH: None})
    source = at_tip(house)
    assert (source.rules, source.broken) == (Side(), None)


def test_the_settings_are_those_at_the_tip_of_the_branch_and_not_at_the_merge_base(house: House) -> None:
    sha = house.open(BAD)
    house.land({PATH: "page_sizes: [4K]\n"})
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["success"]


def test_proposed_settings_are_those_of_the_head(house: House) -> None:
    house.land({PATH: "page_sizes: [4K]\n"})
    head = house.open({PATH: f"profiles: [{OWN}]\n", OWN: ARENA})
    side = house.tools.rulings.proposed(remote(house), head)
    assert side == Side(f"profiles: [{OWN}]\n", ((OWN, ARENA),))
    assert understand(side, ()).problems == ()
    assert at_tip(house).rules.text == "page_sizes: [4K]\n"


def test_a_head_that_is_gone_is_said_to_be(house: House) -> None:
    with pytest.raises(CommitGone):
        house.tools.rulings.proposed(remote(house), "1" * 40)


def test_what_is_no_text_or_no_file_or_too_large_is_no_valid_settings_file(house: House, redis: Redis) -> None:
    (house.source / ".github").mkdir()
    for content in (b"\xff\xfe\x00", b"#" * (LARGEST_FILE + 1), b"labels: [\xc3\x28]\n"):
        (house.source / PATH).write_bytes(content)
        house.land({})
        source = at_tip(house)
        assert source.broken is not None
        assert rule(source).news.problems
        redis.delete(f"pagewarden:last-ruling:{REPOSITORY}@main")


def test_a_link_in_the_place_of_the_file_is_not_followed(house: House) -> None:
    (house.source / ".github").mkdir()
    (house.source / PATH).symlink_to("/etc/passwd")
    house.land({})
    assert at_tip(house).rules == Side()


def test_a_tip_is_asked_for_once(house: House) -> None:
    house.land({PATH: f"profiles: [{OWN}]\n", OWN: ARENA})
    there = remote(house)
    tip = house.tools.rulings.tip(there, "main")
    assert tip is not None
    first = house.tools.rulings.at(there, "main", tip)
    asked = len(house.simulator.git_calls)
    assert house.tools.rulings.at(there, "main", tip) == first
    assert len(house.simulator.git_calls) == asked


def test_another_process_knows_it_as_well(house: House, redis: Redis, tmp_path: Path) -> None:
    house.land({PATH: "page_sizes: [4K]\n"})
    there = remote(house)
    tip = house.tools.rulings.tip(there, "main")
    assert tip is not None
    first = house.tools.rulings.at(there, "main", tip)
    asked = len(house.simulator.git_calls)
    assert Rulings(redis, house.tools.cache, house.tools.settings).at(there, "main", tip) == first
    assert len(house.simulator.git_calls) == asked
    other = house.tools.settings.model_copy(update={"profile": "libpas"})
    assert Rulings(redis, house.tools.cache, other).at(there, "main", tip).bundled == ()


def test_a_tip_that_cannot_be_read_is_no_missing_file(house: House) -> None:
    house.land({PATH: "page_sizes: [4K]\n"})
    there = remote(house)
    tip = house.tools.rulings.tip(there, "main")
    assert tip is not None
    house.simulator.fail_next("POST", "/git-upload-pack$", 500, times=9)
    with pytest.raises(GitError):
        house.tools.rulings.at(there, "main", tip)
    assert list(house.tools.store._redis.scan_iter("pagewarden:ruling:*")) == []


@pytest.fixture
def any_profile(tmp_path: Path, redis_url: str) -> Iterator[House]:
    """A house whose settings name no profile."""
    with Simulator(tmp_path / "github") as simulator:
        yield build(tmp_path, simulator, redis_url, profile=None)
        assert simulator.violations == []


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("Source/bmalloc/libpas/src/libpas/pas_internal_config.h", ["libpas"]),
        ("include/mimalloc/types.h", ["mimalloc"]),
        ("README.txt", []),
    ],
)
def test_of_the_bundled_profiles_those_rule_whose_files_are_there(
    any_profile: House, path: str, names: list[str]
) -> None:
    any_profile.land({path: "/* */\n"})
    source = at_tip(any_profile)
    assert list(source.bundled) == names
    assert set(source.bundled) <= set(bundled_profiles())


def test_a_bundled_profile_that_is_named_rules_though_its_files_are_not_there(any_profile: House) -> None:
    any_profile.land({PATH: "profiles: [mimalloc]\n"})
    ruling = rule(at_tip(any_profile))
    assert [profile.name for profile in ruling.profiles] == ["mimalloc"]
    assert not ruling.is_silent
