"""What the texts need to know beside the report, and what a check run consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from urllib.parse import quote

from checker.profile import Profile
from checker.report import Report
from config.repository import Problem, RepositorySettings
from workers.plain import Plain


@dataclass(frozen=True)
class Context:
    """Where a report belongs. `repository` is `owner/name`, or empty where there is none to link to.

    `web_url` is the root of GitHub's pages, without a slash at its end. `attempt` counts from 1; `asked_by` is the
    login of who asked for it. `superseded_by` is the sha that has taken the place of the head. What belongs to no pull
    request has no `number`, but a `ref`, without refs/heads/: the default branch, or that of a merge queue's group.
    """

    repository: str
    number: int | None
    base_sha: str
    head_sha: str
    details_url: str | None
    watched_files: tuple[str, ...] = ()
    web_url: str = "https://github.com"
    attempt: int = 1
    asked_by: str = ""
    superseded_by: str | None = None
    ref: str = ""

    @property
    def is_merge_group(self) -> bool:
        """Whether it is a group in a merge queue, by the branches that GitHub makes for those."""
        return self.number is None and self.ref.startswith("gh-readonly-queue/")

    @property
    def check_url(self) -> str | None:
        """Where the check is read, if that is known."""
        if self.details_url is not None or self.number is None or not self.repository:
            return self.details_url
        return f"{self.web_url}/{quote(self.repository)}/pull/{self.number}/checks"

    def file_url(self, path: str, line: int | None) -> str | None:
        """The address of a file's line at head."""
        if not self.repository:
            return None
        anchor = f"#L{line}" if line else ""
        return f"{self.web_url}/{quote(self.repository)}/blob/{quote(self.head_sha)}/{quote(path)}{anchor}"


@dataclass(frozen=True)
class Annotation:
    """A remark beside one line at head. `line` counts from 1."""

    path: str
    line: int
    level: Literal["failure", "warning", "notice"]
    title: str
    message: str


@dataclass(frozen=True)
class Action:
    """A button of a check run. GitHub takes 20 characters of `label`, 40 of `description`."""

    identifier: str
    label: str
    description: str


@dataclass(frozen=True)
class CheckOutput:
    """What a check run shows. `conclusion` is GitHub's word, or `None` while the check is under way."""

    conclusion: str | None
    title: str
    summary: str
    text: str | None = None
    annotations: tuple[Annotation, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What was found out about one profile's part of a change."""

    report: Report
    profile: Profile


@dataclass(frozen=True)
class RelatedPull(Plain):
    """A pull request that touched `constants` before; `title` is its author's."""

    number: int
    title: str
    constants: tuple[str, ...]


@dataclass(frozen=True)
class SettingsNews:
    """What there is to tell of the repository's settings.

    `path` is their file. `problems` are those of the file that rules, at the base branch `ref`: what ruled before does
    so still. `proposed` are those of the file that a change brings, `None` where it brings none; empty for a valid one
    and for a change that has `removed` the file.
    """

    path: str
    ref: str
    settings: RepositorySettings = field(default_factory=RepositorySettings)
    problems: tuple[Problem, ...] = ()
    proposed: tuple[Problem, ...] | None = None
    removed: bool = False


class Gate(StrEnum):
    """How the stress stands that the check waits for, where a repository's settings say that it does."""

    WAITING = "waiting"
    APPROVAL = "approval"
    FAILED = "failed"
    UNSURE = "unsure"
    PASSED = "passed"
