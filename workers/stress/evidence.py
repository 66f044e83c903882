"""What is kept of runs that did not pass, apart from the result: it is large, and few look at it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pydantic import Base64Bytes, BaseModel, ConfigDict

from workers.stress.anchors import record_anchor
from workers.stress.result import Result
from workers.stress.verdicts import Evidence, Record

FILES = {
    "stdout": "stdout.txt",
    "stderr": "stderr.txt",
    "kernel_log": "kernel.txt",
    "maps": "maps.txt",
    "console": "console.txt",
    "core": "core.gz",
}
"""The evidence's fields, and the names of their files: on a run's page and below `--out`."""


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stdout: str = ""
    stderr: str = ""
    kernel_log: str = ""
    maps: str = ""
    console: str = ""
    core: Base64Bytes | None = None


def evidence_to_json(evidence: Evidence) -> dict[str, str]:
    """JSON-able, without what is empty; the core is base64."""
    found = {field.name: getattr(evidence, field.name) for field in fields(evidence)}
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in found.items()
        if value
    }


def evidence_from_json(data: Mapping[str, Any]) -> Evidence:
    """Raises `pydantic.ValidationError` when `data` is no evidence."""
    stored = _Stored.model_validate(data)
    return Evidence(**{name: getattr(stored, name) for name in _Stored.model_fields})


def evidence_files(evidence: Evidence) -> dict[str, bytes]:
    """File name → content, of what there is."""
    found = {FILES[field.name]: getattr(evidence, field.name) for field in fields(evidence)}
    return {
        name: value if isinstance(value, bytes) else value.encode(errors="replace")
        for name, value in found.items()
        if value
    }


def evidence_of(result: Result) -> dict[str, Evidence]:
    """The evidence of every record, controls included, by the record's anchor; records without any are left out."""
    return {record_anchor(record): record.evidence for record in _records(result) if record.evidence != Evidence()}


def with_evidence(result: Result, kept: Mapping[str, Evidence]) -> Result:
    """The result with each record's evidence in its place, where some was kept."""

    def whole(record: Record) -> Record:
        return replace(record, evidence=kept.get(record_anchor(record), record.evidence))

    controls = tuple(
        replace(control, seen=whole(control.seen) if control.seen is not None else None) for control in result.controls
    )
    return replace(result, records=tuple(map(whole, result.records)), controls=controls)


def _records(result: Result) -> tuple[Record, ...]:
    return (*result.records, *(control.seen for control in result.controls if control.seen is not None))
