"""The plan's form, and what cannot be asked of a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workers.stress.plan import Plan
from workers.stress.processes import Process

GOOD = Process("a.b-1_2", ("/subject/x", "", "ü"), (("A", "b=c"), ("HOME", "/h")), seconds=1.5, memory=4096)


def test_its_fields() -> None:
    assert Plan("0" * 32, 4096, (GOOD,)).content.split(b"\0") == [
        *(b"0" * 32, b"4096", b"1", b"a.b-1_2", b"1500", b"4096"),
        *(b"3", b"/subject/x", b"", "ü".encode()),
        *(b"4", b"PATH=/usr/bin:/bin", b"HOME=/h", b"LANG=C.UTF-8", b"A=b=c", b""),
    ]


@pytest.mark.parametrize(
    "process",
    [
        replace(GOOD, id=""),
        replace(GOOD, id='a","say":"done'),
        replace(GOOD, id="a b"),
        replace(GOOD, id="x" * 201),
        replace(GOOD, argv=()),
        replace(GOOD, argv=("relative",)),
        replace(GOOD, argv=("/x", "a\0b")),
        replace(GOOD, environment=(("A=B", "c"),)),
        replace(GOOD, environment=(("", "c"),)),
        replace(GOOD, environment=(("A", "\0"),)),
        replace(GOOD, seconds=0),
        replace(GOOD, seconds=float("nan")),
        replace(GOOD, memory=0),
    ],
)
def test_processes_that_cannot_be(process: Process) -> None:
    with pytest.raises(ValueError, match=r"process|program|seconds|NUL|variable"):
        Plan("0" * 32, 4096, (process,))


def test_ids_are_told_apart() -> None:
    with pytest.raises(ValueError, match="two processes"):
        Plan("0" * 32, 4096, (GOOD, GOOD))


@pytest.mark.parametrize("nonce", ["", "0" * 31, "0" * 33, "G" * 32, "0" * 31 + "\0"])
def test_nonces_that_are_none(nonce: str) -> None:
    with pytest.raises(ValueError, match="nonce"):
        Plan(nonce, 4096, ())
