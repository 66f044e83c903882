"""The contained child: parses one probe translation unit from memory and says what libclang saw.

Run as a script by `checker.clang`, with nothing but libclang on its path. It reads one marshalled request from
standard input and writes one JSON answer to standard output. It decides nothing: errors are judged by the parent.

Request: {files: {path: bytes}, main: path, arguments: [str], probes: [name], macros: [name], conditions: [name]}
Answer: {values: {probe: int}, references: {probe: [[path, first line, last line], nearest first]},
         macros: {name: [path, first line, last line, body, [identifiers in its body], whether it takes arguments,
                         [path, first line] of another definition in an earlier file, or null]},
         defined: [those of conditions that are macros],
         inclusions: {path: line of the main file},
         diagnostics: [[severity, category, path, line, text, [[path, line] of each note]]]} or {failure: text}
"""

from __future__ import annotations

import ctypes
import json
import marshal
import os
import re
import resource
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Place = tuple[str, int, int]

PARSE_OPTIONS = 0x01 | 0x40 | 0x200
"""Detailed preprocessing record, skip function bodies, keep going after a fatal error."""

IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
LINE_END = re.compile(r"\r\n|\n|\r")
CONTINUATION = re.compile(r"\\[ \t]*\n")
MACRO_HEAD = re.compile(r"\s*#\s*define\s+\w+")
PARAMETERS = re.compile(r"\([^)]*\)")

ERROR_SEVERITY = 3
MAX_MESSAGE = 400
VISIT_BREAK, VISIT_CONTINUE, VISIT_RECURSE = 0, 1, 2


def limit_resources(cpu_seconds: int, memory_bytes: int) -> None:
    """Never give the parse more than this; the parent watches the wall clock."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Unit:
    """A parsed translation unit."""

    def __init__(self, cindex: Any, request: dict[str, Any]) -> None:
        self.cindex = cindex
        self.library = cindex.conf.lib
        self.unit = cindex.Index.create().parse(
            request["main"], request["arguments"], list(request["files"].items()), PARSE_OPTIONS
        )
        self.library.clang_Cursor_Evaluate.restype = ctypes.c_void_p
        self.library.clang_Cursor_Evaluate.argtypes = [cindex.Cursor]
        self.library.clang_EvalResult_getKind.argtypes = [ctypes.c_void_p]
        self.library.clang_EvalResult_getAsUnsigned.restype = ctypes.c_ulonglong
        self.library.clang_EvalResult_getAsUnsigned.argtypes = [ctypes.c_void_p]
        self.library.clang_EvalResult_dispose.argtypes = [ctypes.c_void_p]

    def visit(self, root: Any, visitor: Callable[[Any, Any], int]) -> None:
        """Calls `visitor` with each child cursor and its parent; cheaper than `get_children`, which keeps them all."""
        failures: list[Exception] = []

        def each(cursor: Any, parent: Any, _data: Any) -> int:
            cursor._tu = parent._tu = self.unit
            try:
                return visitor(cursor, parent)
            except Exception as error:  # noqa: BLE001 - ctypes would swallow it, and a value would go missing
                failures.append(error)
                return VISIT_BREAK

        self.library.clang_visitChildren(root, self.cindex.callbacks["cursor_visit"](each), None)
        if failures:
            raise failures[0]

    def evaluate(self, cursor: Any) -> int | None:
        """The unsigned integer that the cursor's initializer is worth, if it is one."""
        result = self.library.clang_Cursor_Evaluate(cursor)
        if not result:
            return None
        try:
            is_integer = self.library.clang_EvalResult_getKind(result) == 1
            return self.library.clang_EvalResult_getAsUnsigned(result) if is_integer else None
        finally:
            self.library.clang_EvalResult_dispose(result)

    def takes_arguments(self, macro: Any) -> bool:
        """Whether a macro's definition has a list of parameters."""
        return bool(self.library.clang_Cursor_isMacroFunctionLike(macro))

    def diagnostics(self) -> Iterator[tuple[int, str, str | None, int, str, list[tuple[str, int]]]]:
        """Errors and worse."""
        for diagnostic in self.unit.diagnostics:
            if diagnostic.severity >= ERROR_SEVERITY:
                file = diagnostic.location.file
                yield (
                    diagnostic.severity,
                    diagnostic.category_name or "",
                    file.name if file else None,
                    diagnostic.location.line,
                    message(diagnostic),
                    places_of_notes(diagnostic),
                )

    def inclusions(self) -> dict[str, int]:
        """Each included file, and the line of the main file through which it first came in."""
        came_in: dict[str, int] = {}
        for inclusion in self.unit.get_includes():
            source = inclusion.source.name
            came_in.setdefault(inclusion.include.name, came_in.get(source, inclusion.location.line))
        return came_in


def message(diagnostic: Any) -> str:
    """The error and what clang adds to it, but for how the file came in and the macros on the way."""
    notes = (note.spelling for note in diagnostic.children)
    parts = [
        diagnostic.spelling,
        *(note for note in notes if not note.startswith(("in file included", "expanded from"))),
    ]
    text = "; ".join(part[:MAX_MESSAGE] for part in parts)
    return text if len(text) <= MAX_MESSAGE else f"{text[: MAX_MESSAGE - 1]}…"


def places_of_notes(diagnostic: Any) -> list[tuple[str, int]]:
    """Where clang's notes point: for an error in a macro, the bodies that it comes out of, the innermost last."""
    locations = (note.location for note in diagnostic.children)
    return [(location.file.name, location.line) for location in locations if location.file is not None]


def referenced_declarations(unit: Unit, probe: Any, main: str) -> list[Place]:
    """Where the declarations outside `main` stand that the probe's initializer names, and those that these are made of.

    The nearest come first. A class that only qualifies a member's name is none of them, but an enumerator's
    enumeration is: what is wrong with one enumerator is wrong with those after it.
    """
    kinds = unit.cindex.CursorKind
    found: dict[Place, None] = {}
    pending = deque([probe])

    def add(declaration: Any) -> None:
        place = place_of(declaration)
        if place is not None and place[0] != main and place not in found:
            found[place] = None
            pending.append(declaration)

    def visitor(cursor: Any, parent: Any) -> int:
        qualifies = cursor.kind == kinds.TYPE_REF and parent.kind == kinds.DECL_REF_EXPR
        if cursor.kind in {kinds.DECL_REF_EXPR, kinds.TYPE_REF} and not qualifies and cursor.referenced is not None:
            add(cursor.referenced)
            if cursor.referenced.kind == kinds.ENUM_CONSTANT_DECL:
                add(cursor.referenced.semantic_parent)
        return VISIT_RECURSE

    while pending:
        unit.visit(pending.popleft(), visitor)
    return list(found)


def place_of(declaration: Any) -> Place | None:
    """Path, first and last line, unless it is the compiler's own."""
    extent = declaration.extent
    return (extent.start.file.name, extent.start.line, extent.end.line) if extent.start.file is not None else None


def survey(unit: Unit, probes: Iterable[str], main: str) -> dict[str, Any]:
    """One pass over the top level: probe values, what they refer to, and every macro's definitions in order."""
    wanted = set(probes)
    values: dict[str, int] = {}
    references: dict[str, list[Place]] = {}
    macros: dict[str, list[Any]] = {}
    kinds = unit.cindex.CursorKind
    macro_kind, variable_kind = kinds.MACRO_DEFINITION.value, kinds.VAR_DECL.value

    def visitor(cursor: Any, _parent: Any) -> int:
        kind = cursor._kind_id
        if kind == macro_kind:
            macros.setdefault(cursor.spelling, []).append(cursor)
        elif kind == variable_kind and (name := cursor.spelling) in wanted:
            if (value := unit.evaluate(cursor)) is not None:
                values[name] = value
            if found := referenced_declarations(unit, cursor, main):
                references[name] = found
        return VISIT_CONTINUE

    unit.visit(unit.unit.cursor, visitor)
    return {"values": values, "references": references, "macros": macros}


MacroAnswer = tuple[str, int, int, str, list[str], bool, "tuple[str, int] | None"]


def macro_chain(
    unit: Unit, files: dict[str, bytes], names: Iterable[str], macros: dict[str, list[Any]]
) -> dict[str, MacroAnswer]:
    """The definitions in effect at the end of the unit of `names` and of every macro they are made of.

    Bodies are read from the text: only what they mention matters here, and libclang's tokens cost ten times as much.
    """
    lines: dict[str, list[str]] = {}
    chain: dict[str, MacroAnswer] = {}
    pending = deque(name for name in names if name in macros)

    def body_of(macro: Any) -> str:
        path, first, last = macro.extent.start.file.name, macro.extent.start.line, macro.extent.end.line
        if path not in lines:
            lines[path] = LINE_END.split(files[path].decode(errors="replace"))
        text = COMMENT.sub(" ", "\n".join(lines[path][first - 1 : last]))
        body = MACRO_HEAD.sub("", CONTINUATION.sub(" ", text), count=1)
        if unit.takes_arguments(macro):
            body = PARAMETERS.sub("", body, count=1)
        return " ".join(body.split())

    while pending:
        name = pending.popleft()
        written = [macro for macro in macros[name] if macro.extent.start.file is not None]
        if name in chain or not written:
            continue
        macro = written[-1]
        body = body_of(macro)
        used = list(dict.fromkeys(IDENTIFIER.findall(body)))
        path, first, last = macro.extent.start.file.name, macro.extent.start.line, macro.extent.end.line
        elsewhere = [each for each in written[:-1] if each.extent.start.file.name != path]
        other = next((place_of(each) for each in elsewhere if body_of(each) != body), None)
        chain[name] = (path, first, last, body, used, unit.takes_arguments(macro), other[:2] if other else None)
        pending.extend(inner for inner in used if inner in macros)
    return chain


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Parses and surveys. Raises whatever libclang raises."""
    from clang import cindex

    unit = Unit(cindex, request)
    found = survey(unit, request["probes"], request["main"])
    return {
        "values": found["values"],
        "references": found["references"],
        "macros": macro_chain(unit, request["files"], request["macros"], found["macros"]),
        "defined": [name for name in request["conditions"] if name in found["macros"]],
        "inclusions": unit.inclusions(),
        "diagnostics": list(unit.diagnostics()),
    }


def main() -> None:
    """Entry point of the child: `evaluator.py SITE_PACKAGES CPU_SECONDS MEMORY_BYTES`."""
    site_packages, cpu_seconds, memory_bytes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sys.path.append(site_packages)
    limit_resources(cpu_seconds, memory_bytes)
    request = marshal.load(sys.stdin.buffer)  # noqa: S302 - written by the parent alone
    try:
        result = answer(request)
    except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the parent as a failure
        result = {"failure": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(result))
    sys.stdout.flush()
    # Skipping libclang's teardown saves a tenth of the child's time.
    os._exit(0)


if __name__ == "__main__":
    main()
