"""What the texts need to know beside the report, and what a check run consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote


@dataclass(frozen=True)
class Context:
    """Where a report belongs. `repository` is `owner/name`, or empty where there is none to link to.

    `web_url` is the root of GitHub's pages, without a slash at its end.
    """

    repository: str
    number: int | None
    base_sha: str
    head_sha: str
    details_url: str | None
    watched_files: tuple[str, ...] = ()
    web_url: str = "https://github.com"

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
class CheckOutput:
    """What a check run shows. `conclusion` is GitHub's word, or `None` while the check is under way."""

    conclusion: str | None
    title: str
    summary: str
    text: str | None = None
    annotations: tuple[Annotation, ...] = ()
