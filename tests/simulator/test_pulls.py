"""Pull requests, their files and commits, comparisons and branches."""

from __future__ import annotations

from typing import Any

from simulator.git import GitRepository
from tests.simulator.conftest import FULL_NAME, NUMBERED, GitHub, later

REPOSITORY = f"/repos/{FULL_NAME}"


def test_a_pull_request(github: GitHub) -> None:
    made = github.sim.open_pull(FULL_NAME, head="topic", base="main", title="Wider pages", body="Why")
    pull = github.client.json("GET", f"{REPOSITORY}/pulls/{made.number}")
    assert (pull["number"], pull["title"], pull["state"], pull["draft"], pull["merged"]) == (
        1,
        "Wider pages",
        "open",
        False,
        False,
    )
    assert (pull["head"]["sha"], pull["base"]["sha"]) == (github.sha("topic"), github.sha("main"))
    assert (pull["commits"], pull["changed_files"], pull["additions"], pull["deletions"]) == (2, 4, 2, 2)
    assert github.client.get(f"{REPOSITORY}/pulls/2").status_code == 404


def test_files_are_what_changed_since_the_merge_base(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    files = github.client.json("GET", f"{REPOSITORY}/pulls/1/files")
    listed = {one["filename"]: (one["status"], one.get("previous_filename"), one["changes"]) for one in files}
    assert listed == {
        "added.h": ("added", None, 1),
        "gone.h": ("removed", None, 1),
        "moved.h": ("renamed", "old.h", 0),
        "wide.h": ("modified", None, 2),
    }
    by_name = {one["filename"]: one for one in files}
    assert "patch" not in by_name["moved.h"]
    assert by_name["wide.h"]["patch"].splitlines()[0].startswith("@@ -22,7 +22,7 @@")
    assert by_name["wide.h"]["sha"] == github.sha("topic:wide.h")


def test_the_target_branch_goes_on_without_the_base_sha(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    before = github.sha("main")
    github.source.git("checkout", "--quiet", "main")
    github.source.commit("Meanwhile", {"meanwhile.h": "int x;\n"})
    github.sim.push(FULL_NAME, "main", "main")
    github.source.git("checkout", "--quiet", "topic")
    github.source.git("merge", "--quiet", "--no-edit", "main")
    github.sim.push(FULL_NAME, "topic", "topic")
    pull = github.client.json("GET", f"{REPOSITORY}/pulls/1")
    assert (pull["base"]["sha"], pull["changed_files"]) == (before, 4)
    listed = {one["filename"] for one in github.client.json("GET", f"{REPOSITORY}/pulls/1/files")}
    assert "meanwhile.h" not in listed


def test_many_files_come_in_pages(github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "-b", "many", "main")
    github.source.commit("Many", {f"many/{number:03}.h": f"{number}\n" for number in range(130)})
    github.sim.push(FULL_NAME, "many", "many")
    github.sim.open_pull(FULL_NAME, head="many", base="main", title="t")
    first = github.client.get(f"{REPOSITORY}/pulls/1/files", per_page=100)
    assert len(first.json()) == 100
    assert set(first.links) == {"next", "last"}
    second = github.client.get(first.links["next"]["url"].removeprefix(github.sim.api_url))
    assert [one["filename"] for one in second.json()] == [f"many/{number:03}.h" for number in range(100, 130)]
    assert set(second.links) == {"prev", "first"}
    assert len(github.client.json("GET", f"{REPOSITORY}/pulls/1/files")) == 30
    assert len(github.client.json("GET", f"{REPOSITORY}/pulls/1/files", per_page=1000)) == 100


def test_at_most_three_thousand_files_are_listed(github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "-b", "huge", "main")
    github.source.commit("Huge", {f"huge/{number:04}.h": f"{number}\n" for number in range(3010)})
    github.sim.push(FULL_NAME, "huge", "huge")
    github.sim.open_pull(FULL_NAME, head="huge", base="main", title="t")
    assert len(github.client.json("GET", f"{REPOSITORY}/pulls/1/files", per_page=100, page=30)) == 100
    assert github.client.json("GET", f"{REPOSITORY}/pulls/1/files", per_page=100, page=31) == []


def test_binary_and_large_files_have_no_patch(github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "-b", "large", "main")
    (github.source.path / "link.h").symlink_to("wide.h")
    github.source.commit("Large", {"binary.h": "\0" * 10, "large.h": "int x;\n" * 200_000, "empty.h": ""})
    (github.source.path / "link.h").unlink()
    (github.source.path / "wide.h").unlink()
    (github.source.path / "wide.h").symlink_to("gone.h")
    github.source.commit("A file becomes a link", {"after.h": "int after;\n", "link.h": "int link;\n"})
    github.sim.push(FULL_NAME, "large", "large")
    github.sim.open_pull(FULL_NAME, head="large", base="main", title="t")
    files = {one["filename"]: one for one in github.client.json("GET", f"{REPOSITORY}/pulls/1/files")}
    assert not {"patch"} & (set(files["binary.h"]) | set(files["large.h"]) | set(files["empty.h"]))
    assert files["wide.h"]["status"] == "changed"
    assert "int after;" in files["after.h"]["patch"]


def test_submodules_are_files_that_name_a_commit(github: GitHub) -> None:
    def link(sha: str) -> None:
        github.source.git("update-index", "--add", "--cacheinfo", f"160000,{sha},vendor/lib")

    github.source.git("checkout", "--quiet", "-b", "linked", "main")
    link("1" * 40)
    github.source.git("commit", "--quiet", "-m", "Add a submodule")
    link("2" * 40)
    github.source.git("commit", "--quiet", "-m", "Move the submodule")
    github.source.git("rm", "--quiet", "--cached", "old.h")
    github.source.git("update-index", "--add", "--cacheinfo", f"160000,{'3' * 40},old.h")
    github.source.git("commit", "--quiet", "-m", "A file becomes a submodule")
    for branch, revision in (("linked-1", "linked~2"), ("linked-2", "linked~1"), ("linked", "linked")):
        github.sim.push(FULL_NAME, branch, revision)

    def compared(basehead: str) -> dict[str, Any]:
        found = github.client.json("GET", f"{REPOSITORY}/compare/{basehead}")["files"]
        return {one["filename"]: one for one in found}

    added = compared("main...linked-1")["vendor/lib"]
    assert (added["status"], added["sha"], added["additions"], added["deletions"]) == ("added", "1" * 40, 1, 0)
    assert added["patch"] == f"@@ -0,0 +1 @@\n+Subproject commit {'1' * 40}"
    moved = compared("linked-1...linked-2")["vendor/lib"]
    assert (moved["status"], moved["sha"], moved["changes"]) == ("modified", "2" * 40, 2)
    assert moved["patch"].splitlines()[1:] == [f"-Subproject commit {'1' * 40}", f"+Subproject commit {'2' * 40}"]
    changed = compared("linked-2...linked")
    assert (list(changed), changed["old.h"]["status"]) == (["old.h"], "changed")
    github.sim.open_pull(FULL_NAME, head="linked", base="main", title="t")
    files = github.client.json("GET", f"{REPOSITORY}/pulls/1/files")
    assert [one["filename"] for one in files] == ["old.h", "vendor/lib"]
    assert github.sim.violations == []


def test_a_rename_with_edits_has_a_patch(github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "-b", "renamed", "main")
    edited = NUMBERED.replace("int line7;", "int seven;")
    github.source.commit("Rename", {"wide.h": None, "a dir/wider.h": edited})
    github.sim.push(FULL_NAME, "renamed", "renamed")
    github.sim.open_pull(FULL_NAME, head="renamed", base="main", title="t")
    (file,) = github.client.json("GET", f"{REPOSITORY}/pulls/1/files")
    assert (file["filename"], file["previous_filename"]) == ("a dir/wider.h", "wide.h")
    assert (file["status"], file["changes"]) == ("renamed", 2)
    assert "+int seven;" in file["patch"]


def test_pull_requests_are_listed_and_filtered(github: GitHub) -> None:
    github.sim.push(FULL_NAME, "second", "topic")
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="one")
    github.sim.open_pull(FULL_NAME, head="second", base="topic", title="two")
    github.sim.close_pull(FULL_NAME, 2)

    def numbers(**query: str) -> list[int]:
        return [one["number"] for one in github.client.json("GET", f"{REPOSITORY}/pulls", **query)]

    assert numbers() == [1]
    assert numbers(state="closed") == [2]
    assert numbers(state="all") == [2, 1]
    assert numbers(state="all", direction="asc") == [1, 2]
    assert numbers(state="all", base="topic") == [2]
    assert numbers(state="all", head="octo-org:topic") == [1]
    assert numbers(head="somebody:topic") == []


def test_compare_finds_the_merge_base(github: GitHub) -> None:
    compared = github.client.json("GET", f"{REPOSITORY}/compare/{github.sha('main')}...{github.sha('topic')}")
    assert compared["merge_base_commit"]["sha"] == github.sha("main~1")
    assert (compared["status"], compared["ahead_by"], compared["behind_by"]) == ("diverged", 2, 1)
    assert [one["commit"]["message"] for one in compared["commits"]] == ["Edit", "Add and remove"]
    assert [one["filename"] for one in compared["files"]] == ["added.h", "gone.h", "moved.h", "wide.h"]


def test_compare_in_pages_lists_files_once(github: GitHub) -> None:
    path = f"{REPOSITORY}/compare/main...topic"
    first = github.client.get(path, per_page=1)
    second = github.client.json("GET", path, per_page=1, page=2)
    assert (len(first.json()["commits"]), len(first.json()["files"])) == (1, 4)
    assert (second["commits"][0]["commit"]["message"], second["files"]) == ("Add and remove", [])
    assert "next" in first.links


def test_compare_lists_at_most_three_hundred_files(github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "-b", "wide", "main")
    sha = github.source.commit("Wide", {f"wide/{number:03}.h": f"{number}\n" for number in range(310)})
    github.sim.push(FULL_NAME, "wide", "wide")
    compared = github.client.json("GET", f"{REPOSITORY}/compare/topic...{sha}")
    assert len(compared["files"]) == 300
    assert compared["base_commit"]["sha"] == github.sha("topic")
    assert compared["merge_base_commit"]["sha"] == github.sha("main~1")


def test_compare_without_a_common_ancestor(github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "--orphan", "island")
    github.source.commit("Island", {})
    github.sim.push(FULL_NAME, "island", "island")
    assert github.client.get(f"{REPOSITORY}/compare/main...island").status_code == 404
    assert github.client.get(f"{REPOSITORY}/compare/main...{'0' * 40}").status_code == 404
    assert github.client.get(f"{REPOSITORY}/compare/main").status_code == 404


def test_commits_and_branches(github: GitHub) -> None:
    sha = github.sha("topic")
    commit = github.client.json("GET", f"{REPOSITORY}/commits/{sha}")
    assert (commit["sha"], commit["parents"][0]["sha"]) == (sha, github.sha("topic~1"))
    assert {one["filename"] for one in commit["files"]} == {"added.h", "gone.h"}
    github.sim.push(FULL_NAME, "a/branch", "topic")
    assert github.client.json("GET", f"{REPOSITORY}/branches/a/branch")["commit"]["sha"] == sha
    assert github.client.json("GET", f"{REPOSITORY}/commits/a/branch")["sha"] == sha
    assert github.client.get(f"{REPOSITORY}/branches/missing").status_code == 404
    assert github.client.get(f"{REPOSITORY}/commits/{'0' * 40}").status_code == 422


def test_a_push_moves_the_head(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    before = github.sha("topic")
    github.source.git("checkout", "--quiet", "topic")
    after = github.source.commit("Third", {"wide.h": NUMBERED})
    later(github, minutes=1)
    assert github.sim.push(FULL_NAME, "topic", "topic") == after
    pull = github.client.json("GET", f"{REPOSITORY}/pulls/1")
    assert (pull["head"]["sha"], pull["commits"]) == (after, 3)
    assert pull["updated_at"] > pull["created_at"]
    assert github.sim.pull(FULL_NAME, 1).heads == (before, after)
    messages = [one["commit"]["message"] for one in github.client.json("GET", f"{REPOSITORY}/pulls/1/commits")]
    assert messages == ["Edit", "Add and remove", "Third"]


def test_a_commit_that_was_pushed_away_can_be_forgotten(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    before = github.sha("topic")
    github.sim.push(FULL_NAME, "topic", "topic~1")
    assert github.client.get(f"{REPOSITORY}/commits/{before}").status_code == 200
    github.sim.forget_unreachable(FULL_NAME)
    assert github.client.get(f"{REPOSITORY}/commits/{before}").status_code == 422


def test_a_pull_request_from_a_fork(github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "-b", "theirs", "topic")
    sha = github.source.commit("Theirs", {"theirs.h": "int theirs;\n"})
    github.sim.create_repository("someone/engine", github.source.path)
    github.source.git("checkout", "--quiet", "main")
    made = github.sim.open_pull(FULL_NAME, "theirs", "main", "t", "someone", head_repository="someone/engine")
    pull = github.client.json("GET", f"{REPOSITORY}/pulls/{made.number}")
    assert (pull["head"]["sha"], pull["head"]["repo"]["full_name"]) == (sha, "someone/engine")
    run = github.client.json("POST", f"{REPOSITORY}/check-runs", {"name": "x", "head_sha": sha})
    assert run["pull_requests"] == []


def test_a_source_with_a_detached_head(github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "--detach")
    made = github.sim.create_repository("octo-org/detached", github.source.path)
    assert made.default_branch in GitRepository(github.source.path).branches()
