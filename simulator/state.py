"""The simulated GitHub's memory, safe to use from many threads, and its clock and ids."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from simulator.records import (
    Account,
    App,
    Asset,
    Call,
    CheckRun,
    CheckSuite,
    Comment,
    Delivery,
    Installation,
    Label,
    Pull,
    Reaction,
    Release,
    Repository,
    Review,
    ReviewComment,
    Status,
    Ticket,
    Token,
    Violation,
)
from simulator.run_records import Artifact, Job, Workflow, WorkflowRun

T = TypeVar("T")
TOKEN_LIFETIME = timedelta(hours=1)
NEW_LABEL_COLOR = "ededed"
# The kinds of ids, each with a first value of the size that GitHub's are at.
FIRST_IDS = {
    "account": 583_231,
    "app": 1_296_269,
    "installation": 52_417_301,
    "repository": 839_201_155,
    "pull": 2_011_345_678,
    "check": 27_310_554_201,
    "suite": 25_480_117_903,
    "comment": 2_240_118_731,
    "review": 2_480_334_119,
    "review comment": 1_730_226_457,
    "delivery": 61_209_443_187,
    "label": 6_120_871_034,
    "reaction": 281_300_466,
    "status": 31_866_204_913,
    "release": 191_024_318,
    "asset": 224_719_506,
    "workflow": 128_440_917,
    "run": 13_902_117_455,
    "job": 38_790_224_618,
    "artifact": 2_753_990_126,
}


class State:
    """Records by their keys. Hold `lock` to read a record and write a new one in its place."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._ids = {kind: itertools.count(first, step=7) for kind, first in FIRST_IDS.items()}
        self.lock = threading.RLock()
        self.accounts: dict[str, Account] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.repositories: dict[str, Repository] = {}
        self.pulls: dict[tuple[str, int], Pull] = {}
        self.roles: dict[tuple[str, str], str] = {}
        self.associations: dict[str, str] = {}
        self.labels: dict[tuple[str, str], Label] = {}
        self.suites: dict[tuple[int, str, str], CheckSuite] = {}
        self.check_runs: dict[int, CheckRun] = {}
        self.statuses: list[Status] = []
        self.reactions: dict[int, Reaction] = {}
        self.reviews: dict[int, Review] = {}
        self.comments: dict[int, Comment] = {}
        self.review_comments: dict[int, ReviewComment] = {}
        self.releases: dict[int, Release] = {}
        self.assets: dict[int, Asset] = {}
        self.workflows: dict[tuple[str, str], Workflow] = {}
        self.runs: dict[int, WorkflowRun] = {}
        self.jobs: dict[int, Job] = {}
        self.artifacts: dict[int, Artifact] = {}
        self.tickets: dict[str, Ticket] = {}
        self.deliveries: list[Delivery] = []
        self.calls: list[Call] = []
        self.git_calls: list[Call] = []
        self.downloads: list[Call] = []
        self.violations: list[Violation] = []

    def now(self) -> datetime:
        """The time on GitHub's clock."""
        return self._clock().astimezone(UTC)

    def next_id(self, kind: str) -> int:
        """A new id of that kind (`FIRST_IDS`)."""
        with self.lock:
            return next(self._ids[kind])

    def account(self, login: str, kind: str | None = None) -> Account:
        """The account of that login, made when there is none: a person's, or by its name an App's bot."""
        kind = kind or ("Bot" if login.endswith("[bot]") else "User")
        with self.lock:
            return self.accounts.setdefault(login.lower(), Account(self.next_id("account"), login, kind))

    def repository(self, full_name: str) -> Repository | None:
        """The repository `owner/name`; GitHub does not look at the case."""
        return self.repositories.get(full_name.lower())

    def put_repository(self, repository: Repository) -> None:
        """Store a new or changed repository."""
        with self.lock:
            self.repositories[repository.full_name.lower()] = repository

    def pull(self, repository: Repository, number: int) -> Pull | None:
        """A pull request by its number."""
        return self.pulls.get((repository.full_name, number))

    def put_pull(self, pull: Pull) -> Pull:
        """Store a new or changed pull request and return it."""
        with self.lock:
            self.pulls[pull.repository, pull.number] = pull
        return pull

    def pulls_of(self, repository: Repository) -> list[Pull]:
        """All its pull requests, the newest first."""
        found = [pull for pull in self._all(self.pulls.values()) if pull.repository == repository.full_name]
        return sorted(found, key=lambda pull: pull.number, reverse=True)

    def drop_repository(self, repository: Repository) -> None:
        """Forget a repository, also in installations."""
        with self.lock:
            del self.repositories[repository.full_name.lower()]
            for one in self.installations_on(repository):
                left = one.repositories - {repository.full_name}
                self.installations[one.id] = replace(one, repositories=left)

    def pulls_with_head(self, repository: Repository, branch: str) -> list[Pull]:
        """Open pull requests, of any repository, whose head is that branch of `repository`."""
        return [
            pull
            for pull in self._all(self.pulls.values())
            if (pull.head_repository, pull.head_ref, pull.state) == (repository.full_name, branch, "open")
        ]

    def check_runs_of(self, repository: Repository, sha: str) -> list[CheckRun]:
        """Check runs on that commit, the newest first."""
        found = [
            run
            for run in self._all(self.check_runs.values())
            if run.repository == repository.full_name and run.head_sha == sha
        ]
        return sorted(found, key=lambda run: run.id, reverse=True)

    def comments_of(self, repository: Repository, number: int) -> list[Comment]:
        """Comments on that pull request, the oldest first."""
        return [
            comment
            for comment in self._all(self.comments.values())
            if comment.repository == repository.full_name and comment.number == number
        ]

    def review_comments_of(self, repository: Repository, number: int) -> list[ReviewComment]:
        """Comments on lines of that pull request, the oldest first."""
        return [
            comment
            for comment in self._all(self.review_comments.values())
            if comment.repository == repository.full_name and comment.number == number
        ]

    def association(self, who: Account, otherwise: str) -> str:
        """How somebody is associated with repositories, in GitHub's word."""
        return self.associations.get(who.login.lower(), otherwise)

    def label(self, repository: Repository, name: str) -> Label:
        """The repository's label of that name (GitHub does not look at the case), made when there is none."""
        with self.lock:
            key = (repository.full_name, name.lower())
            if key not in self.labels:
                self.labels[key] = Label(self.next_id("label"), repository.full_name, name, NEW_LABEL_COLOR)
            return self.labels[key]

    def suite(
        self, app_id: int, repository: Repository, sha: str, branch: str | None = None, before: str | None = None
    ) -> CheckSuite:
        """The App's check suite on that commit, made when there is none, as of a push of it to `branch`."""
        with self.lock:
            key = (app_id, repository.full_name, sha)
            if key not in self.suites:
                new = self.next_id("suite")
                branch = branch or repository.git.branch_at(sha)
                self.suites[key] = CheckSuite(new, repository.full_name, app_id, sha, branch, before, self.now())
            return self.suites[key]

    def statuses_of(self, repository: Repository, sha: str) -> list[Status]:
        """Statuses of that commit, the newest first."""
        found = [one for one in self._all(self.statuses) if (one.repository, one.sha) == (repository.full_name, sha)]
        return found[::-1]

    def reactions_to(self, comment_id: int) -> list[Reaction]:
        """Reactions to that comment, the oldest first."""
        return [one for one in self._all(self.reactions.values()) if one.comment_id == comment_id]

    def reviews_of(self, repository: Repository, number: int) -> list[Review]:
        """Reviews of that pull request, the oldest first."""
        found = self._all(self.reviews.values())
        return [one for one in found if (one.repository, one.number) == (repository.full_name, number)]

    def releases_of(self, repository: Repository) -> list[Release]:
        """Its releases and drafts, the newest first. GitHub goes by the time of the commit."""
        found = [one for one in self._all(self.releases.values()) if one.repository == repository.full_name]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)

    def release_of(self, repository: Repository, tag: str) -> Release | None:
        """The release of that tag; a draft is none."""
        return next((one for one in self.releases_of(repository) if one.tag == tag and not one.draft), None)

    def assets_of(self, release: Release) -> list[Asset]:
        """The files of a release, the oldest first."""
        return [one for one in self._all(self.assets.values()) if one.release_id == release.id]

    def runs_of(self, repository: Repository) -> list[WorkflowRun]:
        """Its workflow runs, the newest first."""
        found = [one for one in self._all(self.runs.values()) if one.repository == repository.full_name]
        return sorted(found, key=lambda one: one.id, reverse=True)

    def jobs_of(self, run: WorkflowRun) -> list[Job]:
        """The jobs of a workflow run, in the order of its file."""
        return [one for one in self._all(self.jobs.values()) if one.run_id == run.id]

    def artifacts_of(self, run: WorkflowRun) -> list[Artifact]:
        """What a workflow run has uploaded, the newest first."""
        return [one for one in self._all(self.artifacts.values()) if one.run_id == run.id][::-1]

    def installations_on(self, repository: Repository) -> list[Installation]:
        """Installations that reach that repository."""
        return [
            installation
            for installation in self._all(self.installations.values())
            if repository.full_name in installation.repositories
        ]

    def installation_of(self, app: App, repository: Repository) -> Installation | None:
        """The App's installation that reaches that repository."""
        found = (one for one in self.installations_on(repository) if one.app_id == app.id)
        return next(found, None)

    def new_token(self, installation: Installation, permissions: dict[str, str], names: frozenset[str]) -> Token:
        """A token for that installation, good for an hour."""
        token = Token("ghs_" + secrets.token_hex(18), installation.id, permissions, names, self.now() + TOKEN_LIFETIME)
        with self.lock:
            self.tokens[token.value] = token
        return token

    def _all(self, records: Iterable[T]) -> list[T]:
        with self.lock:
            return list(records)
