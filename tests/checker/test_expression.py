"""C integer expressions, as rules are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.expression import ExpressionError, evaluate, headroom, names_in, substitute

NAMES = {"granule_size": 65536, "min_align_shift": 8, "zero": 0, "minus": -7}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(granule_size >> min_align_shift) + 1", 257),
        ("1 + 2 * 3", 7),
        ("-7 / 2", -3),
        ("minus % 2", -1),
        ("7 % -2", 1),
        ("2 <= 3 && 3 <= 4", 1),
        ("zero && 1 / zero", 0),
        ("1 || 1 / zero", 1),
        ("!zero", 1),
        ("~0", -1),
        ("zero ? 1 : 2", 2),
        ("0x10 + 010 + 5ull", 29),
        ("1 << 64", 2**64),
        ("6 & 3 | 8 ^ 1", 11),
        ("1 < 2 == 1", 1),
    ],
)
def test_values(text: str, value: int) -> None:
    assert evaluate(text, NAMES) == value


@pytest.mark.parametrize(
    "text",
    [
        "1 / zero",
        "1 % zero",
        "1 << 100000",
        "1 << minus",
        "unknown",
        "f(1)",
        "granule_size = 1",
        "1.5",
        '"text"',
        "1 +",
        "); int y = (1",
        "sizeof(int)",
        "a.b.c",
        "a->b",
        "f().b",
        "",
    ],
)
def test_what_has_no_value_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, NAMES)


def test_a_member_is_a_name() -> None:
    names = {"utility.page_size": 16384, "shift": 3}
    assert evaluate("utility.page_size >> shift", names) == 2048
    assert names_in("utility.page_size >> shift") == {"utility.page_size", "shift"}
    assert substitute("utility.page_size >> shift", names) == "16384 >> 3"


@pytest.mark.parametrize(
    ("text", "room"),
    [
        ("value < limit", 2),
        ("value <= limit", 3),
        ("limit > value", 2),
        ("limit >= value", 3),
        ("value > 5", 1),
        ("5 <= value", 2),
        ("2 <= value && value <= limit", 3),
        ("6 <= value && value <= limit", 1),
        ("value >= 4 && value % 4 == 0", 3),
        ("value * 2 <= limit", None),
        ("value == limit", None),
        ("value < limit || value < 100", None),
    ],
)
def test_headroom_is_the_distance_to_the_nearest_bound(text: str, room: int | None) -> None:
    assert headroom(text, {"value": 7, "limit": 10}) == room


@given(value=st.integers(-1000, 1000), limit=st.integers(-1000, 1000), relation=st.sampled_from(["<", "<=", ">", ">="]))
def test_headroom_tells_when_a_bound_is_broken(value: int, limit: int, relation: str) -> None:
    names = {"value": value, "limit": limit}
    room = headroom(f"value {relation} limit", names)
    assert room is not None
    assert (room >= 0) == bool(evaluate(f"value {relation} limit", names))
    moved = value + room if relation in {"<", "<="} else value - room
    assert evaluate(f"value {relation} limit", {"value": moved, "limit": limit})


def test_names_and_substitution() -> None:
    text = "(granule_size >> min_align_shift) + other"
    assert names_in(text) == {"granule_size", "min_align_shift", "other"}
    assert substitute(text, NAMES) == "(65536 >> 8) + other"


expressions = st.recursive(
    st.sampled_from(["a", "b", "c", "1", "2", "4096"]),
    lambda inner: st.builds(
        "({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "<", "<=", "==", "&&", "||", "&", "|", "^"]), inner
    ),
    max_leaves=12,
)
numbers = st.integers(min_value=0, max_value=2**40)


@given(text=expressions, a=numbers, b=numbers, c=numbers)
def test_substituted_arithmetic_has_the_same_value(text: str, a: int, b: int, c: int) -> None:
    names = {"a": a, "b": b, "c": c}
    assert evaluate(substitute(text, names), {}) == evaluate(text, names)


@given(left=st.integers(-(2**40), 2**40), right=st.integers(-(2**20), 2**20).filter(bool))
def test_division_truncates_as_in_c(left: int, right: int) -> None:
    names = {"left": left, "right": right}
    quotient, remainder = evaluate("left / right", names), evaluate("left % right", names)
    assert quotient * right + remainder == left
    assert abs(remainder) < abs(right)
    assert remainder == 0 or (remainder < 0) == (left < 0)
