"""The JSON schemas of what others read and write, generated from the models.

`make schemas` runs this module; the tests assert that what is committed equals the models.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from checker.profile import Profile
from checker.report import Report
from config.repository import RepositorySettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """File name → schema."""
    return {
        "report.json": _schema(Report.model_json_schema(by_alias=True, mode="serialization"), "A pagewarden report"),
        "profile.json": _schema(Profile.model_json_schema(by_alias=True), "A pagewarden profile"),
        "repository.json": _schema(RepositorySettings.model_json_schema(), "A repository's settings for pagewarden"),
    }


def _schema(schema: dict[str, Any], title: str) -> dict[str, Any]:
    return {"$schema": DIALECT, **schema, "title": title}


def directory() -> Path:
    """Where the schemas are committed."""
    return Path(str(files("config.schemas")))


def to_text(schema: dict[str, Any]) -> str:
    """As it is committed."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes every schema."""
    for name, schema in schemas().items():
        (directory() / name).write_text(to_text(schema))


if __name__ == "__main__":
    main()
