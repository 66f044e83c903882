"""From the end of a process to a verdict, whatever its output."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import pytest

from workers.stress.libpas.crashes import Place
from workers.stress.libpas.reading import read_ended, told_in
from workers.stress.processes import Ended
from workers.stress.subjects import Reading
from workers.stress.verdicts import Crash, Verdict

GOOD = "phase utility seed 3\nall freed\nok 0123456789abcdef\n"
TRAPPED = """\
phase jit-medium-bitfit seed 1
253 objects made and shrunk
254 objects made and shrunk
signal 5 pc 0x457110 address 0x457110
frame 0x457980
frame 0x41e1c0
"""
COMMIT = Place("commit_granules", "pas_bitfit_page_inlines.h", 193)


def read(ended: Ended, phase: str = "utility", seed: int = 3, places: Sequence[Place] = ()) -> Reading:
    """Reads with addresses known as `places`, of which one rule speaks."""
    return read_ended(phase, seed, ended, lambda _addresses: places, lambda found: ("use-count",) if found else ())


def exited(status: int, stdout: str = GOOD, stderr: str = "") -> Ended:
    return Ended("p1", status=status, stdout=stdout, stderr=stderr)


def killed(number: int, stdout: str = TRAPPED) -> Ended:
    return Ended("p1", signal=number, stdout=stdout)


def test_the_phase_and_the_end_line_and_status_0_are_a_pass() -> None:
    reading = read(exited(0))
    assert (reading.verdict, reading.progress, reading.checksum) == (Verdict.PASS, "all freed", "0123456789abcdef")


@pytest.mark.parametrize(
    "output",
    [
        "",
        "ok 0123456789abcdef\n",
        "phase utility seed 3\n",
        "phase utility seed 3\nok\n",
        "phase utility seed 3\nok 0123456789abcdef",
        "phase utility seed 3\nok 0123456789abcdef\nmore\n",
        "phase utility seed 3\nok 0123456789ABCDEF\n",
        "phase utility seed 4\nok 0123456789abcdef\n",
        "phase bitfit seed 3\nok 0123456789abcdef\n",
        "before\nphase utility seed 3\nok 0123456789abcdef\n",
        "phase utility seed 3\nsignal 5 pc 0x1 address 0x1\nok 0123456789abcdef\n",
        "phase utility seed 3\n" + "x" * 10_000_000,
    ],
)
def test_status_0_alone_is_no_pass(output: str) -> None:
    reading = read(exited(0, output))
    assert reading.verdict is Verdict.ERROR
    assert len(reading.progress) <= 200


def test_ok_before_a_crash_is_no_pass() -> None:
    assert read(killed(signal.SIGSEGV, GOOD)).verdict is Verdict.FAIL
    assert read(exited(3)).verdict is Verdict.FAIL
    assert read(exited(77)).verdict is Verdict.ERROR


def test_a_trap_tells_where_after_what_and_by_which_rule() -> None:
    asserted = Place("pas_assertion_failed", "pas_utils.h", 270)
    reading = read(killed(signal.SIGTRAP), "jit-medium-bitfit", 1, [asserted, COMMIT])
    assert reading == Reading(
        Verdict.FAIL,
        "SIGTRAP at pas_bitfit_page_inlines.h:193, commit_granules",
        "SIGTRAP",
        "254 objects made and shrunk",
        Crash("commit_granules", "pas_bitfit_page_inlines.h", 193, ("use-count",)),
    )


def test_return_addresses_are_taken_back_to_their_calls() -> None:
    assert told_in(TRAPPED).addresses == (0x457110, 0x457980 - 4, 0x41E1C0 - 4)


def test_the_last_signal_told_counts_and_not_every_frame() -> None:
    fake = (
        "signal 5 pc 0x1 address 0x1\n" * 3 + TRAPPED + "frame 0x8\n" * 1000 + "frame 0x2\nframe 0xffffffffffffffffff\n"
    )
    addresses = told_in(fake).addresses
    assert addresses[0] == 0x457110
    assert len(addresses) == 25
    assert min(addresses) > 0


def test_a_crash_that_nobody_told_of_is_a_failure_without_a_place() -> None:
    reading = read(killed(signal.SIGSEGV, "phase utility seed 3\n"))
    assert (reading.verdict, reading.reason, reading.crash) == (Verdict.FAIL, "SIGSEGV", None)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_from_outside_is_nobodys_failure(number: int) -> None:
    assert read(killed(number)).verdict is Verdict.ERROR


def test_a_real_time_signal_has_no_name_and_fails() -> None:
    assert read(killed(40)).signal == "signal 40"


@pytest.mark.parametrize(
    ("status", "line", "verdict"),
    [
        (3, "wrong contents: byte 3 of 16 bytes at 0x1 from the jit heap", Verdict.FAIL),
        (6, "no memory: 16 bytes from the common heap", Verdict.FAIL),
        (4, "no memory: 16 bytes from the jit heap", Verdict.INCONCLUSIVE),
        (5, "harness: a thread cannot be started", Verdict.ERROR),
    ],
)
def test_the_driver_tells_by_its_status(status: int, line: str, verdict: Verdict) -> None:
    reading = read(exited(status, f"phase utility seed 3\n{line}\n"))
    assert (reading.verdict, line in reading.reason) == (verdict, True)


@pytest.mark.parametrize("status", [126, 127])
def test_a_driver_that_cannot_be_run_is_no_failure(status: int) -> None:
    assert read(exited(status, "", "exec format error")).verdict is Verdict.ERROR


def test_what_libpas_prints_is_kept_short_and_plain() -> None:
    reading = read(killed(signal.SIGABRT, "phase utility seed 3\n\x1b[31m" + "y" * 100_000 + "\n"))
    assert reading.progress.startswith("[31my")
    assert len(reading.progress) == 200
