"""Diffs as rows of a table, with annotations below the lines they speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator import patch
from simulator.git import FileChange, GitRepository
from simulator.pages.threads import Thread

Annotation = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A line of a patch with the annotations and the conversations on it."""

    line: patch.Line
    annotations: tuple[Annotation, ...]
    threads: tuple[Thread, ...]


@dataclass(frozen=True)
class FileDiff:
    """A file of a diff. `elsewhere` are annotations on lines that the diff does not show."""

    change: FileChange
    rows: tuple[Row, ...]
    elsewhere: tuple[Annotation, ...]


@dataclass(frozen=True)
class Annotated:
    """An annotation with the line of source that it speaks of, `None` where there is no such line."""

    annotation: Annotation
    source: str | None


def file_diffs(
    changes: Sequence[FileChange], annotations: Sequence[Annotation], threads: Sequence[Thread] = ()
) -> list[FileDiff]:
    """Each changed file with the annotations and the conversations on it; outdated conversations are left out."""
    return [
        _file_diff(
            change,
            [one for one in annotations if one["path"] == change.filename],
            [one for one in threads if one.first.path == change.filename],
        )
        for change in changes
    ]


def outside(changes: Sequence[FileChange], annotations: Sequence[Annotation]) -> list[Annotation]:
    """Annotations on files that are not in the diff."""
    changed = {change.filename for change in changes}
    return [one for one in annotations if one["path"] not in changed]


def with_source(git: GitRepository, sha: str, annotations: Sequence[Annotation]) -> list[Annotated]:
    """Annotations with their source lines in that commit."""
    files: dict[str, list[str]] = {}
    for path in {one["path"] for one in annotations}:
        files[path] = source_lines(git, sha, path) or []
    return [
        Annotated(one, lines[number - 1] if 0 < number <= len(lines) else None)
        for one in annotations
        for lines, number in [(files[one["path"]], one["end_line"])]
    ]


def source_lines(git: GitRepository, sha: str, path: str) -> list[str] | None:
    """The lines of a file in a commit, or `None` where there is no such file."""
    blob = git.blob(sha, path)
    if blob is None:
        return None
    return blob.decode(errors="replace").removesuffix("\n").split("\n")


def _file_diff(change: FileChange, annotations: Sequence[Annotation], threads: Sequence[Thread]) -> FileDiff:
    rows, shown = [], set()
    for line in patch.lines(change.patch or ""):
        said = tuple(one for one in threads if one.line is not None and line.is_at(one.first.side, one.line))
        rows.append(Row(line, tuple(one for one in annotations if one["end_line"] == line.new), said))
        shown.add(line.new)
    return FileDiff(change, tuple(rows), tuple(one for one in annotations if one["end_line"] not in shown))
