"""What pydantic finds wrong with a document, as sentences for the person who wrote it, each at its place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from config.strict_yaml import Document, Path, Problem, shown

_LINES = "`name: value` lines"
_KINDS = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": _LINES,
    "mapping_type": _LINES,
    "model_type": _LINES,
    "model_attributes_type": _LINES,
}


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean X?` where one of the known words is like it, else nothing."""
    close = get_close_matches(word[:200], known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def problem_of(error: ErrorDetails, document: Document, model: type[BaseModel]) -> Problem:
    """One of the errors of `model` over what `document` says."""
    path: Path = error["loc"]
    if error["type"] == "extra_forbidden":
        return Problem(*document.keys[path], _unknown(path, model))
    if error["type"] == "missing":
        around = path[:-1]
        place = document.keys.get(around) or document.place(around)
        return Problem(*place, f"{path[-1]} is missing here; it has no default")
    if path[-1:] == ("[key]",) and path not in document.keys:
        return Problem(*document.keys[path[:-1]], _said(error))
    return Problem(*document.place(path), _said(error))


def _said(error: ErrorDetails) -> str:
    context: Mapping[str, Any] = error.get("ctx", {})
    given = error["input"]
    match kind := error["type"]:
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"expected {context['expected']}, not {_shown(given)}"
        case "string_too_long":
            return f"expected at most {context['max_length']} characters, and there are {len(given)}"
        case "string_too_short":
            return "expected text, and there is none"
        case "too_long":
            return f"expected at most {context['max_length']} entries; leave some out"
        case "greater_than_equal":
            return f"expected at least {context['ge']}, not {_shown(given)}"
        case "less_than_equal":
            return f"expected at most {context['le']}, not {_shown(given)}"
    if kind not in _KINDS:
        return error["msg"]
    hint = "; put it in quotes" if kind == "string_type" and isinstance(given, bool | int | float) else ""
    if kind == "tuple_type" and given is not None and not isinstance(given, dict):
        hint = "; put it in [brackets]"
    return f"expected {_KINDS[kind]}, not {_shown(given)}{hint}"


def _shown(given: object) -> str:
    match given:
        case None:
            return "nothing"
        case bool():
            return str(given).lower()
        case str():
            return shown(given)
        case list():
            return "a list"
        case dict():
            return _LINES
        case int() | float():
            return "a number" if abs(given) >= 1e9 else f"the number {given}"
    return "that"


def _unknown(path: Path, model: type[BaseModel]) -> str:
    name = str(path[-1])
    here = _at(model, path[:-1])
    message = f"unknown setting {shown(name)}"
    elsewhere = [at for at, inner in _below(model) if name in inner.model_fields]
    if len(path) > 1 and name in model.model_fields:
        return f"{message} here; it belongs at the beginning of a line"
    if elsewhere and not nearest(name, list(here.model_fields)):
        return f"{message} here; it belongs under {elsewhere[0]}"
    return message + (nearest(name, list(here.model_fields)) or f"; there are: {', '.join(here.model_fields)}")


def _at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """The model of what stands at `path`, whose indexes and names of entries lead no further down."""
    for part in path:
        model = dict(_inner(model)).get(str(part), model)
    return model


def _below(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """All models that stand somewhere in `model`, each with the names that lead to it."""
    for name, inner in _inner(model):
        yield name, inner
        yield from ((f"{name}.{at}", each) for at, each in _below(inner))


def _inner(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The fields of `model` that hold models, and which: directly, or as entries."""
    for name, field in model.model_fields.items():
        for each in (field.annotation, *get_args(field.annotation)):
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield name, each
