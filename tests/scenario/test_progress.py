from __future__ import annotations

import io

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
