"""Strangers: what they name, say, build and ask for around previews."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.workers.build.previewing import FORK, STRANGER, WORKFLOW, WORKFLOW_FILES, WRITER, Previewing
from tests.workers.build.test_preview import ENGINE, releases, settings, tag_of
from tests.workers.build.test_preview_actions import SETTINGS, begun, finish, workflow_run
from tests.workers.house import GOOD, REPOSITORY
from workers.build.manifest import LOG, MANIFEST, REPORT, read_manifest

EVIL = "@octocat #1 <img src=x> `|` ![x](http://evil.example/x.png) [y](javascript:z)"
"""Mentions, refers, and would be HTML, a picture and a link; no slashes where it names a file."""
EVIL_NAME = EVIL.replace("/", "_")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small executable for aarch64."""
    folder = tmp_path_factory.mktemp("engine")
    (folder / "engine.c").write_text(ENGINE["engine.c"])
    command = ["aarch64-linux-gnu-gcc", "-s", "-Wl,-z,max-page-size=65536", "-o", "engine", "engine.c"]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "engine").read_bytes()


def tarball(files: dict[str, bytes]) -> bytes:
    """A tar with these members, which may be executed."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def said(markdown: str) -> str:
    """What GitHub reads as prose, where it looks for mentions and references: neither code nor comments."""
    return "\n".join(_prose(MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)))


def _prose(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "text":
            yield token.content
        if token.type.startswith("html") and "octocat" in token.content and not token.content.startswith("<!--"):
            yield "<html>"
        if token.type == "image" or (token.type == "link_open" and "javascript" in str(token.attrs)):
            yield f"<{token.type}>"
        yield from _prose(token.children or [])


def require_inert(markdown: str) -> None:
    """Nothing of `EVIL` works."""
    prose = said(markdown)
    for dangerous in ("@octocat", "#1 ", "<html>", "<image>", "<link_open>"):
        assert dangerous not in prose, (dangerous, prose)


def test_evil_text_would_be_noticed() -> None:
    for part in (EVIL, "see #1 now", "<img alt='octocat'>", "![x](x)", "<b title='octocat'>"):
        with pytest.raises(AssertionError):
            require_inert(part)
    require_inert("`@octocat #1 <img>` <!-- @octocat -->")


def test_evil_names_of_what_was_built_are_inert_wherever_they_are_shown(previewing: Previewing, engine: bytes) -> None:
    sha = begun(previewing)
    artifact = tarball({f"{EVIL_NAME}/{EVIL_NAME}": engine})
    finish(previewing, artifacts={"preview": {f"{EVIL_NAME}.tar.gz": artifact, f"{EVIL_NAME}.txt": b"@octocat"}})
    assert previewing.conclusion(sha) == "success"
    (release,) = previewing.simulator.releases(REPOSITORY)
    assert "octocat" in release["body"]
    for shown in (release["body"], previewing.told(sha), previewing.house.comments()[0]):
        require_inert(shown)
    require_inert(release["name"])


def test_evil_names_of_what_is_unfit_are_inert(previewing: Previewing) -> None:
    sha = begun(previewing)
    finish(previewing, artifacts={"preview": {"x.tar": tarball({f"../../{EVIL_NAME}": b"\x7fELF"})}})
    assert previewing.conclusion(sha) == "failure"
    assert "octocat" in previewing.told(sha)
    output = previewing.check(sha)["output"]
    for shown in (output["summary"], output["text"] or "", previewing.house.comments()[0]):
        require_inert(shown)


def test_evil_jobs_and_logs_of_a_workflow_are_inert(previewing: Previewing) -> None:
    workflow = WORKFLOW_FILES[f".github/workflows/{WORKFLOW}"].replace(
        "    runs-on:", f"    name: {EVIL!r}\n    runs-on:"
    )
    previewing.rule(SETTINGS, {f".github/workflows/{WORKFLOW}": workflow})
    sha = previewing.open()
    fence = "`" * 9
    log = f"before\n{fence}\n{EVIL}\n</details>\n\x1b[31m{EVIL}\x1b[0m\n::set-output name=x::y\n"
    finish(previewing, "failure", log=log)
    output = previewing.check(sha)["output"]
    assert "octocat" in output["summary"]
    assert fence in output["text"]
    assert "\x1b" not in output["text"]
    for shown in (output["summary"], output["text"], previewing.house.comments()[0]):
        require_inert(shown)


def test_an_evil_log_of_a_build_here_is_inert(previewing: Previewing) -> None:
    command = "cat evil.txt; false"
    text = settings().replace("aarch64-linux-gnu-gcc -Wl,-z,max-page-size=65536 -o engine engine.c", command)
    previewing.rule(text, {"evil.txt": f"{'`' * 9}\n{EVIL}\n"})
    sha = previewing.open()
    previewing.look_again()
    output = previewing.check(sha)["output"]
    assert "octocat" in output["text"]
    for shown in (output["summary"], output["text"], previewing.house.comments()[0]):
        require_inert(shown)


def test_a_head_has_no_say_in_how_it_is_built(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    evil = settings().replace("mkdir -p out", "mkdir -p out; touch out/pwned")
    sha = previewing.open({**GOOD, ".github/pagewarden.yml": evil})
    previewing.look_again()
    assert releases(previewing) == {tag_of(previewing, sha): {"engine", LOG, MANIFEST, REPORT}}


def test_a_head_has_no_say_in_which_workflow_builds_it(previewing: Previewing) -> None:
    previewing.rule(SETTINGS, WORKFLOW_FILES)
    workflow = WORKFLOW_FILES[f".github/workflows/{WORKFLOW}"].replace("contents: read", "contents: write")
    sha = previewing.open(
        {
            **GOOD,
            ".github/pagewarden.yml": SETTINGS.replace(WORKFLOW, "evil.yml"),
            f".github/workflows/{WORKFLOW}": workflow,
            ".github/workflows/evil.yml": workflow,
        }
    )
    (run,) = previewing.simulator.workflow_runs(REPOSITORY)
    assert (run["path"].partition("@")[0], run["head_branch"]) == (f".github/workflows/{WORKFLOW}", "main")
    assert previewing.simulator.workflow_inputs(run["id"])["sha"] == sha


@pytest.mark.parametrize("driver", ["actions", "command"])
def test_nothing_that_a_stranger_does_has_his_fork_built(previewing: Previewing, driver: str) -> None:
    previewing.rule(SETTINGS if driver == "actions" else settings(), {**WORKFLOW_FILES, **ENGINE})
    sha = previewing.open_fork()
    number = previewing.house.number
    for asked in ("/preview", "/recheck preview", "/recheck all", f"/ok-to-test {sha}", "/cancel", "/preview"):
        previewing.say(STRANGER, asked)
        previewing.look_again()
    previewing.simulator.press(previewing.check(sha)["id"], "preview", STRANGER)
    previewing.settle()
    previewing.simulator.rerun(previewing.check(sha)["id"], STRANGER)
    previewing.settle()
    previewing.simulator.rerun_suite(REPOSITORY, sha, STRANGER)
    previewing.settle()
    previewing.simulator.close_pull(REPOSITORY, number)
    previewing.settle()
    previewing.simulator.reopen_pull(REPOSITORY, number)
    previewing.settle()
    previewing.simulator.edit_pull(REPOSITORY, number, title="Please")
    previewing.settle()
    previewing.look_again()
    previewing.house.sweep(1000)
    previewing.settle()
    assert previewing.started == []
    assert previewing.simulator.workflow_runs(REPOSITORY) == []
    assert f"/ok-to-test {sha}" in previewing.told(sha)


@pytest.mark.parametrize("driver", ["actions", "command"])
def test_leave_for_one_commit_is_none_for_the_next(previewing: Previewing, driver: str) -> None:
    previewing.rule(SETTINGS if driver == "actions" else settings(), {**WORKFLOW_FILES, **ENGINE})
    sha = previewing.open_fork()
    previewing.say(WRITER, f"/ok-to-test {sha}")
    previewing.look_again()
    begun_by_now = len(previewing.started) + len(previewing.simulator.workflow_runs(REPOSITORY))
    assert begun_by_now == 1
    later = previewing.push({"Source/page.h": "#define PAGE 32768\n"}, FORK)
    previewing.say(STRANGER, "/preview")
    previewing.look_again()
    assert len(previewing.started) + len(previewing.simulator.workflow_runs(REPOSITORY)) == 1
    assert f"/ok-to-test {later}" in previewing.told(later)


def test_a_workflow_run_of_somebody_else_under_our_name_is_not_followed(previewing: Previewing, engine: bytes) -> None:
    sha = begun(previewing)
    ours = workflow_run(previewing)
    inputs = previewing.simulator.workflow_inputs(ours)
    theirs = previewing.simulator.dispatch_workflow(REPOSITORY, WORKFLOW, "main", inputs, by="mallory")
    previewing.simulator.finish_workflow(theirs, artifacts={"preview": {"engine": engine}})
    previewing.settle()
    previewing.look_again()
    assert previewing.conclusion(sha) is None
    assert previewing.simulator.releases(REPOSITORY) == []
    previewing.say(WRITER, "/cancel")
    conclusions = {run["id"]: run["conclusion"] for run in previewing.simulator.workflow_runs(REPOSITORY)}
    assert conclusions == {ours: "cancelled", theirs: "success"}


def test_a_build_cannot_pose_as_what_lies_beside_it(previewing: Previewing, engine: bytes) -> None:
    begun(previewing)
    posing = dict.fromkeys((MANIFEST, REPORT, LOG), b"{}")
    finish(previewing, artifacts={"preview": {"engine": engine, **posing}})
    (release,) = previewing.simulator.releases(REPOSITORY)
    tag = release["tag_name"]
    manifest = read_manifest(previewing.simulator.release_asset(REPOSITORY, tag, MANIFEST))
    assert {artifact.name for artifact in manifest.artifacts} >= {"engine"}
    assert previewing.simulator.release_asset(REPOSITORY, tag, REPORT) != b"{}"
    assert len(release["assets"]) == len({asset["name"] for asset in release["assets"]}) >= 6


@pytest.mark.parametrize(
    "trick",
    [
        "rm -rf out; ln -s / out",
        "rm -rf out; ln -s /etc out",
        "mkdir -p out; ln -s /etc/passwd out/engine",
        "mkdir -p out; mkfifo out/engine",
        "mkdir -p out; ln /etc/passwd out/engine",
    ],
)
def test_an_output_that_leads_out_of_the_build_hands_over_nothing(previewing: Previewing, trick: str) -> None:
    previewing.rule("preview:\n  command:\n    run:\n      - sh trick.sh\n    output: out\n")
    sha = previewing.open({**GOOD, "trick.sh": f"{trick}\n"})
    previewing.look_again()
    assert previewing.conclusion(sha) == "failure"
    assert previewing.simulator.releases(REPOSITORY) == []
    assert "root:" not in previewing.told(sha)


def test_no_token_reaches_a_build_nor_what_is_told_of_it(previewing: Previewing) -> None:
    previewing.rule("preview:\n  command:\n    run:\n      - sh spy.sh\n    output: out\n")
    spy = "ls -la / /build /build/.git /tmp; cat /build/.git/config /proc/*/environ /proc/*/cmdline; env; false\n"
    sha = previewing.open({**GOOD, "spy.sh": spy})
    previewing.look_again()
    assert previewing.conclusion(sha) == "failure"
    text = previewing.told(sha)
    assert "PAGEWARDEN_HEAD" in text
    tools = previewing.house.tools
    token = tools.tokens.token(previewing.house.installation_id)
    assert token
    for secret in (token, "PRIVATE KEY", "PAGEWARDEN_REDIS", "PAGEWARDEN_WEBHOOK", str(Path.home() / ".")):
        assert secret not in text


def test_a_stranger_cannot_have_releases_removed_by_a_marker_of_his(previewing: Previewing) -> None:
    previewing.rule(settings("remove_after_days: 0"), ENGINE)
    sha = previewing.open()
    previewing.look_again()
    tag = tag_of(previewing, sha)
    (ours,) = previewing.simulator.releases(REPOSITORY)
    marker = ours["body"].rstrip().rpartition("\n")[2]
    previewing.simulator.create_release(REPOSITORY, "v1.0", None, author="mallory", body=f"Notes\n{marker}\n")
    previewing.simulator.create_release(
        REPOSITORY, "autobuild-preview-pr-1-00000000", None, author="github-actions[bot]", body=marker
    )
    previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    previewing.house.sweep(100)
    previewing.settle()
    assert {each["tag_name"] for each in previewing.simulator.releases(REPOSITORY)} == {
        "v1.0",
        "autobuild-preview-pr-1-00000000",
    }
    assert tag not in previewing.tags()
