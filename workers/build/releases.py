"""Releases of preview builds on GitHub: made once whatever is retried, completed, and removed with their tags.

A release is ours when our App made it and its last line says so; what is anybody else's is never touched. Until all its
files are there it is a draft: nobody meets half of one, and a repository whose releases are immutable takes them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from workers.build.driver import BuildError, State
from workers.build.manifest import LOG, MANIFEST
from workers.build.order import TAG_PREFIX, Order, prefix_of, tag_of
from workers.github import AssetInfo, Client, Rejected, ReleaseInfo, Unavailable, same_text
from workers.github.release_calls import UPLOADED, ReleaseCalls
from workers.report.preview_marker import marked

LARGEST_ASSET = 2 * 1024**3 - 1
"""Bytes: GitHub wants each file of a release to be under 2 GiB."""
NEW_RELEASES = 100
"""How many releases are looked through for drafts: one page of GitHub's list, which has new ones first."""
MOST_ASSETS = 1000
"""GitHub's limit of files in a release."""

_NAME = re.compile(r"[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?")

log = structlog.get_logger(__name__)


class TagTaken(Exception):
    """The tag is somebody else's: `by` is the login of who released it, "" where it is a bare tag."""

    def __init__(self, tag: str, by: str) -> None:
        super().__init__(f"{tag} is {by or 'somebody'}'s")
        self.tag = tag
        self.by = by


@dataclass(frozen=True)
class Mine:
    """A release of ours, and what it is of."""

    release: ReleaseInfo
    number: int
    sha: str


@dataclass(frozen=True)
class Cleaned:
    """What was `removed`, each tag once, and what of ours is `left`."""

    removed: tuple[Mine, ...]
    left: tuple[Mine, ...]


@dataclass(frozen=True)
class Wanted:
    """A file that a release is to have. `digest` as GitHub tells it."""

    path: Path
    size: int
    digest: str


def find(client: Client, order: Order, bot: str) -> ReleaseInfo | None:
    """The published release of ours of this very commit, complete or not. `bot` is our login. Raises `GitHubError`."""
    try:
        return _published(client.releases, order, bot)
    except TagTaken:
        return None


def is_complete(release: ReleaseInfo) -> bool:
    """Whether a release has all its files: the manifest is uploaded last."""
    return not release.draft and any(each.name == MANIFEST and each.state == UPLOADED for each in release.assets)


def publish(
    client: Client,
    order: Order,
    bot: str,
    files: Mapping[str, Path],
    name: str,
    body: str,
    require: Callable[[], None] = lambda: None,
) -> ReleaseInfo:
    """Makes GitHub show the release of a build with these files, by name; an empty file is left out, as GitHub takes
    none. `body` ends with our marker, `bot` is our login. To be called while nobody else writes about the pull request.

    Raises `TagTaken`, `BuildError` for files that no release takes, `GitHubError`, and what `require` raises.
    """
    wanted = _wanted(files)
    calls, fields = client.releases, {"name": name, "body": body}
    release = _published(calls, order, bot) or _draft(calls, order, bot)
    if release is None:
        at = {"tag_name": order.tag, "target_commitish": order.head}
        release = calls.create_release(order.repository, {**at, **fields, "draft": True, "prerelease": True})
    assets = _fill(calls, order.repository, release, wanted, require)
    require()
    if release.draft:
        return _put_out(calls, order, bot, release, fields)
    if release.name != name or not same_text(release.body, body):
        return calls.update_release(order.repository, release.id, fields)
    return replace(release, assets=assets)


def prune(client: Client, order: Order, bot: str, keep: int) -> tuple[Mine, ...]:
    """Removes our releases of a pull request but those of its newest `keep` commits and of its head, and their tags.

    Those that were seen and are gone. Raises `GitHubError`.
    """
    every = present(client, order.repository, bot, prefix_of(order.number))
    mine = [each for each in every if each.number == order.number]
    return _remove(client.releases, order.repository, mine, superseded(mine, order.head, keep)).removed


def clean(client: Client, repository: str, bot: str, is_due: Callable[[int], bool]) -> Cleaned:
    """Removes all our releases of the pull requests that are due, and their tags. Raises `GitHubError`."""
    mine = present(client, repository, bot, TAG_PREFIX)
    due = {number for number in {each.number for each in mine} if is_due(number)}
    return _remove(client.releases, repository, mine, [each for each in mine if each.number in due])


def present(client: Client, repository: str, bot: str, prefix: str) -> list[Mine]:
    """Our releases whose tags begin like this, and new drafts of ours, which have no tags. Raises `GitHubError`.

    Tags are listed, as a repository may have thousands of releases.
    """
    calls = client.releases
    tagged = (calls.release_by_tag(repository, tag) for tag in calls.tags(repository, prefix))
    return ours((*filter(None, tagged), *_new_drafts(calls, repository)), repository, bot)


def ours(releases: Iterable[ReleaseInfo], repository: str, bot: str) -> list[Mine]:
    """Those that our App made and that say what they are of."""
    found = []
    for release in releases:
        mark = marked(release.body)
        if mark is None or release.author != bot or not release.author_is_bot:
            continue
        if mark.repository.lower() == repository.lower() and release.tag == tag_of(mark.number, mark.sha):
            found.append(Mine(release, mark.number, mark.sha))
    return found


def superseded(mine: Sequence[Mine], head: str, keep: int) -> list[Mine]:
    """Those of a pull request's releases that later commits have taken the place of, and drafts that are left over."""
    published = [each for each in mine if not each.release.draft]
    newest = sorted(published, key=lambda each: (each.release.published_at, each.release.id), reverse=True)
    kept = {head, *list(dict.fromkeys(each.sha for each in newest))[:keep]}
    is_head_out = any(each.sha == head for each in published)
    return [each for each in mine if (each.sha != head or is_head_out if each.release.draft else each.sha not in kept)]


def changes(shown: Sequence[AssetInfo], wanted: Mapping[str, Wanted]) -> tuple[list[AssetInfo], list[str]]:
    """Which assets to remove, and which files to upload then, in order.

    While anything is amiss there is no manifest: it is the first to go and the last to come.
    """
    kept = {asset.name for asset in shown if asset.name in wanted and _is(asset, wanted[asset.name])}
    is_amiss = len(kept) < len(wanted) or len(kept) < len(shown)
    if is_amiss:
        kept.discard(MANIFEST)
    remove = [asset for asset in shown if asset.name not in kept]
    upload = [name for name in wanted if name not in kept]
    return sorted(remove, key=lambda asset: asset.name != MANIFEST), sorted(upload, key=lambda name: name == MANIFEST)


def _published(calls: ReleaseCalls, order: Order, bot: str) -> ReleaseInfo | None:
    """The release that has the tag. Raises `TagTaken` where that, or the tag, is not ours and of this commit."""
    release, sha = calls.release_by_tag(order.repository, order.tag), calls.tag_sha(order.repository, order.tag)
    if release is None and sha is None:
        return None
    is_ours = release is not None and _is_of(release, order, bot)
    if is_ours and sha == order.head:
        return release
    raise TagTaken(order.tag, release.author if release is not None and not is_ours else "")


def _draft(calls: ReleaseCalls, order: Order, bot: str) -> ReleaseInfo | None:
    """What an earlier attempt left."""
    return next((each for each in _new_drafts(calls, order.repository) if _is_of(each, order, bot)), None)


def _new_drafts(calls: ReleaseCalls, repository: str) -> list[ReleaseInfo]:
    return [each for each in islice(calls.releases(repository), NEW_RELEASES) if each.draft]


def _is_of(release: ReleaseInfo, order: Order, bot: str) -> bool:
    return any(
        (each.number, each.sha, release.tag) == (order.number, order.head, order.tag)
        for each in ours([release], order.repository, bot)
    )


def _put_out(calls: ReleaseCalls, order: Order, bot: str, draft: ReleaseInfo, fields: Mapping[str, Any]) -> ReleaseInfo:
    """Publishes a draft, by which GitHub makes the tag; a tag that somebody made meanwhile it would take as it is."""
    at = {"tag_name": order.tag, "target_commitish": order.head}
    try:
        found = _published(calls, order, bot)
        if found is None:
            found = calls.update_release(order.repository, draft.id, {**at, **fields, "draft": False})
            _require_tag(calls, order)
            return found
    except TagTaken:
        calls.delete_release(order.repository, draft.id)
        raise
    if found.id != draft.id:
        calls.delete_release(order.repository, draft.id)
    return found


def _require_tag(calls: ReleaseCalls, order: Order) -> None:
    """Raises `TagTaken` where the tag is of another commit."""
    if calls.tag_sha(order.repository, order.tag) != order.head:
        raise TagTaken(order.tag, "")


def _fill(
    calls: ReleaseCalls,
    repository: str,
    release: ReleaseInfo,
    wanted: Mapping[str, Wanted],
    require: Callable[[], None],
) -> tuple[AssetInfo, ...]:
    """Makes a release have these files and no others."""
    shown = tuple(calls.assets(repository, release.id))
    remove, upload = changes(shown, wanted)
    for asset in remove:
        require()
        calls.delete_asset(repository, asset.id)
    gone = {asset.id for asset in remove}
    added = [_upload(calls, repository, release, name, wanted[name], require) for name in upload]
    return (*(asset for asset in shown if asset.id not in gone), *added)


def _upload(
    calls: ReleaseCalls, repository: str, release: ReleaseInfo, name: str, wanted: Wanted, require: Callable[[], None]
) -> AssetInfo:
    try:
        asset = calls.upload_asset(release, name, wanted.path, _content_type(name), require)
    except Rejected:
        # It may have come with an answer that was lost, and GitHub's list was late.
        found = [each for each in calls.assets(repository, release.id) if each.name == name and _is(each, wanted)]
        if not found:
            raise
        return found[0]
    if asset.name != name or asset.state != UPLOADED or asset.size != wanted.size:
        raise Unavailable(f"{name} of release {release.id} is not all there")
    return asset


def _is(asset: AssetInfo, wanted: Wanted) -> bool:
    # Where GitHub tells no digest nobody knows: of two builds of one commit the sizes are mostly the same.
    return (asset.state, asset.size, asset.digest) == (UPLOADED, wanted.size, wanted.digest)


def _wanted(files: Mapping[str, Path]) -> dict[str, Wanted]:
    found = {}
    for name, path in files.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"GitHub would rename the asset {name!r}")
        size = path.stat().st_size
        if size > LARGEST_ASSET:
            raise BuildError(
                f"{name} has {size:,} bytes; a release takes files under 2 GiB. Build less, or pack it.", State.FAILED
            )
        if size:
            found[name] = Wanted(path, size, _digest(path))
    if len(found) > MOST_ASSETS:
        raise BuildError(f"{len(found):,} files were built; a release takes {MOST_ASSETS:,}. Pack them.", State.FAILED)
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _content_type(name: str) -> str:
    if name.endswith(".json"):
        return "application/json"
    return "text/plain; charset=utf-8" if name == LOG else "application/octet-stream"


def _remove(calls: ReleaseCalls, repository: str, mine: Sequence[Mine], remove: Sequence[Mine]) -> Cleaned:
    for each in remove:
        _remove_one(calls, repository, each)
        log.info("release removed", repository=repository, tag=each.release.tag, draft=each.release.draft)
    left = tuple(each for each in mine if each not in remove)
    tags = {each.release.tag for each in left}
    return Cleaned(tuple({each.release.tag: each for each in remove if each.release.tag not in tags}.values()), left)


def _remove_one(calls: ReleaseCalls, repository: str, mine: Mine) -> None:
    # The tag goes first. GitHub makes a draft of its release, which is found again by whoever carries on after us; a
    # tag alone would be nobody's. Only an immutable release holds on to its tag. A draft's tag is not of our making.
    release = mine.release
    if release.immutable:
        calls.delete_release(repository, release.id)
    if not release.draft and calls.tag_sha(repository, release.tag) == mine.sha:
        calls.delete_tag(repository, release.tag)
    if not release.immutable:
        calls.delete_release(repository, release.id)
