"""A profile: everything pagewarden knows about one allocator, as data.

The models are the schema: `config/schemas/profile.json` is generated from them. Profiles that come with
pagewarden lie in `config/profiles/`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pathspec import GitIgnoreSpec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from checker.expression import ExpressionError, names_in
from checker.report import Severity

PageSize = Literal[4096, 16384, 65536]


class ProfileError(Exception):
    """A profile that cannot be used. The text names the file, the place in it and what was expected."""


def _expression(text: str) -> str:
    try:
        names_in(text)
    except ExpressionError as error:
        raise ValueError(str(error)) from error
    return text


def _requirement(text: str) -> str:
    try:
        text.format(limit=0)
    except (AttributeError, LookupError, ValueError) as error:
        raise ValueError(f"not text with {{limit}} as its only name: {text!r}") from error
    return text


def _glob(text: str) -> str:
    try:
        _globs((text,))
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
    system: tuple[Literal["posix", "apple"], ...] = Field(
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


class Guard(Model):
    """A condition for a rule to apply, and the reason to give where it does not."""

    expression: Expression
    otherwise: str


class Rule(Model):
    """A limit that the allocator relies on.

    Expressions see the heap's fields, `is_<kind>`, the profile's named limits and `os_page` (bytes).
    A rule that uses `os_page` has one cell per page size.
    """

    id: Name
    title: str
    scope: Literal["heap", "tree"] = "heap"
    guards: tuple[Guard, ...] = ()
    value: Expression
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
    severity: Severity = Severity.ERROR
    why: str
    relied_on_in: str
    advice: str = Field(description="What a person can do about a broken cell.")

    @cached_property
    def per_page(self) -> bool:
        """Whether the rule depends on the OS page size."""
        return any("os_page" in names_in(text) for text in self.expressions)

    @cached_property
    def expressions(self) -> tuple[str, ...]:
        """All that is evaluated for one cell."""
        shown = (self.arithmetic,) if self.arithmetic is not None else ()
        return (self.value, self.limit, self.expression, *shown, *(guard.expression for guard in self.guards))


class Cohort(Model):
    """Files that belong together in the table of changes."""

    title: str
    paths: tuple[Glob, ...]


class Profile(Model):
    """One allocator or engine."""

    schema_: Literal[1] = Field(alias="schema")
    name: Name
    title: str
    language: Literal["c++20"] = "c++20"
    watch: tuple[Glob, ...] = Field(description="Globs: a pull request that touches none of them is not checked.")
    headers: tuple[Glob, ...] = Field(description="Globs: files that an evaluation may read.")
    include: tuple[str, ...] = Field(description="Include directories, from the root of the repository.")
    defines: Mapping[str, str] = {}
    build_flags: tuple[str, ...] = Field(
        default=(), description="Patterns of macros that a build may define and mostly does not, such as USE_*."
    )
    targets: Mapping[Name, Target]
    sections: Annotated[tuple[Section, ...], Field(min_length=1)]
    objects: Mapping[Name, ConfigObject] = {}
    constants: tuple[ConstantProbe, ...]
    limits: Mapping[MacroName, Expression | str] = Field(
        default={},
        description="Names that rules use, each a C++ expression over the tree; evaluated per target.",
    )
    heap_fields: Mapping[Name, Mapping[Field_, str]] = Field(
        default={}, description="Per kind of heap config: field → member path in the initializer."
    )
    enabled_field: str | None = Field(
        default=None, description="Member path that says whether a heap config is in use."
    )
    heaps: tuple[HeapConfig, ...] = ()
    rules: tuple[Rule, ...]
    cohorts: tuple[Cohort, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Profile:
        for what, names in (
            ("constant", [constant.name for constant in self.constants]),
            ("heap", [heap.name for heap in self.heaps]),
            ("rule", [rule.id for rule in self.rules]),
        ):
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"{what} {twice} is there twice")
        return self

    @model_validator(mode="after")
    def _refers_to_what_there_is(self) -> Profile:
        for heap in self.heaps:
            if heap.object not in self.objects:
                raise ValueError(f"heap {heap.name}: no object {heap.object!r}")
            if heap.kind not in self.heap_fields:
                raise ValueError(f"heap {heap.name}: no fields for kind {heap.kind!r}")
            if unknown := sorted(heap.definitions.keys() - self.heap_fields[heap.kind].keys()):
                raise ValueError(f"heap {heap.name}: no field {unknown[0]!r}")
        kinds = {f"is_{kind.replace('-', '_')}" for kind in self.heap_fields}
        common = set(self.limits) | {"os_page", "value", "limit"}
        fields = {field for per_kind in self.heap_fields.values() for field in per_kind}
        for rule in self.rules:
            known = common | (fields | kinds if rule.scope == "heap" else set())
            for text in rule.expressions:
                if unknown := sorted(names_in(text) - known):
                    raise ValueError(f"rule {rule.id}: unknown name {unknown[0]!r} in {text!r}")
            if unknown := sorted({*rule.decided_by, *rule.limit_decided_by} - known):
                raise ValueError(f"rule {rule.id}: unknown name {unknown[0]!r} in what decides it")
        return self

    @cached_property
    def _watched(self) -> GitIgnoreSpec:
        return _globs(self.watch)

    @cached_property
    def _read(self) -> GitIgnoreSpec:
        return _globs(self.headers)

    @cached_property
    def _cohorts(self) -> tuple[tuple[str, GitIgnoreSpec], ...]:
        return tuple((cohort.title, _globs(cohort.paths)) for cohort in self.cohorts)

    @cached_property
    def digest(self) -> str:
        """Identifies the profile's content."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    @cached_property
    def tree_roots(self) -> tuple[str, ...]:
        """Directories below which `reads` or `watches` can be true, none inside another."""
        heads = sorted({_fixed_part(glob) for glob in (*self.headers, *self.watch)})
        return tuple(
            head for head in heads if not any(head.startswith(f"{other}/") for other in heads if other != head)
        )

    def watches(self, path: str) -> bool:
        """Whether a change of `path` can matter."""
        return self._watched.match_file(path)

    def reads(self, path: str) -> bool:
        """Whether an evaluation may read `path`."""
        return self._read.match_file(path)

    def is_build_flag(self, macro: str) -> bool:
        """Whether a build, and no header, decides if `macro` is defined."""
        return any(fnmatchcase(macro, pattern) for pattern in self.build_flags)

    def cohort_of(self, path: str) -> str:
        """The title of the first cohort that `path` belongs to; the profile's own title for the rest."""
        return next((title for title, globs in self._cohorts if globs.match_file(path)), self.title)

    def rule(self, rule_id: str) -> Rule:
        """Raises `KeyError` for an id that is not there."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)


def _globs(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(f"/{pattern}" for pattern in patterns)


def _fixed_part(glob: str) -> str:
    """The directory, or the file, that `glob` names before its first wildcard."""
    parts: list[str] = []
    for part in glob.split("/"):
        if any(character in part for character in "*?["):
            break
        parts.append(part)
    return "/".join(parts)


@lru_cache(maxsize=32)
def load_profile(name_or_path: str) -> Profile:
    """The profile that comes with pagewarden under this name, or the one in this file.

    Raises `ProfileError`.
    """
    bundled = files("config.profiles")
    if name_or_path.endswith((".yml", ".yaml")):
        where, source = name_or_path, Path(name_or_path)
    else:
        resource = bundled.joinpath(f"{name_or_path}.yml")
        if not name_or_path.isidentifier() or not resource.is_file():
            raise ProfileError(
                f"no profile {name_or_path!r}; there are: {', '.join(bundled_profiles())}, or a .yml file"
            )
        where, source = f"{name_or_path}.yml", Path(str(resource))
    try:
        return Profile.model_validate(yaml.safe_load(source.read_text()))
    except OSError as error:
        raise ProfileError(f"{where}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ProfileError(f"{where}: not YAML: {error}") from error
    except ValidationError as error:
        raise ProfileError("\n".join(_explain(where, error))) from None


def bundled_profiles() -> tuple[str, ...]:
    """Names of the profiles that come with pagewarden."""
    entries = (entry.name for entry in files("config.profiles").iterdir())
    return tuple(sorted(name.removesuffix(".yml") for name in entries if name.endswith(".yml")))


def _explain(where: str, error: ValidationError) -> list[str]:
    return [
        f"{where}: {'.'.join(str(part) for part in problem['loc']) or 'profile'}: {problem['msg']}"
        for problem in error.errors()
    ]
