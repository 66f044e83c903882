"""A result as JSON: what `pagewarden stress --format json` prints and the store keeps. Without the evidence.

A public, versioned schema: `config/schemas/stress.json` is generated from these models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from checker.report import Model
from workers.stress.result import Change, Conclusion, Control, Expectation, Result, Trouble
from workers.stress.verdicts import Crash, Record, Role, Verdict

SCHEMA_VERSION: Literal[1] = 1


class CrashDocument(Model):
    """Where a process ended itself."""

    function: str = Field(description="Empty where it is not known.")
    file: str = Field(description="Without its directory; empty where it is not known.")
    line: int = Field(description="Counts from 1; 0 where it is not known.")
    rules: tuple[str, ...] = Field(description="Ids of the profile's rules that speak of the place.")


class RecordDocument(Model):
    """One subject × page size × phase × seed."""

    subject: str
    role: Role
    page_size: int = Field(description="Of the OS, in bytes.")
    phase: str
    seed: int
    verdict: Verdict
    change: Change | None = Field(description="For what the head did: what became of it since the base. Else null.")
    reason: str
    signal: str | None = Field(description="Its name, such as SIGTRAP.")
    progress: str = Field(description="The last line that the phase told.")
    crash: CrashDocument | None
    checksum: str | None = Field(description="Equal for equal seeds on every page size.")
    seconds: float = Field(description="Wall time.")
    attempts: int = Field(description="2 where a timeout was tried again with twice the time.")


class ControlDocument(Model):
    """What a control had to do, and what it did."""

    subject: str
    page_size: int
    phase: str
    expected: Verdict
    behaved: bool
    seen: RecordDocument | None = Field(description="Null where it was never run.")


class TroubleDocument(Model):
    """Why something was not run."""

    text: str
    page_size: int | None = Field(description="In bytes; null where it concerns all.")
    own: bool = Field(description="Whether the head is at fault, such as when it does not compile.")


class Document(Model):
    """A whole stress run."""

    schema_: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    conclusion: Conclusion
    machine: Literal["vm", "native", "user"]
    page_sizes: tuple[int, ...] = Field(description="Those asked for, in bytes.")
    records: tuple[RecordDocument, ...] = Field(description="Those of head and base.")
    controls: tuple[ControlDocument, ...]
    troubles: tuple[TroubleDocument, ...]
    alone: tuple[str, ...] = Field(
        default=(), description="Subjects of head whose base was wanted beside them, and was not to be had."
    )


def to_json(result: Result) -> dict[str, Any]:
    """JSON-able. The evidence is left out: see `workers.stress.evidence`."""
    document = Document.model_validate(
        {
            "conclusion": result.conclusion,
            "machine": result.machine,
            "page_sizes": result.page_sizes,
            "records": tuple(_record(record, result) for record in result.records),
            "controls": tuple(_control(control) for control in result.controls),
            "troubles": tuple(
                TroubleDocument(text=each.text, page_size=each.page_size, own=each.own) for each in result.troubles
            ),
            "alone": result.alone,
        }
    )
    return document.model_dump(mode="json", by_alias=True)


def from_json(data: Mapping[str, Any]) -> Result:
    """The result that `to_json` wrote. What follows from the rest (conclusion, changes) is concluded anew.

    Raises `pydantic.ValidationError` when `data` is not of this schema version.
    """
    document = Document.model_validate(data)
    return Result(
        machine=document.machine,
        page_sizes=document.page_sizes,
        records=tuple(map(_read_record, document.records)),
        controls=tuple(map(_read_control, document.controls)),
        troubles=tuple(Trouble(each.text, each.page_size, each.own) for each in document.troubles),
        alone=document.alone,
    )


def _record(record: Record, result: Result | None) -> RecordDocument:
    crash = record.crash
    of_head = result is not None and record.role is Role.HEAD
    return RecordDocument(
        subject=record.subject,
        role=record.role,
        page_size=record.page_size,
        phase=record.phase,
        seed=record.seed,
        verdict=record.verdict,
        change=result.change(record) if result is not None and of_head else None,
        reason=record.reason,
        signal=record.signal,
        progress=record.progress,
        crash=CrashDocument(function=crash.function, file=crash.file, line=crash.line, rules=crash.rules)
        if crash is not None
        else None,
        checksum=record.checksum,
        seconds=record.seconds,
        attempts=record.attempts,
    )


def _control(control: Control) -> ControlDocument:
    expected = control.expected
    return ControlDocument(
        subject=expected.subject,
        page_size=expected.page_size,
        phase=expected.phase,
        expected=expected.verdict,
        behaved=control.behaved,
        seen=_record(control.seen, None) if control.seen is not None else None,
    )


def _read_record(document: RecordDocument) -> Record:
    values = {name: getattr(document, name) for name in RecordDocument.model_fields if name not in {"change", "crash"}}
    crash = document.crash
    return Record(
        **values, crash=Crash(crash.function, crash.file, crash.line, crash.rules) if crash is not None else None
    )


def _read_control(document: ControlDocument) -> Control:
    expected = Expectation(document.subject, document.page_size, document.phase, document.expected)
    return Control(expected, _read_record(document.seen) if document.seen is not None else None)
