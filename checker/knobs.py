"""The literals that a tree's constants come from, and trees in which some of them are replaced. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from checker.evaluation import Definition, Evaluation, chain
from checker.evaluator import COMMENT, LINE_END
from checker.profile import Profile
from checker.tree import MAX_BLOB_BYTES, Blob, Tree

MOST = 64
"""How many knobs are looked for: nobody turns more, and headers can be made to have any number."""
LONGEST_DEFINITION = 20_000
"""Characters of one definition that are searched."""
LARGEST = 2**64 - 1

_TOKEN = re.compile(
    r"/\*.*?(?:\*/|\Z)"  # a comment, perhaps one that ends elsewhere
    r"|//[^\n]*"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|^[ \t]*\#[^\n]*"  # a directive inside a definition
    r"|(?P<number>[0-9](?:[\w.]|'\w)*)"
    r"|'(?:[^'\\\n]|\\.)*'"
    r"|[A-Za-z_]\w*",
    re.DOTALL | re.MULTILINE,
)
_LITERAL = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlLzZ]*)")
_LINES = re.compile(f"({LINE_END.pattern})")
_SHIFTED_BY = re.compile(r"(?:<<|>>)[\s(]*$")
_TO_BE_SHIFTED = re.compile(r"^[\s)]*<<")
_NEIGHBORHOOD = 40
"""Characters beside a literal that are looked at for a shift."""
_MACRO_HEAD = re.compile(r"\s*#\s*define\s+\w+")
_NAMES_OF_SHIFTS = re.compile(r"SHIFT|(?:^|_)LG_")


@dataclass(frozen=True)
class Knob:
    """One integer literal in the definition of `name`. `column` counts characters from 0.

    `shift`: the literal is a number of bits, so a step adds one; every other step is a factor of two.
    """

    name: str
    path: str
    line: int
    column: int
    text: str
    value: int
    shift: bool


@dataclass(frozen=True)
class Turn:
    """A knob set to another value."""

    knob: Knob
    value: int


def knobs(names: Iterable[str], evaluation: Evaluation, content: Mapping[str, bytes], profile: Profile) -> list[Knob]:
    """The first `MOST` literals in everything that `names` are made of, nearest first; `content` is path → bytes.

    Zero, and one where it is what is shifted or a flag, are no sizes and left out, and so is what the profile says
    is fixed.
    """
    bits = {constant.name for constant in profile.constants if constant.unit == "bits"}
    found: dict[tuple[str, int, int], Knob] = {}
    for name in chain(names, evaluation.definitions):
        definition = evaluation.definitions[name]
        if name in profile.fixed or definition.path not in content:
            continue
        counts_bits = name in bits or _NAMES_OF_SHIFTS.search(name) is not None
        for knob in _in_definition(name, definition, content[definition.path], counts_bits):
            if len(found) == MOST:
                return list(found.values())
            found.setdefault((knob.path, knob.line, knob.column), knob)
    return list(found.values())


def _in_definition(name: str, definition: Definition, source: bytes, counts_bits: bool) -> Iterator[Knob]:
    lines = LINE_END.split(_text(source))[definition.line - 1 : definition.last]
    text = "\n".join(lines)[:LONGEST_DEFINITION]
    start, end = _extent(name, text)
    counts_bits &= "<<" not in COMMENT.sub("", text[start:end])
    line, counted = definition.line, 0
    for match in _TOKEN.finditer(text, start, end):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        literal = _LITERAL.fullmatch(match["number"] or "")
        if literal is None:
            continue
        before, after = (
            text[max(start, counted - _NEIGHBORHOOD) : counted],
            text[match.end() : match.end() + _NEIGHBORHOOD],
        )
        shift = _SHIFTED_BY.search(before) is not None or counts_bits
        value = _value(literal[1])
        if 1 < value <= LARGEST or (value == 1 and shift and not _TO_BE_SHIFTED.search(after)):
            column = counted - (text.rfind("\n", 0, counted) + 1)
            yield Knob(name, definition.path, line, column, match[0], value, shift)


def _extent(name: str, text: str) -> tuple[int, int]:
    """Where a definition's own text is: behind a macro's name, or from a constant's name to its semicolon."""
    if head := _MACRO_HEAD.match(text):
        return head.end(), len(text)
    declared = re.search(rf"\b{re.escape(name.rpartition('::')[2])}\b", text)
    if declared is None:
        return 0, len(text)
    end = text.find(";", declared.end())
    return declared.end(), end if end >= 0 else len(text)


def _value(digits: str) -> int:
    """Zero for what is no literal of C, or absurd."""
    if len(digits) > 66:
        return 0
    try:
        return int(digits, 8) if re.fullmatch(r"0[0-9]+", digits) else int(digits, 0)
    except ValueError:
        return 0


def edited(tree: Tree, turns: Sequence[Turn]) -> Tree:
    """`tree` with these literals replaced; its files that are too large to be read are none that a knob is in."""
    by_path: dict[str, list[Turn]] = {}
    for turn in turns:
        by_path.setdefault(turn.knob.path, []).append(turn)
    contents = {path: turned(_content(tree, path), its) for path, its in by_path.items()}
    ids = {path: blob_id(content) for path, content in contents.items()}
    blobs = {ids[path]: Blob(len(content), content) for path, content in contents.items()}

    def read(oids: Sequence[str], limit: int) -> Mapping[str, Blob]:
        ours = {oid: blobs[oid] for oid in oids if oid in blobs}
        return {**tree.read([oid for oid in oids if oid not in ours], limit), **ours}

    entries = {path: replace(entry, oid=ids.get(path, entry.oid)) for path, entry in tree.entries.items()}
    return Tree(tree.sha, entries, read)


def turned(content: bytes, turns: Sequence[Turn]) -> bytes:
    """A file's content with these literals of it replaced; nothing else changes."""
    pieces = _LINES.split(_text(content))  # lines, each followed by its end
    for turn in sorted(turns, key=lambda turn: (turn.knob.line, -turn.knob.column)):
        knob, at = turn.knob, 2 * (turn.knob.line - 1)
        line = pieces[at]
        pieces[at] = line[: knob.column] + _written(turn) + line[knob.column + len(knob.text) :]
    return "".join(pieces).encode(errors="surrogateescape")


def lines_of(content: bytes) -> list[str]:
    """The lines of a file as people see them."""
    return LINE_END.split(content.decode(errors="replace"))


def blob_id(content: bytes) -> str:
    """git's id of a blob, so that an edited file and the same file in a commit are one."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _written(turn: Turn) -> str:
    digits = _LITERAL.fullmatch(turn.knob.text)
    assert digits is not None
    number = f"{turn.value:#x}" if digits[1][:2].lower() == "0x" else str(turn.value)
    return number + digits[2]


def _content(tree: Tree, path: str) -> bytes:
    oid = tree.entries[path].oid
    data = tree.read([oid], MAX_BLOB_BYTES)[oid].data
    assert data is not None
    return data


def _text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")
