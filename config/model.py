"""What all models of a repository's settings have in common."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from config.strict_yaml import shown

T = TypeVar("T", bound=Hashable)


class Strict(BaseModel):
    """Frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def each_once(entries: tuple[T, ...]) -> tuple[T, ...]:
    """The entries. Raises `ValueError` where one is there twice."""
    if twice := next((entry for entry in entries if entries.count(entry) > 1), None):
        raise ValueError(f"{shown(str(twice))} is there twice; leave one of them out")
    return entries
