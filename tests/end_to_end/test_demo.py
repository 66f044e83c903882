from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

DEMO = [sys.executable, "-m", "bot.cli", "demo"]
DEADLINE = 170.0


@pytest.fixture
def environment(tmp_path: Path, webkit_2_50: Path) -> Mapping[str, str]:
    """Temporary files below `tmp_path`, and settings that would break the demo if it obeyed them."""
    (tmp_path / "tmp").mkdir()
    return {
        **os.environ,
        "TMPDIR": str(tmp_path / "tmp"),
        "COLUMNS": "80",
        "PAGEWARDEN_REDIS_URL": "redis://127.0.0.1:9/0",
        "PAGEWARDEN_SETTINGS": str(tmp_path / "missing.yml"),
        "http_proxy": "http://127.0.0.1:9",
    }


@contextmanager
def demo(environment: Mapping[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*DEMO, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Output up to and with the first line that matches."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return "".join(lines)
    raise AssertionError(f"no line like {pattern!r} in:\n{''.join(lines)}")


def left_over(place: Path) -> list[str]:
    """Command lines of processes that were started for `place`, a moment after those that are ending have ended."""
    deadline = time.monotonic() + 5
    while (found := _processes_of(place)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _processes_of(place: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if process.name != str(os.getpid()) and str(place).encode() in command + environment:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def test_the_demo_ends_with_the_expected_verdicts(environment: Mapping[str, str], tmp_path: Path) -> None:
    started = time.monotonic()
    with demo(environment, "--once", "--keep", str(tmp_path / "kept")) as process:
        output, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, output
    assert time.monotonic() - started < 180
    row = r"^(B|C|D|unrelated) +(\w+)  (.*?) +(\d) findings? after [\d.]+ s(?:, (\d) suggestions? after ([\d.]+) s)?$"
    shown = re.findall(row, output, re.MULTILINE)
    assert [each[:5] for each in shown] == [
        ("B", "failure", "3 limits broken on linux-arm64", "5", "2"),
        ("C", "failure", "2 limits broken on linux-arm64", "2", "2"),
        ("D", "failure", "1 limit broken on linux-arm64", "1", "1"),
        ("unrelated", "success", "Not applicable: no page-size header touched", "0", ""),
    ]
    assert all(float(each[5]) > 0 for each in shown[:3]), "each of them has a study of its own"
    assert "suggested for use-count: #define JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT 9u" in output
    assert (tmp_path / "kept/WebKit/.git").is_dir()
    assert left_over(tmp_path) == []


def test_the_demo_stays_up_until_interrupted(environment: Mapping[str, str], tmp_path: Path) -> None:
    with demo(environment) as process:
        output = read_until(process, "Ctrl-C ends it")
        address = re.search(r"The pull request: (http://\S+)", output)
        assert address is not None
        page = requests.get(address[1], timeout=10).text
        assert "1 limit broken on linux-arm64" in page
        assert "<ins>+ #define JIT_SMALL_BITFIT_MIN_ALIGN_SHIFT 4u</ins>" in page
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=40)
    assert process.returncode == 0
    assert list((tmp_path / "tmp").iterdir()) == []
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(
    by: signal.Signals, environment: Mapping[str, str], tmp_path: Path
) -> None:
    with demo(environment, "--once") as process:
        read_until(process, r"^B: ")
        process.send_signal(by)
        process.communicate(timeout=40)
    assert process.returncode == 130
    assert list((tmp_path / "tmp").iterdir()) == []
    assert left_over(tmp_path) == []


def test_a_place_in_use_is_refused(environment: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "kept/WebKit").mkdir(parents=True)
    (tmp_path / "kept/WebKit/file").touch()
    (tmp_path / "kept/pagewarden.log").write_text("of an earlier demo\n")
    with demo(environment, "--once", "--keep", str(tmp_path / "kept")) as process:
        output, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 2
    assert "exists and is not an empty directory" in " ".join(output.split())
    assert "of an earlier demo" not in output
