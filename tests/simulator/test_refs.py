"""Git refs over HTTP: real refs of the git repository behind."""

from __future__ import annotations

import pytest

from tests.simulator.conftest import FULL_NAME, GitHub, Receiver

GIT = f"/repos/{FULL_NAME}/git"


def test_a_tag_is_made_read_and_removed(github: GitHub) -> None:
    sha = github.sha("topic")
    made = github.client.json("POST", f"{GIT}/refs", {"ref": "refs/tags/a/b", "sha": sha})
    assert (made["ref"], made["object"]["type"], made["object"]["sha"]) == ("refs/tags/a/b", "commit", sha)
    assert github.client.json("GET", f"{GIT}/ref/tags/a/b") == made
    assert github.client.get(f"{GIT}/ref/tags/a").status_code == 404
    fetched = github.source.git("ls-remote", str(_bare(github)), "refs/tags/a/b")
    assert fetched == f"{sha}\trefs/tags/a/b"
    assert github.client.call("DELETE", f"{GIT}/refs/tags/a/b").status_code == 204
    again = github.client.call("DELETE", f"{GIT}/refs/tags/a/b")
    assert (again.status_code, again.json()["message"]) == (422, "Reference does not exist")
    assert github.sim.tags(FULL_NAME) == {}
    assert github.sim.violations == []


def test_refs_are_listed_by_how_they_begin(github: GitHub) -> None:
    for tag in ("a-1", "a-2", "b-1"):
        github.sim.create_tag(FULL_NAME, tag, github.sha("main"))
    found = github.client.json("GET", f"{GIT}/matching-refs/tags/a-")
    assert [each["ref"] for each in found] == ["refs/tags/a-1", "refs/tags/a-2"]
    assert github.client.json("GET", f"{GIT}/matching-refs/tags/c") == []


def test_refs_that_cannot_be_made(github: GitHub) -> None:
    sha = github.sha("topic")
    refused = {
        "Reference already exists": {"ref": "refs/heads/topic", "sha": sha},
        "Object does not exist": {"ref": "refs/tags/x", "sha": "0" * 40},
        "Reference name must": {"ref": "refs/tags/a..b", "sha": sha},
        "Reference name": {"ref": "refs/pull/1/head", "sha": sha},
    }
    for reason, body in refused.items():
        answer = github.client.call("POST", f"{GIT}/refs", body)
        assert answer.status_code == 422
        assert reason in answer.json()["message"]
    assert github.nobody.call("POST", f"{GIT}/refs", refused["Reference already exists"]).status_code == 404


def test_branches_are_refs(github: GitHub) -> None:
    assert github.client.json("GET", f"{GIT}/ref/heads/main")["object"]["sha"] == github.sha("main")
    github.client.json("POST", f"{GIT}/refs", {"ref": "refs/heads/new", "sha": github.sha("topic")})
    assert github.client.json("GET", f"/repos/{FULL_NAME}/branches/new")["commit"]["sha"] == github.sha("topic")
    assert github.client.call("DELETE", f"{GIT}/refs/heads/new").status_code == 204


def test_an_annotated_tag_is_an_object_of_its_own(github: GitHub) -> None:
    github.sim.create_tag(FULL_NAME, "v1", github.sha("main"), "mona", message="The first\n\nof all")
    found = github.client.json("GET", f"{GIT}/ref/tags/v1")["object"]
    assert found["type"] == "tag"
    assert found["sha"] != github.sha("main")
    peeled = github.client.json("GET", f"{GIT}/tags/{found['sha']}")
    assert (peeled["object"]["type"], peeled["object"]["sha"]) == ("commit", github.sha("main"))
    assert (peeled["tag"], peeled["message"]) == ("v1", "The first\n\nof all")
    assert github.sim.tags(FULL_NAME) == {"v1": github.sha("main")}
    assert github.client.get(f"{GIT}/tags/{github.sha('main')}").status_code == 404


@pytest.mark.parametrize("message", [None, "annotated"])
def test_tags_are_told_as_pushes(github: GitHub, receiver: Receiver, message: str | None) -> None:
    github.sim.set_webhook(github.app.id, receiver.url, "s")
    github.sim.create_tag(FULL_NAME, "v1", github.sha("main"), message=message)
    github.sim.delete_tag(FULL_NAME, "v1")
    assert github.sim.wait_for_deliveries()
    created, deleted = (one.payload for one in receiver.received[1:])
    assert [created["ref"], created["created"], created["commits"]] == ["refs/tags/v1", True, []]
    assert created["head_commit"]["id"] == github.sha("main")
    assert (created["after"] == github.sha("main")) == (message is None)
    assert [deleted["deleted"], deleted["head_commit"], deleted["before"]] == [True, None, created["after"]]
    assert github.sim.violations == []


def _bare(github: GitHub) -> object:
    return github.source.path.parent / "github" / "octo-org" / "engine.git"
