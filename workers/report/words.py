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
