"""What the host believes of the serial port: only the plan's own order, in time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workers.stress.plan import Plan
from workers.stress.processes import Process
from workers.stress.serial import Heard, Stage, hear

NONCE = "0123456789abcdef" * 2
PLAN = Plan(NONCE, 65536, (Process("a", ("/subject/a",), seconds=10), Process("b", ("/subject/b",), seconds=10)))
BOOT = {"say": "boot", "page": 65536, "smaps": 65536, "at_4k": 22, "at_16k": 22, "at_64k": 0}
ENDED = {"status": 0, "signal": 0, "errno": 0, "timed_out": False, "out_of_memory": False, "dumped": False}
TIMES = {"wall": 900, "user": 800, "peak": 4096, "span": 1000, "kept": True}
END_A = {"say": "end", "id": "a", **ENDED, **TIMES}
GOOD: list[tuple[float, dict[str, Any]]] = [
    (1, BOOT),
    (2, {"say": "begin", "id": "a"}),
    (3, END_A),
    (4, {"say": "begin", "id": "b"}),
    (5, {**END_A, "id": "b", "status": 7}),
    (6, {"say": "done", "count": 2}),
]


def _line(number: int, said: dict[str, Any], nonce: str = NONCE) -> bytes:
    return json.dumps({"nonce": nonce, "line": number, **said}).encode()


def _heard(*said: tuple[float, dict[str, Any]]) -> Heard:
    heard = Heard(PLAN, since=0)
    for number, (at, each) in enumerate(said):
        heard = hear(heard, _line(number, each), at)
    return heard


def _lie(*said: tuple[float, dict[str, Any]]) -> str:
    """The trouble that comes of it, which must come with the last line, and not before."""
    assert _heard(*said[:-1]).trouble is None
    heard = _heard(*said)
    assert heard.lied
    assert heard.trouble is not None
    return heard.trouble


def test_a_whole_session() -> None:
    heard = _heard(*GOOD)
    assert (heard.stage, heard.page_size, heard.trouble, heard.lied) == (Stage.DONE, 65536, None, False)
    first, second = heard.ends
    assert (first.id, first.status, first.signal, first.refusal) == ("a", 0, None, None)
    assert (first.wall, first.user, first.peak) == (0.9, 0.8, 4096)
    assert (second.id, second.status) == ("b", 7)


def test_noise_is_not_heard() -> None:
    heard = _heard(*GOOD[:2])
    for noise in (b"", b"[ 1.0] Kernel panic", _line(2, END_A, "f" * 32), b"\xff\x00", b'{"say":"done"}'):
        assert hear(heard, noise, 3) == heard


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        ({"status": -1, "signal": 5}, (None, 5, None)),
        ({"status": -1, "errno": 2}, (None, None, 2)),
        ({"status": 255}, (255, None, None)),
    ],
)
def test_ways_to_end(said: dict[str, Any], ended: tuple[int | None, ...]) -> None:
    (end,) = _heard(*GOOD[:2], (3, {**END_A, **said})).ends
    assert (end.status, end.signal, end.refusal) == ended


@pytest.mark.parametrize(
    "said",
    [
        {"status": -1},
        {"status": 256},
        {"status": 0, "signal": 5},
        {"status": -1, "signal": 65},
        {"status": 0, "errno": 2},
        {"status": -1, "errno": -2},
    ],
)
def test_no_way_to_end(said: dict[str, Any]) -> None:
    assert "ended in no way that there is" in _lie(*GOOD[:2], (3, {**END_A, **said}))


@pytest.mark.parametrize("left_out", range(len(GOOD) - 1))
def test_a_line_that_is_missing(left_out: int) -> None:
    """Also where the supervisor numbers its lines as if nothing were missing."""
    assert "it " in _lie(*GOOD[:left_out], GOOD[left_out + 1])


@pytest.mark.parametrize("doubled", range(len(GOOD)))
def test_a_line_that_comes_twice(doubled: int) -> None:
    assert "it " in _lie(*GOOD[: doubled + 1], GOOD[doubled])


@pytest.mark.parametrize("count", range(len(GOOD) - 1))
def test_done_too_early(count: int) -> None:
    assert "it said done" in _lie(*GOOD[:count], (9, {"say": "done", "count": 2}))


def test_a_wrong_count() -> None:
    assert "it said done after 2 of 2" in _lie(*GOOD[:5], (6, {"say": "done", "count": 1}))


def test_another_process_than_the_plan_s() -> None:
    assert "it began b" in _lie(GOOD[0], (2, {"say": "begin", "id": "b"}))
    assert "it ended b" in _lie(*GOOD[:2], (3, {**END_A, "id": "b"}))


def test_a_line_out_of_count() -> None:
    heard = hear(_heard(*GOOD[:2]), _line(3, END_A), 3)
    assert heard.trouble == "the supervisor is not to be believed: line 3 came where line 2 was awaited"


@pytest.mark.parametrize("size", range(60, len(_line(2, END_A))))
def test_a_truncated_line(size: int) -> None:
    heard = hear(_heard(*GOOD[:2]), _line(2, END_A)[:size], 3)
    assert heard.lied
    assert heard.ends == ()


@pytest.mark.parametrize(
    "line",
    [
        b"[" + NONCE.encode() + b"]",
        b"\xff" + _line(2, END_A),
        _line(2, {**END_A, "more": 1}),
        _line(2, {**END_A, "status": "0"}),
        _line(2, {**END_A, "status": False}),
        _line(2, {**END_A, "kept": 1}),
        _line(2, {"say": "pass"}),
        _line(2, {"say": ["end"]}),
        _line(2, END_A) + _line(3, END_A),
        json.dumps({**END_A, "nonce": NONCE + "0", "line": 2}).encode(),
    ],
)
def test_a_line_of_another_form(line: bytes) -> None:
    heard = hear(_heard(*GOOD[:2]), line, 3)
    assert heard.lied
    assert heard.ends == ()


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"wall": 19000, "span": 20000}, 3),
        ({"wall": 100, "span": 200}, 60),
        ({"wall": 1001}, 3),
        ({"wall": -1}, 3),
        ({"user": -1}, 3),
        ({"peak": -1}, 3),
        ({"timed_out": True, "signal": 9, "status": -1}, 3),
    ],
)
def test_times_that_cannot_be(said: dict[str, Any], at: float) -> None:
    assert _lie(*GOOD[:2], (at, {**END_A, **said}))


def test_a_timeout_in_time() -> None:
    said = {**END_A, "timed_out": True, "signal": 9, "status": -1, "wall": 10050, "span": 10200}
    (end,) = _heard(*GOOD[:2], (12.3, said)).ends
    assert (end.timed_out, end.signal) == (True, 9)


@pytest.mark.parametrize(
    ("said", "page_size"),
    [
        ({"page": 4096, "smaps": 4096, "at_4k": 0, "at_16k": 0}, 4096),
        ({"page": 16384, "smaps": 16384, "at_16k": 0}, 16384),
        ({"smaps": 4096}, None),
        ({"page": 4096}, None),
        ({"at_4k": 0}, None),
        ({"at_16k": 0}, None),
        ({"at_64k": 22}, None),
        ({"page": 0, "smaps": 0}, None),
    ],
)
def test_a_page_size_that_is_not_proven(said: dict[str, Any], page_size: int | None) -> None:
    """An emulator that only claims 64K lets a protection begin within such a page."""
    heard = _heard((1, {**BOOT, **said}))
    assert heard.trouble is not None
    assert (heard.lied, heard.page_size) == (True, page_size)


def test_a_supervisor_that_gives_up_loses_nothing_that_ended() -> None:
    heard = _heard(*GOOD[:3], (4, {"say": "trouble", "what": "there are no pipes", "errno": 24}))
    assert heard.trouble == "the supervisor gave up: there are no pipes (Too many open files)"
    assert not heard.lied
    assert [end.id for end in heard.ends] == ["a"]


def test_deadlines() -> None:
    assert _heard().deadline == 60
    assert _heard(GOOD[0]).deadline == 31
    assert _heard(*GOOD[:2]).deadline == 2 + 10 + 60
    assert _heard(*GOOD).deadline == 36
