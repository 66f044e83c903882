"""`pagewarden stress` as people run it: a process, its output and its exit status."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from workers.scenario import Scenario

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "config/schemas/stress.json").read_text())
USER = ("--machine", "user", "--page-sizes", "4K")


def stress(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot.cli", "stress", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "say either --libpas REPO or --subject SUBJECT"),
        (("--libpas", ".", "--subject", "x"), "say either --libpas REPO or --subject SUBJECT"),
        (("--libpas", ".", "--seeds", "1,x"), "--seeds: 'x' is no seed"),
        (("--libpas", ".", "--seeds", "1-9999"), "--seeds: at most 1000"),
        (("--libpas", ".", "--page-sizes", "8K"), "--page-sizes: '8K' is no page size"),
        (("--libpas", ".", "--phases", ","), "--phases: say at least one"),
        (("--libpas", ".", "--machine", "user", "--page-sizes", "64K"), "4K"),
        (("--libpas", "nowhere", *USER), "nowhere is not a directory"),
        (("--libpas", ".", *USER), "no libpas in this tree"),
        (("--subject", "nowhere", *USER), "nowhere"),
        (("--subject", sys.executable, *USER), "aarch64"),
    ],
)
def test_what_cannot_be_done_is_said_with_status_2(arguments: tuple[str, ...], says: str) -> None:
    done = stress(*arguments)
    assert done.returncode == 2, done.stdout
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(platform.machine() == "aarch64", reason="this is an arm64 host")
def test_a_native_run_needs_an_arm64_host() -> None:
    done = stress("--libpas", ".", "--machine", "native")
    assert done.returncode == 2
    assert "aarch64" in done.stderr


def test_a_phase_that_nobody_knows(whole_libpas: Scenario) -> None:
    done = stress("--libpas", whole_libpas.path, "--rev", "D", "--phases", "utility,nothing", *USER)
    assert done.returncode == 2
    assert "--phases: 'nothing' is no phase; there are baseline, utility" in done.stderr


def test_all_passed(whole_libpas: Scenario) -> None:
    done = stress("--libpas", whole_libpas.path, "--rev", "D", "--phases", "utility,baseline", "--seeds", "1-2", *USER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("PASS")
    assert "4K: 1 of 12, libpas B, baseline, seed 1 …" in done.stderr


def test_something_failed_and_its_evidence_is_kept(whole_libpas: Scenario, tmp_path: Path) -> None:
    chosen = ("--rev", "B", "--base", "A", "--phases", "utility,baseline")
    done = stress("--libpas", whole_libpas.path, *chosen, "--format", "json", "--out", tmp_path / "out", *USER)
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    jsonschema_rs.validate(SCHEMA, document)
    assert document["conclusion"] == "fail"
    cells = {(each["role"], each["phase"]): (each["verdict"], each["change"]) for each in document["records"]}
    assert cells == {
        ("head", "baseline"): ("fail", "regression"),
        ("head", "utility"): ("pass", "passes"),
        ("base", "baseline"): ("pass", None),
        ("base", "utility"): ("pass", None),
    }
    assert all(control["behaved"] for control in document["controls"])
    assert json.loads((tmp_path / "out/stress.json").read_text()) == document
    assert "signal 5" in (tmp_path / "out/head-4k-baseline-s1/stdout.txt").read_text()
