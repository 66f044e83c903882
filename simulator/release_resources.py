"""Records as the JSON of GitHub's REST interface: releases, their assets, refs and tags."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from simulator.records import Asset, Release, Repository
from simulator.resources import Links, account, node_id, timestamp
from simulator.rest import UPLOADS
from simulator.state import State

Json = Any


def release(links: Links, one: Release, its: Repository, state: State) -> Json:
    """`release`."""
    api, page = f"{links.repository(its)}/releases/{one.id}", links.page(its)
    uploads = f"{links.web}{UPLOADS}/repos/{its.full_name}/releases/{one.id}/assets"
    archives = {kind: f"{links.repository(its)}/{kind}/{quote(one.tag)}" for kind in ("tarball", "zipball")}
    return {
        "id": one.id,
        "node_id": node_id("RE", one.id),
        "url": api,
        "html_url": f"{page}/releases/tag/{quote(one.slug, safe='')}",
        "assets_url": f"{api}/assets",
        "upload_url": f"{uploads}{{?name,label}}",
        **{f"{kind}_url": None if one.draft else url for kind, url in archives.items()},
        "tag_name": one.tag,
        "target_commitish": one.target,
        "name": one.name,
        "body": one.body,
        "draft": one.draft,
        "prerelease": one.prerelease,
        "immutable": False,
        "created_at": timestamp(one.created_at),
        "published_at": timestamp(one.published_at) if one.published_at else None,
        "updated_at": timestamp(one.updated_at),
        "author": account(links, one.author),
        "assets": [asset(links, found, one, its) for found in state.assets_of(one)],
    }


def asset(links: Links, one: Asset, of: Release, its: Repository) -> Json:
    """`release-asset`."""
    page = f"{links.page(its)}/releases/download/{quote(of.slug, safe='')}/{quote(one.name)}"
    return {
        "id": one.id,
        "node_id": node_id("RA", one.id),
        "url": f"{links.repository(its)}/releases/assets/{one.id}",
        "browser_download_url": page,
        "name": one.name,
        "label": one.label,
        "state": "uploaded" if one.stored else "starter",
        "content_type": one.content_type,
        "size": one.stored.size if one.stored else 0,
        "digest": one.stored.digest if one.stored else None,
        "download_count": one.downloads,
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.created_at),
        "uploader": account(links, one.uploader),
    }


def ref(links: Links, name: str, kind: str, sha: str, its: Repository) -> Json:
    """`git-ref`: the ref of that full name, at an object of that kind (commit or tag)."""
    api = f"{links.repository(its)}/git"
    return {
        "ref": name,
        "node_id": node_id("REF", int(sha[:16], 16)),
        "url": f"{api}/{quote(name)}",
        "object": {"type": kind, "sha": sha, "url": f"{api}/{kind}s/{sha}"},
    }


def tag(links: Links, sha: str, header: dict[str, str], its: Repository) -> Json:
    """`git-tag`: an annotated tag, from its header."""
    api = f"{links.repository(its)}/git"
    who, _, rest = header["tagger"].partition(" <")
    email, _, seconds = rest.partition("> ")
    return {
        "node_id": node_id("TAG", int(sha[:16], 16)),
        "tag": header["tag"],
        "sha": sha,
        "url": f"{api}/tags/{sha}",
        "message": header["message"],
        "tagger": {"name": who, "email": email, "date": timestamp(_time(seconds))},
        "object": {
            "sha": header["object"],
            "type": header["type"],
            "url": f"{api}/{header['type']}s/{header['object']}",
        },
    }


def _time(text: str) -> datetime:
    """A time as git writes it: seconds since the epoch, and an offset."""
    return datetime.fromtimestamp(int(text.partition(" ")[0]), UTC)
