"""What is known of a build from releases, and its own way into one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from workers.build.cleaning import CLEAN_SECONDS, note_removed
from workers.build.disk import scratch
from workers.build.driver import BuildError
from workers.build.drivers import scratch_of
from workers.build.inspection.inspect import inspect
from workers.build.kept import download_all, made_of_base
from workers.build.manifest import LARGEST_MANIFEST, MANIFEST, read_manifest, release_files
from workers.build.order import Order, prefix_of
from workers.build.releases import TagTaken, find, is_complete, present, prune, publish
from workers.build.result import Binary, Ending, Inspection, Made, Release, Row, RowState
from workers.build.workflow_artifacts import release_of_workflow
from workers.github import Client, NotThere, Rejected, ReleaseInfo
from workers.github.failures import Forbidden
from workers.github.streams import TooLarge
from workers.report.preview_release import release_body, release_name
from workers.store import Busy
from workers.tools import Tools
from workers.writing import writing

log = structlog.get_logger(__name__)


def reused(tools: Tools, client: Client, order: Order) -> Made | None:
    """What came of an earlier build of the same head, where it is released with all its files. Raises `GitHubError`."""
    if not order.settings.release:
        return None
    release = find(client, order, tools.github.bot())
    if release is None or not is_complete(release):
        return None
    inspection = _inspected(tools, client, order.repository, release)
    if inspection is None:
        return None
    return Made(Ending.RELEASED, url=release.url, inspection=inspection, release=_release(release))


def recover_rows(tools: Tools, client: Client, place: str, order: Order) -> None:
    """Finds the releases that a pull request has, once: what was known of them may be lost. Raises `GitHubError`."""
    if not tools.builds.is_first_of(place):
        return
    try:
        for mine in present(client, order.repository, tools.github.bot(), prefix_of(order.number)):
            release = mine.release
            if mine.number == order.number and not release.draft:
                row = Row(mine.sha, RowState.RELEASED, release.tag, release.url, release.published_at)
                tools.builds.keep_row(place, row)
    except BaseException:
        tools.builds.look_again_for(place)
        raise


def base_of(tools: Tools, client: Client, order: Order, require: Callable[[], None]) -> tuple[tuple[Binary, ...], str]:
    """The binaries of the base's build, and the tag of its release; neither where there is none that could be read.

    That is the preview of the pull request of which the base was the head, or the release that the settings name.
    Raises `GitHubError`, and what `require` raises.
    """
    made = made_of_base(tools, order.repository, order.base)
    if made is not None:
        return made.inspection.binaries, made.release.tag if made.release is not None else ""
    tag = order.base_release
    release = client.releases.release_by_tag(order.repository, tag) if tag is not None else None
    if tag is None or release is None:
        return (), ""
    try:
        inspection = _inspected(tools, client, order.repository, release) or _looked_at(
            tools, client, order.repository, release, require
        )
    except (BuildError, TooLarge, NotThere) as error:
        log.warning("the base's release cannot be compared with", tag=tag, error=str(error))
        return (), ""
    return inspection.binaries, tag


def put_out(
    tools: Tools,
    run_id: str,
    order: Order,
    made: Made,
    at: float,
    artifacts: Path,
    log_file: Path | None,
    require: Callable[[], None],
) -> Made:
    """Releases what was built, and removes the releases that later commits have taken the place of. `at`, in epoch
    seconds, is when it was built.

    Raises `BuildError`, `Busy`, `GitHubError`, and what `require` raises.
    """
    reports, record = tools.store.reports(run_id), tools.store.record(run_id)
    if not reports or record is None:
        raise Busy("the verdict that belongs beside the release is being looked for again")
    judged = tools.ruling(run_id).judged(reports)
    about = replace(tools.context(record), attempt=1, asked_by="")
    place, bot = record.run.place, tools.github.bot()
    with (
        scratch(scratch_of(tools)) as folder,
        writing(tools, f"{place}:release", order.installation_id) as client,
    ):
        files = release_files(order, made, reports, at, artifacts, log_file, folder)
        try:
            release = publish(
                client,
                order,
                bot,
                files,
                release_name(about),
                release_body(made, about, judged, order.settings),
                require,
            )
        except TagTaken as taken:
            theirs = release_of_workflow(client, order)
            if theirs is not None:
                return replace(made, ending=Ending.RELEASED, release=_release(theirs))
            log.warning("not released", tag=taken.tag, by=taken.by)
            return replace(made, ending=Ending.TAKEN, reason=taken.by)
        except Forbidden as error:
            log.warning("not released", tag=order.tag, error=str(error))
            return replace(made, ending=Ending.FORBIDDEN)
        tools.builds.drop_row(place, order.head)
        days = order.settings.remove_after_days
        tools.builds.clean_at(order.repository, order.installation_id, days, tools.clock() + CLEAN_SECONDS)
        try:
            note_removed(tools, order.repository, prune(client, order, bot, order.settings.keep))
        except (Forbidden, Rejected) as error:
            # Rules of the repository may hold on to tags; what was built is released all the same.
            log.warning("earlier releases were not removed", tag=order.tag, error=str(error))
    return replace(made, ending=Ending.RELEASED, release=_release(release))


def _inspected(tools: Tools, client: Client, repository: str, release: ReleaseInfo) -> Inspection | None:
    """What the manifest of a release of ours says; `None` where it has none, or none that can be read."""
    manifest = next((asset for asset in release.assets if asset.name == MANIFEST), None)
    if manifest is None or release.author != tools.github.bot():
        return None
    with scratch(scratch_of(tools)) as folder:
        file = folder / MANIFEST
        try:
            client.releases.download_asset(repository, manifest.id, file, LARGEST_MANIFEST)
            return read_manifest(file.read_bytes()).inspection()
        except (ValueError, TooLarge, NotThere) as error:
            log.warning("a manifest cannot be read", tag=release.tag, error=str(error))
            return None


def _looked_at(
    tools: Tools, client: Client, repository: str, release: ReleaseInfo, require: Callable[[], None]
) -> Inspection:
    """What a release holds that is somebody else's. Raises `BuildError`, `GitHubError`, and what `require` raises."""
    with scratch(scratch_of(tools)) as folder:
        artifacts = folder / "artifacts"
        artifacts.mkdir()
        download_all(client, repository, release, artifacts, require)
        return inspect(artifacts, require=require)


def _release(release: ReleaseInfo) -> Release:
    return Release(release.tag, release.url, release.published_at)
