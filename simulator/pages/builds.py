"""The pages of what was built: a release with its files, a workflow run with its jobs, logs and artifacts."""

from __future__ import annotations

import flask
from werkzeug.wrappers import Response

from simulator import downloads, releases
from simulator.records import Release, Repository
from simulator.rest import World
from simulator.run_records import Job, WorkflowRun

# Characters of a log that its page shows: its end.
LONGEST_SHOWN_LOG = 64 * 1024


class Builds:
    """The views, on one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._state = world.state

    def release(self, owner: str, name: str, tag: str) -> str:
        """A release: what it says, and its files."""
        repository, found = self._release(owner, name, tag)
        assets = self._state.assets_of(found)
        return flask.render_template("release.html", repository=repository, release=found, assets=assets)

    def asset(self, owner: str, name: str, tag: str, file: str) -> Response:
        """The way to a file of a release."""
        _, release = self._release(owner, name, tag)
        found = next((one for one in self._state.assets_of(release) if one.name == file), None)
        if found is None or found.stored is None:
            flask.abort(404)
        releases.count_download(self._world, found)
        return flask.redirect(downloads.address(self._world, found.stored, found.name, found.content_type))

    def workflow_run(self, owner: str, name: str, run_id: int, job_id: int | None = None) -> str:
        """A workflow run, all its jobs or one of them."""
        repository, found = self._run(owner, name, run_id)
        jobs = [job for job in self._state.jobs_of(found) if job_id in {None, job.id}]
        return flask.render_template(
            "workflow_run.html",
            repository=repository,
            run=found,
            jobs=[(job, _log(job)) for job in jobs],
            artifacts=self._state.artifacts_of(found),
            now=self._state.now(),
            refresh=found.status != "completed",
        )

    def artifact(self, owner: str, name: str, run_id: int, artifact_id: int) -> Response:
        """The way to an artifact's zip archive."""
        _, run = self._run(owner, name, run_id)
        found = next((one for one in self._state.artifacts_of(run) if one.id == artifact_id), None)
        if found is None or found.expires_at <= self._state.now():
            flask.abort(404)
        return flask.redirect(downloads.address(self._world, found.stored, f"{found.name}.zip", "application/zip"))

    def _repository(self, owner: str, name: str) -> Repository:
        return self._state.repository(f"{owner}/{name}") or flask.abort(404)

    def _release(self, owner: str, name: str, slug: str) -> tuple[Repository, Release]:
        repository = self._repository(owner, name)
        found = [one for one in self._state.releases_of(repository) if one.slug == slug]
        return repository, found[0] if found else flask.abort(404)

    def _run(self, owner: str, name: str, run_id: int) -> tuple[Repository, WorkflowRun]:
        repository, found = self._repository(owner, name), self._state.runs.get(run_id)
        if found is None or not found.listed or found.repository != repository.full_name:
            flask.abort(404)
        return repository, found


def add_rules(pages: flask.Blueprint, world: World) -> None:
    """These pages, below their repository's."""
    views, repository = Builds(world), "/<owner>/<name>"
    run = f"{repository}/actions/runs/<int:run_id>"
    pages.add_url_rule(f"{repository}/releases/tag/<path:tag>", "release", views.release)
    pages.add_url_rule(f"{repository}/releases/download/<path:tag>/<file>", "asset", views.asset)
    pages.add_url_rule(run, "workflow_run", views.workflow_run)
    pages.add_url_rule(f"{run}/job/<int:job_id>", "job", views.workflow_run)
    pages.add_url_rule(f"{run}/artifacts/<int:artifact_id>", "artifact", views.artifact)


def _log(job: Job) -> str:
    """The end of a job's log, without the times before its lines."""
    if job.log is None:
        return ""
    text = job.log.path.read_text(encoding="utf-8-sig", errors="replace")[-LONGEST_SHOWN_LOG:]
    return "\n".join(line.partition(" ")[2] for line in text.splitlines())
