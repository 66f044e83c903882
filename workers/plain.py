"""Frozen data that goes to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class Plain:
    """Base of data classes whose fields are JSON, with tuples for arrays."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `KeyError` when a field without a default is missing; unknown ones are passed over."""
        named = [field.name for field in fields(cls) if field.name in data or field.default is MISSING]
        values = {name: data[name] for name in named}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
