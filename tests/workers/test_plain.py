"""Frozen data to JSON and back."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from workers.plain import Plain


@dataclass(frozen=True)
class Point(Plain):
    """One field that must be there and two that need not."""

    x: int
    names: tuple[str, ...] = ()
    note: str | None = None


def test_what_went_to_json_comes_back() -> None:
    point = Point(1, ("a", "b"), "c")
    assert Point.from_json(json.loads(json.dumps(point.to_json()))) == point


def test_lists_become_tuples_so_that_what_comes_back_can_be_hashed() -> None:
    point = Point.from_json({"x": 1, "names": ["a"]})
    assert point.names == ("a",)
    assert hash(point) == hash(Point(1, ("a",)))


def test_what_an_older_pagewarden_did_not_know_gets_its_default() -> None:
    assert Point.from_json({"x": 1}) == Point(1)


def test_what_an_older_pagewarden_does_not_know_is_passed_over() -> None:
    assert Point.from_json({"x": 1, "colour": "red"}) == Point(1)


def test_a_field_without_a_default_must_be_there() -> None:
    with pytest.raises(KeyError, match="x"):
        Point.from_json({"names": ["a"]})


def test_null_is_a_value_and_no_missing_field() -> None:
    assert Point.from_json({"x": 1, "note": None}).note is None
