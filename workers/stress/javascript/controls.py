"""Engines whose outcomes are known, run beside every JavaScript subject.

bun 1.3.11 is built on the WebKit that the reference pull request starts from, and ends itself on pages of 64 KiB;
1.3.12 is the first that runs there. So an emulator that ignores the page size, one that breaks good engines, and a
broken harness each show.
"""

from __future__ import annotations

from pathlib import Path

from config.page_sizes import PAGE_SIZES
from workers.scenario.progress import Tell, silent
from workers.stress.campaign import ControlSubject
from workers.stress.javascript.sources import prepare
from workers.stress.javascript.subject import Kind
from workers.stress.result import Expectation
from workers.stress.verdicts import Verdict

BROKEN = "1.3.11"
"""The bun that runs on pages of at most `BROKEN_ABOVE` bytes."""
BROKEN_ABOVE = 16384
FAILING_PAGES = frozenset(size for size in PAGE_SIZES.values() if size > BROKEN_ABOVE)
"""On these it fails; no control does on others."""
SOUND = "1.3.12"
PHASE = "collect-idle"
SCALE = 0.2
"""One round of the phase."""


def controls(cache_dir: Path | None = None, tell: Tell = silent) -> tuple[ControlSubject, ...]:
    """Both buns, and what they must do on each page size. Raises `SubjectError` where npm cannot fetch them."""
    return (_bun(BROKEN, BROKEN_ABOVE, cache_dir, tell), _bun(SOUND, max(PAGE_SIZES.values()), cache_dir, tell))


def _bun(version: str, largest: int, cache_dir: Path | None, tell: Tell) -> ControlSubject:
    # Named apart from a subject of the same version, which does more in each phase.
    subject = prepare(
        f"npm:@oven/bun-linux-aarch64@{version}",
        kind=Kind.BUN,
        name=f"control bun {version}",
        scale=SCALE,
        cache_dir=cache_dir,
        tell=tell,
    )
    return ControlSubject(
        subject,
        tuple(
            Expectation(subject.name, page_size, PHASE, Verdict.PASS if page_size <= largest else Verdict.FAIL)
            for page_size in PAGE_SIZES.values()
        ),
    )
