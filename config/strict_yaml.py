"""YAML that strangers write: one document of plain values, and where in the text each of them stands.

Scalars are those of YAML 1.2's core schema, as editors read them: `yes`, `on` and `no` are text, and so is a date.
Tags, merge keys, keys that are there twice and further documents are mistakes. Pure; no text makes it raise, take long
or grow large.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import yaml

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the document."""

DEEPEST = 20
"""How many lists and mappings may stand inside each other."""
MOST_VALUES = 50_000
"""How many values a document may have once its aliases are written out."""
LONGEST_SHOWN = 60
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Problem:
    """A mistake in a file. `line` and `column` count from 1; `message` says what was expected and what to do."""

    line: int
    column: int
    message: str


class Place(NamedTuple):
    """Where something begins; both count from 1, lines as git counts them."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """What was read: JSON-able, `None` for an empty document.

    `values` tells where each value begins, `keys` where the key or the list's entry does. `doubtful` are values that
    could not be read, so that nothing can be said against them beside `problems`.
    """

    value: Any
    values: Mapping[Path, Place]
    keys: Mapping[Path, Place]
    doubtful: frozenset[Path]
    problems: tuple[Problem, ...]

    def place(self, path: Path) -> Place:
        """Where the value at `path` begins, or the nearest around it that there is."""
        while path not in self.values and path:
            path = path[:-1]
        return self.values.get(path, Place(1, 1))


def shown(text: str) -> str:
    """A stranger's word in a message: quoted, on one line, nothing hidden in it, and short."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…")


def parse(text: str, most_bytes: int, *, aliases: bool = False) -> Document:
    """Reads `text`, of at most `most_bytes` in UTF-8. Without `aliases` they and their anchors are mistakes."""
    size = len(text.encode(errors="surrogatepass"))
    if size > most_bytes:
        message = f"expected at most {most_bytes:,} bytes, and there are {size:,}; make the file shorter"
        return Document(None, {}, {}, frozenset(), (Problem(1, 1, message),))
    return _Reading(text, aliases).document()


class _Loader(yaml.SafeLoader):
    """PyYAML's composer, which tells `reading` what it is not to take."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own declaration

    def __init__(self, text: str, reading: _Reading) -> None:
        super().__init__(text)
        self.reading = reading
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = _next(self)
        is_alias = isinstance(event, yaml.AliasEvent)
        if not is_alias:
            self._bare(event)
        elif not self.reading.aliases:
            self.reading.refuse(event.start_mark.index, "an alias (*) is not read here; write the value out")
            _take(self)
            return yaml.ScalarNode(f"{_TAG}unread", "", event.start_mark, event.end_mark)
        if self.depth == DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"more than {DEEPEST} levels deep", event.start_mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def _bare(self, event: Any) -> None:
        """Takes tag and anchor off what begins here."""
        at = event.start_mark.index
        if event.tag is not None:
            self.reading.refuse(at, "a tag (!) is not read here; leave it out")
            event.tag = None
        if event.anchor is not None and not self.reading.aliases:
            self.reading.refuse(at, "an anchor (&) is not read here; leave it out")
            event.anchor = None


def _next(loader: Any) -> Any:
    """The parser's next event, which stays there."""
    return loader.peek_event()


def _take(loader: Any) -> None:
    """Goes past the parser's next event."""
    loader.get_event()


for _name, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
}.items():
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z"), None)


class _TooMuch(Exception):
    """More than any file of ours holds."""


class _Reading:
    """One text as it is read."""

    def __init__(self, text: str, aliases: bool) -> None:
        self.text = text
        self.aliases = aliases
        self.ends = [at for at, character in enumerate(text) if character == "\n"]
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.doubtful: set[Path] = set()
        self.problems: list[Problem] = []

    def document(self) -> Document:
        value = None
        if "\ufffd" in self.text:
            self.refuse(self.text.index("\ufffd"), "a character that is not UTF-8; save the file as UTF-8")
        root = self._composed()
        if root is not None:
            try:
                value = self._value(root, ())
            except _TooMuch:
                self.refuse(0, f"more than {MOST_VALUES:,} values, or aliases without an end; make the file shorter")
        problems = tuple(sorted(self.problems, key=lambda problem: (problem.line, problem.column)))
        return Document(value, self.values, self.keys, frozenset(self.doubtful), problems)

    def refuse(self, at: int, message: str) -> None:
        """Notes a mistake at the character `at`, which counts from 0."""
        self.problems.append(Problem(*self._place(at), message))

    def _place(self, at: int) -> Place:
        """The end of a text is told as its last character, so that the line is one that there is."""
        at = max(min(at, len(self.text) - 1), 0)
        line = bisect_left(self.ends, at)
        return Place(line + 1, at - (self.ends[line - 1] if line else -1))

    def _composed(self) -> yaml.Node | None:
        loader = None
        try:
            loader = _Loader(self.text, self)
            _take(loader)
            if loader.check_event(yaml.StreamEndEvent):
                return None
            root = loader.compose_document()
            if not loader.check_event(yaml.StreamEndEvent):
                self.refuse(_next(loader).start_mark.index, "a second document begins; only one is read")
        except yaml.reader.ReaderError as error:
            self.refuse(error.position, "not YAML: a character that cannot be in it; take it out")
        except yaml.MarkedYAMLError as error:
            self._not_yaml(error)
        except (ValueError, OverflowError):
            # PyYAML makes a number of what a directive or an escape names, whatever its size.
            at = loader.get_mark().index if loader else 0
            self.refuse(at, "not YAML: a number or character that there cannot be")
        else:
            return root
        return None

    def _not_yaml(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        message = f"not YAML that is read here: {error.problem or error.context}"
        if error.context and error.problem and error.context_mark:
            message += f", {error.context} that begins on line {self._place(error.context_mark.index).line}"
        self.refuse(mark.index if mark else 0, message)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if len(self.values) == MOST_VALUES or len(path) > DEEPEST:
            raise _TooMuch
        self.values[path] = self._place(node.start_mark.index)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            for number in range(len(node.value)):
                self.keys[(*path, number)] = self._place(node.value[number].start_mark.index)
            return [self._value(each, (*path, number)) for number, each in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for key, value in node.value:
            at = key.start_mark.index
            name = key.value
            if not isinstance(key, yaml.ScalarNode) or key.tag != f"{_TAG}str" or _surrogates(name):
                self.refuse(at, "expected a name before the colon; put one that is no plain text in quotes")
            elif name == "<<" and key.style is None:
                self.refuse(at, "a merge key (<<) is not read here; write the values out")
            elif name in read:
                first = self.keys[(*path, name)].line
                self.refuse(at, f"{shown(name)} is there twice, first on line {first}; leave one of them out")
            else:
                self.keys[(*path, name)] = self._place(at)
                read[name] = self._value(value, (*path, name))
        return read

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        at = node.start_mark.index
        match node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" | "float":
                return self._number(text, path, at)
            case "unread":
                self.doubtful.add(path)
                return None
        if _surrogates(text):
            self.doubtful.add(path)
            self.refuse(at, "half a character (\\ud800 to \\udfff); write the character itself")
        return text

    def _number(self, text: str, path: Path, at: int) -> int | float | None:
        try:
            number = int(text, 0) if text[:2] in {"0x", "0o"} else float(text) if set(text) & set(".eE") else int(text)
            finite = isfinite(number)
        except (ValueError, OverflowError):  # Python reads a few thousand digits at most
            finite = False
        if finite:
            return number
        self.doubtful.add(path)
        self.refuse(at, "a number that is too large to read")
        return None


def _surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
