"""The names of records on a run's page: what links point at, and what evidence is kept under."""

from __future__ import annotations

import hashlib
import re

from workers.stress.processes import page_name
from workers.stress.verdicts import Record, Role

_LONGEST = 48
_FOREIGN = re.compile(r"[^a-z0-9.]+")


def record_anchor(record: Record) -> str:
    """`head-64k-jit-small-bitfit-s1`; letters, digits, `.` and `-`, another for each record of a run."""
    of = f"{record.role}-{slug(record.subject)}" if record.role is Role.CONTROL else str(record.role)
    return f"{of}-{page_name(record.page_size).lower()}-{slug(record.phase)}-s{record.seed}"


def cell_anchor(role: Role, page_size: int) -> str:
    """`head-64k`: all that was run of a role on pages of one size (bytes)."""
    return f"{role}-{page_name(page_size).lower()}"


def slug(name: str) -> str:
    """A name in lower-case letters, digits, `.` and `-`; where that loses something, with a hash of the name."""
    simple = _FOREIGN.sub("-", name.lower()).strip("-.")[:_LONGEST]
    if simple == name:
        return simple
    return "-".join(filter(None, (simple, hashlib.sha256(name.encode(errors="replace")).hexdigest()[:6])))
