"""Which macros decide whether a declaration is there: those in the conditions around it.

Only names are read here, to ask the compiler whether it knows them. A slice drops includes, so a macro that one of
them defines would be unknown to it, and a condition on it would silently go the other way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(ifdef|ifndef|if|elif|elifdef|elifndef|else|endif)\b(.*)$")
_COMMENT = re.compile(r"/\*.*?\*/|//.*")
_CALL = re.compile(r"\b(?!defined\b)([A-Za-z_]\w*)\s*\([^()]*\)")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_UNCONDITIONAL = frozenset({"else", "endif"})
_KEYWORDS = frozenset({"defined", "true", "false", "and", "or", "not"})


@dataclass(frozen=True)
class Condition:
    """Names that a conditional directive asks about, and the line it starts on, from 1."""

    line: int
    names: tuple[str, ...]


def all_conditions(source: bytes) -> tuple[Condition, ...]:
    """Every condition in `source`."""
    directives = _directives(source.decode(errors="replace"))
    return tuple(
        Condition(number, names_asked(rest)) for number, name, rest in directives if name not in _UNCONDITIONAL
    )


def conditions_around(source: bytes, line: int) -> tuple[Condition, ...]:
    """The conditions that decide whether `line` of `source` is compiled, those of earlier arms included."""
    open_chains: list[list[Condition]] = []
    for number, directive, rest in _directives(source.decode(errors="replace")):
        if number > line:
            break
        if directive in {"if", "ifdef", "ifndef"}:
            open_chains.append([])
        elif directive == "endif" and open_chains:
            open_chains.pop()
        if open_chains and directive not in _UNCONDITIONAL:
            open_chains[-1].append(Condition(number, names_asked(rest)))
    return tuple(condition for chain in open_chains for condition in chain)


def names_asked(condition: str) -> tuple[str, ...]:
    """Macros that a condition names. The arguments of a function-like one, as in `CPU(ARM64)`, are its own affair."""
    without = _CALL.sub(lambda call: f" {call[1]} ", _COMMENT.sub(" ", condition))
    return tuple(dict.fromkeys(name for name in _NAME.findall(without) if name not in _KEYWORDS))


def _directives(source: str) -> Iterator[tuple[int, str, str]]:
    """Line number, name and rest of each conditional directive, continuation lines joined."""
    joined, start = "", 0
    for number, text in enumerate(source.replace("\r\n", "\n").split("\n"), 1):
        start = start if joined else number
        if text.endswith("\\"):
            joined += f"{text[:-1]} "
            continue
        if match := _DIRECTIVE.match(joined + text):
            yield start, match[1], match[2]
        joined = ""
