"""`pagewarden check` as people run it: a process, its output and its exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from checker.profile import load_profile
from checker.schemas import directory as schemas
from workers.scenario import Scenario, make_scenario

LIBPAS = "Source/bmalloc/libpas/src/libpas"
CONFIG = f"{LIBPAS}/pas_internal_config.h"
CHANGE = "linux-arm64-64k"
TARGETS = list(load_profile("libpas").targets)
QUICK = ("--no-advice", "--target", "linux-arm64")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def repository(tmp_path: Path, webkit_2_50: Path) -> Path:
    """A scenario of the test's own, to be written to; `base` is checked out."""
    return make_scenario(tmp_path / "WebKit", version="2.50.6").path


def pagewarden(cache: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PAGEWARDEN_CACHE_DIR": str(cache), "COLUMNS": "80"},
    )


def checked(cache: Path, repository: Path, base: str, head: str, *more: str) -> subprocess.CompletedProcess[str]:
    return pagewarden(cache, "check", "--repo", repository, "--base", base, "--head", head, *more)


def report(done: subprocess.CompletedProcess[str]) -> Any:
    data = json.loads(done.stdout)
    jsonschema_rs.validate(json.loads((schemas() / "report.json").read_text()), data)
    return data


def git(repository: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", "-C", repository, *identity, *arguments], check=True, capture_output=True)


def commit_all(repository: Path) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "change")


@pytest.mark.parametrize(
    ("head", "status", "verdict"),
    [("B", 1, "fail"), ("C", 1, "fail"), ("D", 1, "fail"), ("unrelated", 0, "not-applicable")],
)
def test_exit_status_and_json(scenario: Scenario, cache: Path, head: str, status: int, verdict: str) -> None:
    done = checked(cache, scenario.path, scenario.shas["A"], scenario.shas[head], "--format", "json")
    assert done.returncode == status, done.stderr
    data = report(done)
    assert data["verdict"] == verdict
    assert (data["schema"], data["profile"]) == (2, "libpas")
    assert (data["base"]["sha"], data["head"]["sha"]) == (scenario.shas["A"], scenario.shas[head])
    assert [target["target"] for target in data["targets"]] == TARGETS


def test_text_is_plain_where_there_is_no_terminal(scenario: Scenario, cache: Path) -> None:
    done = checked(cache, scenario.path, "base", scenario.shas["B"])
    assert done.stdout.startswith("FAIL  3 limits broken on linux-arm64\n")
    assert "(65536 >> 8) + 1 = 257, must be < 255" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_markdown(scenario: Scenario, cache: Path) -> None:
    done = checked(cache, scenario.path, "base", CHANGE, "--format", "markdown")
    assert done.stdout.startswith("### pagewarden: 1 limit broken on linux-arm64\n")
    assert done.returncode == 1


def test_targets_and_page_sizes(scenario: Scenario, cache: Path) -> None:
    narrowed = ("--target", "linux-arm64", "--target", "darwin-arm64", "--page-sizes", "16k,64K", "--format", "json")
    data = report(checked(cache, scenario.path, "base", CHANGE, *narrowed))
    assert [target["target"] for target in data["targets"]] == ["linux-arm64", "darwin-arm64"]
    assert data["page_sizes"] == [16384, 65536]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--target", "linux-arm65"], f"no target 'linux-arm65'; it has: {', '.join(TARGETS)}"),
        (["--page-sizes", "8K"], "'8K' is no page size; say some of 4K,16K,64K"),
        (["--page-sizes", ","], "say at least one"),
        (["--profile", "libpass"], "no profile 'libpass'; there are: jemalloc, libpas, mimalloc, or a .yml file"),
        (["--head", "no-such-branch"], "has no commit 'no-such-branch'"),
        (["--head", "--output=x"], "has no commit '--output=x'"),
        (["--repo", "/"], "not a git repository"),
        (["--format", "xml"], "'xml' is not one of"),
    ],
)
def test_bad_usage_is_status_2_and_says_what_to_do(
    scenario: Scenario, cache: Path, arguments: list[str], says: str
) -> None:
    done = checked(cache, scenario.path, "base", CHANGE, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_directory_that_cannot_be_written_is_named(scenario: Scenario, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    done = checked(file / "cache", scenario.path, "base", CHANGE)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"pagewarden: {re.escape(str(file))}/cache/\S+: Not a directory\n", done.stderr)
    made = pagewarden(tmp_path / "cache", "scenario", file / "WebKit", "--source", scenario.path)
    assert (made.returncode, made.stdout) == (2, "")
    assert made.stderr.endswith(f"pagewarden: {file / 'WebKit'}: Not a directory\n")


def test_git_is_needed(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = checked(tmp_path, scenario.path, "base", CHANGE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pagewarden: git is not on this machine's PATH; install it (Debian: apt-get install git)\n"


def test_the_working_tree_can_be_checked(repository: Path, cache: Path) -> None:
    file = repository / f"{LIBPAS}/jit_heap_config.h"
    file.write_text(
        file.read_text().replace("JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT 8u", "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT 4u")
    )
    done = checked(cache, repository, "base", "WORKTREE", "--format", "json", *QUICK)
    assert done.returncode == 1
    data = report(done)
    assert data["head"]["sha"] == "WORKTREE"
    introduced = [cell for cell in data["targets"][0]["findings"] if cell["state"] == "introduced"]
    assert [(cell["rule"], cell["heap"]) for cell in introduced] == [
        ("use-count", "jit_medium_bitfit"),
        ("out-of-line-header", "jit_medium_bitfit"),
    ]
    untouched = checked(cache, repository, "base", "base", "--format", "json", *QUICK)
    assert report(untouched)["verdict"] == "not-applicable"


def test_an_unfinished_edit_is_an_error_with_file_and_line(repository: Path, cache: Path) -> None:
    file = repository / CONFIG
    file.write_text(
        file.read_text().replace("PAS_SMALL_PAGE_DEFAULT_SHIFT     14", "PAS_SMALL_PAGE_DEFAULT_SHIFT     1o4")
    )
    done = checked(cache, repository, "base", "WORKTREE", *QUICK)
    assert done.returncode == 2
    assert done.stdout.startswith("ERROR")
    assert f"{CONFIG}:" in done.stdout
    assert "invalid" in done.stdout


def test_one_bad_literal_is_one_error_at_its_line(repository: Path, cache: Path) -> None:
    """Three heap configs are made of it, by a name that is pasted together."""
    file = repository / f"{LIBPAS}/jit_heap_config.h"
    before, after = "JIT_MEDIUM_GRANULE_SIZE 16384u", "JIT_MEDIUM_GRANULE_SIZE 16384x"
    assert file.read_text().count(before) == 1
    file.write_text(file.read_text().replace(before, after))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if after in text)
    data = report(checked(cache, repository, "base", "WORKTREE", "--format", "json", *QUICK))
    assert {error["name"] for error in data["errors"]} >= {"jit_medium_bitfit", "JIT_MEDIUM_GRANULE_SIZE"}
    told = {(error["path"], error["line"], error["message"]) for error in data["errors"]}
    assert told == {(f"{LIBPAS}/jit_heap_config.h", line, "invalid suffix 'x' on integer constant")}


def test_git_objects_that_are_no_files(repository: Path, cache: Path) -> None:
    config = repository / CONFIG
    config.unlink()
    config.symlink_to("/etc/passwd")
    commit_all(repository)
    done = checked(cache, repository, "HEAD~1", "HEAD", "--format", "json", *QUICK)
    data = report(done)
    assert (done.returncode, data["verdict"]) == (2, "error")
    assert {error["path"] for error in data["errors"]} == {CONFIG}
    assert "symlink" in data["errors"][0]["message"]
    assert "root:" not in done.stdout


def test_a_submodule_in_the_place_of_a_header(repository: Path, cache: Path) -> None:
    git(repository, "rm", "--quiet", CONFIG)
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{CONFIG}")
    git(repository, "commit", "--quiet", "--message", "submodule")
    data = report(checked(cache, repository, "HEAD~1", "HEAD", "--format", "json", *QUICK))
    assert data["verdict"] == "error"
    assert "submodule" in data["errors"][0]["message"]


def test_odd_paths_go_through_git_and_json(repository: Path, cache: Path) -> None:
    odd = f"{LIBPAS}/a \"quoted\" 'name' with\ttab.h"
    (repository / odd).write_text("#error never included\n")
    commit_all(repository)
    data = report(checked(cache, repository, "HEAD~1", "HEAD", "--format", "json", *QUICK))
    assert data["verdict"] == "pass"
    assert [change["files"] for change in data["changes"]] == [[odd]]


def test_a_huge_header_is_named(repository: Path, cache: Path) -> None:
    with (repository / CONFIG).open("ab") as file:
        file.write(b"//" + b"x" * (50 * 1024 * 1024))
    commit_all(repository)
    data = report(checked(cache, repository, "HEAD~1", "HEAD", "--format", "json", *QUICK))
    assert data["verdict"] == "error"
    assert data["errors"][0]["path"] == CONFIG
    assert "this file has 52" in data["errors"][0]["message"]


def test_nothing_is_checked_out_or_written(repository: Path, cache: Path) -> None:
    def listing() -> dict[Path, int]:
        return {path: path.lstat().st_mtime_ns for path in repository.rglob("*")}

    before = listing()
    checked(cache, repository, "base", CHANGE, "--each-commit", *QUICK)
    assert listing() == before


def test_each_commit(scenario: Scenario, cache: Path) -> None:
    asked = ("--each-commit", "--format", "json", *QUICK)
    data = report(checked(cache, scenario.path, "base", CHANGE, *asked))
    assert [each["commit"]["sha"] for each in data["blame"]] == [scenario.shas[letter] for letter in "BCD"]
    assert data["blame"][0]["commit"]["subject"] == "Use 64 KiB pages on Linux arm64"
    broken = [{cell["rule"] for cell in each["introduced"]} for each in data["blame"]]
    assert broken == [{"use-count", "alloc-bits", "out-of-line-header"}, set(), set()]
    told = checked(cache, scenario.path, "base", CHANGE, "--each-commit", *QUICK).stdout
    assert f"{scenario.shas['B'][:12]} (Use 64 KiB pages on Linux arm64) broke it first." in " ".join(told.split())
    assert report(checked(cache, scenario.path, "base", CHANGE, "--format", "json", *QUICK))["blame"] == []


def test_commits_that_do_not_lead_from_base_to_head(scenario: Scenario, cache: Path) -> None:
    done = checked(cache, scenario.path, scenario.shas["D"], scenario.shas["C"], "--each-commit", *QUICK)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no ancestor of" in done.stderr


def test_revisions_that_have_parted_are_compared_as_they_are(scenario: Scenario, cache: Path) -> None:
    done = checked(cache, scenario.path, CHANGE, scenario.shas["unrelated"], *QUICK)
    parted = scenario.shas["A"][:12]
    assert done.stderr == (
        f"Compared as they are: {CHANGE} has commits that {scenario.shas['unrelated']} lacks. "
        f"To see only what {scenario.shas['unrelated']} does: --base {parted}\n"
    )
    assert checked(cache, scenario.path, parted, scenario.shas["unrelated"], *QUICK).stderr == ""
    assert checked(cache, scenario.path, "D", "C", *QUICK).stderr == ""
    asked = checked(cache, scenario.path, CHANGE, scenario.shas["unrelated"], "--each-commit", *QUICK)
    assert asked.stderr.endswith(f"; use --base {parted}\n")


def test_a_heap_config_begins_with_its_sizes(scenario: Scenario, cache: Path) -> None:
    told = explained(cache, scenario, "jit_medium_bitfit").stdout
    assert told.splitlines()[1] == "  Page 256 KiB, granule 64 KiB, min align 512 bytes (1 << 9)."
    assert "Page 256 KiB" in explained(cache, scenario, "jit_medium_bitfit", "--format", "markdown").stdout


def test_a_rule_begins_with_what_it_says(scenario: Scenario, cache: Path) -> None:
    told = explained(cache, scenario, "out-of-line-header").stdout
    assert told.index("  BROKEN on jit_small_bitfit: ") < told.index("What it is made of")


def test_repairs_are_searched_for_unless_told_not_to(scenario: Scenario, cache: Path) -> None:
    asked = ("--target", "linux-arm64", "--format", "json")
    shas = scenario.shas
    (advice,) = report(checked(cache, scenario.path, shas["D"], shas["C"], *asked))["advice"]
    edits = [(edit["name"], edit["old"], edit["new"]) for edit in advice["repairs"][0]["edits"]]
    assert edits == [("JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT", 8, 9)]
    assert report(checked(cache, scenario.path, shas["D"], shas["C"], "--no-advice", *asked))["advice"] == []


def test_headroom_on_request(scenario: Scenario, cache: Path) -> None:
    plain = checked(cache, scenario.path, "base", CHANGE, *QUICK).stdout
    told = checked(cache, scenario.path, "base", CHANGE, "--headroom", *QUICK).stdout
    assert "Headroom" not in plain
    assert "  non-empty-words: 252 of 255, 3 left\n    utility\n" in told


def explained(cache: Path, scenario: Scenario, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    return pagewarden(cache, "explain", name, "--repo", scenario.path, "--rev", scenario.shas["D"], *more)


def test_explain_a_constant(scenario: Scenario, cache: Path) -> None:
    done = explained(cache, scenario, "PAS_MAX_OBJECTS_PER_PAGE")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"PAS_MAX_OBJECTS_PER_PAGE on linux-arm64, at {scenario.shas['D'][:12]}\n")
    assert "(PAS_SMALL_PAGE_DEFAULT_SIZE >> PAS_INTERNAL_MIN_ALIGN_SHIFT)\n" in done.stdout
    assert "  utility: 65536 >> 3 = 8192, must be <= 8192, none left\n" in done.stdout


def test_explain_a_rule_on_a_target_as_json_and_markdown(scenario: Scenario, cache: Path) -> None:
    asked = ("--target", "darwin-arm64", "--page-sizes", "16K")
    found = json.loads(explained(cache, scenario, "granule-covers-os-page", *asked, "--format", "json").stdout)
    assert found["target"] == "darwin-arm64"
    assert {(cell["os_page"], cell["status"]) for cell in found["cells"]} == {(16384, "holds")}
    told = explained(cache, scenario, "granule-covers-os-page", *asked, "--format", "markdown").stdout
    assert told.startswith("### granule-covers-os-page on darwin-arm64")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["PAS_MAX_OBJECT_PER_PAGE"], "did you mean PAS_MAX_OBJECTS_PER_PAGE"),
        (["alloc-bitts"], "did you mean alloc-bits"),
        (["alloc-bits", "--target", "linux-arm65"], "no target 'linux-arm65'"),
        (["alloc-bits", "--rev", "nowhere"], "has no commit 'nowhere'"),
        (["alloc-bits", "--page-sizes", "1K"], "'1K' is no page size"),
    ],
)
def test_what_cannot_be_explained(scenario: Scenario, cache: Path, arguments: list[str], says: str) -> None:
    done = pagewarden(cache, "explain", "--repo", scenario.path, "--rev", "base", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_profile_check(scenario: Scenario, cache: Path) -> None:
    done = pagewarden(cache, "profile", "check", "libpas", "--repo", scenario.path, "--rev", "base")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"libpas at {scenario.shas['A'][:12]}, 8 targets\n")
    assert "\n  PAS_MAX_OBJECTS_PER_PAGE = 2048\n" in done.stdout
    assert "fails for 64K pages on 9 heap configs, linux-arm64" in done.stdout
    assert done.stdout.endswith("Everything could be evaluated.\n")


def test_profile_check_of_a_tree_that_does_not_fit(scenario: Scenario, cache: Path) -> None:
    done = pagewarden(cache, "profile", "check", "jemalloc", "--repo", scenario.path, "--rev", "base")
    assert done.returncode == 2
    assert "Could not be evaluated" in done.stdout


def test_an_invalid_profile_is_named_with_its_key(scenario: Scenario, cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("schema: 1\nname: mine\nrules: 3\n")
    done = pagewarden(cache, "profile", "check", file, "--repo", scenario.path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{file}: line 3, column 8: rules: " in done.stderr
    file.write_text("a: 1\nb: [\n")
    done = pagewarden(cache, "profile", "check", file, "--repo", scenario.path)
    assert f"{file}: line 2, column 5: not YAML" in done.stderr


def test_help_names_every_command(cache: Path) -> None:
    done = pagewarden(cache, "--help")
    assert done.returncode == 0
    commands = "check explain stress kernels profile settings scenario demo serve web worker"
    for command in commands.split():
        assert command in done.stdout
    assert "..." not in done.stdout.split("Commands:")[1]  # no description is cut short
