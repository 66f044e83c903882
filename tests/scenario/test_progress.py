from __future__ import annotations

import io

import pytest
from inline_snapshot import snapshot
from rich.console import Console

from workers.scenario import Step, told_on

STEPS = (
    Step("reading the list"),
    Step("downloading", 0, 44_000_000),
    Step("downloading", 44_000_000, 44_000_000),
    Step("taking 2.42.2", note=True),
)


def told(*, terminal: bool) -> str:
    output = io.StringIO()
    with told_on(Console(file=output, force_terminal=terminal, width=80)) as tell:
        for step in STEPS:
            tell(step)
    return output.getvalue()


def test_elsewhere_than_on_a_terminal_each_step_is_one_line() -> None:
    assert told(terminal=False) == snapshot("""\
reading the list …
downloading (44 MB) …
taking 2.42.2
""")


def test_on_a_terminal_a_note_stays() -> None:
    output = told(terminal=True)
    assert "44.0/44.0 MB" in output
    assert "taking 2.42.2\n" in output.replace("\r", "")


def test_what_is_estimated_is_told_again_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    output, now = io.StringIO(), 0.0
    monkeypatch.setattr("workers.scenario.progress.time.monotonic", lambda: now)
    with told_on(Console(file=output, force_terminal=False, width=80)) as tell:
        for done in range(60):
            now = 1000.0 + done
            left = None if done < 5 else 4.0 * (60 - done)
            tell(Step("compiling", done, 60, unit="steps", left=left))
    assert output.getvalue() == snapshot("""\
compiling …
compiling: 20/60 steps, about 3 min left
compiling: 40/60 steps, about 80 s left
""")


def test_on_a_terminal_steps_are_counted_beside_the_estimate() -> None:
    output = io.StringIO()
    with told_on(Console(file=output, force_terminal=True, width=100)) as tell:
        tell(Step("compiling", 812, 1534, unit="steps", left=95.2))
    assert "812/1534 steps, about 95 s left" in output.getvalue()
