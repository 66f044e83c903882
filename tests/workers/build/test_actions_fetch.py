"""What a workflow run hands over becomes artifacts: out of GitHub's zips, whatever strangers put into these."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from functools import partial
from pathlib import Path

import pytest

from tests.workers.build.dispatching import Dispatching, dispatching_in
from tests.workers.house import REPOSITORY, House
from workers.build import workflow_artifacts
from workers.build.driver import BuildError, State
from workers.build.inspection.bounds import Bounds
from workers.build.inspection.inspect import inspect, unpack
from workers.build.result import Fault
from workers.github import Unavailable

WORKFLOWS = "github-actions[bot]"


@pytest.fixture
def github(house: House, tmp_path: Path) -> Dispatching:
    """A pull request to be built by the workflow of the documents."""
    return dispatching_in(house, tmp_path / "fetched")


def zipped(*members: tuple[str, bytes]) -> bytes:
    """A zip with members of these very names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def tarball() -> bytes:
    """A tarball with an executable, as the workflow packs it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo("./bin/bun")
        member.mode, member.size = 0o755, 4
        archive.addfile(member, io.BytesIO(b"\x7fELF"))
    return file.getvalue()


def texts(files: dict[str, Path]) -> dict[str, bytes]:
    """What is in files, by name."""
    return {name: file.read_bytes() for name, file in sorted(files.items())}


def failed(github: Dispatching, artifacts: dict[str, bytes | Path]) -> tuple[str, State | None]:
    """Why what a run left cannot be fetched."""
    with pytest.raises(BuildError) as raised:
        github.built(artifacts)
    return str(raised.value), raised.value.state


def test_the_files_in_an_artifact_come_as_they_are(github: Dispatching) -> None:
    packed = tarball()
    files = {"preview-linux-arm64.tar.gz": packed, "bun": b"\x7fELF", "notes": b"read me"}
    assert texts(github.built({"preview-linux-arm64": files})) == dict(sorted(files.items()))


def test_folders_in_an_artifact_become_one_tarball(github: Dispatching) -> None:
    built = github.built({"my build": {"bin/bun": b"\x7fELF", "lib/libpas.a": b"!<arch>\n", "README": b"x"}})
    assert list(built) == ["my_build.tar.gz"]
    with tarfile.open(built["my_build.tar.gz"]) as archive:
        assert [member.name for member in archive if member.isfile()] == ["README", "bin/bun", "lib/libpas.a"]


def test_files_of_several_artifacts_do_not_take_each_others_place(github: Dispatching) -> None:
    built = github.built({"a": {"bun": b"1"}, "b": {"bun": b"2", "x": b"3"}, "c": {"lib/y": b"4"}})
    assert {name: file.read_bytes()[:1] for name, file in built.items() if name != "c.tar.gz"} == {
        "bun": b"1",
        "bun-2": b"2",
        "x": b"3",
    }
    assert "c.tar.gz" in built


def test_those_that_the_settings_name_are_fetched_and_no_others(github: Dispatching) -> None:
    github.want(artifacts=("bun", "pas"))
    built = github.built({"pas": {"libpas.a": b"pas"}, "bun": {"bun": b"bun"}, "test-logs": {"log": b"log"}})
    assert texts(built) == {"bun": b"bun", "libpas.a": b"pas"}
    downloads = [call for call in github.house.simulator.calls if call.path.endswith("/zip")]
    assert len(downloads) == 2


def test_one_that_is_named_and_missing_fails_the_build(github: Dispatching) -> None:
    github.want(artifacts=("bun", "pas"))
    reason = "the workflow run left no artifact pas, which artifacts in the settings names. It left: bun"
    assert failed(github, {"bun": b"PK"}) == (reason, State.FAILED)


def test_one_that_has_expired_is_gone(github: Dispatching) -> None:
    external_id = github.submit()
    github.house.simulator.finish_workflow(github.run_ids()[0], artifacts={"bun": {"bun": b"x"}})
    github.house.simulator.expire_artifacts(github.run_ids()[0])
    with pytest.raises(BuildError, match="GitHub keeps the artifact bun no longer") as raised:
        github.fetched(external_id)
    assert raised.value.state is State.GONE


def test_without_artifacts_there_is_nothing(github: Dispatching) -> None:
    assert github.built() == {}


def test_an_artifact_with_nothing_in_it_is_nothing(github: Dispatching) -> None:
    assert github.built({"empty": zipped()}) == {}


def test_a_file_that_was_not_zipped_comes_as_it_is(github: Dispatching) -> None:
    files = {"bun.tar.gz": tarball(), "bun": b"\x7fELF"}
    assert texts(github.built(files)) == files


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../../escaped", Fault.ESCAPES),
        ("/tmp/escaped", Fault.ESCAPES),
        ("..\\escaped", Fault.ESCAPES),
        ("C:escaped", Fault.ESCAPES),
    ],
)
def test_a_zip_that_leads_out_of_itself_is_left_closed_for_the_inspection(
    github: Dispatching, name: str, fault: Fault, tmp_path: Path
) -> None:
    archive = zipped(("bun", b"\x7fELF"), (name, b"x"))
    built = github.built({"preview": archive})
    assert texts(built) == {"preview.zip": archive}
    found = inspect(built["preview.zip"].parent)
    assert fault in {problem.fault for problem in found.problems}
    assert not list(tmp_path.rglob("escaped"))


def test_a_zip_that_is_damaged_is_left_closed_for_the_inspection(github: Dispatching) -> None:
    archive = zipped(("bun", os.urandom(5000)))[:-2000]
    built = github.built({"preview.zip": archive})
    assert texts(built) == {"preview.zip": archive}
    assert {problem.fault for problem in inspect(built["preview.zip"].parent).problems} >= {Fault.DAMAGED}


def test_a_bomb_is_left_closed_for_the_inspection(github: Dispatching, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = Bounds(most_bytes=1 << 20)
    monkeypatch.setattr(workflow_artifacts, "unpack", partial(unpack, bounds=bounds))
    archive = zipped(("zeros", bytes(8 << 20)))
    built = github.built({"preview": archive})
    assert texts(built) == {"preview.zip": archive}
    (problem,) = [each for each in inspect(built["preview.zip"].parent, bounds=bounds).problems if each.file]
    assert (problem.fault, problem.found) == (Fault.TOO_LARGE, str(1 << 20))


def test_a_zip_that_holds_links_is_not_followed(github: Dispatching, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(link, str(secret))
        archive.writestr("bun", b"\x7fELF")
    built = github.built({"preview": file.getvalue()})
    assert list(built) == ["preview.zip"]
    assert b"a secret" not in built["preview.zip"].read_bytes()


def test_more_than_is_taken_is_not_downloaded(github: Dispatching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow_artifacts, "MOST_BYTES", 1000)
    reason, state = failed(github, {"bun": os.urandom(600), "pas": os.urandom(600)})
    assert (reason, state) == ("the workflow run left 1,200 bytes; at most 1,000 are taken", State.FAILED)
    assert [call for call in github.house.simulator.calls if call.path.endswith("/zip")] == []


def test_more_than_github_says_is_not_downloaded_to_its_end(
    github: Dispatching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow_artifacts, "MOST_BYTES", 1000)
    monkeypatch.setattr(workflow_artifacts, "_require_size", lambda _: None)
    reason, state = failed(github, {"bun": os.urandom(600), "pas": os.urandom(600)})
    assert (reason, state) == ("the workflow run left more than 1,000 bytes; at most 1,000 are taken", State.FAILED)


def test_an_artifact_is_held_against_what_was_uploaded(github: Dispatching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow_artifacts, "_sha256", lambda _: "0" * 64)
    reason, state = failed(github, {"bun": b"\x7fELF"})
    assert (state, "is not what was uploaded: its SHA-256 differs" in reason) == (None, True)


def test_what_could_not_be_downloaded_is_fetched_by_the_next_try(github: Dispatching) -> None:
    external_id = github.submit()
    github.house.simulator.finish_workflow(github.run_ids()[0], artifacts={"bun": {"bun": b"x"}})
    github.house.simulator.fail_next("GET", r"/zip$", 502, times=3)
    with pytest.raises(Unavailable):
        github.fetched(external_id)
    artifacts = github.folder / "room/artifacts"
    assert list(artifacts.parent.rglob("*")) == [artifacts]
    artifacts.rmdir()
    assert texts(github.fetched(external_id)) == {"bun": b"x"}


def test_who_asks_to_stop_is_heard_while_it_is_downloaded(github: Dispatching) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    external_id = github.submit()
    github.house.simulator.finish_workflow(github.run_ids()[0], artifacts={"bun": os.urandom(1 << 20)})
    artifacts = github.folder / "room/artifacts"
    artifacts.mkdir(parents=True)
    with github.driver() as driver, pytest.raises(Stop):
        driver._require = stop
        driver.artifacts(github.order, external_id, artifacts)
    assert list(artifacts.parent.rglob("*")) == [artifacts]


def released(github: Dispatching, author: str = WORKFLOWS, sha: str | None = None) -> None:
    """The workflow, or somebody else, releases under the tag of the order."""
    assets: dict[str, bytes | Path] = {"bun-linux-aarch64.zip": zipped(("bun", b"\x7fELF")), "SHA256SUMS": b"x"}
    sha = sha or github.order.head
    github.house.simulator.create_release(REPOSITORY, github.order.tag, sha, author=author, assets=assets)


def test_a_release_that_the_workflow_made_is_what_was_built(github: Dispatching) -> None:
    released(github)
    assert texts(github.built()) == {"SHA256SUMS": b"x", "bun-linux-aarch64.zip": zipped(("bun", b"\x7fELF"))}


def test_somebody_elses_release_is_not_what_was_built(github: Dispatching) -> None:
    released(github, author="octocat")
    assert github.built() == {}


def test_a_release_of_another_commit_is_not_what_was_built(github: Dispatching) -> None:
    released(github, sha=github.order.base)
    assert github.built() == {}


def test_artifacts_come_before_a_release(github: Dispatching) -> None:
    released(github)
    assert texts(github.built({"a": {"bun": b"new"}})) == {"bun": b"new"}
