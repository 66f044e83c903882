"""The script itself, run by real engines under qemu-user on pages of 4K; page sizes are for `test_real`."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from workers.stress.javascript.subject import PHASES, SCRIPT, JavaScriptSubject, Kind
from workers.stress.processes import Ended
from workers.stress.subjects import Reading
from workers.stress.verdicts import Verdict

EMULATOR = "qemu-aarch64-static"


@pytest.fixture(autouse=True)
def emulator() -> None:
    if shutil.which(EMULATOR) is None:
        pytest.skip(f"{EMULATOR} is missing (Debian: apt-get install qemu-user-static)")


def run(subject: JavaScriptSubject, phase: str, directory: Path, seed: int = 1, text: str | None = None) -> Reading:
    """Runs a phase of the script, or of `text` in its place."""
    process = subject.process(phase, seed, "p1")
    for path, file in subject.files.items():
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.symlink_to(file)
    if text is not None:
        script = directory / subject.directory / "stress.js"
        script.unlink()
        script.write_text(text)
    argv = [word.replace("/subject", str(directory)) for word in process.argv]
    done = subprocess.run(
        [EMULATOR, *argv],
        env={"PATH": os.environ["PATH"], **dict(process.environment), "HOME": str(directory)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    status, signal = (done.returncode, None) if done.returncode >= 0 else (None, -done.returncode)
    return subject.read(phase, seed, Ended("p1", status, signal, stdout=done.stdout, stderr=done.stderr))


@pytest.mark.parametrize("phase", [phase.name for phase in PHASES])
def test_engines_agree_on_the_checksum_of_a_phase(
    phase: str, bun: JavaScriptSubject, jsc: JavaScriptSubject, tmp_path: Path
) -> None:
    readings = [run(subject, phase, tmp_path) for subject in (bun, jsc)]
    assert [reading.verdict for reading in readings] == [Verdict.PASS] * 2, readings
    assert readings[0].checksum == readings[1].checksum


def test_the_checksum_is_that_of_the_seed(jsc: JavaScriptSubject, tmp_path: Path) -> None:
    first, other = (run(jsc, "compile-collect", tmp_path, seed) for seed in (1, 2))
    assert first.verdict is Verdict.PASS
    assert other.verdict is Verdict.PASS
    assert first.checksum != other.checksum


BROKEN_MAP = """
{ const get = Map.prototype.get; let calls = 0;
  Map.prototype.get = function (key) { return ++calls === 500 ? [1] : get.call(this, key); }; }
"""
BROKEN_WORDS = """
{ const fill = Uint32Array.prototype.fill; let calls = 0;
  Uint32Array.prototype.fill = function (value) { fill.call(this, value); if (++calls > 20) this[1] ^= 1; }; }
"""
STALE_FUNCTION = """
{ const Real = Function; let made = 0;
  globalThis.Function = function (...words) {
    return ++made === 5 ? new Real("return 0") : new Real(...words); }; }
"""


@pytest.mark.parametrize(
    ("before", "phase", "reason"),
    [
        (BROKEN_MAP, "collect-idle", "wrong: the contents of a map made from"),
        (BROKEN_WORDS, "collect-idle", "wrong: the contents of a words made from"),
        (STALE_FUNCTION, "functions", "wrong: the function made from"),
    ],
)
def test_an_engine_that_spoils_contents_fails(
    before: str, phase: str, reason: str, jsc: JavaScriptSubject, tmp_path: Path
) -> None:
    reading = run(jsc, phase, tmp_path, text=before + SCRIPT.read_text())
    assert reading.verdict is Verdict.FAIL
    assert reason in reading.reason


def edited(old: str, new: str) -> str:
    """The script with one place of it changed."""
    text = SCRIPT.read_text()
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.mark.parametrize("engine", ["bun", "jsc"])
def test_a_fault_in_a_thread_fails_the_phase(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    subject: JavaScriptSubject = request.getfixturevalue(engine)
    reading = run(
        subject, "threads", tmp_path, text=edited("sum = mixed(sum, checked(slots[at]));", "wrong('in a thread');")
    )
    assert reading.verdict is Verdict.FAIL
    assert "wrong: in a thread" in reading.reason


def test_a_report_that_changes_on_its_way_fails_the_phase(jsc: JavaScriptSubject, tmp_path: Path) -> None:
    text = edited("${report(seed, number, i)}`", "${report(seed, number, i)}!`")
    reading = run(jsc, "threads", tmp_path, text=text)
    assert reading.verdict is Verdict.FAIL
    assert "has changed on its way" in reading.reason


def test_an_engine_without_threads_says_so(bun: JavaScriptSubject, tmp_path: Path) -> None:
    text = edited('return require("worker_threads");', 'return require("no_such_threads");')
    assert run(bun, "threads", tmp_path, text=text).verdict is Verdict.ERROR
    unknown = replace(bun, kind=Kind.SCRIPT, directory="unknown")
    assert run(unknown, "threads", tmp_path, text=text).verdict is Verdict.UNAVAILABLE


@pytest.mark.parametrize("words", [("nothing", "1"), ("threads", "x")])
def test_words_that_mean_nothing_never_begin(words: tuple[str, str], jsc: JavaScriptSubject, tmp_path: Path) -> None:
    text = f"arguments.splice(0, 2, {words[0]!r}, {words[1]!r});\n{SCRIPT.read_text()}"
    reading = run(jsc, "threads", tmp_path, text=text)
    assert reading.verdict is Verdict.ERROR
    assert words[0] in reading.reason or words[1] in reading.reason
