"""What rules a run, from texts alone."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.profile import bundled_profiles
from checker.report import Severity
from config.repository import PATH, Problem, RepositorySettings
from tests.workers.gitrepos import PROFILE
from workers.ruling import (
    Ruling,
    Side,
    Source,
    profile_files,
    rule,
    touches_settings,
    understand,
    with_proposed,
)

SMALL = str(PROFILE)
OWN = ".github/arena.yml"
ARENA = PROFILE.read_text().replace("name: small", "name: arena").replace("Source", "Arena")
RULE = "page-covers-os-page"
NO_FILE = Side()
SIDES = st.builds(
    Side,
    st.none() | st.text(max_size=20),
    st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=3).map(tuple),
)


def ruling(text: str | None, files: dict[str, str] | None = None, bundled: tuple[str, ...] = (SMALL,)) -> Ruling:
    """What rules under settings of that text."""
    return rule(Source("main", Side(text, tuple((files or {}).items())), bundled))


def problems(text: str, files: dict[str, str] | None = None) -> tuple[Problem, ...]:
    """What is wrong with settings."""
    return understand(Side(text, tuple((files or {}).items())), (SMALL,)).problems


@given(st.builds(Source, st.text(), SIDES, st.lists(st.text()).map(tuple), st.none() | SIDES, st.none() | SIDES))
def test_a_source_goes_to_json_and_comes_back(source: Source) -> None:
    back = Source.from_json(json.loads(json.dumps(source.to_json())))
    assert back == source
    assert hash(back.rules) == hash(source.rules)


def test_without_a_file_the_defaults_rule_and_what_comes_with_pagewarden() -> None:
    found = ruling(None)
    assert found.settings == RepositorySettings()
    assert [profile.name for profile in found.profiles] == ["small"]
    assert (found.news.path, found.news.ref) == (PATH, "main")
    assert (found.news.problems, found.news.proposed) == ((), None)


@pytest.mark.parametrize("text", ["", "# Nothing yet.\n", "labels: []\n"])
def test_a_file_that_names_no_profiles_leaves_those_that_are_there(text: str) -> None:
    found = ruling(text, bundled=bundled_profiles())
    assert [profile.name for profile in found.profiles] == list(bundled_profiles())


def test_named_profiles_rule_and_no_others() -> None:
    found = ruling(f"profiles: [{OWN}, libpas]\n", {OWN: ARENA})
    assert [profile.name for profile in found.profiles] == ["arena", "libpas"]
    assert found.watches("Arena/page.h")
    assert not found.watches("Source/page.h")


def test_a_profile_is_found_by_its_name() -> None:
    found = ruling(f"profiles: [{OWN}, libpas]\n", {OWN: ARENA})
    profile = found.profile("arena")
    assert profile is not None
    assert profile.watches("Arena/page.h")
    assert found.profile("small") is None


def test_a_profile_that_is_not_there_is_told_at_its_place() -> None:
    (problem,) = problems(f"labels: [x]\nprofiles:\n  - libpas\n  - {OWN}\n")
    assert (problem.line, problem.column) == (4, 5)
    assert problem.message == f"{OWN}: no such file"


def test_a_profile_that_is_not_valid_is_told_at_its_place_with_its_own_line() -> None:
    (problem,) = problems(f"profiles: [libpas, {OWN}]\n", {OWN: ARENA.replace("scope: tree", "scope: forest")})
    assert problem.line == 1
    assert problem.message.startswith(f"{OWN}: line {ARENA.splitlines().index('    scope: tree') + 1}, ")


def test_what_can_be_read_of_several_profiles_is_read() -> None:
    understood = understand(Side(f"profiles: [{OWN}, .github/nowhere.yml]\n", ((OWN, ARENA),)), (SMALL,))
    assert [profile.name for profile in understood.profiles] == ["arena"]
    assert len(understood.problems) == 1


def test_two_profiles_of_one_name_are_a_problem() -> None:
    (problem,) = problems(f"profiles:\n  - {OWN}\n  - .github/b.yml\n", {OWN: ARENA, ".github/b.yml": ARENA})
    assert problem.line == 3
    assert "arena" in problem.message


def test_a_profile_of_the_repository_may_not_take_the_name_of_a_bundled_one_beside_it() -> None:
    libpas = ARENA.replace("name: arena", "name: libpas")
    assert problems(f"profiles: [{OWN}]\n", {OWN: libpas}) == ()
    (problem,) = problems(f"profiles: [libpas, {OWN}]\n", {OWN: libpas})
    assert "libpas" in problem.message


def test_rules_and_targets_are_those_of_the_named_profiles() -> None:
    assert problems(f"rules:\n  {RULE}:\n    severity: warning\n    reason: Why.\n") == ()
    (problem,) = problems(f"profiles: [libpas]\nrules:\n  {RULE}:\n    severity: warning\n    reason: Why.\n")
    assert problem.line == 3
    assert RULE in problem.message
    (problem,) = problems("targets: [linux-arm46]\n")
    assert "linux-arm64" in problem.message


def test_names_are_not_held_against_a_profile_that_could_not_be_read() -> None:
    (problem,) = problems(f"profiles: [{OWN}]\nrules:\n  its-own-rule:\n    severity: warning\n    reason: Why.\n")
    assert "no such file" in problem.message


def test_what_is_no_valid_file_leaves_the_defaults_with_all_that_is_wrong() -> None:
    understood = understand(Side("labels: 3\ndrafts: never\n"), (SMALL,))
    assert understood.settings == RepositorySettings()
    assert [profile.name for profile in understood.profiles] == ["small"]
    assert [problem.line for problem in understood.problems] == [1, 2]


@pytest.mark.parametrize("text", ["\0", "a: &a [*a]\n", "- 1\n", "\ufffd: \ufffd\n", "profiles: [../x.yml]\n"])
def test_whatever_the_file_is_nothing_raises(text: str) -> None:
    assert problems(text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_understood_or_has_problems(text: str, profile: str) -> None:
    understood = understand(Side(text), (SMALL,))
    assert understood.profiles
    named = understand(Side(f"profiles: [{OWN}]\n", ((OWN, profile),)), (SMALL,))
    assert named.problems


def test_severities_of_the_settings_count() -> None:
    before, after = (
        next(each for each in found.profiles[0].rules if each.id == RULE)
        for found in (
            ruling(None),
            ruling(f"rules:\n  {RULE}:\n    severity: warning\n    reason: Why.\n"),
        )
    )
    assert (before.severity, after.severity) == (Severity.ERROR, Severity.WARNING)


def test_invalid_settings_of_the_base_are_told_while_the_last_valid_ones_rule() -> None:
    found = rule(Source("main", Side("page_sizes: [4K]\n"), (SMALL,), broken=Side("page_sizes: [5K]\n")))
    assert found.page_sizes((1, 2)) == (4096,)
    assert [problem.line for problem in found.news.problems] == [1]
    assert found.news.proposed is None


def test_proposed_settings_rule_nothing_and_are_told_to_be_valid_or_not() -> None:
    source = Source("main", NO_FILE, (SMALL,))
    valid = rule(with_proposed(source, Side("page_sizes: [4K]\n")))
    assert valid.news.proposed == ()
    assert valid.settings == RepositorySettings()
    invalid = rule(with_proposed(source, Side("page_sizes: [5K]\n")))
    assert [problem.line for problem in invalid.news.proposed or ()] == [1]
    deleted = rule(with_proposed(Source("main", Side("page_sizes: [4K]\n"), (SMALL,)), NO_FILE))
    assert deleted.news.proposed == ()
    assert deleted.page_sizes((1, 2)) == (4096,)


def test_it_is_silent_where_nothing_is_watched_and_no_settings_are_proposed() -> None:
    nothing = Source("main", NO_FILE, ())
    assert rule(nothing).is_silent
    assert not rule(nothing).watches("Source/page.h")
    assert not rule(with_proposed(nothing, Side("labels: 3\n"))).is_silent
    assert not rule(with_proposed(nothing, NO_FILE)).is_silent
    assert not rule(Source("main", NO_FILE, (SMALL,))).is_silent
    assert not rule(Source("main", Side("profiles: [libpas]\n"), ())).is_silent


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        (None, (), ("linux-arm64", "linux-x86_64")),
        (None, ("linux-x86_64", "macos-arm64"), ("linux-x86_64",)),
        (None, ("macos-arm64",), ()),
        ("targets: [linux-arm64]\n", ("linux-x86_64",), ("linux-arm64",)),
        ("targets: [linux-x86_64, linux-arm64]\n", (), ("linux-x86_64", "linux-arm64")),
    ],
)
def test_the_settings_name_targets_then_pagewarden_then_the_profile(
    text: str | None, default: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    x86 = "  linux-x86_64:\n    title: Linux on x86\n    triple: x86_64-linux-gnu\n    page_sizes: [4096]\n"
    two = ARENA.replace("sections:", f"{x86}sections:")
    found = ruling(f"profiles: [{OWN}]\n{text or ''}", {OWN: two})
    assert found.targets(found.profiles[0], default) == expected


def test_page_sizes_are_those_of_the_settings_or_the_default() -> None:
    assert ruling(None).page_sizes((4096, 65536)) == (4096, 65536)
    some = ruling("page_sizes: [64K, 16K]\n")
    assert some.page_sizes((4096,)) == (65536, 16384)
    assert some.stress_page_sizes((4096,)) == (65536, 16384)
    both = ruling("page_sizes: [64K, 16K]\nstress:\n  page_sizes: [4K]\n")
    assert both.stress_page_sizes((16384,)) == (4096,)
    assert ruling(None).stress_page_sizes((4096, 65536)) == (4096, 65536)


def test_what_is_ignored_is_so_until_its_last_day_is_over() -> None:
    found = ruling(f"ignore:\n  - rule: {RULE}\n    reason: Why.\n    expires: 2027-03-31\n")
    assert [entry.rule for entry in found.ignored(date(2027, 3, 31))] == [RULE]
    assert found.ignored(date(2027, 4, 1)) == ()


@pytest.mark.parametrize(
    ("text", "files"),
    [
        (None, ()),
        ("labels: 3\n", ()),
        ("profiles: [libpas]\n", ()),
        (f"profiles: [libpas, {OWN}, .github/sub/b.yaml]\n", (OWN, ".github/sub/b.yaml")),
        ("profiles: [.github/../x.yml]\n", ()),
    ],
)
def test_which_files_of_the_repository_are_to_be_read(text: str | None, files: tuple[str, ...]) -> None:
    assert profile_files(text) == files


@pytest.mark.parametrize(
    ("paths", "touches"),
    [
        ([PATH], True),
        (["Source/page.h", OWN], True),
        (["Source/page.h"], False),
        ([], False),
        ([".github/other.yml", "pagewarden.yml", f"docs/{PATH}"], False),
    ],
)
def test_a_change_of_the_file_or_of_a_profile_it_names_is_one_of_the_settings(paths: list[str], touches: bool) -> None:
    assert touches_settings(paths, Side(f"profiles: [{OWN}]\n", ((OWN, ARENA),))) is touches
