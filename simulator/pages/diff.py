"""Diffs as rows of a table, with annotations below the lines they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.git import FileChange, GitRepository

HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
KINDS = {"+": "added", "-": "removed", "\\": "note"}

Annotation = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A line of a diff; `kind` is added, removed, context, hunk or note. Line numbers are empty where there is none."""

    kind: str
    old: int | None
    new: int | None
    text: str
    annotations: tuple[Annotation, ...] = ()


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


def file_diffs(changes: Sequence[FileChange], annotations: Sequence[Annotation]) -> list[FileDiff]:
    """Each changed file with the annotations on it."""
    return [_file_diff(change, [one for one in annotations if one["path"] == change.filename]) for change in changes]


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


def _file_diff(change: FileChange, annotations: Sequence[Annotation]) -> FileDiff:
    rows, shown = [], set()
    for row in _rows(change.patch or ""):
        here = tuple(one for one in annotations if one["end_line"] == row.new)
        rows.append(Row(row.kind, row.old, row.new, row.text, here))
        shown.add(row.new)
    return FileDiff(change, tuple(rows), tuple(one for one in annotations if one["end_line"] not in shown))


def _rows(patch: str) -> Iterator[Row]:
    old = new = 0
    for line in patch.split("\n") if patch else ():
        if match := HUNK.match(line):
            old, new = int(match[1]), int(match[2])
            yield Row("hunk", None, None, line)
            continue
        kind = KINDS.get(line[:1], "context")
        yield Row(
            kind, old if kind in {"removed", "context"} else None, new if kind in {"added", "context"} else None, line
        )
        old += kind in {"removed", "context"}
        new += kind in {"added", "context"}
