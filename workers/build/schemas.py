"""The JSON schema of a preview's manifest, beside those of `checker.schemas`, which may not know the workers.

`python -m workers.build.schemas` writes it; the tests assert that what is committed equals the models.
"""

from __future__ import annotations

from typing import Any

from checker.schemas import DIALECT, directory, to_text
from workers.build.manifest import Document


def schemas() -> dict[str, dict[str, Any]]:
    """File name → schema."""
    schema = Document.model_json_schema(by_alias=True, mode="serialization")
    return {"preview.json": {"$schema": DIALECT, **schema, "title": "A pagewarden preview build"}}


def main() -> None:
    """Writes every schema."""
    for name, schema in schemas().items():
        (directory() / name).write_text(to_text(schema))


if __name__ == "__main__":
    main()
