"""A profile: everything pagewarden knows about one allocator, as data.

The models are the schema: `config/schemas/profile.json` is generated from them. Profiles that come with
pagewarden lie in `config/profiles/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pathspec import GitIgnoreSpec
from pydantic import Field, ValidationError, model_validator

from checker.entries import (
    ENABLED_NAME,
    AskedFor,
    Cohort,
    ConfigObject,
    ConstantProbe,
    CostEntry,
    Field_,
    Glob,
    HeapConfig,
    MacroName,
    Model,
    Name,
    Rule,
    Section,
    Stress,
    Target,
    globs,
)
from checker.expression import names_in
from config import profiles
from config.strict_yaml import Document, Place, Problem, parse

MOST_BYTES = 1024 * 1024
"""How large a profile's file may be."""
MOST_TOLD = 100
"""How many mistakes of one file are told."""


class ProfileError(Exception):
    """A profile that cannot be used. The text names the file, the place in it and what was expected."""


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
    files: Mapping[str, str] = Field(
        default={},
        description="Files that a configure step would write: path → content, found through the include directories "
        "before the tree's own.",
    )
    build_flags: tuple[str, ...] = Field(
        default=(), description="Patterns of macros that a build may define and mostly does not, such as USE_*."
    )
    targets: Mapping[Name, Target]
    sections: Annotated[tuple[Section, ...], Field(min_length=1)]
    objects: Mapping[Name, ConfigObject] = {}
    constants: tuple[ConstantProbe, ...]
    limits: Mapping[MacroName, AskedFor] = Field(
        default={},
        description="Names that rules use, each a C++ expression over the tree; evaluated per target.",
    )
    heap_fields: Mapping[Name, Mapping[Field_, AskedFor]] = Field(
        default={},
        description="Per kind of heap config: field → member path in the initializer, or a C++ expression in which "
        "{config} stands for the initialized member, and {object} for the object that has it.",
    )
    enabled_field: str | None = Field(
        default=None, description="Member path that says whether a heap config is in use."
    )
    heaps: tuple[HeapConfig, ...] = ()
    fixed: tuple[MacroName, ...] = Field(
        default=(),
        description="Definitions whose literals are facts of the target or of the language, and no repair turns.",
    )
    rules: tuple[Rule, ...]
    costs: tuple[CostEntry, ...] = ()
    cohorts: tuple[Cohort, ...] = ()
    stress: Stress | None = Field(default=None, description="Absent: trees are only checked.")

    @model_validator(mode="after")
    def _names_are_unique(self) -> Profile:
        for what, names in (
            ("constant", [constant.name for constant in self.constants]),
            ("heap", [heap.name for heap in self.heaps]),
            ("rule", [rule.id for rule in self.rules]),
            ("cost", [cost.id for cost in self.costs]),
        ):
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"{what} {twice} is there twice")
        return self

    @model_validator(mode="after")
    def _heaps_refer_to_what_there_is(self) -> Profile:
        sections = {section.name for section in self.sections}
        for name, asked in self.limits.items():
            if asked.section is not None and asked.section not in sections:
                raise ValueError(f"limit {name}: no section {asked.section!r}")
        for heap in self.heaps:
            if heap.object not in self.objects:
                raise ValueError(f"heap {heap.name}: no object {heap.object!r}")
            if heap.kind not in self.heap_fields:
                raise ValueError(f"heap {heap.name}: no fields for kind {heap.kind!r}")
            if unknown := sorted(heap.definitions.keys() - self.heap_fields[heap.kind].keys()):
                raise ValueError(f"heap {heap.name}: no field {unknown[0]!r}")
        return self

    @model_validator(mode="after")
    def _expressions_refer_to_what_there_is(self) -> Profile:
        known = {what: self._names_for(what) for what in ("heap", "tree")}
        for rated in (*self.rules, *self.costs):
            what = "rule" if isinstance(rated, Rule) else "cost"
            if unknown := sorted(set(rated.heaps) - {heap.name for heap in self.heaps}):
                raise ValueError(f"{what} {rated.id}: no heap {unknown[0]!r}")
            own = {"value", "limit"}
            measured = rated.over_measure if isinstance(rated, Rule) else ()
            for text in rated.expressions:
                if unknown := sorted(names_in(text) - known[rated.scope] - (own if text in measured else set())):
                    raise ValueError(f"{what} {rated.id}: unknown name {unknown[0]!r} in {text!r}")
        for rule in self.rules:
            if unknown := sorted({*rule.decided_by, *rule.limit_decided_by} - known[rule.scope]):
                raise ValueError(f"rule {rule.id}: unknown name {unknown[0]!r} in what decides it")
        return self

    def _names_for(self, scope: str) -> frozenset[str]:
        common = {*self.limits, "os_page"}
        common |= {
            f"{heap.name}.{field}" for heap in self.heaps for field in (*self.heap_fields[heap.kind], ENABLED_NAME)
        }
        if scope == "tree":
            return frozenset(common)
        kinds = {f"is_{kind.replace('-', '_')}" for kind in self.heap_fields}
        return frozenset(common | kinds | {field for per_kind in self.heap_fields.values() for field in per_kind})

    @cached_property
    def _watched(self) -> GitIgnoreSpec:
        return globs(self.watch)

    @cached_property
    def _read(self) -> GitIgnoreSpec:
        return globs(self.headers)

    @cached_property
    def _cohorts(self) -> tuple[tuple[str, GitIgnoreSpec], ...]:
        return tuple((cohort.title, globs(cohort.paths)) for cohort in self.cohorts)

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
        known = self._known_paths.get(path)
        if known is None:
            known = self._known_paths[path] = self._read.match_file(path)
        return known

    @cached_property
    def _known_paths(self) -> dict[str, bool]:
        """Matching is slow, and both trees of a check have mostly the same paths."""
        return {}

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
    if name_or_path.endswith((".yml", ".yaml")):
        where, source = name_or_path, Path(name_or_path)
    elif name_or_path in profiles.names():
        where = f"{name_or_path}.yml"
        source = Path(str(files("config.profiles").joinpath(where)))
    else:
        raise ProfileError(f"no profile {name_or_path!r}; there are: {', '.join(profiles.names())}, or a .yml file")
    try:
        text = source.read_text()
    except OSError as error:
        raise ProfileError(f"{where}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"{where}: not YAML: {error}") from error
    return parse_profile(text, where)


def parse_profile(text: str, where: str) -> Profile:
    """The profile that a file's `text` is. `where` names the file in what is said of mistakes.

    Raises `ProfileError`.
    """
    document = parse(text, MOST_BYTES, aliases=True)
    if document.problems:
        raise ProfileError("\n".join(_told(where, problem, problem.message) for problem in document.problems))
    try:
        return Profile.model_validate(document.value)
    except ValidationError as error:
        raise ProfileError("\n".join(_explain(where, error, document))) from None
    except RecursionError:
        raise ProfileError(f"{where}: an expression is nested too deeply; write it with fewer brackets") from None


def bundled_profiles() -> tuple[str, ...]:
    """Names of the profiles that come with pagewarden."""
    return profiles.names()


def _explain(where: str, error: ValidationError, document: Document) -> list[str]:
    told = []
    for problem in error.errors()[:MOST_TOLD]:
        name = ".".join(str(part) for part in problem["loc"]) or "profile"
        told.append(_told(where, document.place(problem["loc"]), f"{name}: {problem['msg']}"))
    return told


def _told(where: str, at: Place | Problem, message: str) -> str:
    return f"{where}: line {at.line}, column {at.column}: {message}"
