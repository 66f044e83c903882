"""What the simulated GitHub knows: frozen records. A change makes a new record in the `State`.

All times are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from simulator.files import Stored
from simulator.git import GitRepository

Json = Any


@dataclass(frozen=True)
class Account:
    """A user, an organization or an App's bot."""

    id: int
    login: str
    type: str


@dataclass(frozen=True)
class App:
    """A GitHub App. `permissions` are what each installation grants it."""

    id: int
    private_key_pem: str = field(repr=False)
    public_key_pem: str = field(repr=False)
    name: str
    slug: str
    owner: Account
    bot: Account
    webhook_url: str | None
    webhook_secret: str | None = field(repr=False)
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True)
class Installation:
    """An App on an account, for the repositories in `repositories` (full names)."""

    id: int
    app_id: int
    account: Account
    repositories: frozenset[str]
    created_at: datetime


@dataclass(frozen=True)
class Token:
    """An installation token. Empty `repositories` stands for all of the installation's."""

    value: str = field(repr=False)
    installation_id: int
    permissions: Mapping[str, str]
    repositories: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True)
class Repository:
    """A repository; `git` holds its objects and refs."""

    id: int
    owner: Account
    name: str
    private: bool
    default_branch: str
    git: GitRepository
    created_at: datetime
    pushed_at: datetime

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    def base_of(self, pull: Pull) -> str:
        """What one of its pull requests is compared with: the tip of its branch, or what it was merged into."""
        if pull.merged_sha is not None and (before := self.git.resolve(f"{pull.merged_sha}^1")):
            return before
        return self.git.branch(pull.base_ref) or pull.base_sha


@dataclass(frozen=True)
class Pull:
    """A pull request. `heads` are all shas its head has had, the present one last.

    `base_sha` is where the target branch was when it was chosen; as on GitHub it stays there when the branch goes on.
    `head_repository` may have been deleted. `labels` are names.
    """

    id: int
    number: int
    repository: str
    title: str
    body: str | None
    author: Account
    state: str
    draft: bool
    head_repository: str
    head_ref: str
    base_ref: str
    base_sha: str
    heads: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merged_sha: str | None = None
    labels: tuple[str, ...] = ()

    @property
    def shown_state(self) -> str:
        """What people see: open, draft, closed or merged."""
        if self.merged_at:
            return "merged"
        return "draft" if self.draft and self.state == "open" else self.state

    @property
    def head_sha(self) -> str:
        """The commit at its head now."""
        return self.heads[-1]


@dataclass(frozen=True)
class Label:
    """A label of a repository; `color` is six hexadecimal digits."""

    id: int
    repository: str
    name: str
    color: str


@dataclass(frozen=True)
class MergeGroup:
    """A pull request in the merge queue: the commit that its branch would get. Refs are full names."""

    number: int
    head_sha: str
    head_ref: str
    base_sha: str
    base_ref: str


@dataclass(frozen=True)
class CheckSuite:
    """The check runs of one App on one commit. `head_branch` is `None` where a fork's branch is at the commit."""

    id: int
    repository: str
    app_id: int
    head_sha: str
    head_branch: str | None
    before: str | None
    created_at: datetime


@dataclass(frozen=True)
class CheckRun:
    """A check run of an App on a commit. `annotations` and `actions` (its buttons) are as they were sent."""

    id: int
    suite_id: int
    repository: str
    app_id: int
    head_sha: str
    name: str
    status: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None
    details_url: str | None = None
    external_id: str = ""
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: tuple[Mapping[str, Json], ...] = ()
    actions: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Status:
    """A commit status: a state that somebody set for a context."""

    id: int
    repository: str
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: Account
    created_at: datetime


@dataclass(frozen=True)
class Reaction:
    """An emoji of somebody below a comment; `content` is GitHub's word for it."""

    id: int
    comment_id: int
    author: Account
    content: str
    created_at: datetime


@dataclass(frozen=True)
class Comment:
    """A comment on an issue or pull request. `minimized` is the reason why it is folded away, in capitals."""

    id: int
    repository: str
    number: int
    author: Account
    app_id: int | None
    body: str
    created_at: datetime
    updated_at: datetime
    minimized: str | None = None


@dataclass(frozen=True)
class Review:
    """A review of a pull request at `commit_sha`; `state` is COMMENTED, APPROVED or CHANGES_REQUESTED."""

    id: int
    repository: str
    number: int
    author: Account
    state: str
    body: str
    commit_sha: str
    submitted_at: datetime


@dataclass(frozen=True)
class ReviewComment:
    """A comment on a line of a pull request's diff, made at `commit_sha`. `side` is LEFT (base) or RIGHT (head).

    `line` is the line's number at `commit_sha`, `position` its row in the file's patch there, `diff_hunk` the hunk up
    to it.
    """

    id: int
    review_id: int
    repository: str
    number: int
    author: Account
    app_id: int | None
    body: str
    path: str
    commit_sha: str
    side: str
    line: int
    position: int
    diff_hunk: str
    in_reply_to: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Release:
    """A release of a tag; of a draft the tag need not be there. `target` is what it was to be made at, as it was said.

    `created_at` is, as on GitHub, the time of the commit and not of the release: that is `published_at`.
    """

    id: int
    repository: str
    tag: str
    target: str
    name: str | None
    body: str | None
    draft: bool
    prerelease: bool
    author: Account
    created_at: datetime
    published_at: datetime | None
    updated_at: datetime

    @property
    def slug(self) -> str:
        """What its pages are called by."""
        return f"untagged-{self.id:020x}" if self.draft else self.tag


@dataclass(frozen=True)
class Asset:
    """A file of a release; without `stored` its upload broke off."""

    id: int
    release_id: int
    name: str
    label: str | None
    content_type: str
    stored: Stored | None
    uploader: Account
    created_at: datetime
    downloads: int = 0


@dataclass(frozen=True)
class Ticket:
    """Leave to download something without a token for a while."""

    stored: Stored
    name: str
    content_type: str
    until: datetime


@dataclass(frozen=True)
class Delivery:
    """A webhook that was sent, with what the other side answered. `duration` in seconds."""

    id: int
    guid: str
    app_id: int
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    redelivery: bool
    url: str
    request_headers: Mapping[str, str]
    payload: bytes = field(repr=False)
    delivered_at: datetime
    duration: float
    status: str
    status_code: int
    response_headers: Mapping[str, str]
    response_body: str = field(repr=False)


class Call(NamedTuple):
    """A request that the simulator answered; `path` is below the REST root, or the whole path for git."""

    method: str
    path: str
    status: int


class Violation(NamedTuple):
    """Something that GitHub's description does not allow. `side` is request, response or webhook."""

    side: str
    method: str
    path: str
    reason: str
