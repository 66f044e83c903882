"""Endpoints about releases and their assets."""

from __future__ import annotations

from typing import Any

from simulator import auth, downloads, release_resources, releases
from simulator.records import Asset, Release
from simulator.releases import Invalid
from simulator.rest import UPLOADS, Answer, Problem, Request, endpoint, page_of, permission
from simulator.rest_refs import READ, WRITE, check_workflows

Json = Any
COLLECTION = "/repos/{owner}/{repo}/releases"
ONE = COLLECTION + "/{release_id}"
ASSET = COLLECTION + "/assets/{asset_id}"
PUSH_ACCESS = permission("write", "contents").permission
LARGEST_ASSET = 2 * 1024**3
BYTES = "application/octet-stream"


@endpoint("GET", COLLECTION, READ)
def list_releases(request: Request) -> Answer:
    """All releases, the newest commit's first; drafts only for who may push."""
    found = [one for one in request.state.releases_of(request.repository) if _sees(request, one)]
    shown, headers = page_of(request, found)
    return Answer([_release(request, one) for one in shown], headers=headers)


@endpoint("POST", COLLECTION, WRITE)
def create_release(request: Request) -> Answer:
    """A new release by the App's bot, and its tag where there is none."""
    repository, body = request.repository, request.body
    _check_target(request, body["tag_name"], body.get("target_commitish") or repository.default_branch)
    try:
        made = releases.create(request.world, repository, request.installation.app.bot, body)
    except Invalid as invalid:
        raise Problem(422, "Validation Failed", [invalid.error]) from None
    return Answer(_release(request, made), 201)


@endpoint("GET", ONE, READ)
def get_release(request: Request) -> Answer:
    """One release by its id."""
    return Answer(_release(request, _find(request)))


@endpoint("GET", COLLECTION + "/tags/{tag}", READ)
def get_release_by_tag(request: Request) -> Answer:
    """The release of a tag. Drafts are not found so."""
    found = request.state.release_of(request.repository, request.path["tag"])
    if found is None:
        raise Problem(404, "Not Found")
    return Answer(_release(request, found))


@endpoint("PATCH", ONE, WRITE)
def update_release(request: Request) -> Answer:
    """Change what is named in the body; a draft can be published."""
    with request.state.lock:
        release, body = _find(request), request.body
        tag, target = body.get("tag_name", release.tag), body.get("target_commitish", release.target)
        if not body.get("draft", release.draft):
            _check_target(request, tag, target)
        try:
            bot = request.installation.app.bot
            changed = releases.change(request.world, request.repository, release, bot, body)
        except Invalid as invalid:
            raise Problem(422, "Validation Failed", [invalid.error]) from None
    return Answer(_release(request, changed))


@endpoint("DELETE", ONE, WRITE)
def delete_release(request: Request) -> Answer:
    """Remove a release and its assets; its tag stays."""
    releases.remove(request.world, _find(request))
    return Answer(None, 204)


@endpoint("GET", ONE + "/assets", READ)
def list_assets(request: Request) -> Answer:
    """The assets of a release, the oldest first."""
    release = _find(request)
    shown, headers = page_of(request, request.state.assets_of(release))
    return Answer([_asset(request, one, release) for one in shown], headers=headers)


@endpoint("POST", ONE + "/assets", WRITE, UPLOADS)
def upload_asset(request: Request) -> Answer:
    """A new asset: the body is the file. An upload that breaks off leaves an asset in state `starter`."""
    release, upload, query = _find(request), request.upload, request.query
    assert upload is not None, "an endpoint below UPLOADS"
    if upload.size is None:
        raise Problem(400, "Bad Content-Length: ")
    try:
        _check_upload(query.get("name", ""), upload.size)
        switches, bot = request.world.switches, request.installation.app.bot
        with request.state.lock:
            broken = switches.broken_uploads > 0
            switches.broken_uploads -= broken
        stored = None if broken else request.world.files.keep(upload.stream)
        kind = upload.content_type or BYTES
        made = releases.attach(request.world, release, query["name"], stored, bot, kind, query.get("label"))
    except Invalid as invalid:
        raise Problem(422, "Validation Failed", [invalid.error]) from None
    if broken:
        raise Problem(502, "Server Error")
    return Answer(_asset(request, made, release), 201)


@endpoint("GET", ASSET, READ)
def get_asset(request: Request) -> Answer:
    """An asset, or with `Accept: application/octet-stream` the way to its bytes."""
    asset, release = _find_asset(request)
    if BYTES not in request.accept:
        return Answer(_asset(request, asset, release))
    if asset.stored is None:
        raise Problem(404, "Not Found")
    releases.count_download(request.world, asset)
    where = downloads.address(request.world, asset.stored, asset.name, asset.content_type)
    return Answer(None, 302, {"Location": where})


@endpoint("DELETE", ASSET, WRITE)
def delete_asset(request: Request) -> Answer:
    """Remove an asset."""
    releases.detach(request.world, _find_asset(request)[0])
    return Answer(None, 204)


def _check_upload(name: str, size: int) -> None:
    if not name:
        raise Invalid("ReleaseAsset", "missing_field", "name")
    if size < 1:
        raise Invalid("ReleaseAsset", "custom", "size", "size must be greater than or equal to 1")
    if size > LARGEST_ASSET:
        raise Invalid("ReleaseAsset", "custom", "size", f"size must be less than or equal to {LARGEST_ASSET}")


def _check_target(request: Request, tag: str, target: str) -> None:
    """Raises `Problem` 403 where the tag is to be made at workflows that the caller may not bring."""
    git = request.repository.git
    if git.ref(f"refs/tags/{tag}") is None and (sha := releases.commit_for(request.repository, tag, target)):
        check_workflows(request, sha)


def _find(request: Request) -> Release:
    found = request.state.releases.get(request.path["release_id"])
    return _visible(request, found)


def _find_asset(request: Request) -> tuple[Asset, Release]:
    found = request.state.assets.get(request.path["asset_id"])
    if found is None:
        raise Problem(404, "Not Found")
    return found, _visible(request, request.state.releases.get(found.release_id))


def _visible(request: Request, found: Release | None) -> Release:
    if found is None or found.repository != request.repository.full_name or not _sees(request, found):
        raise Problem(404, "Not Found")
    return found


def _sees(request: Request, release: Release) -> bool:
    caller = request.caller
    pushes = isinstance(caller, auth.AsInstallation) and PUSH_ACCESS and PUSH_ACCESS.granted_to(caller.token)
    return bool(pushes) or not release.draft


def _release(request: Request, one: Release) -> Json:
    return release_resources.release(request.links, one, request.repository, request.state)


def _asset(request: Request, one: Asset, of: Release) -> Json:
    return release_resources.asset(request.links, one, of, request.repository)
