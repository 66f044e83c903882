"""Each row of the table of outcomes, and what a subject could print to be taken for better than it is."""

from __future__ import annotations

import signal

import pytest

from workers.stress.javascript.reading import read_script
from workers.stress.processes import Ended
from workers.stress.subjects import Reading
from workers.stress.verdicts import Verdict

BEGUN = "phase functions seed 3\n"
COMPLETE = BEGUN + "progress 8 of 8\nchecksum 82cfedf4\nend functions ok\n"


def read(stdout: str = "", stderr: str = "", status: int | None = 0, number: int | None = None) -> Reading:
    ended = Ended("p", None if number else status, number, stdout=stdout, stderr=stderr)
    return read_script("functions", 3, ended)


def test_a_complete_run_passes_with_its_checksum() -> None:
    assert read(COMPLETE) == Reading(Verdict.PASS, progress="end functions ok", checksum="82cfedf4")


@pytest.mark.parametrize("name", ["SIGTRAP", "SIGSEGV", "SIGABRT", "SIGILL", "SIGBUS"])
@pytest.mark.parametrize("stdout", ["", BEGUN, COMPLETE])
def test_a_fatal_signal_fails_whatever_was_printed(name: str, stdout: str) -> None:
    reading = read(stdout, number=signal.Signals[name])
    assert (reading.verdict, reading.signal) == (Verdict.FAIL, name)


def test_a_failure_says_where_it_was() -> None:
    assert read("", number=6).reason == "SIGABRT before its first line"
    assert read(f"{BEGUN}progress 2 of 8\n", number=6).reason == "SIGABRT after `progress 2 of 8`"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, 40])
def test_a_signal_from_elsewhere_is_no_fault_of_the_subject(number: int) -> None:
    assert read(BEGUN, number=number).verdict is Verdict.ERROR


def test_contents_that_changed_fail_with_what_the_script_said() -> None:
    reading = read(f"{BEGUN}wrong: the contents of a map have changed\n", "12 | throw new Error()\nmore\n", status=3)
    assert reading.verdict is Verdict.FAIL
    assert reading.reason == "exit status 3: wrong: the contents of a map have changed"


@pytest.mark.parametrize(
    ("stderr", "status"),
    [
        ("bun: error while loading shared libraries: libc.so.6: cannot open shared object file\n", 127),
        ("cannot execute binary file: Exec format error\n", 126),
        ("", 1),
        ("ERROR: invalid option: JSC_thresholdForJITAfterWarmUp=10\n", 1),
    ],
)
def test_what_never_began_is_our_error(stderr: str, status: int) -> None:
    reading = read("", stderr, status)
    assert reading.verdict is Verdict.ERROR
    assert stderr.strip()[:40] in reading.reason


@pytest.mark.parametrize(
    "stdout",
    [
        "",
        BEGUN,
        COMPLETE.removesuffix("end functions ok\n"),
        COMPLETE.removesuffix("\n"),
        COMPLETE.replace("checksum 82cfedf4\n", ""),
        COMPLETE.replace("82cfedf4", "82cfedf4 "),
        COMPLETE.replace("checksum 82cfedf4", "checksum ok"),
        COMPLETE.replace("end functions", "end threads"),
        COMPLETE.replace("seed 3", "seed 33"),
        f"hello\n{COMPLETE}",
        f"{COMPLETE}more\n",
        "end functions ok\n",
    ],
)
def test_exit_status_0_without_every_line_is_an_error(stdout: str) -> None:
    assert read(stdout).verdict is Verdict.ERROR


@pytest.mark.parametrize(("may", "verdict"), [(True, Verdict.UNAVAILABLE), (False, Verdict.ERROR)])
def test_threads_may_lack_only_where_nobody_knows_the_engine(may: bool, verdict: Verdict) -> None:
    stdout = "phase threads seed 1\nunavailable threads: this engine offers scripts no threads\nend threads ok\n"
    reading = read_script("threads", 1, Ended("p", 0, stdout=stdout), may_lack_threads=may)
    assert reading.verdict is verdict
    assert reading.reason == "this engine offers scripts no threads"


def test_no_other_phase_may_be_unavailable_in_its_place() -> None:
    stdout = f"{BEGUN}unavailable threads: none\nend functions ok\n"
    assert read_script("functions", 3, Ended("p", 0, stdout=stdout), may_lack_threads=True).verdict is Verdict.ERROR


def test_a_flood_of_words_is_cut() -> None:
    reading = read(BEGUN + "progress " + "x" * 10_000 + "\n", "Error: " + "y" * 10_000, status=1)
    assert len(reading.progress) <= 200
    assert len(reading.reason) < 300
