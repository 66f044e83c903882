"""How far a value is from its limit, in words, and what it is made of."""

from __future__ import annotations

import pytest

from checker.report import Measure, State
from tests.workers.report.samples import finding, link, measure
from workers.report.arithmetic import before, excess, made_of, room, share
from workers.report.voice import PLAIN


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (measure(8192, 2048, False, -6144), "over by 6144"),
        (measure(16384, 65536, False, -49152), "short by 49152"),
        (measure(255, 255, False, -1), "off by 1"),
        (measure(252, 255, True, 3), "3 left"),
        (measure(256, 256, True, 0), "none left"),
        (measure(24576, 16384, False, 8192), ""),
        (measure(4, 4, True, None), ""),
    ],
)
def test_room(numbers: Measure, words: str) -> None:
    assert room(numbers) == words


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (measure(252, 255, True, 3), "252 of 255, 3 left"),
        (measure(129, 255, True, 125), "129 of 255, 125 left"),
        (measure(6, 255, True, 5), "6, 5 left"),
        (measure(65536, 4096, True, 61440), "65536, 61440 left"),
        (measure(4, 4, True, None), "4"),
    ],
)
def test_a_limit_is_named_where_the_room_is_up_to_it(numbers: Measure, words: str) -> None:
    assert share(numbers) == words


def test_what_was_before_is_told_where_it_was_another() -> None:
    def cell(base: Measure | None, head: Measure | None) -> str:
        found = finding("use-count", "utility", None, State.INTRODUCED, base=base, head=head)
        return f"{excess(found)}{before(found)}"

    good, bad = measure(65, 255, True, 189), measure(257, 255, False, -3)
    assert cell(good, bad) == ", over by 3 (before: 65)"
    assert cell(measure(2048, 2048, True, 0), measure(2048, 8192, True, 6144)) == " (before: 2048, limit 2048)"
    assert cell(bad, bad) == ", over by 3"
    assert cell(None, bad) == ", over by 3"
    assert cell(good, None) == ""


def test_a_long_chain_is_cut_and_counted() -> None:
    chain = [link(name, "a/b.h", line, "x", line) for line, name in enumerate("ABCDEF", 1)]
    assert made_of(chain[:1], PLAIN) == "A = 1 (b.h:1)"
    assert made_of(chain, PLAIN).endswith("D = 4 (b.h:4); and 2 more definitions")
    assert made_of([link("CONFIG", "a/b.h", 9, "{ … }")], PLAIN) == "CONFIG (b.h:9)"
