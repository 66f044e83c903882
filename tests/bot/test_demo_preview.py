from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from bot import demo_preview
from bot.demo import Extras, run_demo
from bot.demo_preview import CannotPreview, Row, faults_of, is_for_large_pages, prepare, table
from config.repository import read_settings
from workers.build.result import Row as Told
from workers.build.result import RowState
from workers.report.context import Context
from workers.report.preview import section_for_comment

HEAD, BEFORE = "e2f503f6" + "0" * 32, "286fe736" + "0" * 32
TAG = "autobuild-preview-pr-1-e2f503f6"


def comment(*rows: Told) -> str:
    """The comment as the product writes it."""
    about = Context("example/WebKit", 1, "a" * 40, HEAD, None, (), "http://localhost")
    blocks = section_for_comment(rows, None, about, 10)
    return "\n\n".join("\n".join(block) for block in [["## pagewarden: 1 limit broken"], *blocks, ["| a | b | c |"]])


def test_the_table_is_read_as_the_product_writes_it() -> None:
    said = comment(
        Told(BEFORE, RowState.CANCELLED, "", "http://localhost/checks", at=1_774_047_600.0),
        Told(HEAD, RowState.RELEASED, TAG, f"http://localhost/releases/tag/{TAG}", at=1_774_047_873.0),
    )
    rows = table(said)
    assert rows == [
        Row("e2f503f6", TAG, "2026-03-20 23:04:33 UTC"),
        Row("286fe736", "cancelled", "2026-03-20 23:00:00 UTC"),
    ]
    assert faults_of(rows, 1, HEAD) == []


def test_a_table_without_the_release_of_the_head_is_a_fault() -> None:
    failed = table(comment(Told(HEAD, RowState.FAILED, "", "http://localhost/checks", at=1_774_047_600.0)))
    told = [f"the comment's table of previews does not begin with e2f503f6 | {TAG}"]
    assert faults_of(failed, 1, HEAD) == told
    assert faults_of(table("no table"), 1, HEAD) == told


def linked(place: Path, page: int) -> bytes:
    """A library for aarch64 whose segments are aligned to so many bytes."""
    library = place / f"{page}.so"
    options = ["-shared", "-nostdlib", f"-Wl,-z,max-page-size={page}"]
    command = ["aarch64-linux-gnu-gcc", *options, "-o", str(library), "-xc", "-"]
    subprocess.run(command, input=b"int one(void) { return 1; }", check=True)
    return library.read_bytes()


@pytest.mark.skipif(shutil.which("aarch64-linux-gnu-gcc") is None, reason="needs gcc-aarch64-linux-gnu")
def test_what_was_released_is_read_anew(tmp_path: Path) -> None:
    library = linked(tmp_path, 65536)
    assert is_for_large_pages(library)
    for_x86_64 = library[:18] + struct.pack("<H", 62) + library[20:]
    assert [is_for_large_pages(other) for other in (linked(tmp_path, 4096), for_x86_64, b"text")] == [False] * 3


def test_what_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CannotPreview) as told:
        prepare()
    assert str(told.value) == (
        "Debian packages are missing: apt-get install bubblewrap gcc-aarch64-linux-gnu g++-aarch64-linux-gnu"
    )


def test_a_demo_that_cannot_build_previews_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    console = Console(record=True, width=40, file=(tmp_path / "said").open("w"))
    assert run_demo(once=True, keep=tmp_path / "kept", extras=Extras(preview=True), console=console) == 2
    assert (
        "cannot build previews here: Debian packages are missing: apt-get install bubblewrap" in console.export_text()
    )
    assert list((tmp_path / "kept").iterdir()) == []


def test_its_settings_are_valid() -> None:
    read = read_settings(demo_preview.SETTINGS.read_text())
    assert read.settings is not None
    assert read.settings.preview.driver == "command"
