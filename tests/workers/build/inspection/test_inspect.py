from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workers.build.inspection.made import faults, tarred, zipped
from workers.build.driver import BuildError, State
from workers.build.inspection import contained
from workers.build.inspection.bounds import Bounds
from workers.build.inspection.inspect import inspect
from workers.build.result import Artifact, Binary, Inspection
from workers.sandbox import Finished

Deliver = Callable[..., Path]


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    """Puts files (by name: content, or a file to take) where a driver delivers them."""

    def delivered(files: dict[str, bytes | Path]) -> Path:
        directory = tmp_path / "artifacts"
        directory.mkdir(exist_ok=True)
        for name, content in files.items():
            if isinstance(content, Path):
                shutil.copy(content, directory / name)
            else:
                (directory / name).write_bytes(content)
        return directory

    return delivered


def test_an_engine_of_npm_in_a_zip_is_good(bun: Path, deliver: Deliver, tmp_path: Path) -> None:
    artifacts = deliver({})
    with zipfile.ZipFile(artifacts / "bun-linux-aarch64.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.write(bun, "bun-linux-aarch64/bun")
    inspection = inspect(artifacts)
    assert inspection.problems == ()
    (binary,) = inspection.binaries
    assert (binary.name, binary.kind, binary.alignment) == (
        "bun-linux-aarch64.zip: bun-linux-aarch64/bun",
        "executable",
        65536,
    )
    assert binary.file == bun.stat().st_size
    file = artifacts / "bun-linux-aarch64.zip"
    told = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True)
    assert inspection.artifacts == (Artifact(file.name, file.stat().st_size, told.stdout.split()[0]),)
    assert [path.name for path in tmp_path.iterdir()] == ["artifacts"]


def test_a_package_of_debian_is_looked_into(hello: Path, deliver: Deliver) -> None:
    inspection = inspect(deliver({hello.name: hello}))
    assert [(each.path, each.kind) for each in inspection.binaries] == [("usr/bin/hello", "executable")]
    # Debian links for pages of 64 KiB.
    assert (inspection.problems, inspection.binaries[0].alignment) == ((), 65536)


def test_a_binary_that_was_linked_for_pages_of_4k_is_named(binaries: Path, deliver: Deliver) -> None:
    inspection = inspect(deliver({"good": binaries / "aligned", "bad": binaries / "unaligned"}))
    assert faults(inspection) == [("alignment", "bad", "4096")]
    assert [each.artifact for each in inspection.binaries] == ["bad", "good"]


def test_a_large_member_is_unpacked_to_the_disk_which_is_cleared(
    binaries: Path, deliver: Deliver, tmp_path: Path
) -> None:
    large = (binaries / "unaligned").read_bytes() + os.urandom(12 << 20)
    assert faults(inspect(deliver({"a.tgz": tarred({"large": large}, "gz")}))) == [
        ("alignment", "a.tgz: large", "4096")
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["artifacts"]


def test_a_bomb_is_told_at_the_limit(deliver: Deliver) -> None:
    artifacts = deliver({})
    with (
        zipfile.ZipFile(artifacts / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("zeros", "w", force_zip64=True) as member,
    ):
        for _ in range(600):
            member.write(bytes(1 << 20))
    assert (artifacts / "bomb.zip").stat().st_size < 4 << 20
    assert faults(inspect(artifacts, bounds=Bounds(most_bytes=512 << 20))) == [
        ("too-large", "bomb.zip", str(512 << 20)),
    ]


def test_a_bomb_whose_header_takes_all_memory_is_damaged(deliver: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "_ADDRESS_SPACE", 128 << 20)
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 150 << 20
    bomb = gzip.compress(info.tobuf(tarfile.GNU_FORMAT)) + gzip.compress(bytes(info.size), 1)
    inspection = inspect(deliver({"bomb.tar.gz": bomb}))
    assert faults(inspection) == [("damaged", "bomb.tar.gz", "it takes more memory than there is for it")]


def test_nothing_is_empty(deliver: Deliver) -> None:
    assert faults(inspect(deliver({}))) == [("empty", "", "")]


def test_only_regular_files_are_taken(deliver: Deliver) -> None:
    artifacts = deliver({"a": b""})
    (artifacts / "link").symlink_to("/etc/passwd")
    with pytest.raises(BuildError, match=r"^link was delivered as something built, and is no regular file$"):
        inspect(artifacts)


def test_who_requires_it_to_stop_stops_it(deliver: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stop(Exception):
        pass

    calls = 0

    def require() -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise Stop

    monkeypatch.setattr(contained, "_TICK", 0.05)
    boot(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(Stop):
        inspect(deliver({"a": b"x"}), require=require)


def boot(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Has the child run this in place of ours, as hostile bytes that have taken it over might."""
    monkeypatch.setattr(contained, "_BOOT", code)


@pytest.mark.parametrize(
    ("code", "why", "state"),
    [
        ("import time; time.sleep(60)", "could not be looked at within 1 s", State.FAILED),
        ("import os; os.kill(os.getpid(), 11)", r"made its inspection crash \(SIGSEGV\)", State.FAILED),
        ("raise SystemExit(3)", "the inspection of what was built failed", None),
        ("", "the inspection of what was built failed", None),
        ("print('rubbish')", "the inspection of what was built failed", None),
        ("print('[' * 100000)", "the inspection of what was built failed", None),
        ("print('[]')", "the inspection of what was built failed", None),
        ("print('x' * (5 << 20), flush=True)", "the inspection of what was built", None),
        ("print('{}')", "an answer that makes no sense", State.FAILED),
        ('print(\'{"failure": "OSError"}\')', "the inspection of what was built failed", None),
    ],
)
def test_a_child_that_gives_no_answer_is_an_error(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch, code: str, why: str, state: State | None
) -> None:
    boot(monkeypatch, code)
    with pytest.raises(BuildError, match=why) as raised:
        inspect(deliver({"a": b"x"}), bounds=Bounds(seconds=1))
    assert raised.value.state in {state, State.FAILED}
    assert "/" not in str(raised.value)


def test_an_answer_about_something_else_is_not_taken(deliver: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
    lie = Inspection(binaries=(Binary("b", "", "executable", 65536, "", 1, 1, 1, 3),)).to_json()
    boot(monkeypatch, f"print({json.dumps(lie)!r})")
    with pytest.raises(BuildError, match="makes no sense"):
        inspect(deliver({"a": b"x"}))


def test_the_child_sees_nothing_but_the_artifacts_and_its_code(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = "[sorted(os.listdir(x)) for x in ('/code', '/artifacts', '/')]"
    boot(monkeypatch, f"import os, json; print(json.dumps({seen}))")
    told: list[bytes] = []

    def judged(answer: bytes, finished: Finished, bounds: Bounds) -> dict[str, Any]:
        told.append(answer)
        return {}

    monkeypatch.setattr(contained, "_judged", judged)
    with pytest.raises(BuildError):
        inspect(deliver({"a": b"x"}))
    code, artifacts, root = json.loads(told[0])
    assert (code, artifacts) == (["elftools", "workers"], ["a"])
    assert not {"home", "var", "run", "sys"} & set(root)


def test_a_failure_of_the_machine_is_no_fault_of_what_was_built(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch, binaries: Path
) -> None:
    large = (binaries / "unaligned").read_bytes() + bytes(12 << 20)
    boot(monkeypatch, "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4)); " + contained._BOOT)
    with pytest.raises(BuildError, match="failed; whoever runs pagewarden finds more in its log") as raised:
        inspect(deliver({"a.zip": zipped({"large": large})}))
    assert raised.value.state is None
