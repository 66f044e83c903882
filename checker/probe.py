"""The probe: one translation unit that asks a compiler for every value that a profile wants.

Pure text; any C++20 compiler can read it (the tests give the same probe to g++). Names carry a nonce, so that
a header cannot define or read what the probe is going to declare.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from checker.profile import HeapConfig, Profile

ROOT = "/tree"
"""Where a tree's files lie in the evaluation's file system, which exists in memory only."""
SLICES = "/slices"
"""Where the files lie that are read without what they include."""
STUBS = "/stubs"
"""Where pagewarden's own system headers lie."""
MAIN = "/probe.cpp"

_INCLUDE = re.compile(rb"(?m)^([ \t]*#[ \t]*)((?:include|include_next|import)\b)")

ENABLED = "enabled"


class Wanted(NamedTuple):
    """What one probe is for: a constant, a limit, a macro's value, or a field of a heap config."""

    kind: Literal["constant", "limit", "macro", "heap"]
    name: str
    field: str = ""


@dataclass(frozen=True)
class Probe:
    """A probe unit for one profile and one set of files."""

    text: str
    variables: Mapping[str, Wanted]
    """Variable in the probe → what it is for."""
    lines: Mapping[int, tuple[str, ...]]
    """Line of the probe → the variables that depend on it alone; any other line concerns all that follow it."""
    section_of_line: Mapping[int, int]
    """Line of an include directive → index of its section."""
    section_of: Mapping[Wanted, int]
    """Which section a value comes from."""
    macros: tuple[str, ...]
    """Macros whose definitions are wanted."""


@dataclass
class _Writer:
    nonce: str
    lines: list[str] = field(default_factory=list)
    variables: dict[str, Wanted] = field(default_factory=dict)
    depends: dict[int, tuple[str, ...]] = field(default_factory=dict)
    section_lines: dict[int, int] = field(default_factory=dict)
    sections: dict[Wanted, int] = field(default_factory=dict)

    def write(self, text: str) -> int:
        self.lines.append(text)
        return len(self.lines)

    @property
    def type(self) -> str:
        """Of every probe; a name of ours, for a header can define `long` as a macro."""
        return f"{self.nonce}_type"

    def include(self, path: str, section: int, quote: str = "<>") -> None:
        self.section_lines[self.write(f"#include {quote[0]}{path}{quote[1]}")] = section

    def probe(self, wanted: Wanted, expression: str, section: int, *, guard: str | None = None) -> str:
        variable = f"{self.nonce}_{len(self.variables)}"
        if guard:
            self.write(f"#ifdef {guard}")
        line = self.write(f"constexpr {self.type} {variable} = static_cast<{self.type}>({expression});")
        if guard:
            self.write("#endif")
        self.variables[variable] = wanted
        self.depends[line] = (variable,)
        self.sections[wanted] = section
        return variable


def build(profile: Profile, present: Collection[str], nonce: str) -> Probe:
    """The probe for a tree that has the files in `present`. `nonce` is an unpredictable identifier."""
    writer = _Writer(nonce)
    writer.write(f"using {writer.type} = unsigned long long;")
    last = len(profile.sections) - 1
    for index, section in enumerate(profile.sections):
        for header in section.include:
            writer.include(header, index)
        for line in section.prelude.splitlines():
            writer.write(line)
        for path in section.slices:
            if path in present:
                writer.include(f"{SLICES}/{path}", index, '""')
        if index == 0:
            _probe_heaps(writer, profile)
            _probe_macros(writer, profile)
    for constant in profile.constants:
        if not constant.macro:
            writer.probe(Wanted("constant", constant.name), constant.asked_as, last)
    for name, expression in profile.limits.items():
        writer.probe(Wanted("limit", name), expression, _section_of_limit(profile, expression))
    return Probe(
        text="\n".join(writer.lines) + "\n",
        variables=writer.variables,
        lines=writer.depends,
        section_of_line=writer.section_lines,
        section_of=writer.sections,
        macros=tuple(_macros_wanted(profile)),
    )


def _section_of_limit(profile: Profile, expression: str) -> int:
    """Limits over qualified names stand or fall with the last section, all others with the first."""
    return len(profile.sections) - 1 if "::" in expression else 0


def _probe_macros(writer: _Writer, profile: Profile) -> None:
    for constant in profile.constants:
        if constant.macro:
            guard = constant.name if constant.optional else None
            writer.probe(Wanted("constant", constant.name), constant.name, 0, guard=guard)
    named = {constant.name for constant in profile.constants if constant.macro}
    origins = {name for heap in profile.heaps for names in heap.definitions.values() for name in names}
    for name in sorted(origins - named):
        writer.probe(Wanted("macro", name), name, 0, guard=name)


def _probe_heaps(writer: _Writer, profile: Profile) -> None:
    for object_name, config in profile.objects.items():
        static = f"{writer.nonce}_{object_name.replace('-', '_')}_object"
        heaps = [heap for heap in profile.heaps if heap.object == object_name]
        writer.write(f"#ifdef {config.initializer}")
        line = writer.write(f"constexpr {config.type} {static} = {config.initializer};")
        variables = [variable for heap in heaps for variable in _probe_heap(writer, profile, heap, static)]
        writer.write("#endif")
        writer.depends[line] = tuple(variables)


def _probe_heap(writer: _Writer, profile: Profile, heap: HeapConfig, static: str) -> list[str]:
    fields = dict(profile.heap_fields[heap.kind])
    if profile.enabled_field:
        fields[ENABLED] = profile.enabled_field
    return [
        writer.probe(Wanted("heap", heap.name, name), f"{static}.{heap.member}.{path}", 0)
        for name, path in fields.items()
    ]


def _macros_wanted(profile: Profile) -> list[str]:
    names = [constant.name for constant in profile.constants if constant.macro]
    names += [name for heap in profile.heaps for candidates in heap.definitions.values() for name in candidates]
    names += [config.initializer for config in profile.objects.values()]
    names += [expression for expression in profile.limits.values() if expression.isidentifier()]
    return list(dict.fromkeys(names))


def slice_of(source: bytes) -> bytes:
    """`source` with its include directives turned into pragmas that no compiler knows; lines keep their numbers."""
    return _INCLUDE.sub(rb"\1pragma \2", source)
