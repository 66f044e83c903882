"""The client library that pagewarden uses, on the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from github import Auth, Github, GithubException, GithubIntegration
from github.Repository import Repository

from tests.simulator.conftest import FULL_NAME, GitHub


@pytest.fixture
def integration(github: GitHub) -> Iterator[GithubIntegration]:
    """The App, by PyGithub."""
    key = Auth.AppAuth(github.app.id, github.app.private_key_pem)
    with GithubIntegration(
        auth=key, base_url=github.sim.api_url, seconds_between_requests=0, seconds_between_writes=0, retry=None
    ) as made:
        yield made


@pytest.fixture
def repository(integration: GithubIntegration, github: GitHub) -> Repository:
    """The repository, as its installation sees it."""
    client: Github = integration.get_github_for_installation(github.installation_id)
    return client.get_repo(FULL_NAME)


def test_an_app_finds_its_installation(integration: GithubIntegration, github: GitHub) -> None:
    assert integration.get_app().slug == "pagewarden"
    assert integration.get_repo_installation("octo-org", "engine").id == github.installation_id
    assert [one.id for one in integration.get_installations()] == [github.installation_id]
    assert integration.get_access_token(github.installation_id).expires_at > github.clock.now
    with pytest.raises(GithubException) as missing:
        integration.get_repo_installation("octo-org", "missing")
    assert missing.value.status == 404


def test_the_whole_way_of_a_pull_request(repository: Repository, github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="Wider pages")
    pull = repository.get_pull(1)
    assert [(one.filename, one.previous_filename) for one in pull.get_files()] == [
        ("added.h", None),
        ("gone.h", None),
        ("moved.h", "old.h"),
        ("wide.h", None),
    ]
    compared = repository.compare(pull.base.sha, pull.head.sha)
    assert compared.merge_base_commit.sha == github.sha("main~1")
    run = repository.create_check_run("pagewarden", pull.head.sha, status="in_progress", external_id="run")
    annotation = {
        "path": "wide.h",
        "start_line": 25,
        "end_line": 25,
        "annotation_level": "failure",
        "message": "257, must be < 255",
    }
    output = {"title": "t", "summary": "s", "annotations": [annotation]}
    run.edit(status="completed", conclusion="failure", output=output)
    assert [one.message for one in run.get_annotations()] == ["257, must be < 255"]
    found = repository.get_commit(pull.head.sha).get_check_runs(check_name="pagewarden", filter="all")
    assert [(one.external_id, one.conclusion) for one in found] == [("run", "failure")]
    comment = pull.create_issue_comment("one")
    comment.edit("two")
    assert [one.body for one in pull.get_issue_comments()] == ["two"]
    assert [one.number for one in repository.get_pulls(state="open", head="octo-org:topic")] == [1]
    assert repository.get_branch("topic").commit.sha == pull.head.sha
    assert github.sim.violations == []


def test_pages_are_followed(repository: Repository, github: GitHub) -> None:
    github.source.git("checkout", "--quiet", "-b", "many", "main")
    github.source.commit("Many", {f"many/{number:03}.h": f"{number}\n" for number in range(70)})
    github.sim.push(FULL_NAME, "many", "many")
    github.sim.open_pull(FULL_NAME, head="many", base="main", title="t")
    assert len(list(repository.get_pull(1).get_files())) == 70


def test_errors_carry_githubs_words(repository: Repository, github: GitHub) -> None:
    with pytest.raises(GithubException) as refused:
        repository.create_check_run("pagewarden", "0" * 40)
    assert (refused.value.status, refused.value.data["message"]) == (422, f"No commit found for SHA: {'0' * 40}")


def test_releases_and_their_assets(repository: Repository, github: GitHub, tmp_path: Path) -> None:
    made = repository.create_git_release(
        "v1", "One", "The first", prerelease=True, generate_release_notes=False, target_commitish=github.sha("topic")
    )
    file = tmp_path / "engine.zip"
    file.write_bytes(b"zip")
    made.upload_asset(str(file), label="The engine", content_type="application/zip")
    assert github.sim.release_asset(FULL_NAME, "v1", "engine.zip") == b"zip"
    found = repository.get_release("v1")
    assert [(one.name, one.state, one.size) for one in found.get_assets()] == [("engine.zip", "uploaded", 3)]
    assert repository.get_git_ref("tags/v1").object.sha == github.sha("topic")
    found.delete_release()
    repository.get_git_ref("tags/v1").delete()
    assert (list(repository.get_releases()), github.sim.tags(FULL_NAME)) == ([], {})
    assert github.sim.violations == []


def test_a_workflow_run_is_followed(repository: Repository, github: GitHub) -> None:
    github.source.commit(
        "Workflow", {".github/workflows/build.yml": "on: workflow_dispatch\njobs: {a: {runs-on: x}}\n"}
    )
    github.sim.push(FULL_NAME, "main", "main")
    assert repository.get_workflow("build.yml").create_dispatch("main")
    [run] = repository.get_workflow_runs(event="workflow_dispatch")
    github.sim.finish_workflow(run.id, "failure", artifacts={"engine": {"a": b"a"}})
    run.update()
    assert (run.status, run.conclusion) == ("completed", "failure")
    assert [one.name for one in run.get_artifacts()] == ["engine"]
    assert [(one.name, one.conclusion) for one in run.jobs()] == [("a", "failure")]
    assert not run.cancel()
    assert github.sim.violations == []
