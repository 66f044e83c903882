"""What was built is kept on the host, and fetched from its release where it is not there."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from simulator.records import Call
from tests.workers.build.ordered import BASE, HEAD, ordered
from tests.workers.house import REPOSITORY, House
from workers.build import kept
from workers.build.driver import BuildError
from workers.build.drivers import directory
from workers.build.inspection.inspect import unpack
from workers.build.order import Order
from workers.build.result import Artifact, Ending, Inspection, Made, Release
from workers.runs import Run
from workers.tools import Tools

ENGINE = b"\x7fELF of an engine"
TAG = "autobuild-preview-pr-7-aaaaaaaa"


def packed(members: Mapping[str, bytes]) -> bytes:
    """A tarball."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def inspected(files: Mapping[str, bytes]) -> Inspection:
    """What an inspection says of files that it has nothing against."""
    found = (Artifact(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items())
    return Inspection(tuple(found))


@dataclass
class Host:
    """One that has builds done, and GitHub with their releases."""

    house: House
    folder: Path

    @property
    def tools(self) -> Tools:
        return self.house.tools

    def run(self, head: str = HEAD, base: str = BASE) -> Run:
        return Run(self.house.installation_id, REPOSITORY, 7, base, head, "https://example.com/r.git", ref="main")

    def has_built(self, run: Run, files: Mapping[str, bytes], made: Made | None = None, **settings: Any) -> Made:
        """Notes that this was built of a run, and released; nothing is kept."""
        order = replace(ordered(head=run.head, **settings), repository=REPOSITORY, base=run.base)
        self.tools.builds.want(run.id, Order.from_json(order.to_json()))
        released = Made(Ending.RELEASED, inspection=inspected(files), release=Release(TAG, "", 0.0))
        self.tools.builds.conclude(run.id, made or released)
        self.tools.builds.end(run.id)
        return made or released

    def release(self, files: Mapping[str, bytes], tag: str = TAG) -> None:
        """Puts a release on GitHub."""
        assets = {name: data for name, data in files.items() if data}
        self.house.simulator.create_release(REPOSITORY, tag, None, author="pagewarden[bot]", assets=assets)

    def keep(self, files: Mapping[str, bytes]) -> Path:
        """Keeps files as the process does that built them; where from."""
        self.folder.mkdir()
        for name, data in files.items():
            (self.folder / name).write_bytes(data)
        kept.keep(self.tools, inspected(files), self.folder)
        return self.folder

    def kept(self) -> list[str]:
        """Names of what is kept, and of what is left of what was not to be."""
        return sorted(path.name for path in (directory(self.tools) / "kept").iterdir())

    def downloads(self) -> list[Call]:
        return list(self.house.simulator.downloads)


@pytest.fixture
def host(house: House, tmp_path: Path) -> Host:
    return Host(house, tmp_path / "built")


def read(found: tuple[Path, Path] | None) -> bytes:
    """What a binary holds, which lies in its tree."""
    assert found is not None
    binary, tree = found
    assert binary.is_relative_to(tree)
    return binary.read_bytes()


def test_what_was_kept_is_found_without_asking_anybody(host: Host) -> None:
    files = {"engine.tar.gz": packed({"bin/engine": ENGINE})}
    host.has_built(host.run(), files)
    folder = host.keep(files)
    assert list(folder.iterdir()) == []
    assert read(kept.binary_of(host.tools, host.run(), "bin/engine")) == ENGINE
    assert read(kept.binary_of(host.tools, host.run(), "bin/engine")) == ENGINE
    assert host.house.simulator.calls == []
    assert len(host.kept()) == 1


def test_what_is_not_on_the_host_is_fetched_from_its_release_once(host: Host) -> None:
    # Assets are called as GitHub takes them, and empty files are none.
    files = {"my engine": ENGINE, "empty": b""}
    host.has_built(host.run(), files)
    host.release({"my.engine": ENGINE})
    for _ in range(2):
        assert read(kept.binary_of(host.tools, host.run(), "my engine")) == ENGINE
    assert read(kept.binary_of(host.tools, host.run(), "empty")) == b""
    assert len(host.downloads()) == 1
    assert len(host.kept()) == 1


@pytest.mark.parametrize(
    ("assets", "reason"),
    [
        pytest.param({"engine": ENGINE[::-1]}, "engine of its release is not what was built: its SHA-256", id="other"),
        pytest.param({"engine": ENGINE[1:]}, "engine of its release is not what was built: its SHA-256", id="shorter"),
        pytest.param({"engine": ENGINE + b"."}, "engine of its release is not what was built: it is larger", id="more"),
        pytest.param({"another": ENGINE}, f"its release {TAG} has no engine", id="asset-gone"),
        pytest.param(None, f"its release {TAG} has no engine", id="release-gone"),
    ],
)
def test_a_release_that_has_changed_is_not_taken_for_the_build(
    host: Host, assets: Mapping[str, bytes] | None, reason: str
) -> None:
    host.has_built(host.run(), {"engine": ENGINE})
    if assets is not None:
        host.release(assets)
    with pytest.raises(BuildError, match=reason):
        kept.binary_of(host.tools, host.run(), "engine")
    assert host.kept() == []


def test_what_was_never_released_is_on_the_host_that_built_it_only(host: Host) -> None:
    files = {"engine": ENGINE}
    host.has_built(host.run(), files, Made(Ending.BUILT, inspection=inspected(files)))
    with pytest.raises(BuildError, match="was not released"):
        kept.binary_of(host.tools, host.run(), "engine")
    host.keep(files)
    assert read(kept.binary_of(host.tools, host.run(), "engine")) == ENGINE


def test_who_is_to_stop_while_he_fetches_leaves_nothing(host: Host) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    host.has_built(host.run(), {"engine": ENGINE})
    host.release({"engine": ENGINE})
    with pytest.raises(Stop):
        kept.binary_of(host.tools, host.run(), "engine", stop)
    assert host.kept() == []


@pytest.mark.parametrize("path", ["bin/engine", "engine/more", "..", "missing"])
def test_where_nothing_lies_there_is_no_binary(host: Host, path: str) -> None:
    host.has_built(host.run(), {"engine": ENGINE})
    host.keep({"engine": ENGINE})
    assert kept.binary_of(host.tools, host.run(), path) is None


def test_without_a_good_build_there_is_no_binary(host: Host) -> None:
    assert kept.binary_of(host.tools, host.run(), "engine") is None
    host.has_built(host.run(), {}, Made(Ending.UNFIT, inspection=inspected({"engine": ENGINE})))
    host.keep({"engine": ENGINE})
    assert kept.binary_of(host.tools, host.run(), "engine") is None


def test_those_that_nobody_used_for_longest_make_room(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    places: list[str] = []
    for number in range(2):
        host.keep({f"engine-{number}": ENGINE}).rmdir()
        (new,) = {*host.kept()} - {*places}
        places.append(new)
        os.utime(directory(host.tools) / "kept" / new, (number, number))
    host.has_built(host.run(), {"engine-0": ENGINE})
    assert read(kept.binary_of(host.tools, host.run(), "engine-0")) == ENGINE
    host.keep({"engine-2": ENGINE})
    assert places[0] in host.kept()
    assert places[1] not in host.kept()
    assert len(host.kept()) == 2


def test_the_same_files_are_kept_once(host: Host) -> None:
    host.keep({"engine": ENGINE}).rmdir()
    before = host.kept()
    host.keep({"engine": ENGINE})
    assert host.kept() == before


def test_who_unpacks_what_another_has_just_unpacked_finds_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.has_built(host.run(), {"engine": ENGINE})
    host.keep({"engine": ENGINE})
    others = iter([True])

    def after_another(artifacts: Path, into: Path, **more: Any) -> None:
        if next(others, False):
            kept.binary_of(host.tools, host.run(), "engine")
        unpack(artifacts, into, **more)

    monkeypatch.setattr("workers.build.kept.unpack", after_another)
    assert read(kept.binary_of(host.tools, host.run(), "engine")) == ENGINE


def test_the_binary_of_the_base_is_that_of_its_preview(host: Host) -> None:
    host.has_built(host.run(head=BASE, base="c" * 40), {"engine": b"old"})
    host.has_built(host.run(), {"engine": ENGINE}, base_release="nightly-{sha}")
    host.keep({"engine": b"old"})
    assert read(kept.base_binary_of(host.tools, host.run(), "engine")) == b"old"
    assert host.house.simulator.calls == []


def test_else_it_is_in_the_release_that_the_settings_name(host: Host) -> None:
    host.has_built(host.run(), {"engine": ENGINE}, base_release="nightly-{sha}")
    host.release({"engine.tar.gz": packed({"engine-1.0/bin/engine": b"old"})}, f"nightly-{BASE}")
    for _ in range(2):
        assert read(kept.base_binary_of(host.tools, host.run(), "bin/engine")) == b"old"
    assert len(host.downloads()) == 1


def named(host: Host) -> None:
    host.has_built(host.run(), {}, base_release="nightly-{sha}")


def damaged(host: Host) -> None:
    named(host)
    host.release({"engine.zip": b"PK\x03\x04 and no more"}, f"nightly-{BASE}")


def elsewhere(host: Host) -> None:
    named(host)
    host.release({"other": b"old"}, f"nightly-{BASE}")


def removed(host: Host) -> None:
    """The base was the head of a pull request that was merged, and its release is gone since."""
    host.has_built(host.run(), {})
    host.has_built(host.run(head=BASE, base="c" * 40), {"engine": b"old"})


def replaced(host: Host) -> None:
    removed(host)
    host.release({"engine": b"new"})


def never_released(host: Host) -> None:
    """It was built on another host."""
    host.has_built(host.run(), {})
    other = Made(Ending.BUILT, inspection=inspected({"engine": b"old"}))
    host.has_built(host.run(head=BASE, base="c" * 40), {}, other)


@pytest.mark.parametrize(
    "prepare",
    [lambda host: host.has_built(host.run(), {}), named, damaged, elsewhere, removed, replaced, never_released],
    ids=["not-named", "not-there", "damaged", "elsewhere", "removed", "replaced", "never-released"],
)
def test_a_base_that_cannot_be_had_is_none(host: Host, prepare: Callable[[Host], object]) -> None:
    prepare(host)
    assert kept.base_binary_of(host.tools, host.run(), "engine") is None
