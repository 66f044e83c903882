"""The settings that a repository brings itself, in `.github/pagewarden.yml`.

The models are the schema: `config/schemas/repository.json` is generated from them. What is written in the file is read
strictly, and every mistake is told with its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from config.mistakes import nearest, problem_of
from config.model import Strict, each_once
from config.preview import PreviewSettings
from config.profiles import names
from config.strict_yaml import Document, Place, Problem, parse, shown

__all__ = [
    "MOST_BYTES",
    "PATH",
    "CommentSettings",
    "Ignore",
    "PreviewSettings",
    "Problem",
    "Read",
    "RepositorySettings",
    "RuleSettings",
    "StressSettings",
    "expired",
    "in_force",
    "read_settings",
]

PATH = ".github/pagewarden.yml"
MOST_BYTES = 64 * 1024
"""How large the file may be."""
MOST_PROBLEMS = 100
"""How many mistakes of one file are told."""

_NAME = r"^[a-z][a-z0-9_-]{0,63}$"
_PROFILE_FILE = r"^\.github/(?!.*\.\.)(?:(?!\./)[A-Za-z0-9_.-]+/)*[A-Za-z0-9_.-]+\.ya?ml$"


def _profile(name: str) -> str:
    if name in names() or re.fullmatch(_PROFILE_FILE, name):
        return name
    there_are = f"{', '.join(names())}, or the path of one of your own, such as .github/allocator.yml"
    raise ValueError(f"no profile {shown(name)}{nearest(name, names()) or f'; there are: {there_are}'}")


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise ValueError("expected a name: lower-case letters, digits, - and _, 64 at most")
    return text


def _reason(text: str) -> str:
    if not text.strip():
        raise ValueError("expected a sentence that says why")
    return text.strip()


def _label(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("expected a label's name, on one line")
    return text


def _bot(login: str) -> str:
    if not re.fullmatch(r"^[A-Za-z0-9_-]{1,100}\[bot\]$", login):
        raise ValueError("expected the login of a bot, which ends with [bot], such as 'dependabot[bot]'")
    return login


def _day(given: object) -> object:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    if isinstance(given, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        try:
            return date.fromisoformat(given)
        except ValueError as error:
            raise ValueError(f"no day {given}; expected one such as 2027-03-31") from error
    raise ValueError("expected a day such as 2027-03-31, without a time")


_UNIQUE = Field(json_schema_extra={"uniqueItems": True})
ProfileName = Annotated[
    str,
    Field(max_length=200, json_schema_extra={"anyOf": [{"enum": list(names())}, {"pattern": _PROFILE_FILE}]}),
    AfterValidator(_profile),
]
Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": _NAME})]
HeapName = Annotated[str, Field(min_length=1, max_length=64)]
Reason = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_reason)]
Label = Annotated[str, Field(min_length=1, max_length=50), AfterValidator(_label)]
Bot = Annotated[str, AfterValidator(_bot), Field(json_schema_extra={"pattern": r"\[bot\]$"})]
Day = Annotated[date, BeforeValidator(_day, json_schema_input_type=date)]
PageSizes = Annotated[tuple[Literal["4K", "16K", "64K"], ...], AfterValidator(each_once), _UNIQUE]


class RuleSettings(Strict):
    """How much one rule matters here."""

    severity: Literal["error", "warning"] = Field(description="Whether a change that breaks the rule fails the check.")
    reason: Reason = Field(description="Why it is not what the profile says.")


class Ignore(Strict):
    """Findings that are known here and fail no check until `expires`, that day included."""

    rule: Name = Field(description="The rule's id.")
    heap: HeapName | None = Field(default=None, description="One heap config only; all when left out.")
    target: Name | None = Field(default=None, description="One target only; all when left out.")
    reason: Reason = Field(description="Why this does no harm for the time being.")
    expires: Day = Field(description="The last day, in UTC, such as 2027-03-31; from the next on the findings count.")

    def covers(self, rule: str, heap: str | None, target: str) -> bool:
        """Whether it speaks of a finding of this rule; `heap` is `None` for one about the whole tree."""
        return self.rule == rule and self.heap in {None, heap} and self.target in {None, target}


class StressSettings(Strict):
    """Whether, where and how changes are stressed."""

    enabled: bool = Field(default=True, description="Whether changes are stressed, where pagewarden can do that.")
    gate: bool = Field(default=False, description="Whether the check pagewarden waits for stress and fails with it.")
    machine: Literal["vm", "native", "user"] | None = Field(
        default=None,
        description="Kernels in QEMU, an arm64 host itself, or QEMU's user mode (4K only); "
        "what pagewarden is set to when left out.",
    )
    page_sizes: PageSizes = Field(default=(), description="Page sizes to run with; those of the check when empty.")
    seeds: int | None = Field(
        default=None, ge=1, le=16, description="How many seeds to run with; what pagewarden is set to when left out."
    )

    @model_validator(mode="after")
    def _can_be_done(self) -> StressSettings:
        if self.gate and not self.enabled:
            raise ValueError("gate waits for stress, and enabled turns it off; set one of the two otherwise")
        if self.machine == "user" and set(self.page_sizes) - {"4K"}:
            raise ValueError("the machine user has 4K pages only; leave page_sizes out, or choose vm")
        return self


class CommentSettings(Strict):
    """When the pull request is commented on."""

    on_success: bool = Field(
        default=True, description="Whether also where nothing fails; a comment that is there is edited in any case."
    )


class RepositorySettings(Strict):
    """All of it; each has a default."""

    profiles: Annotated[tuple[ProfileName, ...], AfterValidator(each_once), _UNIQUE] = Field(
        default=(),
        max_length=10,
        description="Names of profiles that come with pagewarden, or paths of your own below .github/; "
        "when empty, those that come with it and whose files are in the repository.",
    )
    targets: Annotated[tuple[Name, ...], AfterValidator(each_once), _UNIQUE] = Field(
        default=(), max_length=32, description="Targets to check; all that a profile has when empty."
    )
    page_sizes: PageSizes = Field(default=(), description="Page sizes of the OS to check; all three when empty.")
    rules: dict[Name, RuleSettings] = Field(
        default={},
        max_length=200,
        description="By a rule's id, where it matters more or less than its profile says.",
        json_schema_extra={"propertyNames": {"pattern": _NAME}},
    )
    ignore: tuple[Ignore, ...] = Field(
        default=(), max_length=200, description="Findings that fail no check for the time being."
    )
    drafts: Literal["check", "static", "skip"] = Field(
        default="check", description="Drafts are checked like others, without builds and stress, or not at all."
    )
    stress: StressSettings = StressSettings()
    preview: PreviewSettings = PreviewSettings()
    comment: CommentSettings = CommentSettings()
    suggestions: bool = Field(default=True, description="Whether repairs are suggested on a pull request's lines.")
    labels: Annotated[tuple[Label, ...], AfterValidator(each_once), _UNIQUE] = Field(
        default=(), max_length=10, description="Labels to add to pull requests that touch what is watched."
    )
    trusted_bots: Annotated[tuple[Bot, ...], AfterValidator(each_once), _UNIQUE] = Field(
        default=(), max_length=20, description="Bots whose changes are built and run without /ok-to-test."
    )


@dataclass(frozen=True)
class Read:
    """What a file says: `settings` is `None` exactly when there are `problems`, which are sorted by line.

    `places` tells where the value at a path of keys and indexes begins, `keys` where its key does; lines and columns
    count from 1.
    """

    settings: RepositorySettings | None
    problems: tuple[Problem, ...]
    places: Mapping[tuple[str | int, ...], Place]
    keys: Mapping[tuple[str | int, ...], Place]


def read_settings(text: str) -> Read:
    """Reads the file's text; every mistake in it is a problem, and nothing raises."""
    document = parse(text, MOST_BYTES)
    settings, problems = _validated(document)
    return Read(settings, _told((*document.problems, *problems)), document.values, document.keys)


def _validated(document: Document) -> tuple[RepositorySettings | None, list[Problem]]:
    if document.value is None:
        return (None if document.problems else RepositorySettings()), []
    try:
        # JSON, because only there a strict reading takes lists for tuples.
        settings = RepositorySettings.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as error:
        errors = (each for each in error.errors(include_url=False) if not _hidden(each["loc"], document))
        return None, [problem_of(each, document, RepositorySettings) for each in errors]
    return (None if document.problems else settings), []


def _hidden(path: Sequence[str | int], document: Document) -> bool:
    """Whether a value that could not be read is to blame."""
    return any(tuple(path[:length]) in document.doubtful for length in range(len(path) + 1))


def _told(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    if len(ordered) <= MOST_PROBLEMS:
        return tuple(ordered)
    first = ordered[MOST_PROBLEMS]
    return (*ordered[:MOST_PROBLEMS], Problem(first.line, first.column, f"{len(ordered) - MOST_PROBLEMS:,} more"))


def in_force(ignore: Iterable[Ignore], today: date) -> tuple[Ignore, ...]:
    """Those that count on this day."""
    return tuple(entry for entry in ignore if today <= entry.expires)


def expired(ignore: Iterable[Ignore], today: date) -> tuple[Ignore, ...]:
    """Those that do not any more."""
    return tuple(entry for entry in ignore if entry.expires < today)
