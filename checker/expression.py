"""C integer expressions over named values, as rules are written. A name may be a member: `heap.field`.

Evaluated exactly (Python integers, no wrapping), so a rule can never pass by overflow. Division by zero and
shifts by a negative or absurd count are errors, never values.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from pycparser import c_ast
from pycparser.c_parser import CParser, ParseError

MAX_SHIFT = 256

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


class ExpressionError(Exception):
    """An expression that cannot be read, or has no value."""


class UnknownNameError(ExpressionError):
    """An expression uses a name that has no value here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown name {name!r}")
        self.name = name


def _divide(left: int, right: int) -> int:
    """C's division: towards zero."""
    if right == 0:
        raise ExpressionError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    return left - _divide(left, right) * right


def _shift(left: int, right: int, shift: Callable[[int, int], int]) -> int:
    if not 0 <= right <= MAX_SHIFT:
        raise ExpressionError(f"shift by {right}")
    return shift(left, right)


_BINARY: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _remainder,
    "<<": lambda left, right: _shift(left, right, operator.lshift),
    ">>": lambda left, right: _shift(left, right, operator.rshift),
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<": lambda left, right: int(left < right),
    "<=": lambda left, right: int(left <= right),
    ">": lambda left, right: int(left > right),
    ">=": lambda left, right: int(left >= right),
    "==": lambda left, right: int(left == right),
    "!=": lambda left, right: int(left != right),
}
_UNARY: Mapping[str, Callable[[int], int]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
    "!": lambda value: int(not value),
}


@lru_cache(maxsize=512)
def _parse(text: str) -> c_ast.Node:
    try:
        unit = CParser().parse(f"int x = ({text});")
    except ParseError as error:
        raise ExpressionError(f"not a C expression: {text!r}") from error
    if len(unit.ext) != 1 or not isinstance(unit.ext[0], c_ast.Decl):
        raise ExpressionError(f"not one C expression: {text!r}")
    return unit.ext[0].init


def evaluate(text: str, names: Mapping[str, int]) -> int:
    """The value of `text` with its identifiers taken from `names`.

    Raises `ExpressionError` when it cannot be read, uses an unknown name or has no value.
    """
    return _value(_parse(text), names)


def _value(node: c_ast.Node, names: Mapping[str, int]) -> int:
    match node:
        case c_ast.Constant():
            return _constant(node)
        case c_ast.ID() | c_ast.StructRef():
            name = _name(node)
            if name not in names:
                raise UnknownNameError(name)
            return names[name]
        case c_ast.UnaryOp() if node.op in _UNARY:
            return _UNARY[node.op](_value(node.expr, names))
        case c_ast.BinaryOp(op="&&"):
            return int(bool(_value(node.left, names)) and bool(_value(node.right, names)))
        case c_ast.BinaryOp(op="||"):
            return int(bool(_value(node.left, names)) or bool(_value(node.right, names)))
        case c_ast.BinaryOp() if node.op in _BINARY:
            return _BINARY[node.op](_value(node.left, names), _value(node.right, names))
        case c_ast.TernaryOp():
            return _value(node.iftrue if _value(node.cond, names) else node.iffalse, names)
    raise ExpressionError(f"{type(node).__name__} is not allowed in a rule")


def _name(node: c_ast.Node) -> str:
    if isinstance(node, c_ast.ID):
        return str(node.name)
    if isinstance(node, c_ast.StructRef) and node.type == "." and isinstance(node.name, c_ast.ID):
        return f"{node.name.name}.{node.field.name}"
    raise ExpressionError(f"{type(node).__name__} is not allowed in a rule")


def _constant(node: c_ast.Constant) -> int:
    text: str = node.value
    digits = text.rstrip("uUlL")
    try:
        return int(digits, 8) if re.fullmatch(r"0[0-7]+", digits) else int(digits, 0)
    except ValueError:
        raise ExpressionError(f"{text!r} is not an integer") from None


def names_in(text: str) -> frozenset[str]:
    """The identifiers that `text` uses. Raises `ExpressionError` when it cannot be read."""
    found: set[str] = set()
    pending = [_parse(text)]
    while pending:
        node = pending.pop()
        if isinstance(node, c_ast.ID | c_ast.StructRef):
            found.add(_name(node))
        else:
            pending.extend(child for _, child in node.children())
    return frozenset(found)


def headroom(text: str, names: Mapping[str, int]) -> int | None:
    """How far `value` is inside the bounds that `text` sets it; negative by how far it is outside.

    Bounds are the comparisons of `value` among the top-level conjuncts; the nearest counts. None where there is no
    bound, as in an equality. Raises `ExpressionError`.
    """
    distances = [_distance(node, names) for node in _conjuncts(_parse(text))]
    return min((distance for distance in distances if distance is not None), default=None)


def sets_only_bounds(text: str) -> bool:
    """Whether nothing but bounds of `value` decide, so that nearer to them is nearer to true."""
    return all(
        isinstance(node, c_ast.BinaryOp) and node.op in _MIRRORED and (_is_value(node.left) or _is_value(node.right))
        for node in _conjuncts(_parse(text))
    )


def _conjuncts(node: c_ast.Node) -> Iterator[c_ast.Node]:
    if isinstance(node, c_ast.BinaryOp) and node.op == "&&":
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _distance(node: c_ast.Node, names: Mapping[str, int]) -> int | None:
    if not isinstance(node, c_ast.BinaryOp) or node.op not in _MIRRORED:
        return None
    if _is_value(node.left):
        relation, bound = node.op, _value(node.right, names)
    elif _is_value(node.right):
        relation, bound = _MIRRORED[node.op], _value(node.left, names)
    else:
        return None
    room = bound - names["value"] if relation in {"<", "<="} else names["value"] - bound
    return room if relation in {"<=", ">="} else room - 1


def _is_value(node: c_ast.Node) -> bool:
    return isinstance(node, c_ast.ID) and node.name == "value"


def substitute(text: str, names: Mapping[str, int]) -> str:
    """`text` with each known identifier replaced by its number: "(65536 >> 8) + 1"."""
    return _NAME.sub(lambda match: str(names.get(match[0], match[0])), text)
