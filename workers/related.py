"""Pull requests that touched the same constants before, found from who wrote their definitions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import structlog

from checker.report import Report
from checker.tree import MAX_BLOB_BYTES, Kind, Tree
from workers.github import Client, NotThere, Rejected, Unavailable
from workers.github.failures import Forbidden, Unauthorized
from workers.github.graphql import MOST_PATHS, BlameRange
from workers.report.context import RelatedPull
from workers.runs import Run

MOST_PULLS = 5
"""Pull requests that are told of: a reader follows no more."""

Lines = Mapping[str, tuple[int, ...]]
"""Constant → the lines that define it, counted from 1."""

log = structlog.get_logger(__name__)

# What nobody closed ends with its line or the file: else each of its quotes would be searched from anew.
_COMMENT_OR_STRING = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)'", re.DOTALL)


def find_related(client: Client, run: Run, reports: Sequence[Report], base: Tree) -> tuple[RelatedPull, ...]:
    """Who defined what a run changes as it is at its base; one question to GitHub, none where nothing changed.

    What GitHub refuses, or is too slow to find out, is left out. Raises `GitHubError` for a limit or a token that is no
    longer good, and whatever reading `base` raises.
    """
    lines = _defined(reports, base)
    if not lines:
        return ()
    try:
        ranges = client.blame(run.repository, run.base, tuple(lines))
    except Unauthorized:
        raise
    except (NotThere, Rejected, Forbidden, Unavailable) as error:
        log.warning("related pull requests could not be found", run=run.id, error=str(error))
        return ()
    return relate(lines, ranges, run.number)


def definition_lines(text: str, names: Collection[str]) -> Lines:
    """The lines on which C or C++ defines some of `names`: as macros, with all lines of each, or with `=` or braces.

    All definitions count, whatever conditions they are under. A qualified name is looked for by its last part; what is
    no name, such as `sizeof(x)`, is passed over.
    """
    by_last_part: dict[str, list[str]] = {}
    for name in names:
        if (last := name.rpartition("::")[2]).isidentifier():
            by_last_part.setdefault(last, []).append(name)
    if not by_last_part:
        return {}
    code = _COMMENT_OR_STRING.sub(_blank, text)
    found: dict[str, dict[int, None]] = {}
    line, counted = 1, 0
    for match in _definitions(by_last_part).finditer(code):
        line += code.count("\n", counted, match.start())
        counted = match.start()
        for name in by_last_part[match["macro"] or match["other"]]:
            last_line = line + match[0].count("\n")
            found.setdefault(name, {}).update(dict.fromkeys(range(line, last_line + 1)))
    return {name: tuple(found[name]) for name in names if name in found}


def relate(
    lines: Mapping[str, Lines], ranges: Mapping[str, Sequence[BlameRange]], own_number: int | None
) -> tuple[RelatedPull, ...]:
    """The pull requests behind `lines`, both by path: the newest first, at most `MOST_PULLS`, but not the run's own."""
    titles: dict[int, str] = {}
    touched: dict[int, dict[str, None]] = {}
    for path, defined in lines.items():
        for name, numbers in defined.items():
            for pull in (pull for one in ranges.get(path, ()) if _meets(one, numbers) for pull in one.pulls):
                titles[pull.number] = pull.title
                touched.setdefault(pull.number, {})[name] = None
    newest = sorted(touched.keys() - {own_number}, reverse=True)[:MOST_PULLS]
    return tuple(RelatedPull(number, titles[number], tuple(touched[number])) for number in newest)


def _defined(reports: Sequence[Report], base: Tree) -> dict[str, Lines]:
    """Where the constants that changed are defined at base, by path; the first `MOST_PATHS` files."""
    wanted: dict[str, dict[str, None]] = {}
    for path, name in _changed(reports):
        entry = base.entries.get(path)
        if entry is not None and entry.kind is Kind.FILE:
            wanted.setdefault(path, {})[name] = None
    blobs = base.read([base.entries[path].oid for path in wanted], MAX_BLOB_BYTES) if wanted else {}
    found: dict[str, Lines] = {}
    for path, names in wanted.items():
        data = blobs[base.entries[path].oid].data
        lines = definition_lines(data.decode(errors="replace"), names) if data is not None else {}
        if lines and len(found) < MOST_PATHS:
            found[path] = lines
    return found


def _changed(reports: Sequence[Report]) -> Iterator[tuple[str, str]]:
    """Path and name of each constant that changed on any target."""
    for report in reports:
        for target in report.targets:
            for constant in target.constants:
                if constant.changed and constant.path is not None:
                    yield constant.path, constant.name


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _definitions(names: Collection[str]) -> re.Pattern[str]:
    """Finds each definition, from its macro's `#define` or from its name, to its end."""
    any_name = "|".join(re.escape(name) for name in names)
    return re.compile(
        rf"^[ \t]*\#[ \t]*define[ \t]+(?P<macro>{any_name})\b(?:[^\n]*\\[ \t]*\r?\n)*[^\n]*"
        # Neither a field of an initializer, nor a comparison.
        rf"|(?<![\w.>])(?P<other>{any_name})\s*(?:=(?!=)|\{{)[^;,}}]*",
        re.MULTILINE,
    )


def _meets(one: BlameRange, lines: Sequence[int]) -> bool:
    return any(one.first <= line <= one.last for line in lines)
