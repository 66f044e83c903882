"""The pages: repositories, a pull request, its diff, a check run, a commit, a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import flask

from simulator import conversation
from simulator.git import Commit
from simulator.pages import diff
from simulator.pages.markdown import render
from simulator.pages.threads import Thread, threads
from simulator.records import CheckRun, Pull, Repository
from simulator.rest import World
from simulator.rest_checks import latest

# What a conclusion, or a status before there is one, looks like; the first that occurs speaks for all.
LOOKS = {
    "failure": ("failure", "Some checks were not successful"),
    "timed_out": ("failure", "Some checks were not successful"),
    "action_required": ("failure", "Some checks need action"),
    "cancelled": ("neutral", "Some checks were cancelled"),
    "in_progress": ("pending", "Some checks haven’t completed yet"),
    "queued": ("pending", "Some checks haven’t completed yet"),
    "success": ("success", "All checks have passed"),
    "neutral": ("neutral", "All checks have passed"),
    "skipped": ("neutral", "All checks have passed"),
    "stale": ("neutral", "Some checks are stale"),
}
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'"


@dataclass(frozen=True)
class Head:
    """A commit that a pull request's head is or was at, with its latest check runs."""

    commit: Commit | None
    sha: str
    runs: Sequence[CheckRun]
    look: str


class _Pages:
    """The views, on one world."""

    def __init__(self, world: World) -> None:
        self._state = world.state
        self._links = world.links

    def index(self) -> str:
        """All repositories and their pull requests."""
        return self._repositories("Repositories", list(self._state.repositories.values()))

    def repository(self, owner: str, name: str) -> str:
        """One repository and its pull requests."""
        found = self._repository(owner, name)
        return self._repositories(found.full_name, [found])

    def pull(self, owner: str, name: str, number: int) -> str:
        """A pull request: what it says, its heads with their checks, its comments."""
        repository, pull = self._pull(owner, name, number)
        heads = [self._head(repository, sha) for sha in pull.heads]
        return flask.render_template(
            "pull.html",
            repository=repository,
            pull=pull,
            heads=heads,
            head=heads[-1],
            statement=_statement(heads[-1].runs),
            comments=self._state.comments_of(repository, number),
            threads=self._threads(repository, pull),
            refresh=_unfinished(heads[-1].runs),
            **self._tabs(repository, pull),
        )

    def files(self, owner: str, name: str, number: int) -> str:
        """What a pull request changes, with the annotations of its head's checks."""
        repository, pull = self._pull(owner, name, number)
        base = repository.git.merge_base(repository.base_of(pull), pull.head_sha)
        annotations = self._annotations(repository, pull.head_sha)
        changes = repository.git.changes(base, pull.head_sha)
        return flask.render_template(
            "files.html",
            repository=repository,
            pull=pull,
            sha=pull.head_sha,
            files=diff.file_diffs(changes, annotations, self._threads(repository, pull)),
            outside=diff.with_source(repository.git, pull.head_sha, diff.outside(changes, annotations)),
            **self._tabs(repository, pull),
        )

    def commit(self, owner: str, name: str, sha: str) -> str:
        """What one commit changes."""
        repository = self._repository(owner, name)
        found = repository.git.commit(self._commit_sha(repository, sha))
        changes = repository.git.changes(found.parents[0] if found.parents else None, found.sha)
        files = diff.file_diffs(changes, self._annotations(repository, found.sha))
        return flask.render_template("commit.html", repository=repository, commit=found, sha=found.sha, files=files)

    def run(self, owner: str, name: str, run_id: int) -> str:
        """A check run: what it says, and its annotations with their lines."""
        repository = self._repository(owner, name)
        found = self._state.check_runs.get(run_id)
        if found is None or found.repository != repository.full_name:
            flask.abort(404)
        annotations = conversation.check_annotations(self._links, found, self._state)
        pulls = [pull for pull in self._state.pulls_of(repository) if found.head_sha in pull.heads]
        return flask.render_template(
            "run.html",
            repository=repository,
            run=found,
            app=self._state.apps[found.app_id],
            pulls=pulls,
            annotations=diff.with_source(repository.git, found.head_sha, annotations),
            refresh=_unfinished([found]),
        )

    def blob(self, owner: str, name: str, sha: str, path: str) -> str:
        """A file in a commit, with numbered lines to link to."""
        repository = self._repository(owner, name)
        lines = diff.source_lines(repository.git, self._commit_sha(repository, sha), path)
        if lines is None:
            flask.abort(404)
        return flask.render_template("blob.html", repository=repository, sha=sha, path=path, lines=lines)

    def _repositories(self, title: str, repositories: Sequence[Repository]) -> str:
        listed = [
            (one, [(pull, self._head(one, pull.head_sha)) for pull in self._state.pulls_of(one)])
            for one in repositories
        ]
        return flask.render_template("index.html", title=title, repositories=listed)

    def _repository(self, owner: str, name: str) -> Repository:
        return self._state.repository(f"{owner}/{name}") or flask.abort(404)

    def _pull(self, owner: str, name: str, number: int) -> tuple[Repository, Pull]:
        repository = self._repository(owner, name)
        return repository, self._state.pull(repository, number) or flask.abort(404)

    def _commit_sha(self, repository: Repository, revision: str) -> str:
        return repository.git.resolve(revision) or flask.abort(404)

    def _head(self, repository: Repository, sha: str) -> Head:
        """A commit that was force-pushed away may be gone; its checks are not."""
        runs = latest(self._state.check_runs_of(repository, sha))
        commit = repository.git.commit(sha) if repository.git.resolve(sha) else None
        return Head(commit, sha, runs, _look(runs))

    def _annotations(self, repository: Repository, sha: str) -> list[diff.Annotation]:
        runs = latest(self._state.check_runs_of(repository, sha))
        return [one for run in runs for one in conversation.check_annotations(self._links, run, self._state)]

    def _threads(self, repository: Repository, pull: Pull) -> list[Thread]:
        return threads(repository, pull, self._state.review_comments_of(repository, pull.number))

    def _tabs(self, repository: Repository, pull: Pull) -> dict[str, object]:
        base = repository.git.merge_base(repository.base_of(pull), pull.head_sha)
        return {
            "file_count": len(repository.git.changes(base, pull.head_sha)),
            "commits": repository.git.between(repository.base_of(pull), pull.head_sha),
        }


def blueprint(world: World) -> flask.Blueprint:
    """All pages, and their style sheet."""
    pages = flask.Blueprint(
        "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/_static"
    )
    views = _Pages(world)
    repository = "/<owner>/<name>"
    pages.add_url_rule("/", "index", views.index)
    pages.add_url_rule(repository, "repository", views.repository)
    pages.add_url_rule(f"{repository}/pull/<int:number>", "pull", views.pull)
    pages.add_url_rule(f"{repository}/pull/<int:number>/files", "files", views.files)
    pages.add_url_rule(f"{repository}/commit/<sha>", "commit", views.commit)
    pages.add_url_rule(f"{repository}/runs/<int:run_id>", "run", views.run)
    pages.add_url_rule(f"{repository}/blob/<sha>/<path:path>", "blob", views.blob)
    pages.add_app_template_filter(render, "markdown")
    pages.add_app_template_filter(_moment, "moment")
    pages.add_app_template_filter(_icon, "look")

    @pages.after_request
    def contain(response: flask.Response) -> flask.Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return pages


def _moment(time: datetime) -> str:
    """A time for people."""
    return f"{time.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC"


def _icon(run: CheckRun) -> str:
    return LOOKS[run.conclusion or "in_progress"][0]


def _worst(runs: Sequence[CheckRun]) -> str | None:
    found = {run.conclusion or "in_progress" for run in runs}
    return next((outcome for outcome in LOOKS if outcome in found), None)


def _look(runs: Sequence[CheckRun]) -> str:
    worst = _worst(runs)
    return LOOKS[worst][0] if worst else "none"


def _statement(runs: Sequence[CheckRun]) -> str:
    worst = _worst(runs)
    return LOOKS[worst][1] if worst else "No checks yet"


def _unfinished(runs: Sequence[CheckRun]) -> bool:
    """Whether there is more to come, so that the page should look again by itself."""
    return any(run.status != "completed" for run in runs)
