"""The pages: repositories, a pull request, its diff, a check run, a commit, a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import flask
from werkzeug.wrappers import Response

from simulator import conversation
from simulator.git import Commit
from simulator.pages import builds, diff
from simulator.pages.markdown import render
from simulator.pages.threads import Thread, threads
from simulator.records import CheckRun, Comment, Pull, Release, Repository, Status
from simulator.rest import World
from simulator.rest_checks import latest
from simulator.rest_statuses import latest_statuses
from simulator.run_records import Job, WorkflowRun

# What a conclusion, or a status before there is one, looks like; the first that occurs speaks for all.
LOOKS = {
    "failure": ("failure", "Some checks were not successful"),
    "timed_out": ("failure", "Some checks were not successful"),
    "startup_failure": ("failure", "Some checks were not successful"),
    "action_required": ("failure", "Some checks need action"),
    "cancelled": ("neutral", "Some checks were cancelled"),
    "in_progress": ("pending", "Some checks haven’t completed yet"),
    "queued": ("pending", "Some checks haven’t completed yet"),
    "success": ("success", "All checks have passed"),
    "neutral": ("neutral", "All checks have passed"),
    "skipped": ("neutral", "All checks have passed"),
    "stale": ("neutral", "Some checks are stale"),
}
STATUS_CONCLUSIONS = {"error": "failure", "failure": "failure", "pending": "queued", "success": "success"}
EMOJIS = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "confused": "😕",
    "heart": "❤️",
    "hooray": "🎉",
    "rocket": "🚀",
    "eyes": "👀",
}
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'"


@dataclass(frozen=True)
class Head:
    """A commit that a pull request's head is or was at, with its latest check runs and statuses."""

    commit: Commit | None
    sha: str
    runs: Sequence[CheckRun]
    statuses: Sequence[Status]

    @property
    def _worst(self) -> str | None:
        shown: list[CheckRun | Status] = [*self.runs, *self.statuses]
        found = {_outcome(one) for one in shown}
        return next((outcome for outcome in LOOKS if outcome in found), None)

    @property
    def unfinished(self) -> bool:
        """Whether there is more to come, so that its page should look again by itself."""
        return any(one.status != "completed" for one in self.runs) or any(
            one.state == "pending" for one in self.statuses
        )

    @property
    def look(self) -> str:
        """How its checks look together."""
        return LOOKS[self._worst][0] if self._worst else "none"

    @property
    def statement(self) -> str:
        """What its checks come to."""
        return LOOKS[self._worst][1] if self._worst else "No checks yet"


class _Pages:
    """The views, on one world."""

    def __init__(self, world: World) -> None:
        self._state = world.state
        self._links = world.links

    def index(self) -> str:
        """All repositories and their pull requests."""
        return self._repositories("Repositories", list(self._state.repositories.values()))

    def repository(self, owner: str, name: str) -> str:
        """One repository: its pull requests, releases and workflow runs."""
        found = self._repository(owner, name)
        runs = [run for run in self._state.runs_of(found) if run.listed]
        return self._repositories(found.full_name, [found], self._state.releases_of(found), runs)

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
            comments=self._state.comments_of(repository, number),
            reviews=self._state.reviews_of(repository, number),
            threads=self._threads(repository, pull),
            refresh=heads[-1].unfinished,
            **self._tabs(repository, pull),
        )

    def checks(self, owner: str, name: str, number: int) -> Response:
        """The way to the checks of a pull request's head, which have no page of their own here."""
        self._pull(owner, name, number)
        page = flask.url_for("pages.pull", owner=owner, name=name, number=number, _anchor="checks")
        return flask.redirect(page)

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
            refresh=found.status != "completed",
        )

    def blob(self, owner: str, name: str, sha: str, path: str) -> str:
        """A file in a commit, with numbered lines to link to."""
        repository = self._repository(owner, name)
        lines = diff.source_lines(repository.git, self._commit_sha(repository, sha), path)
        if lines is None:
            flask.abort(404)
        return flask.render_template("blob.html", repository=repository, sha=sha, path=path, lines=lines)

    def _repositories(
        self,
        title: str,
        repositories: Sequence[Repository],
        releases: Sequence[Release] = (),
        runs: Sequence[WorkflowRun] = (),
    ) -> str:
        listed = [
            (one, [(pull, self._head(one, pull.head_sha)) for pull in self._state.pulls_of(one)])
            for one in repositories
        ]
        return flask.render_template("index.html", title=title, repositories=listed, releases=releases, runs=runs)

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
        return Head(commit, sha, runs, latest_statuses(self._state.statuses_of(repository, sha)))

    def reactions(self, comment: Comment) -> list[tuple[str, str, list[str]]]:
        """Each emoji below a comment, GitHub's word for it and whose it is."""
        found = self._state.reactions_to(comment.id)
        whose = [(content, [one.author.login for one in found if one.content == content]) for content in EMOJIS]
        return [(EMOJIS[content], content, people) for content, people in whose if people]

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
    pages.add_url_rule(f"{repository}/pull/<int:number>/checks", "checks", views.checks)
    pages.add_url_rule(f"{repository}/pull/<int:number>/files", "files", views.files)
    pages.add_url_rule(f"{repository}/commit/<sha>", "commit", views.commit)
    pages.add_url_rule(f"{repository}/runs/<int:run_id>", "run", views.run)
    pages.add_url_rule(f"{repository}/blob/<sha>/<path:path>", "blob", views.blob)
    builds.add_rules(pages, world)
    pages.add_app_template_filter(render, "markdown")
    pages.add_app_template_filter(_moment, "moment")
    pages.add_app_template_filter(_look, "look")
    pages.add_app_template_filter(views.reactions, "reactions")

    @pages.after_request
    def contain(response: flask.Response) -> flask.Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return pages


def _moment(time: datetime) -> str:
    """A time for people."""
    return f"{time.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC"


def _outcome(one: CheckRun | Status | WorkflowRun | Job) -> str:
    """The conclusion of a check run, a workflow run or a job, or what stands for one."""
    if isinstance(one, Status):
        return STATUS_CONCLUSIONS[one.state]
    return one.conclusion or "in_progress"


def _look(one: CheckRun | Status | WorkflowRun | Job) -> str:
    return LOOKS[_outcome(one)][0]
