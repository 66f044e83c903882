"""Numbers, lists and other people's text, made fit to read.

Paths and compiler messages come from a pull request, so from anybody. They are shown as code only: inside a code
span GitHub sees no Markdown, no HTML, no mention and no reference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST_PATH = 240
LONGEST_MESSAGE = 300
LONGEST_LINE = 200

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_PUNCTUATION = re.compile(r"[\\`*\[\]<>&|~]|(?<![^\W_])_|_(?![^\W_])|^[#+-]|^\d+(?=[.)])")
_REFERENCES = re.compile(r"[@#](?=\w)|:(?=//)|\bwww(?=\.)|\bGH(?=-\d)", re.IGNORECASE)
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def plural(count: int, noun: str) -> str:
    """`1 limit`, `2 limits`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(words: Sequence[str], *, most: int = 10, last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; beyond `most` the rest is counted."""
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most:,} more"]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def size(octets: int) -> str:
    """Bytes as people say them, without loss: `16 KiB`, `100 bytes`."""
    for unit, name in _UNITS:
        if octets >= unit and octets % unit == 0:
            return f"{octets // unit:,} {name}"
    return f"{octets:,} bytes"


def about(octets: int) -> str:
    """Bytes to three digits, for figures that nobody counts with: `32 MiB` for 33,538,048."""
    for unit, name in _UNITS:
        if octets >= unit:
            count = octets / unit
            return f"{count:.3g} {name}" if count < 999.5 else f"{count:,.0f} {name}"
    return f"{octets:,} bytes"


def page(octets: int) -> str:
    """An OS page size, short: `16K`."""
    return f"{octets // 1024}K"


def pages(octets: Iterable[int]) -> str:
    """OS page sizes: `4K, 16K`."""
    return ", ".join(page(each) for each in sorted(octets))


def brief(value: int | None, unit: str) -> str:
    """A constant's value: `16 KiB` for bytes, `2,048` for a count, `not defined` for none."""
    if value is None:
        return "not defined"
    return size(value) if unit == "bytes" else f"{value:,}"


def quantity(value: int | None, unit: str) -> str:
    """A constant's value, also as it is written in code: `16 KiB (16384)`."""
    exact = value is not None and unit == "bytes" and value >= 1024 and value % 1024 == 0
    return brief(value, unit) + (f" ({value})" if exact else "")


def superscript(number: int) -> str:
    """`12` → `¹²`."""
    return str(number).translate(_SUPERSCRIPTS)


def cut(text: str, most: int) -> str:
    """At most `most` characters, the middle left out: the end of a path says more than its middle."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def plain(text: str, most: int = LONGEST_MESSAGE) -> str:
    """One line with nothing hidden in it: control, format and bidirectional characters are spelled out."""
    flat = "".join(_visible(character) for character in cut(" ".join(text.split()), most))
    return flat or "(empty)"


def _visible(character: str) -> str:
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    return f"\\u{{{ord(character):x}}}"


def verbatim(line: str, most: int = LONGEST_LINE) -> str:
    """A line of source with its spaces; what cannot be seen is spelled out, tabs are four spaces."""
    return cut("".join(map(_visible, line.expandtabs(4).rstrip())), most)


def fenced(lines: Sequence[str], language: str) -> list[str]:
    """A Markdown code block of `verbatim` lines that none of them can end."""
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(longest + 1, 3)
    return [f"{fence}{language}", *lines, fence]


def code(text: str, most: int = LONGEST_PATH) -> str:
    """A Markdown code span that nothing in `text` can end."""
    flat = plain(text, most)
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat[0] in "` " or flat[-1] in "` " else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def cell(markdown: str) -> str:
    """`markdown` made safe as a table's cell: pipes escaped, also those in code spans."""
    return markdown.replace("|", "\\|")


def prose(text: str) -> str:
    """One line of Markdown that shows `text` letter by letter, links nothing and notifies nobody."""
    inert = _REFERENCES.sub(lambda match: f"{match[0]}\u200b", plain(text, 1000))
    return _PUNCTUATION.sub(lambda match: _escaped(match[0]), inert)


def _escaped(punctuation: str) -> str:
    """A number that would begin a list keeps its digits; its full stop is set apart."""
    return f"{punctuation}\u200b" if punctuation.isdigit() else f"\\{punctuation}"


def place(path: str | None, line: int | None, most: int = LONGEST_PATH) -> str:
    """`path:line` as plain text."""
    if path is None:
        return "unknown place"
    return f"{plain(path, most)}:{line}" if line else plain(path, most)
