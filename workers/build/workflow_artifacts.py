"""What a workflow run has built: its artifacts, out of GitHub's zips, or the assets of the release that it made."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog

from workers.build.artifacts import collect, plain_names
from workers.build.driver import BuildError, State
from workers.build.inspection.inspect import unpack
from workers.build.order import Order
from workers.github import Client, ReleaseInfo
from workers.github.streams import TooLarge
from workers.github.workflow_calls import WorkflowArtifact

log = structlog.get_logger(__name__)

MOST_BYTES = 2 << 30
"""Of all artifacts of a run together, as they are downloaded."""
MOST_ARTIFACTS = 50
WORKFLOWS_BOT = "github-actions[bot]"
"""The login that workflows act under."""

_ZIP = re.compile(rb"PK(\x03\x04|\x05\x06)")


def fetch(client: Client, order: Order, run_id: int, directory: Path, require: Callable[[], None]) -> None:
    """Writes what a run that succeeded has built into an empty directory, which stays empty where that is nothing.

    Raises `BuildError`, `GitHubError`, and what `require` raises.
    """
    named = order.settings.actions.artifacts if order.settings.actions is not None else ()
    chosen = choose(named, client.workflows.artifacts(order.repository, run_id))
    with tempfile.TemporaryDirectory(prefix="pagewarden-artifacts-", dir=directory.parent) as scratch:
        if chosen:
            folders = _artifacts(client, order, chosen, Path(scratch), require)
        else:
            folders = _assets(client, order, Path(scratch), require)
        files = [file for folder in folders for file in sorted(folder.iterdir())]
        for file, name in zip(files, plain_names([file.name for file in files]), strict=True):
            file.rename(directory / name)


def choose(named: Sequence[str], there: Iterable[WorkflowArtifact]) -> tuple[WorkflowArtifact, ...]:
    """The artifacts that are the build: those that are named, all where none is; of each name the last.

    Raises `BuildError` where one is missing or cannot be taken.
    """
    last = {artifact.name: artifact for artifact in sorted(there, key=lambda artifact: artifact.id)}
    if missing := [name for name in named if name not in last]:
        left = ", ".join(sorted(last)[:MOST_ARTIFACTS]) or "none"
        raise BuildError(
            f"the workflow run left no artifact {missing[0]}, which artifacts in the settings names. It left: {left}",
            State.FAILED,
        )
    chosen = tuple(last[name] for name in named or sorted(last))
    if expired := [artifact.name for artifact in chosen if artifact.expired]:
        raise BuildError(f"GitHub keeps the artifact {expired[0]} no longer: its time is over", State.GONE)
    if len(chosen) > MOST_ARTIFACTS:
        raise BuildError(
            f"the workflow run left {len(chosen)} artifacts; at most {MOST_ARTIFACTS} are taken. Name those that are "
            "the build under artifacts in the settings",
            State.FAILED,
        )
    _require_size(sum(artifact.size for artifact in chosen))
    return chosen


def _artifacts(
    client: Client, order: Order, chosen: Sequence[WorkflowArtifact], scratch: Path, require: Callable[[], None]
) -> list[Path]:
    """Folders of the files that are in the artifacts."""
    folders, room_left = [], MOST_BYTES
    for number, (artifact, name) in enumerate(zip(chosen, plain_names([each.name for each in chosen]), strict=True)):
        room = scratch / str(number)
        wrapped = room / "wrapped" / name
        wrapped.parent.mkdir(parents=True)
        try:
            taken = client.workflows.download_artifact(order.repository, artifact.id, wrapped, room_left, require)
        except TooLarge as error:
            raise BuildError(_too_large(f"more than {MOST_BYTES:,}"), State.FAILED) from error
        room_left -= taken
        if artifact.sha256 and _sha256(wrapped) != artifact.sha256:
            raise BuildError(
                f"what GitHub keeps as the artifact {artifact.name} is not what was uploaded: its SHA-256 differs"
            )
        folders.append(_unwrapped(wrapped, name, room, require))
    return folders


def _unwrapped(wrapped: Path, name: str, room: Path, require: Callable[[], None]) -> Path:
    """A folder with the files of a zip that GitHub made; with the file itself, where it is none or cannot be opened:
    then the inspection says what is wrong with it."""
    with wrapped.open("rb") as file:
        is_zip = _ZIP.match(file.read(4)) is not None
    if is_zip:
        inner, files = room / "inner", room / "files"
        inner.mkdir()
        try:
            unpack(wrapped.parent, inner, require=require)
            collect(inner, files, name, require)
        except BuildError as error:
            log.info("an artifact that cannot be opened", artifact=name, error=str(error))
        else:
            return files
        if not name.endswith(".zip"):
            wrapped.rename(wrapped.with_name(f"{name}.zip"))
    return wrapped.parent


def _assets(client: Client, order: Order, scratch: Path, require: Callable[[], None]) -> list[Path]:
    """A folder with the assets of the release that the workflow made, else none."""
    release = release_of_workflow(client, order)
    if release is None:
        return []
    assets = [asset for asset in release.assets if asset.state == "uploaded"]
    _require_size(sum(asset.size for asset in assets))
    for asset, name in zip(assets, plain_names([asset.name for asset in assets]), strict=True):
        client.releases.download_asset(order.repository, asset.id, scratch / name, asset.size, require=require)
    return [scratch]


def release_of_workflow(client: Client, order: Order) -> ReleaseInfo | None:
    """The release that a workflow made of this very commit, `None` where there is none. Raises `GitHubError`."""
    if order.settings.actions is None:
        return None
    release = client.releases.release_by_tag(order.repository, order.tag)
    if release is None or release.author != WORKFLOWS_BOT:
        return None
    return release if client.releases.tag_sha(order.repository, order.tag) == order.head else None


def _require_size(size: int) -> None:
    if size > MOST_BYTES:
        raise BuildError(_too_large(f"{size:,}"), State.FAILED)


def _too_large(size: str) -> str:
    return f"the workflow run left {size} bytes; at most {MOST_BYTES:,} are taken"


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
