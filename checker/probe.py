"""The probe: one translation unit that asks a compiler for every value that a profile wants.

Pure text; any C++20 compiler can read it (the tests give the same probe to g++). Names carry a nonce, so that
a header cannot define or read what the probe is going to declare.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from checker.entries import HeapConfig
from checker.evaluator import IDENTIFIER
from checker.profile import Profile

ROOT = "/tree"
"""Where a tree's files lie in the evaluation's file system, which exists in memory only."""
SLICES = "/slices"
"""Where the files lie that are read without what they include."""
STUBS = "/stubs"
"""Where pagewarden's own system headers lie."""
GIVEN = "/given"
"""Where the files lie that the profile gives in a configure step's stead."""
MAIN = "/probe.cpp"

_INCLUDE = re.compile(rb"(?m)^([ \t]*#[ \t]*)((?:include|include_next|import)\b)")

ENABLED = "enabled"
CONFIG = "{config}"
OBJECT = "{object}"


class Wanted(NamedTuple):
    """What one probe is for: a constant, a limit, a macro's value, a field of a heap config, or a link of a chain.

    A link is a macro that only an explanation asks about: that it has no value is no error.
    """

    kind: Literal["constant", "limit", "macro", "heap", "link"]
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
        # A negative value would come back as a huge one: it is no constant instead.
        line = self.write(
            f"constexpr {self.type} {variable} = static_cast<{self.type}>(({expression}) < 0 ? 1 / 0 : ({expression}));"
        )
        if guard:
            self.write("#endif")
        self.variables[variable] = wanted
        self.depends[line] = (variable,)
        self.sections[wanted] = section
        return variable


def build(profile: Profile, present: Collection[str], nonce: str, links: Collection[str] = ()) -> Probe:
    """The probe for a tree that has the files in `present`. `nonce` is an unpredictable identifier.

    `links` are macros that are asked for beside what the profile wants.
    """
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
            _probe_macros(writer, profile, links)
        _probe_limits(writer, profile, index)
    for constant in profile.constants:
        if not constant.macro:
            writer.probe(Wanted("constant", constant.name), constant.asked_as, last)
    return Probe(
        text="\n".join(writer.lines) + "\n",
        variables=writer.variables,
        lines=writer.depends,
        section_of_line=writer.section_lines,
        section_of=writer.sections,
        macros=(*_macros_wanted(profile), *links),
    )


def _probe_limits(writer: _Writer, profile: Profile, index: int) -> None:
    for name, asked in profile.limits.items():
        if _section_of_limit(profile, asked.section) == index:
            writer.probe(Wanted("limit", name), asked.expression, index)


def _section_of_limit(profile: Profile, name: str | None) -> int:
    """Asked right after its own section: what comes later could define its names anew."""
    return next((index for index, section in enumerate(profile.sections) if section.name == name), 0)


def _probe_macros(writer: _Writer, profile: Profile, links: Collection[str]) -> None:
    for constant in profile.constants:
        if constant.macro:
            guard = constant.name if constant.optional else None
            writer.probe(Wanted("constant", constant.name), constant.name, 0, guard=guard)
    named = {constant.name for constant in profile.constants if constant.macro}
    origins = {name for heap in profile.heaps for names in heap.definitions.values() for name in names}
    for name in sorted(origins - named):
        writer.probe(Wanted("macro", name), name, 0, guard=name)
    for name in links:
        writer.probe(Wanted("link", name), name, 0, guard=name)


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
    config = f"{static}.{heap.member}"
    fields = {name: asked.expression for name, asked in profile.heap_fields[heap.kind].items()}
    if profile.enabled_field:
        fields[ENABLED] = profile.enabled_field
    return [
        writer.probe(
            Wanted("heap", heap.name, name),
            _of_config(expression, static, config),
            0,
        )
        for name, expression in fields.items()
    ]


def _of_config(expression: str, static: str, config: str) -> str:
    """A member path, or an expression in which {config} stands for the heap config and {object} for all of them."""
    if CONFIG not in expression and OBJECT not in expression:
        return f"{config}.{expression}"
    return expression.replace(CONFIG, config).replace(OBJECT, static)


def _macros_wanted(profile: Profile) -> list[str]:
    names = [constant.name for constant in profile.constants if constant.macro]
    names += [name for heap in profile.heaps for candidates in heap.definitions.values() for name in candidates]
    names += [config.initializer for config in profile.objects.values()]
    names += IDENTIFIER.findall(profile.enabled_field or "")
    names += [name for asked in profile.limits.values() for name in IDENTIFIER.findall(asked.expression)]
    names += [name for constant in profile.constants for name in IDENTIFIER.findall(constant.asked_as)]
    return list(dict.fromkeys(names))


def slice_of(source: bytes) -> bytes:
    """`source` with its include directives turned into pragmas that no compiler knows; lines keep their numbers."""
    return _INCLUDE.sub(rb"\1pragma \2", source)
