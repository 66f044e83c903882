"""The entries of a profile: targets, sections, constants, heap configs, rules, costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from string import Formatter
from typing import Annotated, Literal

from pathspec import GitIgnoreSpec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from checker.expression import ExpressionError, names_in
from checker.report import Memory, Severity

ENABLED_NAME = "enabled"
"""`heap.enabled` in an expression: 1 where the tree uses that heap config."""

PageSize = Literal[4096, 16384, 65536]


def _expression(text: str) -> str:
    try:
        names_in(text)
    except ExpressionError as error:
        raise ValueError(str(error)) from error
    return text


def _requirement(text: str) -> str:
    try:
        fields = [field for _, *field in Formatter().parse(text) if field[0] is not None]
    except ValueError as error:
        raise ValueError(f"not text with {{limit}} as its only name: {text!r}") from error
    if any(field != ["limit", "", None] for field in fields):
        raise ValueError(f"not text with {{limit}} as its only name: {text!r}")
    return text


def globs(patterns: Iterable[str]) -> GitIgnoreSpec:
    """Matches paths below the root of a repository."""
    return GitIgnoreSpec.from_lines(f"/{pattern}" for pattern in patterns)


def _glob(text: str) -> str:
    try:
        globs((text,))
    except (re.error, ValueError) as error:
        raise ValueError(f"not a glob: {text!r}: {error}") from error
    return text


Expression = Annotated[str, AfterValidator(_expression)]
Requirement = Annotated[str, AfterValidator(_requirement)]
Glob = Annotated[str, AfterValidator(_glob)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
Field_ = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
MacroName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]


class Model(BaseModel):
    """Frozen and closed: an unknown key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Target(Model):
    """One platform that the headers are evaluated for."""

    title: str = Field(description="As people call it, for instance: Linux on 64-bit Arm.")
    triple: str = Field(description="The compiler's target triple.")
    defines: Mapping[str, str] = Field(default={}, description="Preprocessor definitions of this target alone.")
    include: tuple[str, ...] = Field(default=(), description="Include directories of this target alone.")
    files: Mapping[str, str] = Field(default={}, description="Files of this target alone, as the profile's `files`.")
    system: tuple[Literal["posix", "apple", "windows"], ...] = Field(
        default=("posix",), description="Which of pagewarden's stand-ins for system headers this target has."
    )
    page_sizes: tuple[PageSize, ...] = Field(description="Page sizes, in bytes, that kernels of this target have.")


class Section(Model):
    """A part of the probe's translation unit; sections follow each other in order."""

    name: Name
    include: tuple[str, ...] = Field(default=(), description="Headers to include, as the sources name them.")
    prelude: str = Field(default="", description="C++ of our own, before what follows: stand-ins for units of measure.")
    slices: tuple[str, ...] = Field(
        default=(),
        description="Files read without what they include, for single declarations out of headers with huge closures. "
        "A file that a tree lacks is passed over.",
    )


class ConfigObject(Model):
    """A designated initializer, expanded once into one static object."""

    type: str
    initializer: MacroName


class ConstantProbe(Model):
    """A named constant to evaluate and to show when it changes."""

    name: str = Field(description="As people call it; a macro's own name.")
    expression: str | None = Field(default=None, description="How to ask for it, where that is not its name.")
    macro: bool = Field(default=False, description="Named like a macro, and asked for before the C++ constants.")
    optional: bool = Field(default=False, description="Absence is a normal answer, not an error.")
    unit: Literal["bytes", "bits", "count", "flag"] = Field(default="bytes", description="How to print the value.")

    @model_validator(mode="after")
    def _macros_are_identifiers(self) -> ConstantProbe:
        if self.macro and not self.name.isidentifier():
            raise ValueError(f"{self.name!r} is no macro name")
        return self

    @property
    def unqualified(self) -> str:
        """The last part of a qualified name."""
        return self.name.rpartition("::")[2]

    @property
    def asked_as(self) -> str:
        """The C++ expression that is evaluated."""
        return self.expression or self.name


class HeapConfig(Model):
    """One heap config: a member of a config object."""

    name: Field_
    object: Name = Field(description="The config object that holds it.")
    member: str
    kind: Name = Field(description="Which fields it has and which rules speak of it.")
    definitions: Mapping[Field_, tuple[MacroName, ...]] = Field(
        default={},
        description="Per field the macros that may define it, best first; "
        "one whose value differs from the field's is passed over.",
    )


class Asked(Model):
    """A C++ constant expression, and the word without which a tree has no such thing."""

    expression: str
    section: str | None = Field(
        default=None, description="Name of the section after which it is asked, for a limit; the first when left out."
    )
    needs: str | None = Field(
        default=None, description="Where no header that is read has this word, the value is absent and not an error."
    )


def _asked(given: object) -> object:
    return {"expression": given} if isinstance(given, str) else given


AskedFor = Annotated[Asked, BeforeValidator(_asked, json_schema_input_type=Asked | str)]


class Guard(Model):
    """A condition for a rule to apply, and the reason to give where it does not."""

    expression: Expression
    otherwise: str


class Rated(Model):
    """What rules and costs have in common: a value, per heap config or for the whole tree, and when it makes sense.

    Expressions see the heap's fields, `is_<kind>`, the profile's named limits, `os_page` (bytes), and any heap's
    fields and `enabled` as `heap.field`. One that uses `os_page` has one cell per page size.
    """

    id: Name
    title: str
    scope: Literal["heap", "tree"] = "heap"
    heaps: tuple[str, ...] = Field(default=(), description="The heap configs it speaks of; all when empty.")
    guards: tuple[Guard, ...] = ()
    value: Expression

    @cached_property
    def per_page(self) -> bool:
        """Whether it depends on the OS page size."""
        return any("os_page" in names_in(text) for text in self.expressions)

    @property
    def expressions(self) -> tuple[str, ...]:
        """All that is evaluated for one cell."""
        return (self.value, *(guard.expression for guard in self.guards))


class CostEntry(Rated):
    """Something that people pay for the constants."""

    unit: Literal["bytes", "count", "percent"] = "bytes"
    memory: Memory | None = Field(default=None, description="What it is paid in, where it is memory.")
    note: str | None = Field(default=None, description="A sentence for people, such as what is not counted.")


class Rule(Rated):
    """A limit that the allocator relies on."""

    limit: Expression
    expression: Expression = Field(description="What must be true, over `value`, `limit` and the names.")
    must: Requirement = Field(description='The requirement in words, with {limit}: "< {limit}".')
    arithmetic: Expression | None = Field(
        default=None, description="How the value comes about, shown where it evaluates to the value."
    )
    decided_by: tuple[str, ...] = Field(
        description="Fields or names whose definitions decide the value, the likeliest first."
    )
    limit_decided_by: tuple[str, ...] = ()
    one_step: Expression | None = Field(
        default=None,
        description="The value after one more step of its nearest knob towards the limit, over `value` and the names; "
        "a cell that would fail with it is close.",
    )
    severity: Severity = Severity.ERROR
    why: str
    bites: str | None = Field(default=None, description="When it does harm, where it does not always.")
    relied_on_in: str
    also_in: tuple[str, ...] = Field(default=(), description="Further files that rely on it.")
    advice: str = Field(description="What a person can do about a broken cell.")

    @property
    def expressions(self) -> tuple[str, ...]:
        """All that is evaluated for one cell."""
        shown = tuple(text for text in (self.arithmetic, self.one_step) if text is not None)
        return (*super().expressions, self.limit, self.expression, *shown)

    @property
    def over_measure(self) -> tuple[str, ...]:
        """The expressions that may use `value` and `limit`."""
        return tuple(text for text in (self.expression, self.one_step) if text is not None)

    @model_validator(mode="after")
    def _warnings_say_when(self) -> Rule:
        if self.severity is Severity.WARNING and self.bites is None:
            raise ValueError("a warning says in `bites` when it would do harm")
        return self


class MacroOverride(Model):
    """A macro given another value after its definition in `file`."""

    file: str = Field(description="From the root of the repository.")
    macro: MacroName
    value: str = Field(pattern=r"^[^\n\\]+$", description="C, over literals and other macros.")


class StressControl(Model):
    """A mutant of the base that a stress run must tell from a good tree."""

    name: str = Field(pattern=r"^[A-Za-z0-9]+$", description="After the allocator's name, to people.")
    overrides: tuple[MacroOverride, ...]
    must_fail: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="Phases of the driver.")
    must_pass: tuple[str, ...] = ()


class Stress(Model):
    """How trees are put under stress."""

    driver: Literal["libpas"] = Field(description="Which of pagewarden's allocation drivers.")
    root: str = Field(description="The directory that is built, from the root of the repository.")
    pages: tuple[MacroOverride, ...] = Field(
        default=(), description="For every control: page sizes with which it runs on every page size of an OS."
    )
    controls: Annotated[tuple[StressControl, ...], Field(min_length=1)]


class Cohort(Model):
    """Files that belong together in the table of changes."""

    title: str
    paths: tuple[Glob, ...]
