"""What is kept of a stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.stress.processes import MOST_OUTPUT
from workers.stress.streams import KEPT, Stream, cut, joined


def test_a_short_stream_is_whole() -> None:
    assert cut(b"a\xff\n") == "a�\n"
    assert cut(b"x" * KEPT) == "x" * KEPT


def test_a_long_one_keeps_its_head_and_more_of_its_tail() -> None:
    text = cut(b"h" * 100 + b"m" * 1000 + b"t" * 300, size=400)
    assert text == "h" * 100 + "\n[1000 bytes left out]\n" + "t" * 300


@given(st.lists(st.binary(max_size=30)), st.integers(4, 60))
def test_the_pieces_that_it_comes_in_change_nothing(pieces: list[bytes], size: int) -> None:
    stream = Stream(size)
    for piece in pieces:
        stream.add(piece)
    assert stream.text == cut(b"".join(pieces), size)


def test_one_without_end_stays_within_the_limit() -> None:
    text = joined(b"x" * KEPT, 1 << 62)
    assert len(text) <= MOST_OUTPUT
    assert f"[{(1 << 62) - KEPT} bytes left out]" in text
