"""Of a log of GitHub Actions people see the lines that led to the error, and nothing that is not text."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from workers.build.log import MOST_LINES
from workers.build.workflow_log import told

LOG = """\
\ufeff2026-03-20T23:00:01.1234567Z Current runner version: '2.333.0'
2026-03-20T23:00:02.1234567Z ##[group]Run cmake --build build
2026-03-20T23:00:02.1234568Z ##[command]cmake --build build
2026-03-20T23:00:02.1234569Z ##[endgroup]
2026-03-20T23:00:03.0000000Z \x1b[1mengine.c:7:3: \x1b[31merror:\x1b[0m expected ';'
2026-03-20T23:00:03.0000000Z
2026-03-20T23:00:04.0000000Z ##[error]Process completed with exit code 2.
2026-03-20T23:00:05.0000000Z Post job cleanup.
2026-03-20T23:00:05.0000000Z [command]/usr/bin/git version
2026-03-20T23:00:06.0000000Z Cleaning up orphan processes
"""


def test_the_end_is_the_last_error_and_times_and_colours_are_gone() -> None:
    assert told(LOG) == snapshot("""\
Current runner version: '2.333.0'
> Run cmake --build build
$ cmake --build build
engine.c:7:3: error: expected ';'

Error: Process completed with exit code 2.\
""")


def test_without_an_error_all_counts() -> None:
    assert told("2026-03-20T23:00:01.1234567Z a\r\n2026-03-20T23:00:01.1234567Z b\r\n") == "a\nb"
    assert told("a\nb") == "a\nb"
    assert told("") == ""


def test_a_long_log_has_its_last_lines() -> None:
    lines = [f"2026-03-20T23:00:01.0000000Z line {number}" for number in range(1000)]
    shown = told("\n".join([*lines, "2026-03-20T23:00:01.0000000Z ##[error]no"])).split("\n")
    assert shown == [*(f"line {number}" for number in range(1001 - MOST_LINES, 1000)), "Error: no"]


@given(st.text())
def test_any_text_is_told(text: str) -> None:
    assert not [each for each in told(text) if unicodedata.category(each) in {"Cc", "Cf"} and each not in "\n\t"]
