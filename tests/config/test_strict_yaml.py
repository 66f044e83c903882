"""YAML of strangers: what is taken, what is a mistake, where it is, and that no text makes the reader raise."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from config.profiles import names
from config.strict_yaml import DEEPEST, MOST_VALUES, parse, shown

LIMIT = 64 * 1024


def problems(text: str, *, aliases: bool = False) -> list[tuple[int, int, str]]:
    return [(each.line, each.column, each.message) for each in parse(text, LIMIT, aliases=aliases).problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a remark\n", None),
        ("---\n", None),
        ("\ufeffa: 1\n", {"a": 1}),
        ("a: [yes, on, no, Off, y]", {"a": ["yes", "on", "no", "Off", "y"]}),
        ("a: [true, False, NULL, ~, ]", {"a": [True, False, None, None]}),
        ("a: 2027-03-01", {"a": "2027-03-01"}),
        ("a: [1:30, 1_000, 0b1, .inf, .nan]", {"a": ["1:30", "1_000", "0b1", ".inf", ".nan"]}),
        ("a: [010, 0o10, 0x10, -3, 1.5, 1e3]", {"a": [10, 8, 16, -3, 1.5, 1000.0]}),
        ("a: ['1', \"true\", '<<']", {"a": ["1", "true", "<<"]}),
        ("on: 1\n'<<': 2\n", {"on": 1, "<<": 2}),
        ("a: 4K\nb: >\n  two\n  lines\n", {"a": "4K", "b": "two lines\n"}),
    ],
)
def test_scalars_are_those_of_editors(text: str, value: object) -> None:
    document = parse(text, LIMIT)
    assert document.problems == ()
    assert document.value == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", [(3, 1, "'a' is there twice, first on line 1; leave one of them out")]),
        ("a: {b: 1, b: 2}", [(1, 11, "'b' is there twice, first on line 1; leave one of them out")]),
        ("a: &x 1\n", [(1, 4, "an anchor (&) is not read here; leave it out")]),
        ("a: *x\n", [(1, 4, "an alias (*) is not read here; write the value out")]),
        ("a: !!str 1\n", [(1, 4, "a tag (!) is not read here; leave it out")]),
        ("a: !!python/object:os.system x", [(1, 4, "a tag (!) is not read here; leave it out")]),
        ("<<: {a: 1}", [(1, 1, "a merge key (<<) is not read here; write the values out")]),
        ("a: 1\n---\nb: 2\n", [(2, 1, "a second document begins; only one is read")]),
        ("1: a", [(1, 1, "expected a name before the colon; put one that is no plain text in quotes")]),
        ("? [a]\n: b\n", [(1, 3, "expected a name before the colon; put one that is no plain text in quotes")]),
        ("a: " + "1" * 5000, [(1, 4, "a number that is too large to read")]),
        ("a: 9e999", [(1, 4, "a number that is too large to read")]),
        ("a: \0", [(1, 4, "not YAML: a character that cannot be in it; take it out")]),
        ("a: \ufffd", [(1, 4, "a character that is not UTF-8; save the file as UTF-8")]),
        ('a: "\\ud800"', [(1, 4, "half a character (\\ud800 to \\udfff); write the character itself")]),
        ('a: "\\UFFFFFFFF"', [(1, 7, "not YAML: a number or character that there cannot be")]),
        (f"%YAML 1.{'9' * 5000}\n--- a", [(1, 9, "not YAML: a number or character that there cannot be")]),
        ("a: b: c", [(1, 5, "not YAML that is read here: mapping values are not allowed here")]),
        (
            "a:\n\tb: 1",
            [(2, 1, "not YAML that is read here: found character '\\t' that cannot start any token")],
        ),
        (
            "a: 'b\n",
            [
                (
                    1,
                    6,
                    "not YAML that is read here: found unexpected end of stream, while scanning a quoted scalar "
                    "that begins on line 1",
                )
            ],
        ),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, found: list[tuple[int, int, str]]) -> None:
    assert problems(text) == found


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "{a: "])
def test_deep_nesting_is_a_mistake(opening: str) -> None:
    (problem,) = parse(opening * 15_000, LIMIT).problems
    assert f"more than {DEEPEST} levels deep" in problem.message
    assert problem.column <= DEEPEST * len(opening) + 1


def test_a_large_text_is_not_looked_at() -> None:
    assert problems("é" * (LIMIT // 2)) == []
    ((line, column, message),) = problems("é" * (LIMIT // 2) + "e")
    assert (line, column) == (1, 1)
    assert message == "expected at most 65,536 bytes, and there are 65,537; make the file shorter"


def test_lines_are_those_of_git() -> None:
    """YAML also ends a line at other characters, which GitHub counts as part of one."""
    document = parse("a: 1\r\n# \x85 \u2028 \u2029\nb:\n  c: x\n", LIMIT)
    assert document.keys["b",] == (3, 1)
    assert document.values["b", "c"] == (4, 6)
    assert document.keys["b", "c"] == (4, 3)


def test_where_nothing_stands_what_is_around_it_is_told() -> None:
    document = parse("a:\n  b: [x, y]\n", LIMIT)
    assert document.place(("a", "b", 1)) == (2, 10)
    assert document.place(("a", "b", 7, "c")) == (2, 6)
    assert document.place(("z",)) == (1, 1)
    assert parse("", LIMIT).place(("z",)) == (1, 1)


def test_aliases_are_read_where_they_are_allowed() -> None:
    document = parse("a: &x [1, {b: 2}]\nc: *x\n", LIMIT, aliases=True)
    assert document.problems == ()
    assert document.value == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}
    assert document.place(("c", 1, "b")) == (1, 15)


def test_bombs_of_aliases_are_mistakes() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 15))]
    message = f"more than {MOST_VALUES:,} values, or aliases without an end; make the file shorter"
    for bomb in ("\n".join(lines), "a: &a [*a]", "a: &a {b: *a}"):
        assert problems(bomb, aliases=True) == [(1, 1, message)]
    assert "undefined alias" in problems("a: *nowhere", aliases=True)[0][2]


@pytest.mark.parametrize("name", names())
def test_bundled_profiles_read_as_by_pyyaml(name: str) -> None:
    """No value of theirs is one that YAML 1.1 and 1.2 take for different things."""
    from importlib.resources import files

    text = files("config.profiles").joinpath(f"{name}.yml").read_text()
    document = parse(text, 1 << 20, aliases=True)
    assert document.problems == ()
    assert document.value == yaml.safe_load(text)


def test_a_stranger_s_word_hides_nothing() -> None:
    assert shown("a\u202eb\n\x1b[1m") == "'a\\u202eb\\n\\x1b[1m'"
    assert len(shown("x" * 1000)) < 70


PIECES = [
    *(
        "a",
        "b",
        ": ",
        "\n",
        "  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "'",
        '"',
        "\\",
        "&x",
        "*x",
        "!t ",
        "<<",
        "? ",
        "|",
        ">",
    ),
    *("---\n", "...\n", "%YAML 1.2\n", "#", "\t", "\r\n", "\u2028", "\ufeff", "\0", "\ud800", "1", "~"),
]
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


@given(texts, st.booleans())
@example("\ud800", False)
@example('"\\ud800": 1', True)
def test_no_text_makes_it_raise_and_every_place_is_in_the_text(text: str, aliases: bool) -> None:
    document = parse(text, LIMIT, aliases=aliases)
    lines = text.split("\n")
    last = len(lines) - 1 if text.endswith("\n") else len(lines)
    problems = [(each.line, each.column) for each in document.problems]
    for line, column in (*problems, *document.values.values(), *document.keys.values()):
        assert 1 <= line <= max(last, 1)
        assert 1 <= column <= len(lines[line - 1]) + 1
    assert all(each.message.isprintable() for each in document.problems)
    assert problems == sorted(problems)


@given(texts)
def test_what_is_no_yaml_for_pyyaml_is_none_here(text: str) -> None:
    document = parse(text, LIMIT)
    try:
        list(yaml.parse(text, yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, OverflowError):
        assert document.problems != ()
