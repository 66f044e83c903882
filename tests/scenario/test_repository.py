from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from checker.profile import load_profile
from workers.scenario import (
    BASE_BRANCH,
    CHANGE_BRANCH,
    UNRELATED_BRANCH,
    Scenario,
    ScenarioError,
    make_scenario,
    put_on_base,
)


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def changed_files(scenario: Scenario, base: str, head: str) -> set[str]:
    return set(git(scenario.path, "diff", "--name-only", scenario.shas[base], scenario.shas[head]).splitlines())


def test_branches_and_tags_name_the_commits(scenario: Scenario) -> None:
    shas = scenario.shas
    assert git(scenario.path, "rev-parse", BASE_BRANCH) == shas["A"]
    assert git(scenario.path, "rev-parse", CHANGE_BRANCH) == shas["D"]
    assert git(scenario.path, "rev-parse", UNRELATED_BRANCH) == shas["unrelated"]
    assert git(scenario.path, "rev-parse", "A", "B", "C", "D").split() == [shas[name] for name in "ABCD"]
    assert git(scenario.path, "rev-list", "--reverse", "D").split() == [shas[name] for name in "ABCD"]
    assert git(scenario.path, "rev-parse", "docs-only^") == shas["A"]
    assert git(scenario.path, "status", "--porcelain", "--branch") == f"## {BASE_BRANCH}"


def test_files_go_on_the_base_branch_and_into_no_commit_of_the_scenario(scenario: Scenario, tmp_path: Path) -> None:
    copy = Scenario(tmp_path / "copy", scenario.shas)
    shutil.copytree(scenario.path, copy.path)
    git(copy.path, "checkout", "--quiet", UNRELATED_BRANCH)
    put_on_base(copy, {".github/pagewarden.yml": b"profiles: [libpas]\n"}, "Settings\n")
    assert git(copy.path, "diff", "--name-only", "A", BASE_BRANCH) == ".github/pagewarden.yml"
    assert git(copy.path, "rev-parse", f"{BASE_BRANCH}^") == copy.shas["A"]
    assert git(copy.path, "rev-parse", CHANGE_BRANCH, UNRELATED_BRANCH).split() == [
        copy.shas["D"],
        copy.shas["unrelated"],
    ]
    assert git(copy.path, "status", "--porcelain", "--branch") == f"## {BASE_BRANCH}"


def test_each_commit_touches_what_the_reference_pull_request_touched(scenario: Scenario) -> None:
    libpas = "Source/bmalloc/libpas/src/libpas"
    assert changed_files(scenario, "A", "B") == {
        "Source/WTF/wtf/PageBlock.h",
        "Source/bmalloc/bmalloc/BPlatform.h",
        f"{libpas}/jit_heap_config.h",
        f"{libpas}/pas_expendable_memory.h",
        f"{libpas}/pas_internal_config.h",
    }
    assert changed_files(scenario, "B", "C") == {f"{libpas}/pas_internal_config.h"}
    assert changed_files(scenario, "C", "D") == {f"{libpas}/jit_heap_config.h"}


def test_the_unrelated_branch_touches_nothing_watched(scenario: Scenario) -> None:
    profile = load_profile("libpas")
    assert changed_files(scenario, "A", "unrelated") == {"README.md"}
    assert not profile.watches("README.md")
    assert all(profile.watches(path) for path in changed_files(scenario, "A", "D"))


def test_only_what_the_profile_needs_goes_in(scenario: Scenario) -> None:
    profile = load_profile("libpas")
    paths = git(scenario.path, "ls-tree", "-r", "--name-only", "A").splitlines()
    assert [path for path in paths if not (profile.reads(path) or profile.watches(path))] == ["README.md"]


def test_equal_input_gives_equal_commits(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\nname = Somebody\nemail = somebody@example.com\n[commit]\ngpgSign = true\n"
        "[core]\nautocrlf = true\nhooksPath = /nonexistent\n[init]\ndefaultBranch = trunk\n"
    )
    cache = Path.home() / ".cache/pagewarden"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody else")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("PAGEWARDEN_CACHE_DIR", str(cache))
    assert make_scenario(tmp_path / "again", version="2.50.6").shas == scenario.shas


def test_a_checkout_and_a_tarball_of_it_give_the_same_repository(
    scenario: Scenario, webkit_2_50: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "WebKit"
    shutil.copytree(webkit_2_50, checkout)
    (checkout / "Source/bmalloc/unwanted.txt").write_text("not for the profile")
    with tarfile.open(tmp_path / "WebKit.tar.gz", "w:gz") as archive:
        archive.add(checkout, "WebKit")
    assert make_scenario(tmp_path / "one", source=checkout).shas == scenario.shas
    assert make_scenario(tmp_path / "two", source=tmp_path / "WebKit.tar.gz").shas == scenario.shas


def test_an_empty_directory_will_do(webkit_2_42: Path, tmp_path: Path) -> None:
    made = make_scenario(tmp_path, source=webkit_2_42)
    assert git(tmp_path, "rev-parse", "HEAD") == made.shas["A"]


def test_a_directory_with_something_in_it_is_refused_and_left_alone(webkit_2_50: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(ScenarioError, match="exists and is not an empty directory; name another, or empty it first"):
        make_scenario(tmp_path, source=webkit_2_50)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_file_in_its_place_is_refused(webkit_2_50: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ScenarioError, match="exists and is not an empty directory"):
        make_scenario(tmp_path / "file", source=webkit_2_50)


def test_version_and_source_exclude_each_other(webkit_2_50: Path, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="a version or a source, not both"):
        make_scenario(tmp_path / "s", version="2.50.6", source=webkit_2_50)


def test_headers_already_changed_are_refused(scenario: Scenario, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", "--branch", CHANGE_BRANCH, str(scenario.path), str(checkout))
    with pytest.raises(ScenarioError, match=r"BPlatform\.h: expected .* and no \w+VMPAGE64K yet"):
        make_scenario(tmp_path / "s", source=checkout)
