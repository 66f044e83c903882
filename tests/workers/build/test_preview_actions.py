"""Preview builds by a workflow of the repository: from a push to GitHub's final state, through the simulator over HTTP.

What the workflow hands over are real builds of bun for aarch64, from npm.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from simulator.runs import Contents
from simulator.server import Simulator
from tests.workers.build.previewing import MAIN, PREVIEW, WORKFLOW, WORKFLOW_FILES, Previewing, building
from tests.workers.heard import AUTHOR
from tests.workers.house import REPOSITORY
from workers.build import job
from workers.build.manifest import MANIFEST, REPORT, read_manifest
from workers.scenario.progress import silent
from workers.scenario.source import default_cache_dir
from workers.stress import runner as stress_runner
from workers.stress.javascript.npm import npm_package
from workers.stress.javascript.preview import preview_campaign

BUN = "1.3.12"
STRESS = "pagewarden / stress"
LARGE = 65536
SETTINGS = f"preview:\n  actions:\n    workflow: {WORKFLOW}\n"


@pytest.fixture(scope="module")
def bun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tarball as the workflow packs one, with the real bun in it."""
    cache = default_cache_dir().absolute() / "stress" / "subjects" / "npm"
    package = npm_package("@oven/bun-linux-aarch64", BUN, cache, silent)
    file = next(package.tree / name for name in package.files if name.endswith("bin/bun"))
    tarball = tmp_path_factory.mktemp("bun") / "preview-linux-arm64.tar.gz"
    with tarfile.open(tarball, "w:gz", compresslevel=1) as archive:
        archive.add(file, "bin/bun")
    return tarball


def workflow_run(house: Previewing) -> int:
    """The id of the workflow run that was dispatched last."""
    return int(house.simulator.workflow_runs(REPOSITORY)[-1]["id"])


def finish(house: Previewing, conclusion: str = "success", **how: object) -> None:
    """The last workflow run ends like this, and all that follows from it."""
    house.simulator.finish_workflow(workflow_run(house), conclusion, **how)  # type: ignore[arg-type]
    house.settle()
    house.look_again()


def begun(house: Previewing, more: str = "") -> str:
    """A pull request whose workflow is dispatched; its head."""
    house.rule(SETTINGS + more, WORKFLOW_FILES)
    return house.open()


def test_the_whole_path_with_a_real_bun(previewing: Previewing, bun: Path) -> None:
    sha = begun(previewing)
    tag = f"autobuild-preview-pr-{previewing.house.number}-{sha[:8]}"
    (run,) = previewing.simulator.workflow_runs(REPOSITORY)
    inputs = previewing.simulator.workflow_inputs(run["id"])
    assert (run["event"], run["actor"]["login"], run["head_branch"]) == ("workflow_dispatch", "pagewarden[bot]", "main")
    assert {name: inputs[name] for name in ("pull_request", "sha", "target", "release_tag")} == {
        "pull_request": str(previewing.house.number),
        "sha": sha,
        "target": "linux-arm64",
        "release_tag": tag,
    }
    previewing.simulator.start_workflow(run["id"])
    previewing.settle()
    assert previewing.conclusion(sha) is None
    assert run["html_url"] in previewing.told(sha)
    (row,) = previewing.table()
    assert f"building]({run['html_url']})" in row
    finish(previewing, artifacts={"preview-linux-arm64": {bun.name: bun}}, log="built")
    (release,) = previewing.simulator.releases(REPOSITORY)
    assert release["tag_name"] == tag
    assert {bun.name, MANIFEST, REPORT} <= {asset["name"] for asset in release["assets"]}
    digest = hashlib.sha256(previewing.simulator.release_asset(REPOSITORY, tag, bun.name)).hexdigest()
    assert digest == hashlib.sha256(bun.read_bytes()).hexdigest()
    (binary,) = read_manifest(previewing.simulator.release_asset(REPOSITORY, tag, MANIFEST)).binaries
    assert (binary.path, binary.kind, binary.alignment) == ("bin/bun", "executable", 65536)
    assert binary.text > 50_000_000
    assert previewing.conclusion(sha) == "success"
    (row,) = previewing.table()
    assert f"[`{tag}`]({release['html_url']})" in row


def test_what_a_workflow_built_is_put_under_stress(
    tmp_path: Path,
    redis_url: str,
    kernel_images: Mapping[int, Path],
    monkeypatch: pytest.MonkeyPatch,
    bun: Path,
) -> None:
    assert LARGE in kernel_images
    cache = tmp_path / "cache"
    cache.mkdir()
    for shared in ("stress", "kernels"):
        (cache / shared).symlink_to(default_cache_dir() / shared)
    monkeypatch.setattr(stress_runner, "preview_campaign", partial(preview_campaign, scale=0.1))
    more = {"stress": True, "page_sizes": (LARGE,), "cache_dir": cache}
    with (
        Simulator(tmp_path / "github") as simulator,
        building(tmp_path, simulator, redis_url, monkeypatch, **more) as previewing,
    ):
        sha = begun(previewing, "  binary: bin/bun\n")
        assert previewing.conclusion(sha, STRESS) is None
        finish(previewing, artifacts={"preview-linux-arm64": {bun.name: bun}})
        assert previewing.conclusion(sha) == "success"
        previewing.look_again()
        check = previewing.check(sha, STRESS)
        assert check["conclusion"] == "success", check["output"]
        told = f"{check['output']['summary']}{check['output']['text']}"
        assert f"preview bun {sha[:8]}" in told
        assert "control bun 1.3.11" in told
        assert f"preview bun {sha[:8]}" in previewing.house.comments()[0]
        assert simulator.violations == []


def test_webhooks_alone_carry_a_build_to_its_end(previewing: Previewing) -> None:
    sha = begun(previewing)
    previewing.waiting.clear()
    previewing.simulator.start_workflow(workflow_run(previewing))
    previewing.settle()
    assert previewing.build().seen.state == "running"
    previewing.simulator.finish_workflow(workflow_run(previewing), "failure", log="make: *** [all] Error 2")
    previewing.settle()
    assert previewing.conclusion(sha) == "failure"
    assert "make: *** [all] Error 2" in previewing.told(sha)


def test_polling_alone_carries_a_build_to_its_end(previewing: Previewing) -> None:
    sha = begun(previewing)
    previewing.simulator.set_webhook(previewing.house.tools.settings.app_id, "http://127.0.0.1:9/lost", "secret" * 4)
    previewing.simulator.finish_workflow(workflow_run(previewing), "failure", log="no")
    previewing.look_again()
    assert previewing.conclusion(sha) == "failure"


def test_a_workflow_run_that_is_deleted_ends_the_build(previewing: Previewing) -> None:
    sha = begun(previewing)
    previewing.simulator.vanish_workflow(workflow_run(previewing))
    previewing.look_again()
    assert previewing.conclusion(sha) == "cancelled"
    assert previewing.simulator.releases(REPOSITORY) == []


def test_a_person_cancels_the_workflow_run(previewing: Previewing) -> None:
    sha = begun(previewing)
    previewing.simulator.start_workflow(workflow_run(previewing))
    previewing.simulator.cancel_workflow(workflow_run(previewing))
    previewing.settle()
    previewing.look_again()
    assert previewing.conclusion(sha) == "cancelled"
    (row,) = previewing.table()
    assert "cancelled" in row


def test_a_workflow_run_that_times_out(previewing: Previewing) -> None:
    sha = begun(previewing)
    finish(previewing, "timed_out")
    assert previewing.conclusion(sha) == "timed_out"


def test_a_workflow_run_that_takes_longer_than_the_settings_allow_is_cancelled(previewing: Previewing) -> None:
    sha = begun(previewing, "  minutes: 30\n")
    previewing.simulator.start_workflow(workflow_run(previewing))
    previewing.settle()
    previewing.look_again(29 * 60)
    assert previewing.conclusion(sha) is None
    previewing.look_again(2 * 60)
    assert previewing.conclusion(sha) == "timed_out"
    (run,) = previewing.simulator.workflow_runs(REPOSITORY)
    assert run["conclusion"] == "cancelled"


def test_success_without_artifacts_is_a_failure(previewing: Previewing) -> None:
    sha = begun(previewing)
    finish(previewing)
    assert previewing.conclusion(sha) == "failure"
    assert previewing.check(sha)["output"]["title"] == "The build succeeded, and left nothing behind"
    assert previewing.simulator.releases(REPOSITORY) == []


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip with these members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def bomb() -> bytes:
    """A small zip of more than there is room for: 5 GiB of zeros."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("zeros", "w", force_zip64=True) as member,
    ):
        for _ in range(5 * 64):
            member.write(bytes(16 << 20))
    return made.getvalue()


def escaping_tar() -> bytes:
    """A tarball whose member leads out of it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        member = tarfile.TarInfo("../../../../escaped")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    return made.getvalue()


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        pytest.param({"preview.tar.gz": escaping_tar()}, "../../../../escaped", id="path-escaping-tar"),
        pytest.param(zipped({"../../escaped": b"evil"}), "../../escaped", id="path-escaping-zip"),
        pytest.param(b"PK\x03\x04 and no more", "preview", id="no-zip"),
        pytest.param({"bun": b"\x7fELF and no more"}, "bun", id="damaged-elf"),
        pytest.param({"readme.txt": b"nothing to run"}, "aarch64", id="nothing-for-aarch64"),
    ],
)
def test_hostile_artifacts_are_named_and_not_released(previewing: Previewing, contents: Contents, told: str) -> None:
    sha = begun(previewing)
    finish(previewing, artifacts={"preview": contents})
    assert previewing.conclusion(sha) == "failure"
    assert told in previewing.told(sha)
    assert previewing.simulator.releases(REPOSITORY) == []


def test_a_zip_bomb_is_told_to_be_too_large(previewing: Previewing) -> None:
    sha = begun(previewing)
    finish(previewing, artifacts={"preview": {"bomb.zip": bomb()}})
    assert previewing.conclusion(sha) == "failure"
    assert "bomb.zip" in previewing.told(sha)
    assert previewing.simulator.releases(REPOSITORY) == []


def test_two_pushes_during_a_build_cancel_their_workflow_runs(previewing: Previewing, bun: Path) -> None:
    first = begun(previewing)
    second = previewing.push({"Source/page.h": "#define PAGE 32768\n"})
    third = previewing.push({"Source/page.h": "#define PAGE 65536\n"})
    finish(previewing, artifacts={"preview": {bun.name: bun}})
    conclusions = [run["conclusion"] for run in previewing.simulator.workflow_runs(REPOSITORY)]
    assert conclusions == ["cancelled", "cancelled", "success"]
    assert [previewing.conclusion(sha) for sha in (first, second, third)] == ["cancelled", "cancelled", "success"]
    assert [release["tag_name"][-8:] for release in previewing.simulator.releases(REPOSITORY)] == [third[:8]]


def test_closing_during_a_build_cancels_its_workflow_run(previewing: Previewing) -> None:
    sha = begun(previewing)
    previewing.simulator.close_pull(REPOSITORY, previewing.house.number)
    previewing.settle()
    (run,) = previewing.simulator.workflow_runs(REPOSITORY)
    assert (run["conclusion"], previewing.conclusion(sha)) == ("cancelled", "cancelled")


def test_cancel_in_a_comment_cancels_the_workflow_run(previewing: Previewing) -> None:
    sha = begun(previewing)
    previewing.say(AUTHOR, "/cancel")
    (run,) = previewing.simulator.workflow_runs(REPOSITORY)
    assert (run["conclusion"], previewing.conclusion(sha)) == ("cancelled", "cancelled")


def test_a_repository_without_the_workflow_learns_what_is_missing(previewing: Previewing) -> None:
    previewing.rule(SETTINGS)
    sha = previewing.open()
    previewing.look_again()
    assert previewing.conclusion(sha) == "failure"
    assert f".github/workflows/{WORKFLOW}" in previewing.told(sha)
    assert previewing.conclusion(sha, MAIN) == "success"


def test_a_dispatch_whose_answer_is_lost_is_made_once(previewing: Previewing) -> None:
    previewing.simulator.fail_next("POST", "/dispatches", 502, performed=True)
    sha = begun(previewing)
    previewing.look_again()
    assert len(previewing.simulator.workflow_runs(REPOSITORY)) == 1
    assert previewing.conclusion(sha) is None


def test_the_actions_preview_costs_few_calls(previewing: Previewing, bun: Path) -> None:
    begun(previewing)
    before = len(previewing.simulator.calls)
    previewing.look_again()
    assert len(previewing.simulator.calls) - before <= 2
    assert job.REMOTE_SECONDS >= 30
    finish(previewing, artifacts={"preview": {bun.name: bun}})
    names = [run["name"] for run in previewing.simulator.check_runs(REPOSITORY, previewing.build().order.head)]
    assert names.count(PREVIEW) == 1
