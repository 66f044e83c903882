"""What a tree's constants are worth on one target: values, definitions, and errors that never become values.

An answer of libclang is judged here. The judgement is closed: an error that might concern a value takes that
value away, with the file, the line and the text of the error.
"""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from checker.clang import Answer, Diagnostic, Killed, run
from checker.conditions import conditions_around
from checker.entries import Target
from checker.evaluator import COMMENT, IDENTIFIER, LINE_END
from checker.probe import ENABLED, MAIN, ROOT, SLICES, Probe, Wanted, build
from checker.profile import Profile
from checker.tree import MAX_BLOB_BYTES, Entry, Kind, Tree, printable

RESERVED = re.compile(r"__|_[A-Z]")
"""How names begin that C++ keeps for the implementation."""

MAX_FILES = 5000
MAX_TREE_BYTES = 64 * 1024 * 1024

FATAL = 4
TOLERATED_IN_SLICES = frozenset({"Semantic Issue", "Parse Issue"})
"""clang's categories for errors that a file without its includes is bound to have. The rest, `#error` and all that
concerns the preprocessor, can change which declarations there are."""


@dataclass(frozen=True)
class Definition:
    """Where a name is defined at the end of the probe: path in the tree, lines, and what it is made of."""

    path: str
    line: int
    last: int
    body: str = ""
    uses: tuple[str, ...] = ()
    takes_arguments: bool = False


@dataclass(frozen=True)
class Failure:
    """Why a value could not be had. `path` and `line` are the tree's, where they are known."""

    message: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Evaluation:
    """One tree on one target. Every wanted value is in exactly one of `values`, `absent` and `failures`.

    `absent` holds what the tree does not have and need not have. Links are there only where they
    have a value. `stopped` says why there is no answer at all.
    """

    values: Mapping[Wanted, int]
    absent: frozenset[Wanted]
    failures: Mapping[Wanted, Failure]
    definitions: Mapping[str, Definition]
    stopped: Failure | None = None

    def value(self, wanted: Wanted) -> int | None:
        """The value, or `None` when it is absent or could not be had."""
        return self.values.get(wanted)


def headers(tree: Tree, profile: Profile) -> list[Entry]:
    """The tree's entries that an evaluation of `profile` may read, in order of path.

    A path that is no UTF-8 is none of them: whatever includes it finds nothing there.
    """
    readable = (entry for path, entry in tree.entries.items() if profile.reads(path) and printable(path) == path)
    return sorted(readable, key=lambda entry: entry.path)


def evaluate(tree: Tree, profile: Profile, target: Target, links: Collection[str] = ()) -> Evaluation:
    """Asks libclang for everything that `profile` wants to know about `tree` on `target`, and for macros `links`."""
    entries = headers(tree, profile)
    try:
        content = read(tree, entries)
        probe = build(profile, content.keys(), f"pw{secrets.token_hex(8)}", links)
        answer = run(probe, content, profile, target)
    except Killed as reason:
        return Evaluation({}, frozenset(), {}, {}, stopped=Failure(str(reason)))
    return judge(answer, probe, profile, content)


def read(tree: Tree, entries: list[Entry]) -> dict[str, bytes]:
    """The content of `entries` by path.

    What is no plain file, or too large, stands as an error that is raised where it is included. Raises `Killed`
    for trees that are too large as a whole.
    """
    if len(entries) > MAX_FILES:
        raise Killed(f"the tree has {len(entries)} headers to read; at most {MAX_FILES} are read")
    blobs = tree.read([entry.oid for entry in entries if entry.kind is Kind.FILE], MAX_BLOB_BYTES)
    content: dict[str, bytes] = {}
    for entry in entries:
        data = blobs[entry.oid].data if entry.kind is Kind.FILE else None
        if data is None:
            data = b"#error " + _why_unread(entry, blobs[entry.oid].size if entry.kind is Kind.FILE else 0).encode()
        content[entry.path] = data
    if (total := sum(map(len, content.values()))) > MAX_TREE_BYTES:
        raise Killed(f"the headers have {total} bytes together; at most {MAX_TREE_BYTES} are read")
    return content


def _why_unread(entry: Entry, size: int) -> str:
    if entry.kind is Kind.FILE:
        return f"this file has {size} bytes; pagewarden reads headers of at most {MAX_BLOB_BYTES}\n"
    return f"this path is a {entry.kind.value} and not a file; pagewarden does not follow it\n"


def judge(answer: Answer, probe: Probe, profile: Profile, content: Mapping[str, bytes]) -> Evaluation:
    """Turns libclang's answer into values, absences and failures."""
    definitions = dict(_definitions(answer, probe, profile, content))
    sections = _sections(answer, probe, profile)
    touched: dict[str, Diagnostic] = {}
    for diagnostic in answer.diagnostics:
        for variable in _touched_by(diagnostic, answer, probe, sections):
            touched.setdefault(variable, diagnostic)
    values: dict[Wanted, int] = {}
    absent: set[Wanted] = set()
    failures: dict[Wanted, Failure] = {}
    told = _in_our_words(probe)
    for variable, wanted in probe.variables.items():
        diagnostic_ = touched.get(variable)
        unseen = None
        if diagnostic_ is None:
            unseen = _unseen_condition(answer, variable, probe, profile, content) or _twice(answer, wanted, profile)
        if unseen is not None:
            if wanted.kind != "link":
                failures[wanted] = unseen
        elif diagnostic_ is None and variable in answer.values:
            values[wanted] = answer.values[variable]
        elif _may_be_absent(wanted, diagnostic_, profile, content):
            absent.add(wanted)
        elif wanted.kind != "link":
            failures[wanted] = _failure(wanted, diagnostic_, profile, definitions, told)
    causes = {wanted: touched[variable] for variable, wanted in probe.variables.items() if variable in touched}
    rooted = _at_their_roots(failures, causes, definitions, profile)
    return Evaluation(values, frozenset(absent), rooted, definitions)


def chain(names: Iterable[str], definitions: Mapping[str, Definition]) -> Iterator[str]:
    """`names` and every name that their definitions are made of, nearest first."""
    pending = deque(dict.fromkeys(names))
    seen = set(pending)
    while pending:
        current = pending.popleft()
        definition = definitions.get(current)
        if definition is None:
            continue
        yield current
        for used in definition.uses:
            if used not in seen:
                seen.add(used)
                pending.append(used)


def _at_their_roots(
    failures: Mapping[Wanted, Failure],
    causes: Mapping[Wanted, Diagnostic],
    definitions: Mapping[str, Definition],
    profile: Profile,
) -> dict[Wanted, Failure]:
    """Each failure, or that of the constant at fault: one bad literal fails whatever is made of it.

    clang's notes name the macro at fault even where its name is pasted together; elsewhere the definitions do.
    """
    failing = {wanted.name: failure for wanted, failure in failures.items() if wanted.kind == "constant"}
    places = {(definitions[name].path, definitions[name].line): name for name in failing if name in definitions}

    def root(wanted: Wanted) -> str | None:
        notes = causes[wanted].notes if wanted in causes else ()
        noted = [places[place] for file, line in notes if (place := (_tree_path(file) or "", line)) in places]
        origins = noted[-1:] or _names_behind(wanted, profile)
        return next((name for name in reversed(list(chain(origins, definitions))) if name in failing), None)

    roots = {wanted: root(wanted) for wanted in failures}
    return {wanted: failing[name] if (name := roots[wanted]) else failure for wanted, failure in failures.items()}


def _unseen_condition(
    answer: Answer, variable: str, probe: Probe, profile: Profile, content: Mapping[str, bytes]
) -> Failure | None:
    """The first condition around what the value is made of that asks about a macro nobody knows.

    A slice drops includes, and one of them may define it. Names that are the compiler's own, and build flags, may be
    undefined.
    """
    for file, first, _last in _places(answer, variable, probe, profile):
        path = _tree_path(file)
        if path is None or not file.startswith(f"{SLICES}/"):
            continue
        for condition in conditions_around(content[path], first):
            for name in condition.names:
                if name not in answer.defined and not RESERVED.match(name) and not profile.is_build_flag(name):
                    message = f"depends on {name}, which no header that is read here defines"
                    return Failure(message, path, condition.line)
    return None


def _places(answer: Answer, variable: str, probe: Probe, profile: Profile) -> Iterator[tuple[str, int, int]]:
    """The declarations and macro definitions that a value is made of: file, first and last line."""
    yield from answer.references.get(variable, ())
    for name in _macros_behind(probe.variables[variable], answer, profile):
        macro = answer.macros[name]
        yield macro.path, macro.line, macro.last


def _twice(answer: Answer, wanted: Wanted, profile: Profile) -> Failure | None:
    """A macro that the value is made of and that two files define: nobody can tell which one counts where."""
    for name in _macros_behind(wanted, answer, profile):
        macro = answer.macros[name]
        if macro.other is not None:
            path, line = _tree_path(macro.other[0]) or "elsewhere", macro.other[1]
            message = f"{name} is defined more than once, differently: here and at {path}:{line}"
            return Failure(message, _tree_path(macro.path), macro.line)
    return None


def _macros_behind(wanted: Wanted, answer: Answer, profile: Profile) -> Iterator[str]:
    """Macros that a named value's expression mentions, and those they are made of."""
    pending = IDENTIFIER.findall(_subject(wanted, profile))
    if wanted.kind == "heap" and profile.enabled_field is not None:
        pending += IDENTIFIER.findall(profile.enabled_field)
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in answer.macros and name not in seen:
            seen.add(name)
            yield name
            pending.extend(answer.macros[name].uses)


def _definitions(
    answer: Answer, probe: Probe, profile: Profile, content: Mapping[str, bytes]
) -> Iterator[tuple[str, Definition]]:
    for name, macro in answer.macros.items():
        if (path := _tree_path(macro.path)) is not None:
            yield name, Definition(path, macro.line, macro.last, macro.body, macro.uses, macro.takes_arguments)
    for variable, ((file, first, last), *_) in answer.references.items():
        wanted = probe.variables[variable]
        if wanted.name not in answer.macros and (path := _tree_path(file)) is not None:
            lines = LINE_END.split(content.get(path, b"").decode(errors="replace"))[first - 1 : last]
            body = " ".join(" ".join(lines).split())
            own = IDENTIFIER.findall(_subject(wanted, profile))
            used = (name for name in dict.fromkeys(IDENTIFIER.findall(body)) if name not in own)
            yield wanted.name, Definition(path, first, last, body, tuple(used))


def _tree_path(path: str | None) -> str | None:
    """A path of the tree, or `None` for what is the probe's own."""
    for root in (ROOT, SLICES):
        if path is not None and path.startswith(f"{root}/"):
            return path[len(root) + 1 :]
    return None


def _sections(answer: Answer, probe: Probe, profile: Profile) -> dict[str, int]:
    """Per variable the last section that anything its value is made of comes from."""

    def section(variable: str, wanted: Wanted) -> int:
        lines = (answer.inclusions.get(file, 0) for file, _, _ in _places(answer, variable, probe, profile))
        return max([probe.section_of[wanted], *(probe.section_of_line.get(line, 0) for line in lines)])

    return {variable: section(variable, wanted) for variable, wanted in probe.variables.items()}


def _touched_by(diagnostic: Diagnostic, answer: Answer, probe: Probe, sections: Mapping[str, int]) -> Iterable[str]:
    """The variables whose values the error might concern."""
    path, line = diagnostic.path, diagnostic.line
    if path == MAIN and line in probe.lines and diagnostic.severity < FATAL:
        return probe.lines[line]
    in_slice = path is not None and path.startswith(f"{SLICES}/")
    if in_slice and diagnostic.category in TOLERATED_IN_SLICES and diagnostic.severity < FATAL:
        return [
            name
            for name, places in answer.references.items()
            if any(file == path and first <= line <= last for file, first, last in places)
        ]
    came_in = line if path == MAIN else answer.inclusions.get(path or "", 0)
    section = 0 if diagnostic.severity >= FATAL else probe.section_of_line.get(came_in, 0)
    return [variable for variable, its in sections.items() if its >= section]


def _may_be_absent(
    wanted: Wanted, diagnostic: Diagnostic | None, profile: Profile, content: Mapping[str, bytes]
) -> bool:
    """Whether a missing value only says that the tree has no such name."""
    if wanted.kind in {"macro", "link"}:
        return diagnostic is None
    if (needs := _needs(wanted, profile)) is not None:
        return not _mentioned(needs, content.values())
    if wanted.kind != "constant":
        return False
    constant = next(constant for constant in profile.constants if constant.name == wanted.name)
    if not constant.optional:
        return False
    if constant.macro:
        return diagnostic is None
    slices = (content[path] for section in profile.sections for path in section.slices if path in content)
    return diagnostic is not None and diagnostic.path == MAIN and not _mentioned(constant.unqualified, slices)


def _needs(wanted: Wanted, profile: Profile) -> str | None:
    """The word without which the tree has no such value."""
    if wanted.kind == "limit":
        return profile.limits[wanted.name].needs
    if wanted.kind == "heap" and wanted.field != ENABLED:
        heap = next(heap for heap in profile.heaps if heap.name == wanted.name)
        return profile.heap_fields[heap.kind][wanted.field].needs
    return None


def _mentioned(word: str, sources: Iterable[bytes]) -> bool:
    """Whether a word stands anywhere outside comments."""
    pattern = re.compile(rb"\b" + re.escape(word.encode()) + rb"\b")
    comment = re.compile(COMMENT.pattern.encode(), re.DOTALL)
    return any(pattern.search(source) and pattern.search(comment.sub(b" ", source)) for source in sources)


def _in_our_words(probe: Probe) -> Callable[[str], str]:
    """Rewrites a compiler's message: the probe's own names and the evaluation's own paths mean nothing to people."""
    variable = re.compile("|".join(map(re.escape, sorted(probe.variables, key=len, reverse=True))))
    roots = re.compile(f"(?:{re.escape(ROOT)}|{re.escape(SLICES)})/")
    return lambda text: roots.sub("", variable.sub(lambda match: probe.variables[match[0]].name, text))


def _failure(
    wanted: Wanted,
    diagnostic: Diagnostic | None,
    profile: Profile,
    definitions: Mapping[str, Definition],
    told: Callable[[str], str],
) -> Failure:
    if diagnostic is not None and (path := _tree_path(diagnostic.path)) is not None:
        return Failure(told(diagnostic.text), path, diagnostic.line)
    place = next((definitions[name] for name in _names_behind(wanted, profile) if name in definitions), None)
    message = (
        told(diagnostic.text)
        if diagnostic is not None
        else f"{_subject(wanted, profile)} is not defined or no integer constant"
    )
    return Failure(message, place.path if place else None, place.line if place else None)


def _names_behind(wanted: Wanted, profile: Profile) -> list[str]:
    """Macros or constants whose definition a failure of `wanted` is best shown at."""
    if wanted.kind == "heap":
        heap = next(heap for heap in profile.heaps if heap.name == wanted.name)
        return [*heap.definitions.get(wanted.field, ()), profile.objects[heap.object].initializer]
    if wanted.kind == "limit":
        return [wanted.name, profile.limits[wanted.name].expression]
    return [wanted.name]


def _subject(wanted: Wanted, profile: Profile) -> str:
    if wanted.kind == "heap":
        heap = next(heap for heap in profile.heaps if heap.name == wanted.name)
        return profile.objects[heap.object].initializer
    if wanted.kind == "constant":
        return next(constant.asked_as for constant in profile.constants if constant.name == wanted.name)
    return profile.limits[wanted.name].expression if wanted.kind == "limit" else wanted.name
