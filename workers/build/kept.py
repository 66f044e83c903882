"""What was built, kept on this host for as long as there is room: the stress stage runs it, and may do so elsewhere."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from workers.build.artifacts import plain_names
from workers.build.disk import remove, scratch
from workers.build.driver import BuildError
from workers.build.drivers import directory
from workers.build.inspection.inspect import find_binary, unpack
from workers.build.manifest import asset_names
from workers.build.result import Artifact, Inspection, Made
from workers.github import Client, NotThere, ReleaseInfo
from workers.github.streams import TooLarge
from workers.runs import Run
from workers.tools import Tools

MOST_RELEASE_BYTES = 4 << 30
"""Of somebody's release, all files together."""
MOST_KEPT = 10
"""Builds that a host keeps; those that nobody used for longest go first."""

log = structlog.get_logger(__name__)


def nothing() -> None:
    """Asks nobody."""


def keep(tools: Tools, inspection: Inspection, artifacts: Path) -> None:
    """Keeps the files of a build that was looked at; they are moved."""
    place = _place(tools, inspection)
    if place.exists():
        place.touch()
        return
    with _new(tools) as room:
        for file in artifacts.iterdir():
            shutil.move(file, room / file.name)
        _settle(room, place)


def binary_of(tools: Tools, run: Run, path: str, require: Callable[[], None] = nothing) -> tuple[Path, Path] | None:
    """The binary at `path` of what was built of a run, and the tree that it lies in; `None` where nothing good was
    built, or nothing lies there. What is not here is fetched from its release. Raises `BuildError`, `GitHubError`."""
    state = tools.builds.get(run.id)
    if state is None or state.made is None or not state.made.is_good:
        return None
    return _binary(tools, run, state.made, path, require)


def base_binary_of(
    tools: Tools, run: Run, path: str, require: Callable[[], None] = nothing
) -> tuple[Path, Path] | None:
    """The same of what the base is built as: in the preview of a pull request of which it was the head, else in the
    release that the settings name; `None` also where that cannot be had any more, or cannot be read. Raises
    `GitHubError`."""
    made = made_of_base(tools, run.repository, run.base)
    try:
        if made is not None:
            return _binary(tools, run, made, path, require)
        return _released_binary(tools, run, path, require)
    except (BuildError, TooLarge, NotThere) as error:
        log.warning("there is no build of the base", run=run.id, error=str(error))
        return None


def _released_binary(tools: Tools, run: Run, path: str, require: Callable[[], None]) -> tuple[Path, Path] | None:
    """Of the release of the base that the settings name."""
    state = tools.builds.get(run.id)
    tag = state.order.base_release if state is not None else None
    place = _kept_release(tools, run, tag, require) if tag is not None else None
    return _found(place, path, require) if place is not None else None


def _kept_release(tools: Tools, run: Run, tag: str, require: Callable[[], None]) -> Path | None:
    with tools.github.client(run.installation_id) as client:
        release = client.releases.release_by_tag(run.repository, tag)
        if release is None:
            return None
        place = _parent(tools) / f"release-{release.id}"
        if not place.exists():
            with _new(tools) as artifacts:
                download_all(client, run.repository, release, artifacts, require)
                _settle(artifacts, place)
        return place


def made_of_base(tools: Tools, repository: str, base: str) -> Made | None:
    """What was built of a base, where it was the head of a pull request."""
    for run_id in tools.builds.runs_of_commit(repository, base):
        state = tools.builds.get(run_id)
        if state is not None and state.made is not None and state.made.is_good:
            return state.made
    return None


def download_all(
    client: Client, repository: str, release: ReleaseInfo, directory: Path, require: Callable[[], None]
) -> None:
    """Writes the files of a release into a directory. Raises `TooLarge`, `GitHubError`, and what `require` raises."""
    left = MOST_RELEASE_BYTES
    for asset, name in zip(release.assets, plain_names([each.name for each in release.assets]), strict=True):
        left -= client.releases.download_asset(repository, asset.id, directory / name, left, require)


def _binary(tools: Tools, run: Run, made: Made, path: str, require: Callable[[], None]) -> tuple[Path, Path] | None:
    place = _place(tools, made.inspection)
    if not place.exists():
        with tools.github.client(run.installation_id) as client:
            _fetch(tools, client, run.repository, made, require)
    return _found(place, path, require)


def _found(place: Path, path: str, require: Callable[[], None]) -> tuple[Path, Path] | None:
    """The binary in what is kept at `place`, and the tree that it lies in."""
    place.touch()
    tree = place / "tree"
    if not tree.exists():
        with scratch(place, ".new-") as room:
            fresh = room / "tree"
            fresh.mkdir()
            unpack(place / "artifacts", fresh, require=require)
            with suppress(OSError):  # somebody else was faster
                fresh.rename(tree)
    binary = find_binary(tree, path)
    return (binary, tree) if binary is not None else None


def _fetch(tools: Tools, client: Client, repository: str, made: Made, require: Callable[[], None]) -> None:
    """Fetches what was built from its release, and holds it against what was inspected."""
    if made.release is None:
        raise BuildError("what was built is not on this host, and was not released")
    release = client.releases.release_by_tag(repository, made.release.tag)
    assets = {asset.name: asset for asset in release.assets} if release is not None else {}
    with _new(tools) as artifacts:
        names = asset_names(artifact.name for artifact in made.inspection.artifacts)
        for artifact in made.inspection.artifacts:
            file, asset = artifacts / artifact.name, assets.get(names[artifact.name])
            if not artifact.size:  # GitHub takes no empty file
                file.touch()
                continue
            if asset is None:
                raise BuildError(f"its release {made.release.tag} has no {artifact.name} (any more)")
            try:
                client.releases.download_asset(repository, asset.id, file, artifact.size, require=require)
            except TooLarge as error:
                raise BuildError(_another(artifact, "it is larger")) from error
            _require_same(artifact, file)
        keep(tools, made.inspection, artifacts)


def _require_same(artifact: Artifact, file: Path) -> None:
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != artifact.sha256:
        raise BuildError(_another(artifact, "its SHA-256 is another one"))


def _another(artifact: Artifact, why: str) -> str:
    return f"{artifact.name} of its release is not what was built: {why}"


@contextmanager
def _new(tools: Tools) -> Iterator[Path]:
    """A folder for the files of a build that is not kept yet; it goes, but for what is settled."""
    with scratch(_parent(tools), ".new-") as folder:
        artifacts = folder / "room" / "artifacts"
        artifacts.mkdir(parents=True)
        yield artifacts


def _settle(artifacts: Path, place: Path) -> None:
    """Keeps what is in a folder of `_new`, unless somebody else was faster."""
    with suppress(OSError):
        artifacts.parent.rename(place)
    _make_room(place.parent)


def _parent(tools: Tools) -> Path:
    kept = directory(tools) / "kept"
    kept.mkdir(parents=True, exist_ok=True)
    return kept


def _place(tools: Tools, inspection: Inspection) -> Path:
    """By what is in it."""
    told = "\n".join(sorted(f"{each.sha256} {each.name}" for each in inspection.artifacts))
    return _parent(tools) / hashlib.sha256(told.encode()).hexdigest()[:32]


def _make_room(kept: Path) -> None:
    builds = sorted(
        (each for each in kept.iterdir() if not each.name.startswith(".")), key=lambda each: each.stat().st_mtime
    )
    for old in builds[:-MOST_KEPT]:
        log.info("no longer kept", build=old.name)
        remove(old)
