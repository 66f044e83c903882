"""The pages of releases and workflow runs, also with hostile names."""

from __future__ import annotations

import requests

from tests.simulator.conftest import FULL_NAME, GitHub
from tests.simulator.workflows import actions, dispatched, run_of

__all__ = ["actions"]
HOSTILE = "<script>alert(1)</script> \"'& {{ 7 * 7 }}"


def _page(url: str) -> str:
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return answer.text


def test_a_release_has_a_page_that_leads_to_its_files(github: GitHub) -> None:
    body = f"| target | size |\n|---|---|\n| {HOSTILE} | 3 |"
    made = github.sim.create_release(
        FULL_NAME, "pr/1", github.sha("main"), assets={"engine.zip": b"zip"}, name=HOSTILE, body=body, prerelease=True
    )
    page = _page(made["html_url"])
    assert "<td>3</td>" in page
    assert "Pre-release" in page
    assert "<script" not in page
    [asset] = made["assets"]
    assert f'href="{asset["browser_download_url"].removeprefix(github.sim.url)}"'.replace("%2F", "/") in page
    assert requests.get(asset["browser_download_url"], timeout=10).content == b"zip"
    assert github.sim.releases(FULL_NAME)[0]["assets"][0]["download_count"] == 1
    assert "alert(1)" in _page(f"{github.sim.url}/{FULL_NAME}")


def test_a_draft_and_a_broken_upload_have_pages(github: GitHub) -> None:
    made = github.sim.create_release(FULL_NAME, "v1", github.sha("main"), draft=True)
    github.sim.break_uploads()
    headers = {"Authorization": github.client.authorization or ""}
    upload = made["upload_url"].partition("{")[0]
    assert requests.post(upload, b"a", params={"name": "a"}, headers=headers, timeout=10).status_code == 502
    page = _page(made["html_url"])
    assert "Draft" in page
    assert "its upload broke off" in page
    [asset] = github.sim.releases(FULL_NAME)[0]["assets"]
    assert requests.get(asset["browser_download_url"], timeout=10).status_code == 404


def test_a_workflow_run_has_a_page(actions: GitHub) -> None:
    run = dispatched(actions, correlation=HOSTILE)
    shown = run_of(actions, run)
    assert "http-equiv" in _page(shown["html_url"])
    actions.sim.finish_workflow(run, "failure", artifacts={"it's & {{ 7 }}": b"zip"}, log=f"line one\n{HOSTILE}")
    page = _page(shown["html_url"])
    assert "line one\n" in page
    assert "<script" not in page
    assert "http-equiv" not in page
    job = actions.client.json("GET", f"/repos/{FULL_NAME}/actions/runs/{run}/jobs")["jobs"][1]
    assert "line one" not in _page(job["html_url"])
    [artifact] = actions.client.json("GET", f"/repos/{FULL_NAME}/actions/runs/{run}/artifacts")["artifacts"]
    link = f"{shown['html_url']}/artifacts/{artifact['id']}"
    assert link.removeprefix(actions.sim.url) in page
    assert requests.get(link, timeout=10).content == b"zip"
    actions.sim.expire_artifacts(run)
    assert "expired" in _page(shown["html_url"])
    assert requests.get(link, timeout=10).status_code == 404
    assert shown["html_url"].removeprefix(actions.sim.url) in _page(f"{actions.sim.url}/{FULL_NAME}")


def test_pages_that_are_not_there(github: GitHub) -> None:
    for path in ("releases/tag/none", "releases/download/none/a", "actions/runs/1", "actions/runs/1/artifacts/1"):
        assert requests.get(f"{github.sim.url}/{FULL_NAME}/{path}", timeout=10).status_code == 404
