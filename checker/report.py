"""What a check found out: the plain frozen data that every other part renders, stores or asserts on.

The JSON form is a public, versioned schema: `config/schemas/report.json` is generated from these models
(`make schemas`) and the tests assert that the two are equal.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Literal[2] = 2


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
    GONE = "gone"
    """The rule had an answer and has none now: its heap config is no longer used, or a name that it needs is gone."""
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
    subject: str | None = Field(default=None, description="The first line of the commit's message, where it is known.")


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
    headroom: int | None = Field(
        description="How far the value is inside the rule's bounds, in its own unit; negative when it is outside, "
        "null where the rule has no bound, as in a divisibility."
    )


class Link(Model):
    """One definition of the chain that a value is made of."""

    name: str
    path: str
    line: int
    body: str = Field(description="What the name is defined as, in one line.")
    value: int | None = Field(description="Null for what is no integer, such as a whole initializer.")


class Finding(Model):
    """One cell of the matrix, rule × heap config × OS page size, where the rule applies on at least one side."""

    rule: str
    heap: str | None = Field(description="Heap config, or null for a rule about the whole tree.")
    os_page: int | None = Field(description="OS page size in bytes, or null for a rule that does not depend on it.")
    state: State
    severity: Severity
    close: bool = Field(
        description="The rule holds, the change moved its value or limit, and one more step of a knob would break it."
    )
    base: Measure | None = Field(description="Null when the rule does not apply at base or could not be evaluated.")
    head: Measure | None
    path: str | None = Field(description="File, at head, of the definition that decides the value.")
    line: int | None
    explanation: str = Field(
        description='The arithmetic, such as "(65536 >> 8) + 1 = 257, must be < 255"; for what is gone, why it is.'
    )
    chain: tuple[Link, ...] = Field(
        description="What value and limit are made of at head, nearest first; empty unless the cell fails or is close."
    )


class IgnoredFinding(Model):
    """A failure that the repository's settings take out of the verdict; it is not among its target's findings."""

    target: str
    finding: Finding
    reason: str = Field(description="Why, in the words of whoever wrote the settings.")
    expires: str = Field(description="The last day on which it is ignored: 2027-03-31.")


class RuleText(Model):
    """What a rule of the report is about; findings name it by its id."""

    id: str
    title: str
    severity: Severity
    why: str = Field(description="What the allocator does when the rule is broken.")
    bites: str | None = Field(description="Under which circumstances that happens, where it is not always.")
    relied_on_in: str = Field(description="The allocator's file that relies on the rule.")
    also_in: tuple[str, ...] = Field(description="Further files that do.")
    advice: str = Field(description="What a person can do about it.")


class NotApplicable(Model):
    """A cell that the rule does not speak of at head, and why."""

    rule: str
    heap: str | None
    os_page: int | None
    reason: str


class Memory(StrEnum):
    """What a cost is paid in: memory that is in use, or addresses that no memory need stand behind."""

    RESIDENT = "resident"
    ADDRESS_SPACE = "address space"


class Cost(Model):
    """What a tree's constants cost on one target; a side is null where there is nothing to measure."""

    id: str
    title: str
    heap: str | None
    os_page: int | None = Field(description="OS page size in bytes, or null for a cost that does not depend on it.")
    base: int | None
    head: int | None
    unit: Literal["bytes", "count", "percent"]
    memory: Memory | None


class TargetReport(Model):
    """Everything known about one target."""

    target: str
    constants: tuple[Constant, ...]
    heaps: tuple[Heap, ...]
    findings: tuple[Finding, ...]
    not_applicable: tuple[NotApplicable, ...]
    costs: tuple[Cost, ...]


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


class CellName(Model):
    """Names one cell on the targets that agree on it."""

    rule: str
    heap: str | None
    os_page: int | None
    targets: tuple[str, ...]
    since: str | None = Field(
        default=None,
        description="For what a commit introduced: the first commit at which the cell had no answer, where that comes "
        "before; any commit from there on may be at fault.",
    )


class Blamed(Model):
    """What one commit of the change did, against the commit before it."""

    commit: Commit
    introduced: tuple[CellName, ...]
    fixed: tuple[CellName, ...]
    left: int = Field(description="How many cells that were broken already it leaves broken, over all targets.")
    touched: bool = Field(description="Whether it changes a header that is read.")
    errors: tuple[EvaluationError, ...] = Field(description="What could not be evaluated at this commit.")


class Edit(Model):
    """One literal of one line replaced."""

    name: str = Field(description="The macro or constant whose definition the literal stands in.")
    path: str
    line: int
    before: str = Field(description="The whole line, at head.")
    after: str
    old: int
    new: int


class CostChange(Model):
    """What a repair costs against head, on one target."""

    id: str
    target: str
    heap: str | None
    os_page: int | None
    head: int
    repaired: int


class Repair(Model):
    """Edits that mend a failure and break nothing else on any target, as a real evaluation of the edited tree says."""

    edits: tuple[Edit, ...]
    mends: tuple[CellName, ...] = Field(description="All the failures that are gone with it.")
    costs: tuple[CostChange, ...]


class Advice(Model):
    """What was found for the failures of one rule. No repair means that none was found among what was tried."""

    rule: str
    heaps: tuple[str, ...] = Field(description="Empty for a rule about the whole tree.")
    targets: tuple[str, ...]
    repairs: tuple[Repair, ...] = Field(description="The cheapest first.")
    tried: int = Field(description="How many edited trees were evaluated.")
    knobs: tuple[str, ...] = Field(description="The definitions whose literals were tried.")
    exhausted: bool = Field(description="False when the search was cut short before everything was tried.")


class Report(Model):
    """One check of head against base."""

    schema_: Literal[2] = Field(default=SCHEMA_VERSION, alias="schema")
    verdict: Verdict
    profile: str
    base: Commit
    head: Commit
    page_sizes: tuple[int, ...]
    rules: tuple[RuleText, ...] = Field(description="Every rule that was held against the trees.")
    targets: tuple[TargetReport, ...]
    changes: tuple[Change, ...]
    errors: tuple[EvaluationError, ...]
    blame: tuple[Blamed, ...] = Field(
        default=(), description="The commits from base to head in order; empty unless it was asked for."
    )
    advice: tuple[Advice, ...] = Field(
        default=(), description="Repairs for the introduced failures; empty unless they were asked for."
    )

    ignored: tuple[IgnoredFinding, ...] = Field(
        default=(), description="Introduced and standing failures that the settings take out of the verdict."
    )

    def to_json(self) -> str:
        """The public JSON form."""
        return self.model_dump_json(by_alias=True, indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """Raises `pydantic.ValidationError` when `text` is not a report of this schema version."""
        return cls.model_validate_json(text)
