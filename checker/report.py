"""What a check found out: the plain frozen data that every other part renders, stores or asserts on.

The JSON form is a public, versioned schema: `config/schemas/report.json` is generated from these models
(`make schemas`) and the tests assert that the two are equal.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Literal[1] = 1


class Verdict(StrEnum):
    """The answer of a whole check."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"
    NOT_APPLICABLE = "not-applicable"


class State(StrEnum):
    """What became of one cell (rule, heap config, page size) between base and head."""

    INTRODUCED = "introduced"
    STANDING = "standing"
    FIXED = "fixed"
    HOLDS = "holds"


class Severity(StrEnum):
    """`error`: breaking the rule crashes or corrupts; `warning`: it is dormant. Only errors fail a check."""

    ERROR = "error"
    WARNING = "warning"


class Side(StrEnum):
    """Which of the two trees."""

    BASE = "base"
    HEAD = "head"


class Model(BaseModel):
    """Frozen and closed: an unknown key is a mistake, not an extension."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Commit(Model):
    """A tree that was checked. `sha` is a full commit id, or `WORKTREE` for a working tree."""

    sha: str


class Constant(Model):
    """One named constant on one target; `None` stands for "not defined in that tree"."""

    name: str
    base: int | None
    head: int | None
    changed: bool = Field(description="Whether base and head differ; false when one of them could not be evaluated.")
    path: str | None = Field(description="File, at head, of the definition in effect; base's when head has none.")
    line: int | None


class HeapShape(Model):
    """Sizes in bytes, the shift in bits."""

    page_size: int
    granule_size: int
    min_align_shift: int


class Heap(Model):
    """One heap config on one target; a side is `None` when that tree has or enables no such config."""

    name: str
    base: HeapShape | None
    head: HeapShape | None
    path: str | None
    line: int | None


class Measure(Model):
    """A rule's arithmetic on one side."""

    value: int
    limit: int
    holds: bool


class Finding(Model):
    """One cell of the matrix, rule × heap config × OS page size, where the rule applies on at least one side."""

    rule: str
    heap: str | None = Field(description="Heap config, or null for a rule about the whole tree.")
    os_page: int | None = Field(description="OS page size in bytes, or null for a rule that does not depend on it.")
    state: State
    severity: Severity
    base: Measure | None = Field(description="Null when the rule does not apply at base or could not be evaluated.")
    head: Measure | None
    path: str | None = Field(description="File, at head, of the definition that decides the value.")
    line: int | None
    explanation: str = Field(description='The arithmetic, such as "(65536 >> 8) + 1 = 257, must be < 255".')
    why: str = Field(description="What the allocator does when the rule is broken.")
    relied_on_in: str = Field(description="The allocator's file that relies on the rule.")


class NotApplicable(Model):
    """A cell that the rule does not speak of at head, and why."""

    rule: str
    heap: str | None
    os_page: int | None
    reason: str


class TargetReport(Model):
    """Everything known about one target."""

    target: str
    constants: tuple[Constant, ...]
    heaps: tuple[Heap, ...]
    findings: tuple[Finding, ...]
    not_applicable: tuple[NotApplicable, ...]


class EvaluationError(Model):
    """A value that could not be had, on one side of one target. Never turned into a pass."""

    target: str
    side: Side
    name: str = Field(
        description="Constant, heap config field or rule that has no value; `*` when the whole tree has none."
    )
    path: str | None
    line: int | None
    message: str


class Change(Model):
    """Watched files that differ between the trees, grouped by the profile's cohorts."""

    cohort: str
    files: tuple[str, ...]
    constants: tuple[str, ...] = Field(
        description="Constants defined in these files whose value changed on any target."
    )


class Report(Model):
    """One check of head against base."""

    schema_: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    verdict: Verdict
    profile: str
    base: Commit
    head: Commit
    page_sizes: tuple[int, ...]
    targets: tuple[TargetReport, ...]
    changes: tuple[Change, ...]
    errors: tuple[EvaluationError, ...]

    def to_json(self) -> str:
        """The public JSON form."""
        return self.model_dump_json(by_alias=True, indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """Raises `pydantic.ValidationError` when `text` is not a report of this schema version."""
        return cls.model_validate_json(text)
