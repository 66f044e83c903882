"""The calls about releases, their assets and tags, each one request (or one per page)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from workers.github.failures import NotThere, Rejected
from workers.github.streams import Streams, upload_address
from workers.github.transport import Transport

UPLOADED = "uploaded"
"""The state of an asset that is all there; `starter` is one whose upload broke off."""
MOST_PEELED = 5
"""Tags that may point at one another before they point at a commit."""


@dataclass(frozen=True)
class AssetInfo:
    """A file of a release. `size` in bytes, `digest` such as `sha256:…`, `None` where GitHub does not tell."""

    id: int
    name: str
    size: int
    digest: str | None
    state: str

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        return cls(answer["id"], answer["name"], answer["size"], answer.get("digest"), answer["state"])


@dataclass(frozen=True)
class ReleaseInfo:
    """A release. `url` is its page, `author` a login, "" for a deleted account; `target` is what its tag was made at.

    `published_at` in epoch seconds, 0 for a draft (`created_at` would be the commit's). An `immutable` one keeps its
    assets and its tag as they are.
    """

    id: int
    tag: str
    name: str
    url: str
    author: str
    author_is_bot: bool
    body: str
    draft: bool
    prerelease: bool
    immutable: bool
    published_at: float
    target: str
    upload_url: str
    assets: tuple[AssetInfo, ...]

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Reads GitHub's JSON."""
        author = answer["author"] or {}
        published = answer["published_at"]
        return cls(
            id=answer["id"],
            tag=answer["tag_name"],
            name=answer["name"] or "",
            url=answer["html_url"],
            author=author.get("login", ""),
            author_is_bot=author.get("type") == "Bot",
            body=answer.get("body") or "",
            draft=answer["draft"],
            prerelease=answer["prerelease"],
            immutable=bool(answer.get("immutable")),
            published_at=datetime.fromisoformat(published).timestamp() if published else 0.0,
            target=answer["target_commitish"],
            upload_url=answer["upload_url"],
            assets=tuple(AssetInfo.read(asset) for asset in answer["assets"]),
        )


class ReleaseCalls:
    """Releases as one installation of the App sees them. Every method raises `GitHubError`."""

    def __init__(self, transport: Transport, streams: Streams) -> None:
        self._transport = transport
        self._streams = streams

    def release_by_tag(self, repository: str, tag: str) -> ReleaseInfo | None:
        """The published release of a tag, `None` when there is none."""
        try:
            return ReleaseInfo.read(self._get(f"/repos/{repository}/releases/tags/{quote(tag)}"))
        except NotThere:
            return None

    def tags(self, repository: str, prefix: str) -> list[str]:
        """The tags that begin like this."""
        answer = self._get(f"/repos/{repository}/git/matching-refs/tags/{quote(prefix)}")
        return [str(ref["ref"]).removeprefix("refs/tags/") for ref in answer]

    def releases(self, repository: str) -> Iterator[ReleaseInfo]:
        """All releases, drafts too; those of new commits first. A repository may have thousands."""
        return (ReleaseInfo.read(answer) for answer in self._transport.pages(f"/repos/{repository}/releases"))

    def create_release(self, repository: str, fields: Mapping[str, Any]) -> ReleaseInfo:
        """A new release. After `Unavailable` it may be there all the same: look before repeating."""
        answer, _ = self._transport.call("POST", f"/repos/{repository}/releases", body=dict(fields))
        return ReleaseInfo.read(answer)

    def update_release(self, repository: str, release_id: int, fields: Mapping[str, Any]) -> ReleaseInfo:
        """Changes what is named. GitHub makes the tag of a draft that is published, where it is not there."""
        answer, _ = self._transport.call("PATCH", f"/repos/{repository}/releases/{release_id}", body=dict(fields))
        return ReleaseInfo.read(answer)

    def delete_release(self, repository: str, release_id: int) -> None:
        """Removes a release with its assets, if it is there; its tag stays."""
        self._delete(f"/repos/{repository}/releases/{release_id}")

    def assets(self, repository: str, release_id: int) -> Iterator[AssetInfo]:
        """The files of a release, those whose upload broke off too."""
        pages = self._transport.pages(f"/repos/{repository}/releases/{release_id}/assets")
        return (AssetInfo.read(answer) for answer in pages)

    def upload_asset(
        self,
        release: ReleaseInfo,
        name: str,
        file: Path,
        content_type: str,
        require: Callable[[], None] = lambda: None,
    ) -> AssetInfo:
        """A new file of a release. After `Unavailable` it may be there all the same: look before repeating.

        GitHub refuses an empty file, a second one of a name, and puts dots for what it does not want in a name.
        """
        address = upload_address(release.upload_url, name)
        return AssetInfo.read(self._streams.upload(address, file, content_type, require))

    def delete_asset(self, repository: str, asset_id: int) -> None:
        """Removes a file of a release, if it is there."""
        self._delete(f"/repos/{repository}/releases/assets/{asset_id}")

    def download_asset(
        self, repository: str, asset_id: int, file: Path, most_bytes: int, require: Callable[[], None] = lambda: None
    ) -> int:
        """Writes a file of a release into a new file; its bytes. Raises also `TooLarge`, and what `require` raises."""
        path = f"/repos/{repository}/releases/assets/{asset_id}"
        return self._streams.download(path, file, most_bytes, require=require)

    def tag_sha(self, repository: str, tag: str) -> str | None:
        """The commit that a tag points at, `None` when there is no such tag."""
        try:
            found = self._get(f"/repos/{repository}/git/ref/tags/{quote(tag)}")["object"]
            for _ in range(MOST_PEELED):
                if found["type"] != "tag":
                    break
                found = self._get(f"/repos/{repository}/git/tags/{found['sha']}")["object"]
        except NotThere:
            return None
        return str(found["sha"])

    def delete_tag(self, repository: str, tag: str) -> None:
        """Removes a tag, if it is there. GitHub makes a draft of the release that it was of."""
        try:
            self._delete(f"/repos/{repository}/git/refs/tags/{quote(tag)}")
        except Rejected:  # also said of one that is not there
            if self.tag_sha(repository, tag) is not None:
                raise

    def _get(self, path: str) -> Any:
        return self._transport.call("GET", path)[0]

    def _delete(self, path: str) -> None:
        try:
            self._transport.call("DELETE", path)
        except NotThere:
            return
