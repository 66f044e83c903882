"""What lies beside the files of a preview's release: what was built of what, and what the check said of it.

A public, versioned schema: `config/schemas/preview.json` is generated from these models.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from checker.report import Model, Report, Verdict
from workers.build.order import Order
from workers.build.result import Artifact, Binary, Inspection, Made

MANIFEST = "pagewarden-preview.json"
REPORT = "pagewarden-report.json"
"""An array of reports, each as `pagewarden check --format json` prints it."""
LOG = "pagewarden-build.log"
SCHEMA_VERSION: Literal[1] = 1
LARGEST_MANIFEST = 8 * 1024**2
"""Bytes of a manifest that are read."""
LONGEST_NAME = 150
"""Characters of an asset's name."""

Text = Annotated[str, Field(max_length=5000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
CommitId = Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
Count = Annotated[int, Field(ge=0)]


class FileDocument(Model):
    """An asset of the same release."""

    name: Text
    size: Count = Field(description="In bytes.")
    sha256: Sha256


class ArtifactDocument(Model):
    """One file that was built."""

    name: Text = Field(description="As the build called it.")
    asset: Text | None = Field(
        description="The asset that it is in this release; null for an empty file, as GitHub takes none."
    )
    size: Count = Field(description="In bytes.")
    sha256: Sha256


class BinaryDocument(Model):
    """One ELF file for aarch64 in what was built."""

    artifact: Text = Field(description="The name of the artifact that it is, or is in.")
    path: Text = Field(description="Where it lies in the artifact; empty where it is the artifact itself.")
    kind: Text = Field(description="executable, library or object.")
    alignment: Count = Field(description="The smallest of its LOAD segments, in bytes; 0 where it has none.")
    build_id: Text = Field(description="In hexadecimal; empty where it has none.")
    text: Count = Field(description="Bytes, as `size` counts them; so are data and bss.")
    data: Count
    bss: Count
    file: Count = Field(description="Bytes of the whole file.")


class VerdictDocument(Model):
    """What the check of head against base said."""

    profile: Text
    verdict: Verdict


class Document(Model):
    """A preview build of the head of a pull request."""

    schema_: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    repository: Text = Field(description="owner/name")
    number: int = Field(ge=1, description="The pull request.")
    head: CommitId = Field(description="The commit that was built.")
    base: CommitId = Field(description="The commit that it was checked against.")
    tag: Text = Field(description="Of this release.")
    target: Text = Field(description="What it was built for, such as linux-arm64.")
    driver: Literal["actions", "docker", "command"] = Field(description="What built it.")
    url: Text = Field(description="Where it was built; empty where no page tells.")
    built_at: datetime = Field(description="In UTC.")
    verdicts: tuple[VerdictDocument, ...] = Field(max_length=100, description="One a profile.")
    report: FileDocument = Field(description="The reports behind the verdicts, with every constant, as an array.")
    log: FileDocument | None = Field(description="The build's log; null where there is none.")
    artifacts: tuple[ArtifactDocument, ...] = Field(max_length=1000)
    binaries: tuple[BinaryDocument, ...] = Field(max_length=1000)
    more: Count = Field(description="Binaries that are not listed.")

    def inspection(self) -> Inspection:
        """What was built, as the inspection saw it: without a problem, else there would be no release."""
        return Inspection(
            tuple(Artifact(each.name, each.size, each.sha256) for each in self.artifacts),
            tuple(Binary(**each.model_dump()) for each in self.binaries),
            more=self.more,
        )


def release_files(
    order: Order, made: Made, reports: Sequence[Report], at: float, artifacts: Path, log: Path | None, into: Path
) -> dict[str, Path]:
    """The files of a release, by the names of the assets. Reports and manifest are written into the folder `into`.

    `artifacts` holds what was built, `at` is when, in epoch seconds. From the same build the same files come.
    """
    names = asset_names(each.name for each in made.inspection.artifacts)
    files = {names[each.name]: artifacts / each.name for each in made.inspection.artifacts}
    texts = [report.model_dump(mode="json", by_alias=True) for report in reports]
    files[REPORT] = _written(into / REPORT, texts)
    if log is not None and log.stat().st_size:
        files[LOG] = log
    beside = {name: _described(name, files[name]) for name in (REPORT, LOG) if name in files}
    document = manifest(order, made, reports, at, beside[REPORT], beside.get(LOG))
    return {**files, MANIFEST: _written(into / MANIFEST, document)}


def manifest(
    order: Order, made: Made, reports: Sequence[Report], at: float, report: FileDocument, log: FileDocument | None
) -> dict[str, Any]:
    """JSON-able; `read_manifest` reads it. Raises `ValueError` for an order without a driver."""
    inspection = made.inspection
    names = asset_names(each.name for each in inspection.artifacts)
    document = Document.model_validate(
        {
            "repository": order.repository,
            "number": order.number,
            "head": order.head,
            "base": order.base,
            "tag": order.tag,
            "target": order.settings.target,
            "driver": order.settings.driver,
            "url": made.url,
            "built_at": datetime.fromtimestamp(int(at), UTC),
            "verdicts": [VerdictDocument(profile=each.profile, verdict=each.verdict) for each in reports],
            "report": report,
            "log": log,
            "artifacts": [
                ArtifactDocument(
                    name=each.name, asset=names[each.name] if each.size else None, size=each.size, sha256=each.sha256
                )
                for each in inspection.artifacts
            ],
            "binaries": [each.to_json() for each in inspection.binaries],
            "more": inspection.more,
        }
    )
    return document.model_dump(mode="json", by_alias=True)


def read_manifest(data: bytes) -> Document:
    """Reads a manifest, which may be anybody's. Raises `ValueError`, which says what is wrong."""
    if len(data) > LARGEST_MANIFEST:
        raise ValueError(f"a manifest of {len(data):,} bytes; at most {LARGEST_MANIFEST:,} are read")
    try:
        return Document.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"no manifest of a preview: {where or 'the text'}: {first['msg']}") from None


def asset_names(artifacts: Iterable[str]) -> dict[str, str]:
    """What each artifact is called as an asset: GitHub takes letters, digits and `._-`, and each name once.

    A name that is taken, by one before or by what lies beside the artifacts, gets a number.
    """
    taken = {name.lower() for name in (MANIFEST, REPORT, LOG)}
    names = {}
    for artifact in artifacts:
        plain = PurePosixPath(re.sub(r"[^A-Za-z0-9._-]", ".", artifact)[-LONGEST_NAME:].strip(".") or "file")
        name, count = plain.name, 1
        while name.lower() in taken:
            count += 1
            name = f"{plain.stem}-{count}{plain.suffix}"
        taken.add(name.lower())
        names[artifact] = name
    return names


def _described(name: str, path: Path) -> FileDocument:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileDocument(name=name, size=path.stat().st_size, sha256=digest)


def _written(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
