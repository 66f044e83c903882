"""What lies beside the files of a release, and what is made of it when it is read again."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.report import Commit, Report, Verdict
from checker.schemas import directory, to_text
from config.preview import PreviewSettings
from workers.build.manifest import (
    LARGEST_MANIFEST,
    LOG,
    LONGEST_NAME,
    MANIFEST,
    REPORT,
    FileDocument,
    asset_names,
    manifest,
    read_manifest,
    release_files,
)
from workers.build.order import Order
from workers.build.result import Artifact, Binary, Ending, Inspection, Made
from workers.build.schemas import schemas

HEAD, BASE = "d56ecd41" + "0" * 32, "b" * 40
AT = 1774047873.9
SETTINGS = PreviewSettings.model_validate({"command": {"run": ["make"], "output": "out"}})
ORDER = Order(1, "acme/engine", 176, "main", BASE, HEAD, "https://github.example/acme/engine.git", settings=SETTINGS)
REPORTED = FileDocument(name=REPORT, size=2, sha256="0" * 64)
BUN = Binary("bun.zip", "bun/bin/bun", "executable", 65536, "ab" * 20, 60_000_000, 9_000_000, 500_000, 98_000_000)


def report(verdict: Verdict = Verdict.FAIL) -> Report:
    """What a check said."""
    return Report(
        verdict=verdict,
        profile="libpas",
        base=Commit(sha=BASE),
        head=Commit(sha=HEAD),
        page_sizes=(4096, 65536),
        rules=(),
        targets=(),
        changes=(),
        errors=(),
    )


def built(folder: Path, **files: bytes) -> Made:
    """Files of a build, and what came of it."""
    folder.mkdir()
    artifacts = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        artifacts.append(Artifact(name, len(content), hashlib.sha256(content).hexdigest()))
    return Made(Ending.BUILT, url="https://ci.example/1", inspection=Inspection(tuple(artifacts), (BUN,), more=3))


def prepared(tmp_path: Path, made: Made, log: str | None = "$ make\n") -> dict[str, Path]:
    """The files of its release."""
    into = tmp_path / "beside"
    into.mkdir()
    text = tmp_path / "log"
    text.write_text(log or "")
    return release_files(ORDER, made, [report()], AT, tmp_path / "artifacts", text if log is not None else None, into)


def test_committed_schemas_equal_the_models() -> None:
    for name, schema in schemas().items():
        assert (directory() / name).read_text() == to_text(schema), "run `make schemas` and commit the result"


def test_a_release_has_what_was_built_the_reports_the_log_and_a_manifest_of_it(tmp_path: Path) -> None:
    made = built(tmp_path / "artifacts", **{"bun.zip": b"PK", "libpas.a": b"!<arch>\n"})
    files = prepared(tmp_path, made)
    assert list(files) == ["bun.zip", "libpas.a", REPORT, LOG, MANIFEST]
    assert files["bun.zip"].read_bytes() == b"PK"
    reports = json.loads(files[REPORT].read_text())
    assert reports == [json.loads(report().to_json())]
    jsonschema_rs.validate(json.loads((directory() / "report.json").read_text()), reports[0])
    text = files[MANIFEST].read_bytes()
    jsonschema_rs.validate(schemas()["preview.json"], json.loads(text))
    document = read_manifest(text)
    assert document.inspection() == made.inspection
    assert (document.repository, document.number, document.head, document.base) == ("acme/engine", 176, HEAD, BASE)
    assert (document.tag, document.target, document.driver) == (ORDER.tag, "linux-arm64", "command")
    assert [(each.profile, each.verdict) for each in document.verdicts] == [("libpas", Verdict.FAIL)]
    assert json.loads(text)["built_at"] == "2026-03-20T23:04:33Z"
    for described in (document.report, document.log):
        assert described is not None
        content = files[described.name].read_bytes()
        assert (described.size, described.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_same_build_gives_the_same_files(tmp_path: Path) -> None:
    texts = []
    for part in ("one", "other"):
        (tmp_path / part).mkdir()
        made = built(tmp_path / part / "artifacts", **{"bun.zip": b"PK"})
        texts.append([path.read_bytes() for path in prepared(tmp_path / part, made).values()])
    assert texts[0] == texts[1]


def test_without_a_log_none_is_named(tmp_path: Path) -> None:
    for log in (None, ""):
        folder = tmp_path / f"with {log!r}"
        folder.mkdir()
        files = prepared(folder, built(folder / "artifacts", **{"bun.zip": b"PK"}), log)
        assert LOG not in files
        assert read_manifest(files[MANIFEST].read_bytes()).log is None


def test_an_empty_file_is_named_and_is_no_asset(tmp_path: Path) -> None:
    files = prepared(tmp_path, built(tmp_path / "artifacts", **{"bun.zip": b"PK", "DONE": b""}))
    assets = {each.name: each.asset for each in read_manifest(files[MANIFEST].read_bytes()).artifacts}
    assert assets == {"bun.zip": "bun.zip", "DONE": None}


def test_what_was_built_under_a_name_of_ours_gets_another(tmp_path: Path) -> None:
    made = built(tmp_path / "artifacts", **{MANIFEST: b"theirs", LOG: b"theirs too"})
    files = prepared(tmp_path, made)
    assert files["pagewarden-preview-2.json"].read_bytes() == b"theirs"
    assert files["pagewarden-build-2.log"].read_bytes() == b"theirs too"
    assert files[LOG].read_text() == "$ make\n"
    document = read_manifest(files[MANIFEST].read_bytes())
    assert [each.asset for each in document.artifacts] == ["pagewarden-preview-2.json", "pagewarden-build-2.log"]


@pytest.mark.parametrize(
    ("artifacts", "assets"),
    [
        (["bun-linux-aarch64.zip"], ["bun-linux-aarch64.zip"]),
        (["a b.zip", "a.b.zip", "a&b.zip"], ["a.b.zip", "a.b-2.zip", "a.b-3.zip"]),
        (["LIB.a", "lib.a"], ["LIB.a", "lib-2.a"]),
        ([".hidden", "...", "end."], ["hidden", "file", "end"]),
        (["PAGEWARDEN-report.json"], ["PAGEWARDEN-report-2.json"]),
        (["プレビュー.zip"], ["zip"]),
        (["x" * 300 + ".tar.gz"], ["x" * (LONGEST_NAME - 7) + ".tar.gz"]),
    ],
)
def test_names_are_what_github_takes(artifacts: list[str], assets: list[str]) -> None:
    assert list(asset_names(artifacts).values()) == assets


@given(st.lists(st.text(st.sampled_from("ab.-é /\n\0"), min_size=1, max_size=6), unique=True, max_size=12))
def test_every_artifact_has_a_name_of_its_own(artifacts: list[str]) -> None:
    names = asset_names(artifacts)
    assert list(names) == artifacts
    assert len({name.lower() for name in names.values()} | {MANIFEST, REPORT, LOG}) == len(artifacts) + 3
    for name in names.values():
        assert re.fullmatch(r"[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?", name)


def document(**changed: Any) -> dict[str, Any]:
    """A manifest as JSON, with something else in it."""
    made = Made(Ending.BUILT, inspection=Inspection((Artifact("bun.zip", 2, "1" * 64),), (BUN,)))
    return {**manifest(ORDER, made, [report()], AT, REPORTED, None), **changed}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "no manifest of a preview: the text: Invalid JSON"),
        (b"\xff\xfe", "no manifest of a preview: the text: Invalid JSON"),
        (b"[]", "no manifest of a preview: the text: Input should be"),
        (json.dumps(document(schema=2)).encode(), "schema: Input should be 1"),
        (json.dumps(document(head="main")).encode(), "head: String should match"),
        (json.dumps(document(number=0)).encode(), "number: Input should be greater"),
        (json.dumps(document(more="many")).encode(), "more: Input should be"),
        (json.dumps(document(stranger=1)).encode(), "stranger: Extra inputs"),
        (json.dumps(document(artifacts=[{"name": "x"}])).encode(), "artifacts.0.asset: Field required"),
        (b" " * (LARGEST_MANIFEST + 1), "at most 8,388,608 are read"),
    ],
)
def test_what_is_no_manifest_is_said_to_be_none(text: bytes, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        read_manifest(text)


def test_a_manifest_reads_as_it_was_written() -> None:
    read = read_manifest(json.dumps(document()).encode())
    assert read.inspection().binaries == (BUN,)


def test_an_order_that_nothing_builds_has_no_manifest() -> None:
    nothing = Order(1, "acme/engine", 176, "main", BASE, HEAD, "")
    with pytest.raises(ValueError, match="driver"):
        manifest(nothing, Made(Ending.BUILT), [], AT, REPORTED, None)
