"""Who is let in, and what others are told."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.auth import new_key
from tests.simulator.conftest import FULL_NAME, Client, GitHub, later, signed

REPOSITORY = f"/repos/{FULL_NAME}"


def _as_app(github: GitHub, **claims: Any) -> Client:
    return Client(github.sim.api_url, f"Bearer {signed(github.app, github.clock.now, **claims)}")


def _at(github: GitHub, seconds: int) -> int:
    return int(github.clock.now.timestamp()) + seconds


def test_an_app_is_known_by_its_jwt(github: GitHub) -> None:
    assert github.as_app.json("GET", "/app")["slug"] == "pagewarden"
    assert github.as_app.json("GET", f"{REPOSITORY}/installation")["id"] == github.installation_id
    assert [one["id"] for one in github.as_app.json("GET", "/app/installations")] == [github.installation_id]
    assert github.as_app.json("GET", f"/app/installations/{github.installation_id}")["app_id"] == github.app.id


def test_jwts_that_are_not_good_are_refused(github: GitHub) -> None:
    def status(**claims: Any) -> int:
        return _as_app(github, **claims).get("/app").status_code

    assert status() == 200
    assert status(exp=_at(github, -1)) == 401
    assert status(exp=_at(github, 601)) == 401
    assert status(exp=_at(github, 600)) == 200
    assert status(iat=_at(github, 90)) == 401
    assert status(iat=None) == 401
    assert status(exp=None) == 401
    assert status(key=new_key()[0]) == 401
    assert status(iss="1") == 404


def test_a_jwt_expires_by_githubs_clock(github: GitHub) -> None:
    assert github.as_app.get("/app").status_code == 200
    later(github, minutes=10)
    assert github.as_app.get("/app").status_code == 401


def test_nothing_else_than_a_jwt_is_an_app(github: GitHub) -> None:
    assert github.nobody.get("/app").status_code == 401
    assert github.client.get("/app").status_code == 401
    assert Client(github.sim.api_url, "Bearer a.b.c").get("/app").status_code == 401


def test_tokens_expire_after_an_hour(github: GitHub) -> None:
    assert github.client.get(REPOSITORY).status_code == 200
    later(github, minutes=59)
    assert github.client.get(REPOSITORY).status_code == 200
    later(github, minutes=1)
    answer = github.client.get(REPOSITORY)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_a_token_may_do_less_than_its_installation(github: GitHub) -> None:
    path = f"/app/installations/{github.installation_id}/access_tokens"
    made = github.as_app.json("POST", path, {"permissions": {"contents": "read"}, "repositories": ["engine"]})
    weak = Client(github.sim.api_url, f"Bearer {made['token']}")
    assert made["repositories"][0]["full_name"] == FULL_NAME
    assert weak.get(f"{REPOSITORY}/branches/main").status_code == 200
    run = {"name": "x", "head_sha": github.sha("main")}
    assert weak.call("POST", f"{REPOSITORY}/check-runs", run).status_code == 403
    assert github.as_app.call("POST", path, {"permissions": {"workflows": "write"}}).status_code == 422
    assert github.as_app.call("POST", path, {"repositories": ["other"]}).status_code == 422


@pytest.mark.parametrize("private", [True, False])
def test_a_repository_without_the_app(github: GitHub, private: bool) -> None:
    github.sim.create_repository("octo-org/other", github.source.path, private=private)
    run = {"name": "x", "head_sha": github.sha("main")}
    assert github.as_app.get("/repos/octo-org/other/installation").status_code == 404
    assert github.client.get("/repos/octo-org/other").status_code == (404 if private else 200)
    assert github.nobody.get("/repos/octo-org/other").status_code == (404 if private else 200)
    created = github.client.call("POST", "/repos/octo-org/other/check-runs", run)
    assert created.status_code == (404 if private else 403)
    created = github.nobody.call("POST", "/repos/octo-org/other/check-runs", run)
    assert created.status_code == (404 if private else 401)


def test_what_is_not_there(github: GitHub) -> None:
    assert github.client.get("/repos/octo-org/missing").status_code == 404
    assert github.as_app.get("/repos/octo-org/missing/installation").status_code == 404
    assert github.as_app.get("/app/installations/1").status_code == 404
    assert github.as_app.get(REPOSITORY).status_code == 404
    github.sim.create_repository("octo-org/public", github.source.path)
    assert github.as_app.get("/repos/octo-org/public").status_code == 403


def test_an_uninstalled_app_has_no_tokens(github: GitHub) -> None:
    github.sim.uninstall(github.installation_id)
    assert github.client.get(REPOSITORY).status_code == 401
    assert github.as_app.get(f"{REPOSITORY}/installation").status_code == 404


def test_an_installation_lists_its_repositories(github: GitHub) -> None:
    github.sim.create_repository("octo-org/other", github.source.path)
    assert github.sim.install(github.app.id, "octo-org/other") == github.installation_id
    listed = github.client.json("GET", "/installation/repositories")
    assert [one["full_name"] for one in listed["repositories"]] == [FULL_NAME, "octo-org/other"]


def test_rate_limits_are_told(github: GitHub) -> None:
    before = github.client.get(REPOSITORY).headers
    after = github.client.get(REPOSITORY).headers
    assert int(before["X-RateLimit-Remaining"]) - int(after["X-RateLimit-Remaining"]) == 1
    assert int(after["X-RateLimit-Reset"]) > github.clock.now.timestamp()
