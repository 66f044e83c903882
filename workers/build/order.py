"""An order: what is to be built, and how. Plain data that drivers work from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from config.preview import PreviewSettings
from workers.plain import Plain

TAG_PREFIX = "autobuild-preview-pr-"
SHORT_SHA = 8
"""Characters of a commit id in a tag."""


@dataclass(frozen=True)
class Order(Plain):
    """One attempt to build the head of a pull request.

    `ref` is the branch that it is to get into; shas are full; `attempt` counts from 1. `settings` are those of the
    repository at that branch: the head has no say in how it is built.
    """

    installation_id: int
    repository: str
    number: int
    ref: str
    base: str
    head: str
    clone_url: str
    attempt: int = 1
    settings: PreviewSettings = field(default_factory=PreviewSettings)

    @property
    def tag(self) -> str:
        """Of its release: the same for each attempt, and for each base."""
        return tag_of(self.number, self.head)

    @property
    def correlation(self) -> str:
        """Names this very attempt towards a driver, so that what was submitted is found again."""
        whole = f"{self.repository}#{self.number} {self.base}..{self.head} {self.attempt}"
        return f"{self.tag}-{hashlib.sha256(whole.encode()).hexdigest()[:16]}"

    @property
    def base_release(self) -> str | None:
        """The tag of the release of the base that the settings name."""
        named = self.settings.base_release
        return named.replace("{sha}", self.base) if named is not None else None

    @property
    def seconds(self) -> float:
        """Wall time after which the build is given up."""
        return self.settings.minutes * 60.0

    def to_json(self) -> dict[str, Any]:
        """JSON-able; `from_json` reads it."""
        return {**asdict(self), "settings": self.settings.model_dump(mode="json")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `KeyError` when a field is missing, `pydantic.ValidationError` for settings of another version."""
        return super().from_json({**data, "settings": PreviewSettings.model_validate(data["settings"])})


def tag_of(number: int, head: str) -> str:
    """The tag of the release of a head of a pull request."""
    return f"{TAG_PREFIX}{number}-{head[:SHORT_SHA]}"


def prefix_of(number: int) -> str:
    """How the tags of all releases of a pull request begin."""
    return f"{TAG_PREFIX}{number}-"
