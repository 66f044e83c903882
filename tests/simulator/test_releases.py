"""Releases, their tags and their assets, over HTTP."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator.releases import asset_name
from simulator.server import PERMISSIONS
from tests.simulator.conftest import FULL_NAME, Client, GitHub, later, signed

REPOSITORY = f"/repos/{FULL_NAME}"
RELEASES = f"{REPOSITORY}/releases"
TAG = "autobuild-preview-pr-1-0123abcd"


def _create(github: GitHub, tag: str = TAG, **more: Any) -> Any:
    body = {"tag_name": tag, "target_commitish": github.sha("topic"), "prerelease": True, **more}
    return github.client.json("POST", RELEASES, body)


def _upload(github: GitHub, release: Any, name: str, content: Any, **query: str) -> requests.Response:
    url = release["upload_url"].partition("{")[0]
    headers = {"Authorization": github.client.authorization or "", "Content-Type": "application/gzip"}
    return requests.post(url, content, params={"name": name, **query}, headers=headers, timeout=60)


def _download(github: GitHub, asset: Any) -> requests.Response:
    headers = {"Authorization": github.client.authorization or "", "Accept": "application/octet-stream"}
    return requests.get(asset["url"], headers=headers, timeout=10, allow_redirects=False)


def _errors(answer: requests.Response) -> list[tuple[str, str]]:
    assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")
    return [(one["field"], one["code"]) for one in answer.json()["errors"]]


def test_a_release_makes_its_tag(github: GitHub) -> None:
    made = _create(github, name="A preview", body="| a | b |")
    assert github.sim.tags(FULL_NAME) == {TAG: github.sha("topic")}
    assert (made["author"]["login"], made["author"]["type"]) == ("pagewarden[bot]", "Bot")
    assert made["html_url"] == f"{github.sim.url}/{FULL_NAME}/releases/tag/{TAG}"
    assert (made["draft"], made["prerelease"], made["name"], made["assets"]) == (False, True, "A preview", [])
    assert github.client.json("GET", f"{RELEASES}/{made['id']}") == made
    assert github.client.json("GET", f"{RELEASES}/tags/{TAG}") == made
    assert github.client.json("GET", RELEASES) == github.sim.releases(FULL_NAME) == [made]
    assert github.sim.violations == []


def test_a_release_is_as_old_as_its_commit(github: GitHub) -> None:
    newer = _create(github, "newer", target_commitish="main")
    later(github, minutes=30)
    older = _create(github, "older", target_commitish=github.sha("main~1"))
    assert older["created_at"] <= newer["created_at"]
    assert older["published_at"] > newer["published_at"]


def test_a_tag_that_is_there_is_taken(github: GitHub) -> None:
    github.sim.create_tag(FULL_NAME, TAG, github.sha("main"))
    made = _create(github)
    assert made["target_commitish"] == github.sha("topic")
    assert github.sim.tags(FULL_NAME) == {TAG: github.sha("main")}


def test_a_tag_has_one_release(github: GitHub) -> None:
    _create(github)
    assert _errors(github.client.call("POST", RELEASES, {"tag_name": TAG})) == [("tag_name", "already_exists")]
    other = _create(github, "other")
    renamed = github.client.call("PATCH", f"{RELEASES}/{other['id']}", {"tag_name": TAG})
    assert _errors(renamed) == [("tag_name", "already_exists")]


def test_a_release_needs_a_commit_and_a_tag_that_git_allows(github: GitHub) -> None:
    for target in ("0" * 40, "nowhere", "topic~1", "--all"):
        body = {"tag_name": TAG, "target_commitish": target}
        assert _errors(github.client.call("POST", RELEASES, body)) == [("target_commitish", "invalid")]
    assert _errors(github.client.call("POST", RELEASES, {"tag_name": "a..b"})) == [("tag_name", "custom")]
    assert github.sim.tags(FULL_NAME) == {}


def test_a_head_of_a_fork_can_be_released(github: GitHub) -> None:
    github.sim.create_repository("mona/engine", github.source.path)
    github.source.git("checkout", "--quiet", "-b", "theirs")
    sha = github.source.commit("Theirs", {"wide.h": "theirs\n"})
    github.sim.push("mona/engine", "theirs", "theirs")
    assert github.client.call("POST", RELEASES, {"tag_name": TAG, "target_commitish": sha}).status_code == 422
    github.sim.open_pull(FULL_NAME, head="theirs", base="main", title="t", head_repository="mona/engine")
    _create(github, target_commitish=sha)
    assert github.sim.tags(FULL_NAME) == {TAG: sha}


def test_a_release_is_changed_and_removed_and_its_tag_stays(github: GitHub) -> None:
    made = _create(github)
    later(github, seconds=5)
    changed = github.client.json("PATCH", f"{RELEASES}/{made['id']}", {"body": "more"})
    assert changed == made | {"body": "more", "updated_at": changed["updated_at"]}
    _upload(github, made, "a.txt", b"a")
    assert github.client.call("DELETE", f"{RELEASES}/{made['id']}").status_code == 204
    assert github.client.call("DELETE", f"{RELEASES}/{made['id']}").status_code == 404
    assert github.client.get(f"{RELEASES}/tags/{TAG}").status_code == 404
    assert github.sim.tags(FULL_NAME) == {TAG: github.sha("topic")}
    assert list((github.source.path.parent / "github" / "_files").iterdir()) == []


def test_a_removed_tag_leaves_a_draft(github: GitHub) -> None:
    made = _create(github)
    assert github.client.call("DELETE", f"{REPOSITORY}/git/refs/tags/{TAG}").status_code == 204
    left = github.client.json("GET", f"{RELEASES}/{made['id']}")
    assert (left["draft"], left["published_at"]) == (True, None)
    assert "/releases/tag/untagged-" in left["html_url"]
    assert github.client.get(f"{RELEASES}/tags/{TAG}").status_code == 404


def test_drafts_are_for_those_who_may_push(github: GitHub) -> None:
    draft = _create(github, draft=True)
    assert github.sim.tags(FULL_NAME) == {}
    assert github.client.get(f"{RELEASES}/tags/{TAG}").status_code == 404
    made = github.as_app.json(
        "POST", f"/app/installations/{github.installation_id}/access_tokens", {"permissions": {"contents": "read"}}
    )
    reader = Client(github.sim.api_url, f"Bearer {made['token']}")
    assert [reader.json("GET", RELEASES), github.client.json("GET", RELEASES)] == [[], [draft]]
    assert reader.get(f"{RELEASES}/{draft['id']}").status_code == 404
    assert reader.call("POST", RELEASES, {"tag_name": "x"}).status_code == 403
    published = github.client.json("PATCH", f"{RELEASES}/{draft['id']}", {"draft": False})
    assert published["published_at"] is not None
    assert reader.json("GET", RELEASES) == [published]
    assert github.sim.tags(FULL_NAME) == {TAG: github.sha("topic")}


def test_tags_may_have_slashes(github: GitHub) -> None:
    made = _create(github, "pr/1/preview")
    assert made["html_url"].endswith("/releases/tag/pr%2F1%2Fpreview")
    assert github.client.json("GET", f"{RELEASES}/tags/pr/1/preview")["id"] == made["id"]
    assert github.client.json("GET", f"{RELEASES}/tags/pr%2F1%2Fpreview")["id"] == made["id"]


def test_foreign_workflows_need_a_permission_more(github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "topic")
    sha = github.source.commit("Workflow", {".github/workflows/ci.yml": "on: push\n"})
    github.sim.push(FULL_NAME, "topic", "topic")
    assert github.client.call("POST", RELEASES, {"tag_name": TAG, "target_commitish": sha}).status_code == 403
    ref = {"ref": f"refs/tags/{TAG}", "sha": sha}
    assert github.client.call("POST", f"{REPOSITORY}/git/refs", ref).status_code == 403
    assert github.sim.tags(FULL_NAME) == {}
    more = github.sim.create_app("more", permissions={**PERMISSIONS, "workflows": "write"})
    installation = github.sim.install(more.id, FULL_NAME)
    as_more = Client(github.sim.api_url, f"Bearer {signed(more, github.clock.now)}")
    token = as_more.json("POST", f"/app/installations/{installation}/access_tokens")["token"]
    client = Client(github.sim.api_url, f"Bearer {token}")
    assert client.call("POST", RELEASES, {"tag_name": TAG, "target_commitish": sha}).status_code == 201


def test_an_asset_goes_up_and_comes_down(github: GitHub, tmp_path: Path) -> None:
    made = _create(github)
    content = b"\x7fELF" + bytes(range(256)) * 4096
    answer = _upload(github, made, "engine.tar.gz", content, label="The engine")
    asset = answer.json()
    assert (answer.status_code, asset["state"], asset["size"]) == (201, "uploaded", len(content))
    assert asset["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert (asset["content_type"], asset["label"]) == ("application/gzip", "The engine")
    assert github.client.json("GET", f"{RELEASES}/{made['id']}/assets") == [asset]
    assert github.client.json("GET", f"{RELEASES}/tags/{TAG}")["assets"] == [asset]
    assert github.client.json("GET", f"{RELEASES}/assets/{asset['id']}") == asset
    answer = _download(github, asset)
    assert (answer.status_code, answer.content) == (302, b"")
    assert requests.get(answer.headers["Location"], timeout=10).content == content
    assert github.sim.release_asset(FULL_NAME, TAG, "engine.tar.gz") == content
    assert github.client.json("GET", f"{RELEASES}/assets/{asset['id']}")["download_count"] == 1
    assert github.sim.violations == []


def test_a_download_address_wants_no_token_and_ends(github: GitHub) -> None:
    asset = _upload(github, _create(github), "a.txt", b"0123456789").json()
    where = _download(github, asset).headers["Location"]
    refused = requests.get(where, headers={"Authorization": github.client.authorization or ""}, timeout=10)
    assert refused.status_code == 400
    assert requests.get(where, headers={"Range": "bytes=-3"}, timeout=10).content == b"789"
    later(github, minutes=6)
    assert requests.get(where, timeout=10).status_code == 403
    # A client that takes its token along to where it is led is refused.
    headers = {"Authorization": github.client.authorization or "", "Accept": "application/octet-stream"}
    assert requests.get(asset["url"], headers=headers, timeout=10).status_code == 400
    assert [one.status for one in github.sim.downloads] == [400, 206, 403, 400]


def test_downloads_fail_on_order(github: GitHub) -> None:
    asset = _upload(github, _create(github), "a.txt", b"a").json()
    where = _download(github, asset).headers["Location"]
    github.sim.fail_next("GET", "/a.txt$", 503)
    assert [requests.get(where, timeout=10).status_code for _ in range(2)] == [503, 200]


def test_asset_names_are_taken_once_and_made_plain(github: GitHub) -> None:
    made = _create(github)
    assert _upload(github, made, "my engine.zip", b"1").json()["name"] == "my.engine.zip"
    again = _upload(github, made, "my.engine.zip", b"2")
    assert _errors(again) == [("name", "already_exists")]
    assert github.sim.release_asset(FULL_NAME, TAG, "my.engine.zip") == b"1"
    assert len(list((github.source.path.parent / "github" / "_files").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("pagewarden-preview.json", "pagewarden-preview.json"),
        ("tobwen-1.1.0-1~buster_amd64.deb", "tobwen-1.1.0-1.buster_amd64.deb"),
        ("v1.3.0-(15-5)-release.apk", "v1.3.0-.15-5.-release.apk"),
        ("fake.      file.txt", "fake.file.txt"),
        ("g++@1.txt", "g++@1.txt"),
        ("café.txt", "cafe.txt"),
        (".env", "default.env"),
        ("trailing.", "trailing"),
        ("测试.zip", "default.zip"),
    ],
)
def test_how_github_renames_assets(name: str, shown: str) -> None:
    assert asset_name(name) == shown


def test_uploads_that_cannot_be(github: GitHub) -> None:
    made = _create(github)
    assert _errors(_upload(github, made, "empty", b"")) == [("size", "custom")]
    assert _errors(_upload(github, made, "", b"a")) == [("name", "missing_field")]
    chunked = _upload(github, made, "chunked", iter([b"a" * 100, b"b" * 100]))
    assert (chunked.status_code, chunked.json()["message"]) == (400, "Bad Content-Length: ")
    url = made["upload_url"].partition("{")[0]
    assert requests.post(url, b"a", params={"name": "a"}, timeout=10).status_code == 404
    github.client.call("DELETE", f"{RELEASES}/{made['id']}")
    assert _upload(github, made, "late", b"a").status_code == 404


def test_an_upload_that_breaks_off_leaves_a_starter(github: GitHub) -> None:
    made = _create(github)
    github.sim.break_uploads()
    assert _upload(github, made, "a.txt", b"a" * 3_000_000).status_code == 502
    [starter] = github.client.json("GET", f"{RELEASES}/{made['id']}/assets")
    assert (starter["name"], starter["state"], starter["size"], starter["digest"]) == ("a.txt", "starter", 0, None)
    assert _download(github, starter).status_code == 404
    assert _errors(_upload(github, made, "a.txt", b"a")) == [("name", "already_exists")]
    assert github.client.call("DELETE", f"{RELEASES}/assets/{starter['id']}").status_code == 204
    assert _upload(github, made, "a.txt", b"a").status_code == 201
    assert github.sim.violations == []


def test_an_upload_may_be_lost_before_or_after_it_was_done(github: GitHub) -> None:
    made = _create(github)
    github.sim.fail_next("POST", "/assets$", 502)
    assert _upload(github, made, "before", b"a" * 20_000_000).status_code == 502
    github.sim.fail_next("POST", "/assets$", 502, performed=True)
    assert _upload(github, made, "after", b"a").status_code == 502
    assert [one["name"] for one in github.client.json("GET", f"{RELEASES}/{made['id']}/assets")] == ["after"]


def test_large_assets_are_streamed(github: GitHub, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    with large.open("rb") as file:
        asset = _upload(github, _create(github), "large", file).json()
    assert asset["size"] == 100 * 1024 * 1024
    with requests.get(_download(github, asset).headers["Location"], stream=True, timeout=60) as answer:
        assert answer.headers["Content-Length"] == str(asset["size"])
        assert sum(len(piece) for piece in answer.iter_content(1024 * 1024)) == asset["size"]


def test_people_and_workflows_release_too(github: GitHub, tmp_path: Path) -> None:
    file = tmp_path / "engine"
    file.write_bytes(b"engine")
    by_hand = github.sim.create_release(FULL_NAME, "v1", github.sha("main"), "mona", {"notes.txt": b"n"})
    by_machine = github.sim.create_release(
        FULL_NAME, TAG, github.sha("topic"), "github-actions[bot]", {"engine": file}, prerelease=True
    )
    assert [(one["author"]["login"], one["author"]["type"]) for one in (by_hand, by_machine)] == [
        ("mona", "User"),
        ("github-actions[bot]", "Bot"),
    ]
    assert github.client.json("GET", f"{RELEASES}/tags/{TAG}") == by_machine
    assert github.sim.release_asset(FULL_NAME, TAG, "engine") == b"engine"
    assert file.exists()
    github.sim.delete_release(FULL_NAME, "v1")
    assert github.sim.tags(FULL_NAME) == {"v1": github.sha("main"), TAG: github.sha("topic")}
    with pytest.raises(LookupError, match="no release of v1"):
        github.sim.delete_release(FULL_NAME, "v1")
    with pytest.raises(LookupError, match="no tag v2"):
        github.sim.delete_tag(FULL_NAME, "v2")
