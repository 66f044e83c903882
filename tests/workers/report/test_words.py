"""Numbers as people read them, and other people's text that can do no harm."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from workers.report.tables import table
from workers.report.words import code, cut, listed, page, place, plain, plural, prose, quantity, size, superscript


def _inline(markdown: str) -> list[Token]:
    """Inline tokens as GitHub's Markdown has them, raw HTML and all."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").parseInline(markdown)[0].children or []


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (0, "0 bytes"),
        (1400, "1,400 bytes"),
        (4096, "4 KiB"),
        (65536, "64 KiB"),
        (1 << 20, "1 MiB"),
        (33538048, "32,752 KiB"),
        (3 << 30, "3 GiB"),
    ],
)
def test_sizes_lose_nothing(octets: int, words: str) -> None:
    assert size(octets) == words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (16384, "bytes", "16 KiB (16384)"),
        (100, "bytes", "100 bytes"),
        (2048, "count", "2,048"),
        (14, "bits", "14"),
        (1, "flag", "1"),
        (None, "bytes", "not defined"),
    ],
)
def test_a_constant_is_written_in_its_unit(value: int | None, unit: str, words: str) -> None:
    assert quantity(value, unit) == words


def test_small_words() -> None:
    assert [plural(0, "limit"), plural(1, "limit"), plural(1200, "limit")] == ["0 limits", "1 limit", "1,200 limits"]
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert listed(["a", "b", "c", "d"], most=2) == "a, b and 2 more"
    assert (page(65536), superscript(120)) == ("64K", "¹²⁰")
    assert (place("a.h", 3), place("a.h", None), place(None, 3)) == ("a.h:3", "a.h", "unknown place")


@given(st.text(max_size=300), st.integers(3, 50))
def test_a_cut_text_is_short_and_keeps_both_ends(text: str, most: int) -> None:
    short = cut(text, most)
    assert len(short) <= most
    assert short == text or (short[0] == text[0] and short[-1] == text[-1] and "…" in short)


PUNCTUATION = "`*_[]()<>#@|\\~!-+.:/&;\n\r\t\x00\x1b\u202e\u2028 aw1GH"
HOSTILE = st.text(st.sampled_from(PUNCTUATION), max_size=40) | st.text(max_size=40)


@given(HOSTILE)
def test_plain_text_is_one_visible_line(text: str) -> None:
    flat = plain(text)
    assert flat.isprintable()
    assert flat


@given(HOSTILE)
def test_code_is_one_code_span_and_nothing_else(text: str) -> None:
    tokens = [token for token in _inline(f"before {code(text)} after") if token.content]
    assert [token.type for token in tokens] == ["text", "code_inline", "text"]
    assert (tokens[0].content, tokens[2].content) == ("before ", " after")
    assert re.sub(r"\s+", " ", tokens[1].content) == re.sub(r"\s+", " ", plain(text, 240))


@given(HOSTILE)
def test_prose_shows_every_letter_and_links_nothing(text: str) -> None:
    tokens = _inline(f"x {prose(text)} x")
    assert {token.type for token in tokens} <= {"text", "text_special"}
    shown = "".join(token.content for token in tokens)
    assert re.sub(r"[@#]\w|://|(?i:\bwww\.|\bGH-\d)", "", shown) == shown
    assert shown.replace("\u200b", "") == f"x {plain(text, 1000)} x".replace("\u200b", "")


@given(st.lists(st.lists(HOSTILE, min_size=2, max_size=2), min_size=1, max_size=4))
def test_a_table_keeps_its_shape_whatever_is_in_it(rows: list[list[str]]) -> None:
    lines = table(("One", "Two"), [[code(each) for each in row] for row in rows])
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse("\n".join(lines))
    assert sum(token.type == "td_open" for token in tokens) == 2 * len(rows)
    assert tokens[0].type == "table_open"
    assert tokens[-1].type == "table_close"
    spans = [child for token in tokens if token.type == "inline" for child in token.children or []]
    assert sum(span.type == "code_inline" for span in spans) == 2 * len(rows)
