"""Releases: made, changed and removed, by people and by Apps, with the files that are attached to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator import tags
from simulator.files import Stored
from simulator.records import Account, Asset, Release, Repository
from simulator.rest import World

Json = Any
SHA = re.compile(r"[0-9a-f]{40}")
# GitHub does not say which characters it lets be; this is what people have seen.
REPLACED = re.compile(r"[^A-Za-z0-9_.@+-]")
DOTS = re.compile(r"\.{2,}")


class Invalid(Exception):
    """What GitHub does not allow, as one of its errors: a resource, a code, a field and perhaps a message."""

    def __init__(self, resource: str, code: str, field: str, message: str | None = None) -> None:
        super().__init__(f"{resource}: {field} {message or code}")
        self.error: Json = {"resource": resource, "code": code, "field": field}
        if message:
            self.error["message"] = message


def commit_for(repository: Repository, tag: str, target: str) -> str | None:
    """The commit that a release of `tag` is of: where the tag is, or where it would be made."""
    git = repository.git
    for ref in (f"refs/tags/{tag}", f"refs/heads/{target}"):
        if git.ref(ref):
            return git.resolve(ref)
    return git.resolve(target) if SHA.fullmatch(target) else None


def create(world: World, repository: Repository, author: Account, fields: Mapping[str, Json]) -> Release:
    """A new release, and its tag where there is none. `fields` are GitHub's. Raises `Invalid`."""
    state, now = world.state, world.state.now()
    release = Release(
        id=state.next_id("release"),
        repository=repository.full_name,
        tag=fields["tag_name"],
        target=fields.get("target_commitish") or repository.default_branch,
        name=fields.get("name"),
        body=fields.get("body"),
        draft=fields.get("draft", False),
        prerelease=fields.get("prerelease", False),
        author=author,
        created_at=now,
        published_at=None,
        updated_at=now,
    )
    return _put(world, repository, release, author)


def change(world: World, repository: Repository, release: Release, by: Account, fields: Mapping[str, Json]) -> Release:
    """Change what is named; a draft that is published gets its tag. Raises `Invalid`."""
    names = {"tag_name": "tag", "target_commitish": "target"}
    plain = ("tag_name", "target_commitish", "name", "body", "draft", "prerelease")
    changed = {names.get(key, key): fields[key] for key in plain if key in fields}
    return _put(world, repository, replace(release, **changed, updated_at=world.state.now()), by)


def remove(world: World, release: Release) -> None:
    """Delete a release and its files. Its tag stays."""
    with world.state.lock:
        for asset in world.state.assets_of(release):
            detach(world, asset)
        world.state.releases.pop(release.id, None)


def attach(
    world: World,
    release: Release,
    name: str,
    stored: Stored | None,
    uploader: Account,
    content_type: str = "application/octet-stream",
    label: str | None = None,
) -> Asset:
    """A new file of a release; without `stored` one whose upload broke off. Raises `Invalid` if its name is taken."""
    state, shown = world.state, asset_name(name)
    with state.lock:
        if any(one.name == shown for one in state.assets_of(release)):
            if stored:
                stored.discard()
            raise Invalid("ReleaseAsset", "already_exists", "name")
        made = Asset(
            state.next_id("asset"), release.id, shown, label, content_type, stored, uploader, created_at=state.now()
        )
        state.assets[made.id] = made
    return made


def detach(world: World, asset: Asset) -> None:
    """Delete a file of a release."""
    with world.state.lock:
        world.state.assets.pop(asset.id, None)
    if asset.stored:
        asset.stored.discard()


def count_download(world: World, asset: Asset) -> None:
    """One download more of an asset."""
    with world.state.lock:
        if found := world.state.assets.get(asset.id):
            world.state.assets[asset.id] = replace(found, downloads=found.downloads + 1)


def asset_name(name: str) -> str:
    """What GitHub calls a file that is uploaded under that name."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    kept = DOTS.sub(".", REPLACED.sub(".", plain)).rstrip(".")
    return f"default{kept}" if kept.startswith(".") or not kept else kept


def _put(world: World, repository: Repository, release: Release, by: Account) -> Release:
    """Store a release as it is to be, once it has its tag and the times that go with it."""
    state, git = world.state, repository.git
    with state.lock:
        if not git.is_ref_name(f"refs/tags/{release.tag}"):
            raise Invalid("Release", "custom", "tag_name", "tag_name is not a valid tag")
        other = None if release.draft else state.release_of(repository, release.tag)
        if other and other.id != release.id:
            raise Invalid("Release", "already_exists", "tag_name")
        sha = commit_for(repository, release.tag, release.target)
        if sha is None:
            raise Invalid("Release", "invalid", "target_commitish")
        if not release.draft and git.ref(f"refs/tags/{release.tag}") is None:
            tags.create(world, repository, release.tag, sha, by)
        published = None if release.draft else release.published_at or state.now()
        release = replace(release, created_at=git.commit(sha).committer.date, published_at=published)
        state.releases[release.id] = release
    return release
